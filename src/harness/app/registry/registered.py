"""What pages read of the registry, kept between reruns for as long as its files are the same."""

from __future__ import annotations

from typing import Any

import streamlit as st

from harness.app.frame import runs
from harness.study.board import versions
from harness.study.board.opening import stamp
from harness.study.registry.reading import REGISTRY

_STATE_S = 60.0


@st.cache_data(show_spinner=False, max_entries=4)
def _shown(uri: str, marks: tuple[Any, ...]) -> dict[str, Any]:
    return versions.shown(uri)


def shown() -> dict[str, Any]:
    """All of the registry. Raises UserError where a file of it was changed or is missing."""
    return _shown(runs(), stamp(runs(), REGISTRY))


@st.cache_data(show_spinner=False, max_entries=16)
def _in_full(uri: str, number: int, marks: tuple[Any, ...]) -> dict[str, Any]:
    return versions.in_full(uri, number)


def in_full(number: int) -> dict[str, Any]:
    """One version with its record and its YAML."""
    return _in_full(runs(), number, stamp(runs(), REGISTRY))


@st.cache_data(ttl=_STATE_S, show_spinner="Reading the run's files", max_entries=32)
def _state(uri: str, number: int, marks: tuple[Any, ...]) -> dict[str, Any]:
    return versions.state_of(uri, number)


def state_of(number: int, sweep: str) -> dict[str, Any]:
    """Whether a version's run is as it was, at most a minute old."""
    return _state(runs(), number, (stamp(runs(), REGISTRY), stamp(runs(), sweep)))


@st.cache_data(show_spinner="Comparing", max_entries=8)
def _between(uri: str, before: int, after: int, marks: tuple[Any, ...]) -> dict[str, Any]:
    return versions.between(uri, before, after)


def between(before: int, after: int, sweeps: tuple[str, ...]) -> dict[str, Any]:
    """What one version has otherwise than another; `sweeps` are those of their runs."""
    marks = (stamp(runs(), REGISTRY), *(stamp(runs(), name) for name in sweeps))
    return _between(runs(), before, after, marks)


@st.cache_data(show_spinner="Gathering the evidence", max_entries=8)
def _proposed(uri: str, source: str, marks: tuple[Any, ...]) -> dict[str, Any]:
    return versions.proposed(uri, source)


def proposed(source: str) -> dict[str, Any]:
    """What a promotion would promote, and what speaks against it. Raises UserError where there is no such run."""
    return _proposed(runs(), source, _marks(source))


@st.cache_data(show_spinner="Comparing", max_entries=8)
def _apart(uri: str, now: int, source: str, marks: tuple[Any, ...]) -> dict[str, Any]:
    return versions.apart(uri, now, source)


def apart(now: int, source: str, sweep: str) -> dict[str, Any]:
    """What a change would bring to an alias that names version `now`, of a run of `sweep`."""
    return _apart(runs(), now, source, (*_marks(source), stamp(runs(), sweep)))


def _marks(source: str) -> tuple[Any, ...]:
    marks = (stamp(runs(), REGISTRY), stamp(runs(), "_calibrations"))
    return marks if source.startswith("@") else (*marks, stamp(runs(), source.partition("/")[0]))


def forget() -> None:
    """Read all of it anew: something was written."""
    for kept in (_shown, _in_full, _proposed):
        kept.clear()
