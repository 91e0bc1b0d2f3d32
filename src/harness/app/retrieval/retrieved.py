"""What the page Retrieval reads, kept between reruns for as long as the folder is the same."""

from __future__ import annotations

from typing import Any

import streamlit as st

from harness.app.frame import runs
from harness.study.board.opening import open_sweep, stamp
from harness.study.board.retrieval.alike import least
from harness.study.board.retrieval.coverage import Retrieval
from harness.study.board.retrieval.missed import missed
from harness.study.board.retrieval.recut import By, curve, grid


@st.cache_resource(show_spinner="Reading the passages", max_entries=2)
def _read(uri: str, name: str, marks: tuple[Any, ...]) -> Retrieval:
    return Retrieval(open_sweep(uri, name, lean=True))


def retrieval_of(name: str) -> Retrieval:
    """A sweep's retrieval, read anew where its folder changed. Raises UserError where there is no such sweep."""
    return _read(runs(), name, stamp(runs(), name))


@st.cache_data(show_spinner="Counting what was missed", max_entries=4)
def _missed(uri: str, name: str, marks: tuple[Any, ...]) -> dict[str, Any]:
    return missed(_read(uri, name, marks).passages)


def misses_of(name: str) -> dict[str, Any]:
    """The evidence that was missed, by document and piece by piece."""
    return _missed(runs(), name, stamp(runs(), name))


@st.cache_data(show_spinner="Cutting the passages", max_entries=16)
def _curve(uri: str, name: str, marks: tuple[Any, ...], variants: tuple[str, ...], by: By) -> list[dict[str, Any]]:
    known, groups = _read(uri, name, marks).chosen(variants)
    return curve(known, grid(known, least(groups)), by)


def curve_of(name: str, variants: tuple[str, ...], by: By) -> list[dict[str, Any]]:
    """The figures at every threshold of the retrieval of some variants, pooled."""
    return _curve(runs(), name, stamp(runs(), name), variants, by)
