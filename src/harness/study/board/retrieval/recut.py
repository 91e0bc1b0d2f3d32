"""Stored passages cut at a similarity: what would be left, of what is known.

A passage below the threshold that a sweep ran with was never stored, so nothing is known of lower thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.study.board.retrieval.passages import Flags, Overlaps, Passages, Real, Whole

By = Literal["characters", "passages"]
_STEP = 0.01
_STEPS = 100
DIGITS = 6
"""Decimal places that similarities are stored with."""


@dataclass(frozen=True)
class Cut:
    """What each cell has left: passages, those of them that hold evidence, the lengths of all in characters, pieces of
    evidence that are found, and characters of evidence that are covered."""

    passages: Whole
    holding: Whole
    characters: Whole
    found: Whole
    covered: Whole


def cut(known: Passages, threshold: float | None) -> Cut:
    """The passages whose similarity is at least the threshold, by cell; None keeps all.

    Passages without a similarity are kept: nobody knows where they would be cut.
    """
    kept = kept_at(known, threshold)
    cells = len(known.variant)
    holding = np.zeros(len(known.cell), dtype=bool)
    passage, piece = known.near
    holding[passage] = True
    passage, piece = passage[kept[passage]], piece[kept[passage]]
    pairs = np.unique(known.cell[passage] * max(1, len(known.pieces.example)) + piece)
    return Cut(
        np.bincount(known.cell[kept], minlength=cells),
        np.bincount(known.cell[kept & holding], minlength=cells),
        np.bincount(known.cell[kept], (known.end - known.start)[kept], cells).astype(np.int64),
        np.bincount(pairs // max(1, len(known.pieces.example)), minlength=cells),
        _covered(known, kept),
    )


def kept_at(known: Passages, threshold: float | None) -> Flags:
    """Which passages are left."""
    if threshold is None:
        return np.ones(len(known.cell), dtype=bool)
    kept: Flags = np.isnan(known.similarity) | (known.similarity >= round(threshold, DIGITS))
    return kept


def _covered(known: Passages, kept: Flags) -> Whole:
    """Characters of evidence that the kept passages cover, each counted once, by cell."""
    over = known.over
    cell, new = known.cell[over.passage], fresh(known, over, kept)
    return np.bincount(cell, new, len(known.variant)).astype(np.int64)


def fresh(known: Passages, over: Overlaps, kept: Flags) -> Whole:
    """The characters of each overlap that no kept one before it in the same cell and piece has; 0 where not kept."""
    left = np.flatnonzero(kept[over.passage])
    start, end = over.start[left], over.end[left]
    group = known.cell[over.passage[left]] * (int(over.piece.max(initial=0)) + 1) + over.piece[left]
    begins = np.diff(group, prepend=-1) != 0
    number = np.cumsum(begins) - 1
    # The furthest end so far within a group: ends of later groups are raised above those of all before.
    room = int(end.max(initial=0)) + 1
    before = np.roll(np.maximum.accumulate(end + number * room) - number * room, 1)
    before[begins] = 0
    found = np.zeros(len(over.passage), dtype=np.int64)
    found[left] = np.maximum(0, end - np.maximum(start, before))
    return found


def values(known: Passages, left: Cut, by: By) -> dict[str, Real]:
    """`recall` and `noise` of each cell, NaN where a cell has none, as the metrics define them.

    By characters these are `span_recall` and `retrieval_noise` of characters; by passages the share of the pieces of
    evidence that are found, and of the passages that hold none.
    """
    pieces, lengths = (each[known.example] for each in known.wanted)
    wanted, got, size, good = (
        (lengths, left.covered, left.characters, left.covered)
        if by == "characters"
        else (pieces, left.found, left.passages, left.holding)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(wanted > 0, got / wanted, np.nan)
        noise = np.where((wanted > 0) & (size > 0), 1 - good / size, np.nan)
    return {"recall": recall, "noise": noise}


def figures(known: Passages, threshold: float | None, by: By) -> dict[str, Any]:
    """Means over cells at a threshold, each with its `n_…`: None where n is 0.

    `passages` are kept on average; `recall` and `noise` as of `values`; `unanswerable` and `answerable` are the shares
    of cells without a passage among those whose example is expected to be abstained from, and to be answered.
    """
    left = cut(known, threshold)
    found: dict[str, Any] = {"threshold": threshold}
    bare = left.passages == 0
    columns: Mapping[str, Real] = {
        "passages": left.passages.astype(float),
        **values(known, left, by),
        "unanswerable": bare[known.expects("abstain")].astype(float),
        "answerable": bare[known.expects("answer")].astype(float),
    }
    for name, column in columns.items():
        scored = column[~np.isnan(column)]
        found[name] = float(scored.mean()) if len(scored) else None
        found[f"n_{name}"] = len(scored)
    return found


def curve(known: Passages, thresholds: Sequence[float], by: By) -> list[dict[str, Any]]:
    """The figures at each threshold."""
    return [figures(known, threshold, by) for threshold in thresholds]


def grid(known: Passages, least: float | None) -> list[float]:
    """Thresholds from the least that can be known (None: none was set, from the lowest similarity on) to one above
    the highest similarity, in at most some hundred equal parts; empty where no passage has a similarity."""
    measured = known.similarity[~np.isnan(known.similarity)]
    if not len(measured):
        return []
    low = float(np.floor(measured.min() / _STEP) * _STEP) if least is None else least
    room = max(_STEP, float(measured.max()) - low)
    step = _STEP * float(np.ceil(room / _STEP / _STEPS))
    count = int(np.floor((float(measured.max()) - low) / step)) + 2
    return [round(low + i * step, DIGITS) for i in range(max(2, count))]
