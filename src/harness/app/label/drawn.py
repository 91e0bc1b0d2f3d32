"""The answers that one person labels, kept between reruns until answers or scores of the sweep change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from harness.app.frame import runs
from harness.store import Folder
from harness.study.board.label import labelling, questions
from harness.study.board.label.labelling import Kept, Sample
from harness.study.board.label.pool import Pool, pool
from harness.study.board.label.questions import Question
from harness.study.board.opening import open_sweep
from harness.study.judging.labels import Label

MOST = 1000
"""The most answers of one sample. So many are always drawn, so that those of others' samples are among them."""
_REMOTE_S = 600.0


@dataclass(frozen=True)
class Seat:
    """Who labels what: the sweep, what is asked (`of`), how it is replied to, how many answers, with passages or not.

    The fields are the words of the address.
    """

    sweep: str
    of: str
    ask: str
    n: str
    passages: str
    seed: str
    by: str


def labels_of(name: str) -> list[Label]:
    """The labels of a sweep that are there now, oldest first."""
    return _kept(runs(), name).look()


def drawn(seat: Seat, labels: Sequence[Label]) -> tuple[Question, Sample]:
    """What is asked, and this person's part of the answers."""
    marks = labelling.marks(runs(), seat.sweep)
    asked = _asked(runs(), seat.sweep, marks, seat.of, seat.ask)
    given = (runs(), seat.sweep, marks, asked.metric, int(seat.seed), seat.passages == "yes")
    items = _pool(*given, frozenset()).items
    also = labelling.outside(items, labels, asked)
    items = _pool(*given, also).items if also else items
    return asked, labelling.sample(items, labels, asked, seat.by, int(seat.n), int(seat.seed))


@st.cache_resource(show_spinner=False, max_entries=32)
def _kept(uri: str, name: str) -> Kept:
    return Kept(Folder(uri) / name)


@st.cache_resource(show_spinner=False, max_entries=32, ttl=_REMOTE_S)
def _asked(uri: str, name: str, marks: tuple[Any, ...], of: str, ask: str) -> Question:
    return questions.question(open_sweep(uri, name, lean=True), of, ask)


@st.cache_resource(show_spinner="Drawing answers", max_entries=6, ttl=_REMOTE_S)
def _pool(
    uri: str,
    name: str,
    marks: tuple[Any, ...],
    metric: str | None,
    seed: int,
    passages: bool,
    also: frozenset[tuple[str, str]],
) -> Pool:
    return pool(open_sweep(uri, name, lean=True), metric, MOST, seed, passages, also)
