"""The evidence that was missed, by document and piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.study.board.passages import Passages, Whole

NAMED = 3
"""Variants and examples that a row names, for a link."""


def missed(known: Passages) -> dict[str, list[dict[str, Any]]]:
    """`documents` and `pieces`, those that were missed most first; those that were never missed are not there.

    A cell misses a piece where no passage finds it: none shares a character with it, or with the document where that
    alone was asked for. `missed` of `cells` count cells, `variants` and `examples` those with at least one that misses,
    each `of_…` that ask for it. Pieces of equal place are one.
    """
    cell, piece = _asked(known)
    lost = ~_found(known, cell, piece)
    place, first = _places(known)
    pieces = [
        _row(known, mine, cell, lost)
        | {"document": known.documents[known.pieces.document[first[number]]], **_span(known, int(first[number]))}
        for number, mine in _grouped(place[piece], lost)
    ]
    documents = [
        _row(known, mine, cell, lost) | {"document": known.documents[number], **_pieces(place[piece[mine]], lost[mine])}
        for number, mine in _grouped(known.pieces.document[piece], lost)
    ]
    return {"documents": _worst(documents), "pieces": _worst(pieces)}


def rows_of(rows: list[dict[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Flat rows for a table: where it is, the `share` of cells that miss it, then the other columns that are there."""
    place = [each for each in ("document", "start", "end") if rows and each in rows[0]]
    return [
        {each: row[each] for each in place}
        | {"share": row["missed"] / row["cells"]}
        | {each: row[each] for each in columns if each in row}
        for row in rows
    ]


def _asked(known: Passages) -> tuple[Whole, Whole]:
    """Pairs (cell, piece): the pieces of evidence of each cell's example."""
    order = np.argsort(known.pieces.example, kind="stable")
    sorted_examples = known.pieces.example[order]
    first = np.searchsorted(sorted_examples, known.example, "left")
    many = np.searchsorted(sorted_examples, known.example, "right") - first
    cell = np.repeat(np.arange(len(known.example)), many)
    within = np.arange(len(cell)) - np.repeat(np.cumsum(many) - many, many)
    return cell, order[np.repeat(first, many) + within]


def _found(known: Passages, cell: Whole, piece: Whole) -> Any:
    room = max(1, len(known.pieces.example))
    passage, found = known.near
    return np.isin(cell * room + piece, known.cell[passage] * room + found)


def _places(known: Passages) -> tuple[Whole, Whole]:
    """The number of each piece's place, and a piece of each."""
    pieces = known.pieces
    rows = np.stack([pieces.document, pieces.start, pieces.end], axis=1)
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return place.reshape(-1).astype(np.int64), first.astype(np.int64)


def _grouped(numbers: Whole, lost: Any) -> list[tuple[int, Whole]]:
    """The rows of each number that has any that is lost."""
    order = np.argsort(numbers, kind="stable")
    known, starts = np.unique(numbers[order], return_index=True)
    ends = np.append(starts, len(numbers))[1:]
    groups = ((int(n), order[a:b]) for n, a, b in zip(known, starts, ends, strict=True))
    return [(number, rows) for number, rows in groups if lost[rows].any()]


def _row(known: Passages, mine: Whole, cell: Whole, lost: Any) -> dict[str, Any]:
    gone = mine[lost[mine]]
    found: dict[str, Any] = {"missed": len(np.unique(cell[gone])), "cells": len(np.unique(cell[mine]))}
    for name, numbers, names in (
        ("variants", known.variant, known.variants),
        ("examples", known.example, known.examples),
    ):
        ours = np.unique(numbers[cell[gone]])
        found |= {name: len(ours), f"of_{name}": len(np.unique(numbers[cell[mine]]))}
        found[f"{name}_named"] = [names[number] for number in ours[:NAMED]]
    return found


def _span(known: Passages, piece: int) -> dict[str, Any]:
    whole = known.pieces.end[piece] < 0
    ends = (known.pieces.start[piece], known.pieces.end[piece])
    return {"start": None, "end": None} if whole else {"start": int(ends[0]), "end": int(ends[1])}


def _pieces(places: Whole, lost: Any) -> dict[str, int]:
    """How many pieces a document has, and how many of them no cell finds."""
    found = np.unique(places[~lost])
    every = np.unique(places)
    return {"pieces": len(every), "never_found": len(every) - len(found)}


def _worst(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        rows,
        key=lambda row: (-row["missed"] / row["cells"], -row["missed"], row["document"], row.get("start") or 0),
    )
