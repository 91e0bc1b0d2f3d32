"""What pages read, kept between reruns for as long as the folder is the same."""

from __future__ import annotations

from typing import Any

import streamlit as st

from harness.app.frame import runs
from harness.store import StoredSweep
from harness.study.board.opening import open_run, open_sweep, stamp
from harness.study.board.overview import overview, tags_of
from harness.study.board.shelf import shelf
from harness.study.board.versus import versus

_SHELF_S = 5.0


@st.cache_data(ttl=_SHELF_S, show_spinner=False, max_entries=4)
def _shelf(uri: str) -> list[dict[str, Any]]:
    return shelf(uri)


def sweeps() -> list[dict[str, Any]]:
    """The rows of all sweeps, at most five seconds old."""
    return _shelf(runs())


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened(uri: str, name: str, marks: tuple[Any, ...], lean: bool) -> StoredSweep:
    return open_sweep(uri, name, lean=lean)


def opened(name: str, *, lean: bool = False) -> StoredSweep:
    """A sweep by its name, read anew where its folder changed. Raises UserError where there is none."""
    return _opened(runs(), name, stamp(runs(), name), lean)


@st.cache_data(show_spinner="Gathering the figures", max_entries=8)
def _overview(uri: str, name: str, marks: tuple[Any, ...], status: str) -> dict[str, Any]:
    return overview(open_sweep(uri, name, lean=True))


def overview_of(name: str) -> dict[str, Any]:
    """All that the page of one sweep shows."""
    return _overview(runs(), name, stamp(runs(), name), opened(name, lean=True).status)


def fresh(name: str) -> StoredSweep:
    """A sweep read for this session alone."""
    return open_sweep(runs(), name)


@st.cache_data(show_spinner="Working out the slices", max_entries=8)
def _tags(uri: str, name: str, marks: tuple[Any, ...]) -> dict[str, Any]:
    return tags_of(open_sweep(uri, name, lean=True))


def slices_of(name: str) -> dict[str, Any]:
    """The slices of a sweep that is too large to work them out at once."""
    return _tags(runs(), name, stamp(runs(), name))


@st.cache_data(show_spinner="Comparing", max_entries=8)
def _compared(uri: str, names: tuple[str, ...], count: int, marks: tuple[Any, ...]) -> list[dict[str, Any]]:
    by_sweep: dict[str, StoredSweep] = {}
    found = []
    for text in names:
        stored, entry = open_run(uri, text)
        found.append((by_sweep.setdefault(stored.id, stored), entry))
    return versus(found, count)


def compared(names: tuple[str, ...], count: int) -> list[dict[str, Any]]:
    """Runs (`SWEEP/VARIANT`) against the first of them. Raises UserError where one is not there."""
    marks = tuple(stamp(runs(), name.partition("/")[0]) for name in names if "/" in name)
    return _compared(runs(), names, count, marks)
