"""The evidence that was missed, by document and piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.study.board.retrieval.passages import Passages, Real, Whole
from harness.study.board.retrieval.recut import fresh, kept_at

MOST = 500
"""Documents and pieces that have a row."""
NAMED = 3
"""Variants and examples that a row names, for a link."""


@dataclass(frozen=True)
class _Asked:
    """Pairs of a cell and a piece of its example's evidence, and the share of the piece that the cell lacks."""

    cell: Whole
    piece: Whole
    lacks: Real


def missed(known: Passages) -> dict[str, Any]:
    """`documents` and `pieces`, those that lack most first, at most 500 of `of_documents` and `of_pieces` with a cell
    that lacks anything.

    `lacking` is the mean share of a piece's characters that no passage of a cell covers; where a document alone was
    asked for, all or nothing. `missed` of `cells` count cells that have nothing of a piece, `in_part` those that have a
    part of one. `variants` and `examples` count those with a cell that lacks anything, each `of_…` that ask for it.
    Pieces of equal place are one.
    """
    asked = _asked(known)
    place, first = _places(known)
    pieces, count = _worst(place[asked.piece], asked.lacks)
    documents, of_documents = _worst(known.pieces.document[asked.piece], asked.lacks)
    return {
        "pieces": [{**_span(known, int(first[number])), **_row(known, asked, mine)} for number, mine in pieces],
        "of_pieces": count,
        "documents": [
            {"document": known.documents[number]}
            | _row(known, asked, mine)
            | _pieces(place[asked.piece[mine]], asked.lacks[mine])
            for number, mine in documents
        ],
        "of_documents": of_documents,
    }


def rows_of(rows: list[dict[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Flat rows for a table: where it is, then the columns that are there."""
    place = [each for each in ("document", "start", "end") if rows and each in rows[0]]
    return [{each: row[each] for each in (*place, *columns) if each in row} for row in rows]


def _asked(known: Passages) -> _Asked:
    order = np.argsort(known.pieces.example, kind="stable")
    by_example = known.pieces.example[order]
    first = np.searchsorted(by_example, known.example, "left")
    many = np.searchsorted(by_example, known.example, "right") - first
    cell = np.repeat(np.arange(len(known.example)), many)
    within = np.arange(len(cell)) - np.repeat(np.cumsum(many) - many, many)
    piece = order[np.repeat(first, many) + within]
    return _Asked(cell, piece, _lacks(known, cell, piece))


def _lacks(known: Passages, cell: Whole, piece: Whole) -> Real:
    """The share of each piece that its cell has no passage of."""
    room = max(1, len(known.pieces.example))
    over = known.held
    keys, where = np.unique(known.cell[over.passage] * room + over.piece, return_inverse=True)
    covered = np.bincount(where, fresh(known, over, kept_at(known, None)), len(keys))
    mine = cell * room + piece
    at = np.minimum(np.searchsorted(keys, mine), max(0, len(keys) - 1))
    got = np.where(keys[at] == mine, covered[at], 0.0) if len(keys) else np.zeros(len(mine))
    passage, found = known.near
    bare = known.pieces.whole[found]
    whole = np.isin(mine, known.cell[passage[bare]] * room + found[bare])
    length = np.maximum(1, known.pieces.end[piece] - known.pieces.start[piece])
    lacks: Real = 1.0 - np.where(known.pieces.whole[piece], whole, got / length)
    return lacks


def _places(known: Passages) -> tuple[Whole, Whole]:
    """The number of each piece's place, and a piece of each."""
    pieces = known.pieces
    rows = np.stack([pieces.document, pieces.start, pieces.end], axis=1)
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return place.reshape(-1).astype(np.int64), first.astype(np.int64)


def _worst(numbers: Whole, lacks: Real) -> tuple[list[tuple[int, Whole]], int]:
    """The numbers that lack most, each with its rows; how many lack anything."""
    count = np.bincount(numbers)
    total = np.bincount(numbers, lacks)
    lacking = np.flatnonzero(total > 0)
    mean = total[lacking] / count[lacking]
    chosen = lacking[np.lexsort((lacking, -count[lacking], -mean))][:MOST]
    order = np.argsort(numbers, kind="stable")
    first, last = (np.searchsorted(numbers[order], chosen, side) for side in ("left", "right"))
    rows = [(int(n), order[a:b]) for n, a, b in zip(chosen, first, last, strict=True)]
    return rows, len(lacking)


def _row(known: Passages, asked: _Asked, mine: Whole) -> dict[str, Any]:
    cell, lacks = asked.cell[mine], asked.lacks[mine]
    gone, short = cell[lacks == 1], cell[lacks > 0]
    found: dict[str, Any] = {
        "lacking": float(lacks.mean()),
        "missed": len(np.unique(gone)),
        "in_part": len(np.unique(cell[(lacks > 0) & (lacks < 1)])),
        "cells": len(np.unique(cell)),
    }
    for name, numbers, names in (
        ("variants", known.variant, known.variants),
        ("examples", known.example, known.examples),
    ):
        ours = np.unique(numbers[short])
        found |= {name: len(ours), f"of_{name}": len(np.unique(numbers[cell]))}
        worst = dict.fromkeys(numbers[gone].tolist()) | dict.fromkeys(ours.tolist())
        found[f"{name}_named"] = [names[number] for number in list(worst)[:NAMED]]
    return found


def _span(known: Passages, piece: int) -> dict[str, Any]:
    document, whole = known.documents[known.pieces.document[piece]], known.pieces.whole[piece]
    start, end = int(known.pieces.start[piece]), int(known.pieces.end[piece])
    return {"document": document, "start": None if whole else start, "end": None if whole else end}


def _pieces(places: Whole, lacks: Real) -> dict[str, int]:
    """How many pieces a document has, and how many of them no cell has anything of."""
    found, every = np.unique(places[lacks < 1]), np.unique(places)
    return {"pieces": len(every), "never_found": len(every) - len(found)}
