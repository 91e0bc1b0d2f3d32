"""One or two configurations are talked to, side by side. The one page that may ask models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from harness.app import address, frame, store
from harness.app.playground import asking, keeping
from harness.app.playground.asking import Asked
from harness.app.playground.talks import Line, Pool
from harness.errors import HarnessError, UserError
from harness.plugins import name as name_of
from harness.study.board.opening import stamp
from harness.study.board.playground.candidates import (
    Evidence,
    evidence_of,
    money,
    paid,
    proven_of,
    registered,
    runs_of,
)
from harness.study.proven import Proven
from harness.study.report.texts import short, visible
from harness.sweeps.conversing import Evaluated, Responder, Talk

ALONE = "-"
REMEMBERED = 8  # conversations of a session that are there when one comes back to the same configurations
LONGEST = 100_000  # characters of a question
_REGISTRY_S = 5.0


@dataclass(frozen=True)
class Side:
    """A configuration that was chosen; `line` is None where it cannot answer."""

    key: str
    proven: Proven
    evidence: Evidence
    line: Line | None

    @property
    def name(self) -> str:
        """What it is called in the registry, with its version; of a run its settings."""
        version = self.proven.version
        named = f"{self.key.removeprefix('@')} (version {version.number})" if version else self.proven.label
        return short(named, 100)

    @property
    def identity(self) -> tuple[str, str]:
        """What an alias names now: after a promotion its conversation is another one."""
        return self.key, self.proven.version.digest if self.proven.version else ""


def main() -> None:
    """Draw the page."""
    frame.heading("Playground")
    st.caption(
        "The one page that asks models: an answer may cost money, and says so before. What you type stays off the "
        "disk here, unless you keep it as an example."
    )
    with frame.told("The playground"):
        keys = _chosen()
        if keys:
            _talk(keys)


# What is talked to.


@st.cache_data(ttl=_REGISTRY_S, show_spinner=False, max_entries=4)
def _registered(uri: str) -> dict[str, str]:
    return registered(uri)


def _chosen() -> list[str]:
    """The keys of one or two configurations, kept in the address; none, and said so, where there is nothing."""
    found: dict[str, str] = {}
    with frame.told("The registry"):
        found |= _registered(frame.runs())
    sweeps = [row["sweep"] for row in store.sweeps()]
    if not sweeps and not found:
        frame.empty("There is no sweep here yet.", "Run one: `harness sweep CONFIG`, then talk to what it tried.")
        return []
    first, second, third = st.columns(3)
    if sweeps:
        with third:
            name = address.picked("Runs of", sweeps, "sweep")
        with frame.told("This sweep"):
            found |= runs_of(store.opened(name, lean=True))
    for word in ("a", "b"):
        found |= _addressed(st.query_params.get(word), found)
    if not found:
        return []
    with first:
        one = address.picked("Configuration", list(found), "a", lambda key: found[key])
    others = {ALONE: "nothing: talk to one", **{key: said for key, said in found.items() if key != one}}
    with second:
        two = address.picked("Against", list(others), "b", lambda key: others[key])
    return [one] if two == ALONE else [one, two]


def _addressed(key: str | None, found: Mapping[str, str]) -> dict[str, str]:
    """What the address names beside the sweep that is picked: a run of another one."""
    if not key or key in found or key == ALONE:
        return {}
    try:
        return {key: f"run {short(proven_of(frame.runs(), key).run)}"}
    except HarnessError as error:
        st.error(f"The address names no configuration of this folder: {frame.plain(str(error)[:300])}. Pick one here.")
        return {}


@st.cache_data(show_spinner="Gathering the figures", max_entries=32)
def _evidence(uri: str, key: str, marks: tuple[Any, ...]) -> Evidence:
    return evidence_of(proven_of(uri, key))


@st.cache_resource(show_spinner=False)
def _pool() -> Pool:
    return Pool()


def _side(key: str) -> Side:
    """A configuration with its card. Raises what stands against showing it."""
    uri = frame.runs()
    proven = proven_of(uri, key)
    marks = (proven.version.digest,) if proven.version else stamp(uri, proven.run.partition("/")[0])
    found = _evidence(uri, key, marks)
    side = Side(key, proven, found, None)
    frame.text(side.name, "h-name")
    frame.text(" · ".join([f"run {proven.run}", *([short(proven.label, 300)] if proven.version else [])]), "h-soft")
    frame.text(found.found)
    try:
        with st.spinner("Opening"):
            line = _pool().hold((uri, *side.identity), lambda: _line(proven, key))
    except HarnessError as error:
        st.error(f"It cannot answer here: {frame.plain(str(error))}")
        return side
    whom = ", ".join(f"{model} at {server}" if server else model for model, server in line.asks.items())
    frame.text(f"asks {whom or 'local models only'}; {found.price(line.free)}")
    return Side(key, proven, found, line)


def _line(proven: Proven, key: str) -> Line:
    """The line to a configuration; nothing is asked yet. Raises UserError where it cannot be."""
    config = proven.read(key, "its files are looked for in the folder that the runs lie in")
    changed = ""
    try:
        responder = Responder(config, evaluated=Evaluated(proven.variant, proven.corpus))
    except UserError as error:
        responder = Responder(config)  # raises again where it is not the evidence that stands against it
        changed = str(error)
    asks = {name_of(part): _server(part) for part in responder.parts if not part.local}
    return Line(lambda: Talk(responder), responder.is_free, asks, changed)


def _server(part: Any) -> str:
    """The server of a model elsewhere; empty where it is the provider's own."""
    return str(getattr(part, "server", None) or getattr(part, "url", None) or "")


# Talking.


def _talk(keys: list[str]) -> None:
    sides = []
    for key, column in zip(keys, st.columns(len(keys)), strict=True):
        with column, st.container(border=True), frame.told("This configuration"):
            sides.append(_side(key))
    refused = frame.may_write()
    if refused:
        st.warning(f"Nothing can be asked here: {refused}.")
    lines = {side.key: side.line for side in sides if side.line is not None}
    barred = bool(refused) or len(lines) < len(keys)
    allowed = not barred and _agreed(sides)
    past = _past(sides)
    hint = "Ask" if allowed else "Nothing can be asked here" if barred else "First tick above"
    question = st.chat_input(hint, key="ask", disabled=not allowed or asking.busy(past), max_chars=LONGEST)
    if question and question.strip() and allowed and not asking.busy(past):
        with st.spinner("Getting ready"):
            asking.ask(past, lines, question.strip())
        st.rerun()
    _tools(past)
    names = {side.key: side.name for side in sides}
    if len(sides) == len(keys):
        _totals(past, sides)
        asking.draw(past, names)
        keeping.keep(past, names, sides[0].proven.workspace, refused)


def _agreed(sides: list[Side]) -> bool:
    """Whether all is agreed to: to pay, and to talk to what is no longer what was evaluated."""
    agreed = True
    word = "-".join(f"{side.key}-{side.identity[1]}" for side in sides)
    for side in sides:
        if side.line is not None and side.line.changed:
            st.warning(f"{frame.plain(side.name)} is not what was evaluated: {frame.plain(side.line.changed)}")
            agreed &= st.checkbox("Talk to it as it is now; its score does not hold for it", key=f"changed-{side.key}")
            if st.button("Look again", key=f"again-{side.key}"):
                _pool().drop((frame.runs(), *side.identity))
                st.rerun()
    dear = [side for side in sides if side.line is not None and not side.line.free]
    if dear:
        whom = dict.fromkeys(name for side in dear if side.line is not None for name in side.line.asks)
        agreed &= st.checkbox(f"Ask, and pay for answers of {frame.plain(' and '.join(whom))}", key=f"pay-{word}")
        st.caption("Vectors of a knowledge base that are missing are made, and paid for, before the first answer.")
    return agreed


def _past(sides: list[Side]) -> list[Asked]:
    """This session's conversation with these configurations."""
    kept: dict[Any, list[Asked]] = st.session_state.setdefault("_conversations", {})
    key = (frame.runs(), *(side.identity for side in sides))
    found = kept.pop(key, [])
    kept[key] = found
    while len(kept) > REMEMBERED:
        del kept[next(iter(kept))]
    return found


def _tools(past: list[Asked]) -> None:
    if asking.busy(past):
        st.button("Stop answering", key="stop", icon=":material/stop:", on_click=asking.give_up, args=(past,))
    elif past:
        st.button("New conversation", key="new", icon=":material/restart_alt:", on_click=past.clear)


def _totals(past: list[Asked], sides: list[Side]) -> None:
    """What this conversation cost so far."""
    for side in sides:
        usd, unknown = paid([each.turn.answers[side.key] for each in past if side.key in each.turn.answers])
        if side.line is not None and not side.line.free and (usd or unknown):
            also = f", and {unknown} answers without a known price" if unknown else ""
            st.caption(f"{frame.plain(visible(side.name))}: USD {money(usd)} for answers of this conversation{also}")


main()
