"""What the address says of a page: its choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from harness.app import frame
from harness.study.report.texts import visible


def kept(name: str, value: str | None) -> None:
    """Keep a piece of the page's state in the address; None takes it out."""
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def picked(label: str, options: Sequence[str], key: str, named: Callable[[str], str] = str) -> str:
    """A choice that is kept in the address: that of the address, else that of before, else the first."""
    given, memory = st.query_params.get(key), f"_kept_{key}"
    before = st.session_state.get(memory)
    if given and given != before and given not in options:
        _missed(label, [given], found=False)
    if given in options and given != before:
        st.session_state[key] = given
    elif st.session_state.get(key) not in options:
        st.session_state[key] = before if before in options else options[0]
    found: str = st.selectbox(label, options, key=key, format_func=lambda each: visible(named(each)))
    st.session_state[memory] = found
    kept(key, found)
    return found


def several(label: str, options: Sequence[str], key: str, most: int, names: dict[str, str]) -> list[str]:
    """Several choices that are kept in the address; at first the first `most`. Never none."""
    named, memory = (st.query_params.get(key) or "").split(","), f"_kept_{key}"
    given = [each for each in named if each in options]
    last = st.session_state.get(memory) or []
    before = [each for each in last if each in options]
    if unknown := [each for each in named if each and each not in options and each not in last]:
        _missed(label, unknown, found=bool(given))
    now = [each for each in st.session_state.get(key) or [] if each in options]
    if given and given != before:
        st.session_state[key] = given
    elif not now or now != st.session_state.get(key):
        st.session_state[key] = now or before or list(options[:most])
    found: list[str] = st.multiselect(label, options, key=key, format_func=lambda each: visible(names[each]))
    found = found or list(options[:most])
    st.session_state[memory] = found
    kept(key, ",".join(found))
    return found


def anew(key: str, address: bool) -> None:
    """Forget a choice, as something above it has changed; with `address`, the one that the address has, too."""
    for name in (key, f"_kept_{key}"):
        st.session_state.pop(name, None)
    if address:
        kept(key, None)


def _missed(label: str, names: list[str], found: bool) -> None:
    """Say that the address names what is not there."""
    instead = "It was left out." if found else "Another was taken in its place."
    st.warning(f"{label}: the address names {frame.plain(', '.join(names)[:200])}, which is not here. {instead}")


def chosen_sweep(rows: Callable[[], list[dict[str, Any]]]) -> str | None:
    """The sweep of the page; None, and said so, where there is none."""
    names = [row["sweep"] for row in rows()]
    if not names:
        frame.empty("There is no sweep here yet.", "Run one: `harness sweep CONFIG`, then look again.")
        return None
    given = st.query_params.get("sweep")
    if given and given not in names:
        st.error(f"There is no sweep {frame.plain(given[:200])} in this folder of runs. Pick one here.")
    return picked("Sweep", names, "sweep")
