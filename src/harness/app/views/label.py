"""People label answers blind, one after the other, by the keyboard; what they find calibrates the judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from harness.app import address, frame, store
from harness.app.label import drawn, keys, labelled, sights
from harness.app.label.drawn import MOST, Seat
from harness.errors import HarnessError, UserError
from harness.store import Folder, StoredSweep
from harness.study.board.label import labelling, questions
from harness.study.board.label.labelling import Sample
from harness.study.board.label.pool import Item
from harness.study.board.label.questions import Question
from harness.study.board.opening import open_sweep
from harness.study.judging.labels import Label
from harness.study.report.texts import short, visible

USUAL = 50
OTHER = "+"  # in place of a question: one that is still to be named
STATE = ("_seat", "_label_at", "_label_later", "_label_failed")


def main() -> None:
    """Draw the page."""
    with frame.told("Labelling"):
        seat = _seat()
        if seat is None:
            frame.heading("Label")
            _begin()
            return
        _addressed(seat)
        keys.once()
        _work(seat)


def _seat() -> Seat | None:
    """The seat that was taken, unless the address or the proxy means another one."""
    seat: Seat | None = st.session_state.get("_seat")
    if seat is None or (frame.identity() and seat.by != labelling.reviewer(frame.identity())):
        return None
    elsewhere = any(st.query_params.get(name, value) != value for name, value in asdict(seat).items() if name != "by")
    return None if elsewhere else seat


def _addressed(seat: Seat) -> None:
    """Keep the seat in the address, so that it can be taken again after a reload."""
    for name, value in asdict(seat).items():
        address.kept(name, None if name == "by" and frame.identity() else value)


def _leave() -> None:
    for name in STATE:
        st.session_state.pop(name, None)


# What is asked, and who is asked.


def _begin() -> None:
    name = address.chosen_sweep(store.sweeps)
    if name is None:
        return
    stored = store.opened(name, lean=True)
    if stored.status == "running":
        frame.empty(
            "This sweep is running.", "Label its answers when it has ended: until then they are no fair sample."
        )
        return
    labels = drawn.labels_of(name)
    left, right = st.columns(2)
    with left:
        of = _question(stored, labels)
    with right:
        ask = address.picked("Replies", questions.ways(stored, of, labels), "ask") if of else ""
    left, right = st.columns(2)
    count = left.number_input("Answers to label", 1, MOST, _number("n", USUAL, 1, MOST), key="count")
    by = _reviewer(right)
    with st.expander("More"):
        passages = st.toggle("Show the passages", st.query_params.get("passages") != "no", key="with-passages")
        st.caption("Leave them out for what does not hang on them: answers that differ only in them are then one.")
        seed = st.number_input("Seed of the draw", 0, 2**31, _number("seed", 0, 0, 2**31), key="seed-of-draw")
        st.caption("People who shall label the same answers take the same seed.")
    st.caption(
        "You see neither which variant answered, nor what a judge or another person thinks. Each label is kept at once."
    )
    refused = frame.may_write()
    if refused:
        st.warning(f"Labels cannot be written here: {refused}.")
    given = any(label.by == by and label.metric == of for label in labels)
    said = f"Carry on as {frame.plain(by)}" if given else "Begin"
    if st.button(said, type="primary", shortcut="Enter", disabled=bool(refused) or not of or not by, key="begin"):
        _leave()
        yes = "yes" if passages else "no"
        seat = Seat(name, of, ask, str(count), yes, str(seed), by)
        st.session_state["_seat"] = seat
        _addressed(seat)
        st.rerun()


def _question(stored: StoredSweep, labels: Sequence[Label]) -> str:
    """The question's name; empty while it has none."""
    known, given = questions.names(stored, labels), st.query_params.get("of") or OTHER
    names = [*known, *([given] if given not in (*known, OTHER) else []), OTHER]
    picked = address.picked("Question", names, "of", lambda each: "a question of your own …" if each == OTHER else each)
    if picked != OTHER:
        return picked if picked in known else questions.checked(picked)
    own = st.text_input("What is asked", key="own-question", placeholder="such as: helpful")
    return questions.checked(own) if own else ""


def _reviewer(place: Any) -> str:
    if frame.identity():
        by = labelling.reviewer(frame.identity())
        place.text_input("You are", by, disabled=True, key="identity", help="as the proxy says")
        return by
    given: str = place.text_input("Your name", st.query_params.get("by") or "", key="name", placeholder="such as: ann")
    return labelling.reviewer(given) if given.strip() else ""


def _number(name: str, usual: int, least: int, most: int) -> int:
    """A number of the address."""
    given = st.query_params.get(name) or ""
    return max(least, min(int(given), most)) if given.isdecimal() and len(given) < 12 else usual


# One answer after the other.


def _work(seat: Seat) -> None:
    labels = drawn.labels_of(seat.sweep)
    asked, found = drawn.drawn(seat, labels)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        frame.text(f"{seat.by} labels {short(asked.name, 60)} in {seat.sweep}", "h-soft")
        st.button("Stop, or change what is asked", key="leave", on_click=_leave, type="tertiary")
    if not found.items:
        frame.empty("There is nothing to label.", "No answer has a score of this metric. Pick another question.")
        return
    done = len(found.given)
    st.progress(done / len(found.items), text=f"{done} of {len(found.items)} done")
    failed = st.session_state.pop("_label_failed", None)
    if failed:
        st.error(failed)
    now = _now(found)
    if now is not None:
        _one(seat, asked, found, found.items[now])
    else:
        _done(seat, asked, found, labels)


def _now(found: Sample) -> str | None:
    """The answer to be looked at: the one gone back to, else the next that was not put off; None when all are done."""
    at = st.session_state.get("_label_at")
    if at in found.items:
        return str(at)
    later: list[str] = st.session_state.setdefault("_label_later", [])
    fresh = [name for name in found.queue if name not in later]
    return next(iter([*fresh, *(name for name in later if name in found.queue)]), None)


def _one(seat: Seat, asked: Question, found: Sample, item: Item) -> None:
    keys.seen(item.sight.id)
    left, right = st.columns([3, 2])
    with left:
        sights.conversation(item)
        if not st.session_state.get("_hide_references"):
            sights.references(item)
        sights.answer(item)
    with right:
        _replies(seat, asked, found, item)
    if seat.passages == "yes" and not st.session_state.get("_hide_passages"):
        with st.columns([3, 2])[0]:
            frame.text("Passages", "h-name")
            sights.passages(item)


def _replies(seat: Seat, asked: Question, found: Sample, item: Item) -> None:
    name, own = item.sight.id, found.own.get(item.sight.id)
    frame.text(asked.words, "h-name")
    if own is not None:
        frame.text(f"You said: {asked.word(own.value)}. A new label takes its place.", "h-soft")
    with st.container(horizontal=True):
        for choice in asked.choices:
            given = own is not None and asked.word(own.value) == choice.word
            icon, label = ":material/check:" if given else None, frame.plain(short(choice.label, 60))
            keys.button(label, f"reply-{name}-{choice.key}", choice.key, _reply, seat, item, choice.value, icon=icon)
    with st.container(horizontal=True):
        back = _before(found, name)
        keys.button("Back", f"back-{name}", "b", _go, back, disabled=back is None, type="tertiary")
        keys.button("Leave as it is" if own else "Later", f"later-{name}", "s", _later, name, type="tertiary")
        keys.button(_toggled("references"), f"references-{name}", "e", _toggle, "references", type="tertiary")
        if seat.passages == "yes":
            keys.button(_toggled("passages"), f"passages-{name}", "a", _toggle, "passages", type="tertiary")
    st.text_input("Note", own.note if own else "", key=f"note-{name}", max_chars=2000, placeholder="if you like")
    st.caption("While the note is being written, keys write; the Tab key leaves it.")


def _toggled(what: str) -> str:
    return f"{'Show' if st.session_state.get(f'_hide_{what}') else 'Hide'} {what}"


def _toggle(what: str) -> None:
    st.session_state[f"_hide_{what}"] = not st.session_state.get(f"_hide_{what}")


def _before(found: Sample, name: str) -> str | None:
    """The answer that was labelled before this one."""
    given = found.given
    at = given.index(name) if name in given else len(given)
    return given[at - 1] if at else None


def _go(name: str | None) -> None:
    st.session_state["_label_at"] = name


def _later(name: str) -> None:
    """Put it off until the others are done; what was labelled stays as it is."""
    later = st.session_state.setdefault("_label_later", [])
    st.session_state["_label_later"] = [*(each for each in later if each != name), name]
    st.session_state["_label_at"] = None


def _reply(seat: Seat, item: Item, value: float) -> None:
    if not keys.hurried() and _write(seat, item, value, str(st.session_state.get(f"note-{item.sight.id}") or "")):
        st.session_state["_label_at"] = None


def _settle(seat: Seat, item: Item, value: float) -> None:
    _write(seat, item, value, "", adjudicated=True)


def _write(seat: Seat, item: Item, value: float, note: str, adjudicated: bool = False) -> bool:
    """Keep a label; what hinders is said on the page, and the answer stays in view."""
    try:
        refused = frame.may_write()
        if refused:
            raise UserError(refused)
        labels = drawn.labels_of(seat.sweep)
        asked, found = drawn.drawn(seat, labels)
        own = found.own.get(item.sight.id)
        if adjudicated or own is None or (own.value, own.note) != (value, note):
            folder = Folder(frame.runs()) / seat.sweep
            labelling.give(folder, asked, item, labels, value=value, by=seat.by, note=note, adjudicated=adjudicated)
    except HarnessError as error:
        st.session_state["_label_failed"] = f"This label was not kept: {frame.plain(str(error))}"
        return False
    except Exception as error:  # noqa: BLE001  (a store may fail in ways of its own: the page says so)
        st.session_state["_label_failed"] = f"This label was not kept: {frame.plain(visible(repr(error)[:300]))}"
        return False
    return True


def _done(seat: Seat, asked: Question, found: Sample, labels: Sequence[Label]) -> None:
    st.success(f"All {len(found.items)} answers of this sample have your label.")
    keys.button("Back to the last", "back-done", "b", _go, _before(found, ""))
    invitation = {name: value for name, value in asdict(seat).items() if name != "by"}
    with frame.told("The agreement"):
        labelled.agreement(found, labels, asked, invitation)
    with frame.told("The disagreements"):
        labelled.differences(found, labels, asked, lambda item, value: _settle(seat, item, value))
    with frame.told("The calibration"):
        stored = open_sweep(frame.runs(), seat.sweep, lean=True)
        labelled.outlook(seat.sweep, asked, labelling.calibrated(stored, asked), len(found.given))


main()
