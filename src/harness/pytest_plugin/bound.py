"""How far a mean surely is above or below a number: what a test's comparison rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from harness.study.choosing.matrix import Matrix
from harness.study.figures import figures

ALPHA = 0.05
"""The interval is of 95%, so one of its ends alone is passed by the true mean with a chance of 2.5%."""


@dataclass(frozen=True)
class Bound:
    """The lower end of what a mean may be, cells without a score counted at the lower end of the range.

    `interval` is the lower end of the 95% interval, `unseen` the mean had those clusters the lowest score that were too
    rare to show: a share 1 - 0.025^(1/clusters), as in the gate's bound. `value`, the lower of both, is the bound. An
    upper bound is the lower one of the scores with their sign turned.
    """

    mean: float
    interval: float
    unseen: float
    end: float
    examples: int
    clusters: int

    @property
    def value(self) -> float:
        """The bound."""
        return min(self.interval, self.unseen)

    def needed(self, asked: float) -> int | None:
        """About how many examples like these would lift the bound to a number; None where the mean is not above it."""
        room = self.mean - asked
        if room <= 0:
            return None
        share = min(1.0, room / (self.mean - self.end)) if self.mean > self.end else 1.0
        clusters = 2.0 if share == 1 else math.log(ALPHA / 2) / math.log1p(-share)
        found = clusters * self.examples / self.clusters
        if not math.isclose(self.interval, self.unseen):  # else all clusters agree: the interval is the other's
            found = max(found, self.examples * ((self.mean - self.interval) / room) ** 2)
        return max(self.examples + 1, math.ceil(found))


def lower(matrix: Matrix, variant: str, low: float | None, high: float | None) -> Bound | None:
    """The bound of one variant's mean from below; `low` and `high` are the ends of the metric's range, None: open.

    An open end is the lowest score seen. None where there is no bound: all scores are of one cluster, or cells have no
    score and the range no end to count them at.
    """
    column = matrix.variants.index(variant)
    scored, failed = matrix.scored[:, column], matrix.failed[:, column]
    values = matrix.column(variant)
    if failed.any() and low is None:
        return None
    end = float(np.nanmin(values)) if low is None else low
    with np.errstate(invalid="ignore"):
        filled = (np.where(scored > 0, values, 0.0) * scored + end * failed) / (scored + failed)
    whole = matrix.values.copy()
    whole[:, column] = filled
    counts, none = matrix.scored.copy(), np.zeros_like(matrix.failed)
    counts[:, column] = scored + failed
    figure = figures(replace(matrix, values=whole, scored=counts, failed=none, unanswered=none), low, high)[variant]
    clusters = len(np.unique(matrix.clusters[~np.isnan(filled)]))
    if figure.mean is None or figure.low is None or clusters < 2:
        return None
    share = 1 - (ALPHA / 2) ** (1 / clusters)
    unseen = figure.mean - share * (figure.mean - end)
    return Bound(figure.mean, figure.low, unseen, end, int((~np.isnan(filled)).sum()), clusters)


def upper(matrix: Matrix, variant: str, low: float | None, high: float | None) -> Bound | None:
    """The bound from above, with its sign turned."""
    turned = replace(matrix, values=-matrix.values)
    return lower(turned, variant, None if high is None else -high, None if low is None else -low)
