"""What a report is made of: a sweep's tables and statistics, each taken once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.store import StoredSweep
from harness.study.choosing.matrix import Matrix, matrices
from harness.study.choosing.ranking import Ranking
from harness.study.expenses import Expense, expenses
from harness.study.live import live
from harness.study.report.amounts import finite
from harness.study.summary import ranking_of, summary_of, worst_of

Floats = NDArray[np.float64]

NOT_YET = (
    "not told of a part of a sweep: its p-values and intervals are those of one look at all cells, and where cells are "
    "missing only whole clusters compare"
)


@dataclass(frozen=True)
class Material:
    """A sweep at any moment of its life, and its figures by the objective."""

    stored: StoredSweep

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The sweep in figures."""
        return summary_of(self.stored)

    @cached_property
    def matrices(self) -> dict[str, Matrix]:
        """The scores of every metric."""
        return matrices(self.stored)

    @cached_property
    def expenses(self) -> dict[str, Expense]:
        """What an answer of each variant costs and how long it takes."""
        return expenses(self.stored)

    @cached_property
    def ranking(self) -> Ranking:
        """The ranking by the objective."""
        return ranking_of(self.stored, self.matrices, {name: each.usd for name, each in self.expenses.items()})

    @cached_property
    def metric(self) -> dict[str, Any]:
        """The objective's entry among the metrics."""
        name = self.stored.header["objective"]["metric"]
        return next(entry for entry in self.stored.metrics if entry["name"] == name)

    @property
    def direction(self) -> str:
        """The objective's direction."""
        return str(self.stored.header["objective"]["direction"])

    @property
    def matrix(self) -> Matrix:
        """The scores by the objective."""
        return self.matrices[self.metric["name"]]

    @cached_property
    def values(self) -> Floats:
        """The objective's scores (examples x variants) with failed cells at the worst, as the ranking sees them."""
        return self.matrix.filled(worst_of(self.stored))

    @cached_property
    def variants(self) -> dict[str, dict[str, Any]]:
        """The variants by id, in the order of the plan."""
        return {entry["id"]: entry for entry in self.stored.variants}

    @cached_property
    def places(self) -> dict[str, int]:
        """Each variant's place, from 1; none where no cell has a score."""
        if not self.scored:
            return {}
        return {place.variant: at for at, place in enumerate(self.ranking.places, 1)}

    @property
    def scored(self) -> bool:
        """Whether any cell has a score by the objective."""
        return bool(self.matrix.scored.any())

    @cached_property
    def whole(self) -> bool:
        """Whether all cells are there that there will be, so that figures of one look hold."""
        if self.stored.status == "running":
            return False
        return self.stored.status == "complete" or self.summary["finished_cells"] >= self.summary["cells"]

    @cached_property
    def live(self) -> dict[str, Any]:
        """The figures by the objective that hold at every look; see `harness.study.live`."""
        return live(self.stored, self.metric["name"])

    @cached_property
    def unmeasured(self) -> list[str]:
        """The variants without any score, in the order of the plan."""
        return [name for name in self.variants if name not in self.places]

    @property
    def width(self) -> float | None:
        """How far apart two scores can be; None for an open range."""
        low, high = self.metric["low"], self.metric["high"]
        return None if low is None or high is None else float(high - low)

    @property
    def looked_for(self) -> float | None:
        """A difference worth finding: 2 points of a range from 0 to 1, 2% of another; None for an open range."""
        return None if self.width is None else 0.02 * self.width

    @property
    def points(self) -> bool:
        """Whether differences are told in points: the range is 0 to 1."""
        return (self.metric["low"], self.metric["high"]) == (0, 1)

    @cached_property
    def gap(self) -> float | None:
        """The difference that examples are reckoned for: `looked_for`; for an open range that of the two best, and
        where they are equal a hundredth of the spread of all scores. None where all scores are equal."""
        if self.looked_for is not None or not self.scored:
            return self.looked_for
        best = [self.values[:, self.matrix.variants.index(place.variant)] for place in self.ranking.places[:2]]
        differences = best[0] - best[-1]
        both = differences[~np.isnan(differences)]
        apart = abs(float(both.mean())) if len(both) else 0.0
        return apart or float(np.nanmax(self.values) - np.nanmin(self.values)) / 100 or None

    def possible(self, end: float | None) -> float | None:
        """The end of an interval of scores, within the metric's range; None where there is no end at all."""
        if end is None or math.isnan(end):
            return None
        low, high = (-math.inf if self.metric["low"] is None else self.metric["low"]), self.metric["high"]
        return finite(min(max(end, low), math.inf if high is None else high))

    def label(self, variant: str) -> str:
        """What a variant is called."""
        return str(self.variants[variant]["label"] or variant)
