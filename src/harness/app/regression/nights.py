"""What pages read of nights, kept between reruns for as long as the folder is the same."""

from __future__ import annotations

from typing import Any

import streamlit as st

from harness.app.frame import runs
from harness.store import Folder
from harness.study.board.opening import stamp
from harness.study.board.regression.broken import broken
from harness.study.board.regression.nightly import nightly_sweeps, series_of
from harness.study.board.regression.trend import trend
from harness.study.gate.series import NIGHTS

_SERIES_S = 5.0


@st.cache_data(ttl=_SERIES_S, show_spinner=False, max_entries=4)
def _series(uri: str) -> list[dict[str, Any]]:
    return series_of(uri)


def series() -> list[dict[str, Any]]:
    """All series of nights, at most five seconds old."""
    return _series(runs())


@st.cache_data(ttl=_SERIES_S, show_spinner=False, max_entries=4)
def _sweeps(uri: str) -> dict[str, dict[str, Any]]:
    return nightly_sweeps(uri)


def sweeps() -> dict[str, dict[str, Any]]:
    """The sweeps of nights by id, with `series`, `number` and `alarm`."""
    return _sweeps(runs())


@st.cache_data(show_spinner="Working out limits and verdicts", max_entries=8)
def _trend(uri: str, found: dict[str, Any], marks: tuple[Any, ...]) -> dict[str, Any]:
    return trend(uri, found)


def trend_of(found: dict[str, Any]) -> dict[str, Any]:
    """A series as its page shows it; worked out anew where a night was added or a sweep came or went."""
    uri = runs()
    return _trend(uri, found, (stamp(uri, f"{NIGHTS}/{found['series']}"), tuple(Folder(uri).children())))


@st.cache_data(show_spinner="Comparing", max_entries=16)
def _broken(
    uri: str, run: str, baseline: str, metric: str, label: str, count: int, marks: tuple[Any, ...]
) -> dict[str, Any]:
    return broken(uri, run, baseline, metric, label, count)


def broken_in(run: str, baseline: str, metric: str, label: str, count: int) -> dict[str, Any]:
    """A night against its baseline. Raises UserError where one of the two runs is gone."""
    marks = tuple(stamp(runs(), name.partition("/")[0]) for name in (run, baseline))
    return _broken(runs(), run, baseline, metric, label, count, marks)
