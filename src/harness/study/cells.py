"""Scores of one metric cell by cell, for what a mean over repeats would hide: shares that pass, quantiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records import Scale
from harness.store import StoredSweep
from harness.study.choosing.matrix import Matrix


@dataclass(frozen=True)
class Cells:
    """Scored cells of one metric: the row of each one's example, the column of its variant, its value."""

    examples: NDArray[np.int64]
    variants: NDArray[np.int64]
    values: NDArray[np.float64]

    def of_examples(self, rows: NDArray[np.int64]) -> Cells:
        """Those of some examples, which get the rows 0, 1, … in the order given."""
        place = np.full(int(max(self.examples.max(initial=-1), rows.max(initial=-1))) + 1, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.examples] >= 0
        return Cells(place[self.examples[kept]], self.variants[kept], self.values[kept])

    def quantiles(self, variant: int, levels: tuple[float, ...]) -> list[float]:
        """Quantiles of one variant's values, between neighbours by linear interpolation; none without a value."""
        values = self.values[self.variants == variant]
        return [float(value) for value in np.quantile(values, levels)] if len(values) else []

    def passing(self, matrix: Matrix, scale: Scale) -> Matrix:
        """The metric's matrix with the share of cells that pass in place of the mean value."""
        low = -np.inf if scale.at_least is None else scale.at_least
        high = np.inf if scale.at_most is None else scale.at_most
        sums = np.zeros(matrix.values.shape)
        passes = (self.values >= low) & (self.values <= high)
        np.add.at(sums, (self.examples, self.variants), passes.astype(np.float64))
        with np.errstate(invalid="ignore"):
            return replace(matrix, values=np.where(matrix.scored > 0, sums / matrix.scored, np.nan))


def cells(stored: StoredSweep, names: list[str]) -> dict[str, Cells]:
    """The scored cells of some metrics of a sweep, rows and columns numbered as in its matrices."""
    table = stored.scores
    values = table.column("value").to_numpy(zero_copy_only=False).astype(float)
    examples = _codes(table.column("example"), [entry["id"] for entry in stored.examples])
    variants = _codes(table.column("variant"), [entry["id"] for entry in stored.variants])
    metrics = _codes(table.column("metric"), names)
    found = {}
    for number, name in enumerate(names):
        kept = (metrics == number) & ~np.isnan(values) & (examples >= 0) & (variants >= 0)
        found[name] = Cells(examples[kept], variants[kept], values[kept])
    return found


def _codes(column: Any, names: list[str]) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.fill_null(pc.index_in(column, value_set=pa.array(names, pa.string())), -1)
    found: NDArray[np.int64] = places.to_numpy(zero_copy_only=False).astype(np.int64)
    return found
