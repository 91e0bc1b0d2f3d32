"""Scores of one metric as a matrix: a row for each example, a column for each variant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.outcome import NO_ANSWER
from harness.store import StoredSweep
from harness.study.clusters import codes_of


@dataclass(frozen=True)
class Matrix:
    """`values` (examples x variants) are means over repeats, NaN where no repeat was scored.

    `scored`, `failed` and `unanswered` count cells in the same shape; the unanswered ones are among the failed.
    """

    metric: str
    variants: list[str]
    examples: list[str]
    clusters: NDArray[np.int64]
    values: NDArray[np.float64]
    scored: NDArray[np.int64]
    failed: NDArray[np.int64]
    unanswered: NDArray[np.int64]

    def column(self, variant: str) -> NDArray[np.float64]:
        """The scores of one variant by example."""
        found: NDArray[np.float64] = self.values[:, self.variants.index(variant)]
        return found

    def of_examples(self, rows: NDArray[np.int64]) -> Matrix:
        """The matrix of some examples, by number."""
        return replace(
            self,
            examples=[self.examples[i] for i in rows],
            clusters=self.clusters[rows],
            values=self.values[rows],
            scored=self.scored[rows],
            failed=self.failed[rows],
            unanswered=self.unanswered[rows],
        )

    def lost(self, worst: float | None) -> NDArray[np.float64]:
        """The share of each example's cells that `filled` leaves out: nobody knows what they would have scored."""
        left_out = self.failed - (0 if worst is None else self.unanswered)
        found: NDArray[np.float64] = left_out / np.maximum(1, self.scored + self.failed)
        return found

    def filled(self, worst: float | None) -> NDArray[np.float64]:
        """Values with cells that have no answer at the worst end of the range, so that failing never helps.

        An answer that could not be scored says nothing about the variant: such cells stay out.
        """
        if worst is None or not self.unanswered.any():
            return self.values
        sums = np.where(np.isnan(self.values), 0.0, self.values) * self.scored + worst * self.unanswered
        with np.errstate(invalid="ignore"):
            return np.where(self.scored + self.unanswered > 0, sums / (self.scored + self.unanswered), np.nan)


def matrices(stored: StoredSweep) -> dict[str, Matrix]:
    """The matrix of every metric of a sweep, metrics in the order of the sweep file."""
    variants = {entry["id"]: i for i, entry in enumerate(stored.variants)}
    examples = {entry["id"]: i for i, entry in enumerate(stored.examples)}
    clusters = codes_of([entry["cluster"] for entry in stored.examples])
    table = stored.scores
    names = [metric["name"] for metric in stored.metrics]
    columns = _coded(table, variants, examples, {name: i for i, name in enumerate(names)})
    found = {}
    for number, name in enumerate(names):
        rows = {key: column[columns["metric"] == number] for key, column in columns.items()}
        found[name] = _matrix(name, list(variants), list(examples), clusters, rows)
    return found


def _coded(table: Any, variants: dict[str, int], examples: dict[str, int], names: dict[str, int]) -> dict[str, Any]:
    values = table.column("value").to_numpy(zero_copy_only=False).astype(float)
    return {
        "variant": _codes(table.column("variant"), variants),
        "example": _codes(table.column("example"), examples),
        "metric": _codes(table.column("metric"), names),
        "value": values,
        "unanswered": _unanswered(table),
    }


def _unanswered(table: Any) -> NDArray[np.bool_]:
    """Which scores failed because there was no answer to score."""
    import pyarrow.compute as pc

    starts = pc.fill_null(pc.starts_with(table.column("failure"), NO_ANSWER), False)
    found: NDArray[np.bool_] = starts.to_numpy(zero_copy_only=False).astype(bool)
    return found


def _codes(column: Any, numbers: dict[str, int]) -> NDArray[np.int64]:
    encoded = column.combine_chunks().dictionary_encode()
    if not len(encoded):
        return np.zeros(0, dtype=np.int64)
    mapped = np.array([numbers.get(name, -1) for name in encoded.dictionary.to_pylist()], dtype=np.int64)
    found: NDArray[np.int64] = mapped[encoded.indices.to_numpy(zero_copy_only=False)]
    return found


def _matrix(
    name: str, variants: list[str], examples: list[str], clusters: NDArray[np.int64], rows: dict[str, Any]
) -> Matrix:
    shape = (len(examples), len(variants))
    at = (rows["example"], rows["variant"])
    good = ~np.isnan(rows["value"])
    sums = np.zeros(shape)
    scored, failed, unanswered = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    np.add.at(sums, at, np.where(good, rows["value"], 0.0))
    np.add.at(scored, at, good.astype(np.int64))
    np.add.at(failed, at, (~good).astype(np.int64))
    np.add.at(unanswered, at, rows["unanswered"].astype(np.int64))
    with np.errstate(invalid="ignore"):
        values = np.where(scored > 0, sums / scored, np.nan)
    return Matrix(name, variants, examples, clusters, values, scored, failed, unanswered)
