"""Answers as a person sees them: cells that show the same are one sight, labelled once, counted as often as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.records import digest
from harness.store import StoredSweep

Cell = tuple[str, str, int]
"""Variant, example, repeat."""
_ID = 16


@dataclass(frozen=True)
class Sight:
    """One answer to one example, over the same passages; `context` is empty where passages are not looked at."""

    example: str
    answer: str
    context: str
    cells: list[Cell] = field(default_factory=list)

    @property
    def id(self) -> str:
        """A name that tells neither the variant nor what a judge thinks."""
        return digest("sight", self.example, self.answer, self.context)[:_ID]


@dataclass(frozen=True)
class Sights:
    """The sights of a sweep's answered cells, in the order of the cells; once with passages and once without."""

    with_passages: list[Sight]
    plain: list[Sight]
    of_cell: Mapping[Cell, Sight]
    passages: Mapping[Cell, Any]

    def by_id(self) -> dict[str, Sight]:
        """Both kinds by id."""
        return {sight.id: sight for sight in (*self.with_passages, *self.plain)}

    def of(self, cells: Iterable[Cell], passages: bool) -> list[Sight]:
        """The sights of some cells, each with those of its cells alone."""
        found: dict[str, Sight] = {}
        for cell in cells:
            seen = self.of_cell[cell]
            context = seen.context if passages else ""
            key = Sight(seen.example, seen.answer, context)
            found.setdefault(key.id, key).cells.append(cell)
        return list(found.values())


def sights_of(stored: StoredSweep) -> Sights:
    """Group the cells that have an answer."""
    columns = stored.outcomes.select(["variant", "example", "repeat", "answer", "passages"]).to_pydict()
    rows = zip(*columns.values(), strict=True)
    full: dict[tuple[str, str, str], Sight] = {}
    plain: dict[tuple[str, str], Sight] = {}
    of_cell, passages = {}, {}
    for variant, example, repeat, answer, found in rows:
        if answer is None:
            continue
        cell = (variant, example, repeat)
        context = _context(found)
        sight = full.setdefault((example, answer, context), Sight(example, answer, context))
        sight.cells.append(cell)
        plain.setdefault((example, answer), Sight(example, answer, "")).cells.append(cell)
        of_cell[cell], passages[cell] = sight, found or []
    return Sights(list(full.values()), list(plain.values()), of_cell, passages)


def _context(passages: list[dict[str, Any]] | None) -> str:
    spans = [(p["document"], p["start"], p["end"]) for p in passages or []]
    return digest("passages", spans)[:_ID]
