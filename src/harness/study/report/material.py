"""What a report is made of: a sweep's tables and statistics, each taken once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.store import StoredSweep
from harness.study.expenses import Expense, expenses
from harness.study.matrix import Matrix, matrices
from harness.study.ranking import Ranking
from harness.study.report.amounts import finite
from harness.study.summary import ranking_of, summary_of, worst_of

Floats = NDArray[np.float64]


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

    @property
    def width(self) -> float | None:
        """How far apart two scores can be; None for an open range."""
        low, high = self.metric["low"], self.metric["high"]
        return None if low is None or high is None else float(high - low)

    @property
    def looked_for(self) -> float | None:
        """A difference worth finding: 2 points of a range from 0 to 1, 2% of another; None for an open range."""
        return None if self.width is None else 0.02 * self.width

    def possible(self, end: float | None) -> float | None:
        """The end of an interval of scores, within the metric's range; None where there is no end at all."""
        if end is None or math.isnan(end):
            return None
        low, high = (-math.inf if self.metric["low"] is None else self.metric["low"]), self.metric["high"]
        return finite(min(max(end, low), math.inf if high is None else high))

    def label(self, variant: str) -> str:
        """What a variant is called."""
        return str(self.variants[variant]["label"] or variant)
