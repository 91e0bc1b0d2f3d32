"""The stored passages of a sweep as columns, and the evidence that they should hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Pieces:
    """Evidence, one row for each piece: numbers of example and document, and the characters.

    `end` is -1 where the whole document is meant.
    """

    example: Whole
    document: Whole
    start: Whole
    end: Whole

    @property
    def whole(self) -> Flags:
        """Which name a document alone."""
        return self.end < 0


class Overlaps(NamedTuple):
    """Characters that a passage and a piece of evidence share, from `start` to `end`; by cell, piece and start."""

    passage: Whole
    piece: Whole
    start: Whole
    end: Whole


@dataclass(frozen=True)
class Passages:
    """The cells (variant x example x repeat) whose passages are known, and these, in the order of their cells.

    `variant` and `example` are numbers by cell; `cell`, `document`, `start`, `end` and `similarity` (NaN where none was
    measured) are by passage. `pieces` are those of the dataset; `spans` are the same as sets of characters, of the
    examples alone whose evidence is all spans. `unknown` counts finished cells that failed before they had passages.
    """

    variants: tuple[str, ...]
    examples: tuple[str, ...]
    documents: tuple[str, ...]
    expected: tuple[str, ...]
    pieces: Pieces
    spans: Pieces
    variant: Whole
    example: Whole
    cell: Whole
    document: Whole
    start: Whole
    end: Whole
    similarity: Real
    unknown: int

    @cached_property
    def near(self) -> tuple[Whole, Whole]:
        """Pairs (passage, piece) where the passage finds the piece: it shares a character, or the whole document."""
        return self._pairs(self.pieces)

    @cached_property
    def over(self) -> Overlaps:
        """Where passages and spans of evidence overlap."""
        return self._overlaps(self.spans, self._pairs(self.spans))

    @cached_property
    def held(self) -> Overlaps:
        """Where passages and pieces that are no whole documents overlap."""
        return self._overlaps(self.pieces, self.near)

    def _overlaps(self, pieces: Pieces, pairs: tuple[Whole, Whole]) -> Overlaps:
        passage, piece = pairs
        spans = ~pieces.whole[piece]
        passage, piece = passage[spans], piece[spans]
        start = np.maximum(self.start[passage], pieces.start[piece])
        end = np.minimum(self.end[passage], pieces.end[piece])
        order = np.lexsort((start, piece, self.cell[passage]))
        return Overlaps(passage[order], piece[order], start[order], end[order])

    @cached_property
    def wanted(self) -> tuple[Whole, Whole]:
        """By example: how many pieces of evidence it has, and how many characters its spans hold."""
        count = len(self.examples)
        lengths = np.bincount(self.spans.example, self.spans.end - self.spans.start, count).astype(np.int64)
        return np.bincount(self.pieces.example, minlength=count), lengths

    def expects(self, what: str) -> Flags:
        """Which cells' examples are expected to get an `answer`, or an `abstain`."""
        told = np.array([expected == what for expected in self.expected], dtype=bool)
        found: Flags = told[self.example]
        return found

    def of_variants(self, wanted: Iterable[str]) -> Passages:
        """The cells of some variants."""
        names = set(wanted)
        chosen = np.array([name in names for name in self.variants], dtype=bool)
        cells = chosen[self.variant]
        kept = cells[self.cell]
        place = np.cumsum(cells) - 1
        columns = {name: getattr(self, name)[kept] for name in ("document", "start", "end", "similarity")}
        columns["cell"] = place[self.cell[kept]]
        return replace(self, variant=self.variant[cells], example=self.example[cells], **columns)

    def _pairs(self, pieces: Pieces) -> tuple[Whole, Whole]:
        count = max(1, len(self.documents))
        keys = pieces.example * count + pieces.document
        order = np.argsort(keys, kind="stable")
        told = np.zeros(count, dtype=bool)
        told[pieces.document] = True
        rows = np.flatnonzero(told[self.document])
        mine = self.example[self.cell[rows]] * count + self.document[rows]
        first = np.searchsorted(keys[order], mine, "left")
        many = np.searchsorted(keys[order], mine, "right") - first
        passage = np.repeat(rows, many)
        within = np.arange(len(passage)) - np.repeat(np.cumsum(many) - many, many)
        piece = order[np.repeat(first, many) + within]
        start = np.maximum(self.start[passage], pieces.start[piece])
        shared = start < np.minimum(self.end[passage], pieces.end[piece])
        found = shared | pieces.whole[piece]
        return passage[found], piece[found]
