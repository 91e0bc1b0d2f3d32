"""A conversation with one or two configurations: asked at once, heard word by word, drawn side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from harness.app import frame
from harness.app.playground.talks import Line
from harness.errors import HarnessError
from harness.records import Message
from harness.study.board.playground.candidates import Turn, facts, failed, history
from harness.study.report import amounts
from harness.study.report.texts import cut

EVERY_S = 0.1
ANSWER, PASSAGE = 20_000, 2_000
"""Characters that are shown of each."""
LONG, LONG_PX = 2000, 420
"""An answer of more characters is scrolled in its own place."""


@dataclass
class Asked:
    """A turn, and the answers to come by configuration. It belongs to one browser session."""

    turn: Turn
    coming: dict[str, Future[Any]] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)


def ask(past: list[Asked], lines: Mapping[str, Line], question: str) -> None:
    """Ask all configurations, each with the turns as it knows them; what is missing of them is made first."""
    asked = Asked(Turn(question))
    turns = [each.turn for each in past]
    past.append(asked)
    for key, line in lines.items():
        words = asked.turn.words.setdefault(key, [])
        try:
            messages = [*history(turns, key), Message("user", question)]
            asked.coming[key] = line.start(messages, words.append)
        except HarnessError as error:
            asked.turn.answers[key] = failed(str(error))


def busy(past: Sequence[Asked]) -> bool:
    """Whether an answer is to come."""
    return bool(past) and bool(past[-1].coming)


def give_up(past: Sequence[Asked]) -> None:
    """Cancel what is to come."""
    for future in past[-1].coming.values() if past else ():
        future.cancel()


def draw(past: Sequence[Asked], names: Mapping[str, str]) -> None:
    """All turns; then follow the answers that are to come, until they are there."""
    places: dict[str, Any] = {}
    for asked in past:
        with st.chat_message("user"):
            frame.text(asked.turn.question)
        for (key, name), column in zip(names.items(), st.columns(len(names)), strict=True):
            with column, st.container(border=True):
                if len(names) > 1:
                    frame.text(name, "h-name")
                if key in asked.coming:
                    places[key] = st.empty()
                elif key in asked.turn.answers:
                    _answer(asked.turn.answers[key], "".join(asked.turn.words.get(key, ())))
    if places:
        _follow(past[-1], places)
        st.rerun()


def _follow(asked: Asked, places: Mapping[str, Any]) -> None:
    """Show words as they come. A rerun in between loses nothing: the answer comes to the turn, not to the page."""
    while asked.coming:
        for key, future in list(asked.coming.items()):
            if future.done():
                asked.turn.answers[key] = _heard(future)
                del asked.coming[key]
                continue
            words = cut("".join(asked.turn.words[key]), ANSWER)
            with places[key].container():
                frame.text(words.text)
                frame.text(f"{time.monotonic() - asked.since:.1f} s …", "h-soft")
        time.sleep(EVERY_S if asked.coming else 0)


def _heard(future: Future[Any]) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = future.result().as_json()
    except CancelledError:
        return failed("given up; what its provider charges for it is not known here")
    except HarnessError as error:
        return failed(str(error))
    except Exception as error:  # noqa: BLE001  (one side may break, the other stands)
        return failed(f"this is a bug of ours ({type(error).__name__}: {error})")
    return found


def _answer(answer: Mapping[str, Any], heard: str) -> None:
    if answer["failure"] is not None:
        if heard:
            frame.text(cut(heard, ANSWER).text)
        frame.pieces([("h-miss", f"no answer: {cut(answer['failure'], PASSAGE).text}")])
    else:
        shown = cut(answer["answer"], ANSWER)
        with st.container(border=False, height=LONG_PX if len(shown.text) > LONG else "content"):
            frame.text(shown.text or "an empty answer", "" if shown.text else "h-soft")
        if shown.note:
            frame.text(f"[{shown.note}]", "h-soft")
    told = facts(answer)
    if not told:
        return
    frame.text(told, "h-soft")
    passages = answer["passages"]
    with st.expander(amounts.plural(len(passages), "passage")):
        for i, each in enumerate(passages, 1):
            place = f"{each['document']} {each['start']}-{each['end']}"
            near = f"  similarity {amounts.number(each['similarity'])}\n"
            frame.pieces([("h-name", f"{i}. {place}"), ("h-soft", near), ("", cut(each["text"], PASSAGE).text)])
        if not passages:
            frame.text("none was retrieved", "h-soft")
