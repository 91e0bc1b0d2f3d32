"""Promote and roll back: what speaks against it first, then a second look, then the entry."""

from __future__ import annotations

from typing import Any

import streamlit as st

from harness.app import address, frame, store
from harness.app.registry import evidence, registered, versions_apart
from harness.errors import HarnessError, UserError
from harness.study.board.overview import short_name
from harness.study.board.versions import Intent, carried_out, previous
from harness.study.registry.changing import PROMOTE, ROLLBACK
from harness.study.registry.versions import checked_alias
from harness.study.report.texts import short, visible

WAYS = {PROMOTE: "promote a run", ROLLBACK: "roll back"}
USUAL = ("production", "staging")
NEW = "+"  # in place of an alias: one that is still to be named
_ASKED, _SAID, _FAILED = "_intent", "_changed", "_not_changed"
_FIELDS = ("promote-", "rollback-to", "change-reason")


def done() -> None:
    """Say what came of the last change."""
    for name, tell in ((_SAID, st.success), (_FAILED, st.error)):
        told = st.session_state.pop(name, None)
        if told:
            tell(frame.plain(told))
            st.toast(frame.plain(told))  # the message above may be out of sight


def change(found: dict[str, Any]) -> None:
    """The forms; or why nothing can be changed here."""
    with st.expander("Promote or roll back", expanded=bool(st.query_params.get("run"))):
        why_not = frame.may_write()
        if why_not:
            st.info(f"Nothing can be changed here: {why_not}. `harness promote` and `harness registry rollback` can.")
            return
        ways = list(WAYS) if found["aliases"] else [PROMOTE]
        way = address.picked("What to do", ways, "change", lambda each: WAYS[each])
        (_promote if way == PROMOTE else _roll_back)(found)
    intent: Intent | None = st.session_state.get(_ASKED)
    if intent is not None:
        _confirm(found, intent)


def _promote(found: dict[str, Any]) -> None:
    source = _source(found)
    if source is None:
        st.caption("Choose a run, or a version: what speaks against it is shown before anything is written.")
        return
    told = registered.proposed(source)
    frame.text(short(told["evidence"]["label"], 300), "h-name")
    frame.pieces([("h-name", evidence.score(told["evidence"])), ("h-soft", f"  {evidence.counted(told['evidence'])}")])
    evidence.listed(told["evidence"])
    overruled, standing = _objections(told["objections"], source)
    known = list(dict.fromkeys([*(each["alias"] for each in found["aliases"]), *USUAL]))
    alias = _alias(known)
    reason, by = _why()
    problem = _alias_problem(alias)
    if problem and alias:
        st.error(frame.plain(problem))
    intent = Intent(PROMOTE, alias, source, reason, by, found["entries"], told["seen"], overruled)
    _go_on(intent, bool(problem or standing))


def _source(found: dict[str, Any]) -> str | None:
    """The run `SWEEP/VARIANT`, or the version `@v3`, that is chosen; at first that of the address."""
    given = str(st.query_params.get("run") or "")
    versions = {f"@v{each['version']}": each for each in reversed(found["versions"])}
    options = [*versions, *(row["sweep"] for row in store.sweeps())]
    at_first = given.partition("/")[0]
    left, right = st.columns(2)
    with left:
        what = st.selectbox(
            "Version or sweep",
            options,
            index=options.index(at_first) if at_first in options else None,
            key="promote-what",
            format_func=lambda each: visible(
                f"{each}: {short(versions[each]['label'], 60)}" if each in versions else each
            ),
        )
    if what is None or what in versions:
        return what
    entries = {str(each["id"]): each for each in store.opened(what, lean=True).variants}
    names = list(entries)
    wanted = given.partition("/")[2]
    with right:
        variant = st.selectbox(
            "Variant",
            names,
            index=names.index(wanted) if what == at_first and wanted in names else None,
            key="promote-variant",
            format_func=lambda each: visible(short_name(entries[each]) if each in entries else each),
        )
    return f"{what}/{variant}" if variant in entries else None


def _objections(listed: list[dict[str, Any]], source: str) -> tuple[tuple[str, ...], bool]:
    """The options that are ticked to overrule what was found, and whether something stands."""
    if not listed:
        frame.text("✓ Nothing speaks against it.")
    for each in listed:
        frame.text(f"! {each['found']}: {each['todo']}" + ("" if each["option"] else ". Nothing overrules this."))
    options = list(dict.fromkeys(each["option"] for each in listed if each["option"]))
    ticked = tuple(
        option
        for option in options
        if st.checkbox(f"Overrule this all the same (`{option}`); it is kept in the history", key=f"{option} {source}")
    )
    return ticked, any(each["option"] not in ticked for each in listed)


def _roll_back(found: dict[str, Any]) -> None:
    now = {each["alias"]: each["evidence"]["version"] for each in found["aliases"]}
    left, right = st.columns(2)
    with left:
        alias = st.selectbox("Alias", list(now), key="rollback-alias")
        st.caption(f"names version {now.get(alias)} now")
    labels = {each["version"]: each["label"] for each in found["versions"]}
    held = previous(found["history"], alias) if alias else []
    if not held:
        frame.empty("There is nothing to go back to.", "This alias named one version only; promote another.")
        return
    with right:
        to = st.selectbox(
            "To",
            held,
            key=f"rollback-to-{alias}",
            format_func=lambda each: visible(f"version {each}: {short(labels[each], 60)}"),
        )
    reason, by = _why()
    _go_on(Intent(ROLLBACK, alias, str(to), reason, by, found["entries"]), to is None)


def _why() -> tuple[str, str]:
    """The reason, and who does it: as the proxy says, else as typed."""
    reason = st.text_input("Reason (kept for those who read the history later)", key="change-reason", max_chars=2000)
    known = frame.identity()
    if known:
        frame.pieces([("h-soft", "by "), ("", known)])
        return reason.strip(), known
    return reason.strip(), st.text_input("Your name", key="change-by", max_chars=200).strip()


def _alias(known: list[str]) -> str:
    """One that there is, or a new one."""
    left, right = st.columns(2)
    with left:
        name = st.selectbox(
            "As", [*known, NEW], key="promote-as", format_func=lambda each: "another alias…" if each == NEW else each
        )
    if name != NEW:
        return str(name)
    with right:
        return st.text_input("Its name", key="promote-new", max_chars=64, placeholder="canary").strip()


def _alias_problem(alias: str) -> str:
    try:
        checked_alias(alias)
    except UserError as error:
        return str(error)
    return ""


def _go_on(intent: Intent, standing: bool) -> None:
    missing = [name for name, value in (("a reason", intent.reason), ("your name", intent.by)) if not value]
    if missing:
        st.caption(f"Still to be given: {', '.join(missing)}.")
    st.button("Go on", key="go-on", type="primary", disabled=standing or bool(missing), on_click=_ask, args=(intent,))


def _ask(intent: Intent) -> None:
    st.session_state[_ASKED] = intent


def _forget() -> None:
    st.session_state.pop(_ASKED, None)


@st.dialog("Are you sure?", width="large", on_dismiss=_forget)
def _confirm(found: dict[str, Any], intent: Intent) -> None:
    """The second look: what there is, what there will be."""
    if _ASKED not in st.session_state:
        st.rerun()
    now = {each["alias"]: each["evidence"] for each in found["aliases"]}.get(intent.alias)
    before = f"version {now['version']} ({short(now['label'], 80)})" if now else "nothing: it is a new alias"
    labels = {str(each["version"]): each["label"] for each in found["versions"]}
    after = f"version {intent.source} ({short(labels.get(intent.source, ''), 80)})"
    if intent.action == PROMOTE:
        after = f"{intent.source} ({short(registered.proposed(intent.source)['evidence']['label'], 80)})"
    frame.pieces([("h-name", intent.alias), ("", f" names {before}.")])
    frame.pieces([("", "It will name "), ("h-name", after), ("", ".")])
    frame.text(f"by {intent.by}: {intent.reason}")
    for option in intent.overruled:
        frame.text(f"! overruled: {option}")
    st.caption(
        "This writes one more entry; nothing is removed. Whoever reads the alias gets the other version at once."
    )
    with st.container(horizontal=True):
        said = "Promote now" if intent.action == PROMOTE else "Roll back now"
        st.button(said, key="confirm", type="primary", on_click=_write, args=(intent,))
        st.button("Back", key="back", on_click=_forget)
    if now:
        with st.expander("What changes", expanded=True), frame.told("What changes"):
            source = intent.source if intent.action == PROMOTE else f"@v{intent.source}"
            versions_apart.show(registered.apart(now["version"], source, now["sweep"]), "second")


def _write(intent: Intent) -> None:
    """Make the change, if it still may be made; keep what came of it for the next look."""
    _forget()
    why_not = frame.may_write()
    if not why_not and frame.identity() and frame.identity() != intent.by:
        why_not = "the proxy says that somebody else looks now"
    if why_not:
        st.session_state[_FAILED] = f"Nothing was changed: {why_not}."
        return
    try:
        made = carried_out(frame.runs(), intent)
    except HarnessError as error:
        st.session_state[_FAILED] = f"Nothing was changed: {error}"
        return
    finally:
        registered.forget()
    st.session_state[_SAID] = f"{made.alias} names version {made.version} (entry {made.number}, by {made.by})."
    for name in [each for each in st.session_state if str(each).startswith(_FIELDS)]:
        del st.session_state[name]
    address.kept("run", None)
