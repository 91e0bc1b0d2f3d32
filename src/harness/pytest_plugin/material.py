"""What the runs of one sweep are read from; each table is read once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from harness.errors import UserError, advice
from harness.pytest_plugin.cell import Cell, Scores
from harness.records.outcome import NO_ANSWER
from harness.store import StoredSweep
from harness.study.choosing.matrix import Matrix, matrices

CellKey = tuple[str, int]
"""The example's id and the number of the repeat."""


class Material:
    """A stored sweep, its matrices, and its cells with all that belongs to each."""

    def __init__(self, stored: StoredSweep) -> None:
        self.stored = stored

    @cached_property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The metrics' entries by name."""
        return {entry["name"]: entry for entry in self.stored.metrics}

    @cached_property
    def matrices(self) -> dict[str, Matrix]:
        """The scores by metric."""
        return matrices(self.stored)

    def entry(self, metric: str) -> dict[str, Any]:
        """A metric's entry. Raises UserError for a name that the sweep has not."""
        if metric not in self.metrics:
            raise UserError(
                f"{self.stored.id} has no metric {metric!r}; {advice(metric, list(self.metrics), 'its metrics')}"
            )
        return self.metrics[metric]

    def rows_of(self, tag: str | None) -> list[int]:
        """The places of the examples with a tag; of all without one. Raises UserError where no example has it."""
        rows = [i for i, e in enumerate(self.stored.examples) if tag is None or tag in e["tags"]]
        if not rows:
            tags = sorted({known for e in self.stored.examples for known in e["tags"]})
            raise UserError(f"{self.stored.id}: no example has the tag {tag!r}; {advice(str(tag), tags, 'tags')}")
        return rows

    def cells(self, variant: str) -> dict[CellKey, Cell]:
        """A variant's cells, in the dataset's order."""
        return self._cells[variant]

    @cached_property
    def _cells(self) -> dict[str, dict[CellKey, Cell]]:
        examples = {entry["id"]: entry for entry in self.stored.examples}
        scores = self._scores()
        found: dict[str, dict[CellKey, Cell]] = {entry["id"]: {} for entry in self.stored.variants}
        for row in self.stored.outcomes.to_pylist():
            place = (row["variant"], row["example"], row["repeat"])
            cell = self._cell(row, examples[row["example"]], scores.get(place, []))
            found[row["variant"]][cell.id, cell.repeat] = cell
        return found

    def _scores(self) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
        found: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
        names = ["variant", "example", "repeat", "metric", "value", "reason", "failure"]
        for row in self.stored.scores.select(names).to_pylist():
            found.setdefault((row["variant"], row["example"], row["repeat"]), []).append(row)
        return found

    def _cell(self, row: dict[str, Any], example: dict[str, Any], scores: list[dict[str, Any]]) -> Cell:
        texts = self.stored.texts
        return Cell(
            id=row["example"],
            repeat=row["repeat"],
            question=example["messages"][-1]["content"],
            references=list(example["references"]),
            expected=example["expected"],
            tags=list(example["tags"]),
            passages=[{**p, "text": texts.get((p["document"], p["start"], p["end"]))} for p in row["passages"] or []],
            scores=Scores(
                {s["metric"]: s["value"] for s in scores if s["failure"] is None},
                {s["metric"]: s["failure"].removeprefix(NO_ANSWER) for s in scores if s["failure"] is not None},
                list(self.metrics),
            ),
            reasons={s["metric"]: s["reason"] for s in scores if s["reason"]},
            latency_ms=row["latency_ms"],
            cost_usd=row["cost_usd"],
            failure=None if row["failure_kind"] is None else f"{row['failure_stage']}: {row['failure']}",
            reply=row["answer"],
        )
