"""The score of the best variant, corrected for having been chosen.

The best of many has the best luck too: its mean on the examples that chose it is too high. Here the clusters are split
into halves again and again; the best variant of one half is scored on the other, which knows nothing of the choice.
That is the expected score of choosing on half of the examples, without any model. All of them choose better than half
of them, so what choosing on a half gains over choosing on a quarter of the clusters (same test halves) is added 0.8
times: gains from doubling the examples shrink by 1/2 where variants clearly differ (regret falls as 1/n), and grow by
1.4 where differences drown in noise (it falls as the root of n, and is then small). docs/decisions/0018-ranking.md has
the simulations that chose this rule, and those that its rivals lost.
Where several variants are the best of a half, as is common with scores of 0 and 1, their scores are averaged: to take
the first of them would prefer the one that all examples chose, and let its luck back in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.study.choosing.framing import Bounds
from harness.study.choosing.sums import Sums, sums_of, unanimous

Floats = NDArray[np.float64]

SPLITS = 200
NEXT_GAIN = 0.8
LEAST_CLUSTERS = 4


@dataclass(frozen=True)
class Winner:
    """The variant with the best mean. `raw` is that mean; `score` what to expect of it on fresh examples.

    `low` and `high` are the ends of the interval around `score`; infinite, or the ends of the metric's range, where
    there are too few clusters to split.
    """

    variant: str
    score: float
    low: float
    high: float
    raw: float

    @property
    def optimism(self) -> float:
        """How much of the observed mean is the luck of the chosen, in the metric's own direction."""
        return self.raw - self.score


def winner_of(
    values: Floats, clusters: NDArray[np.int64], variants: list[str], direction: str, alpha: float, bounds: Bounds
) -> Winner:
    """The winner among columns of `values` (examples x variants, NaN where missing), of equals the first."""
    from scipy.special import stdtrit

    sign = 1.0 if direction == "maximize" else -1.0
    by_cluster = sums_of(sign * values, clusters)
    groups = len(by_cluster.sums)
    first = int(by_cluster.best(np.ones((1, groups)))[0])
    raw = float(by_cluster.means(np.ones((1, groups)))[0, first])
    own = int((by_cluster.counts[:, first] > 0).sum())
    if own < (2 if values.shape[1] == 1 else LEAST_CLUSTERS):
        return Winner(variants[first], sign * raw, bounds.lowest, bounds.highest, sign * raw)
    score, error = (raw, by_cluster.error(first)) if values.shape[1] == 1 else _corrected(by_cluster, first, raw)
    half = float(stdtrit(own - 1, 1 - alpha / 2)) * error
    low, high = sorted((sign * (score - half), sign * (score + half)))
    column = values[~np.isnan(values[:, first]), first]
    if np.ptp(column) == 0:
        low, high = unanimous(float(column[0]), own, alpha, bounds, low, high)
    low, high = max(low, bounds.lowest), min(high, bounds.highest)
    return Winner(variants[first], sign * score, low, high, sign * raw)


def _corrected(by_cluster: Sums, first: int, raw: float) -> tuple[float, float]:
    """The corrected score and its error.

    The error is that of one variant's mean, of the winner or of what the halves chose and on what they did not see
    (the winner's own is too small where it is near the end of the range). The gain counts as doubt too: how much of it
    to add is a guess.
    """
    train, quarters = _splits(len(by_cluster.sums))
    test = 1.0 - train
    tested = by_cluster.means(test)
    chosen = by_cluster.shares_of_best(train)
    on_half = _scored(tested, chosen)
    on_quarter = np.stack([_scored(tested, by_cluster.shares_of_best(part)) for part in quarters])
    gain = float(np.nanmean(on_half) - np.nanmean(on_quarter))
    score = min(raw, float(np.nanmean(on_half)) + NEXT_GAIN * gain)
    error = max(by_cluster.error(first), _typical_error(by_cluster, test, chosen, tested))
    return score, math.hypot(error, gain)


def _scored(tested: Floats, chosen: Floats) -> Floats:
    """Mean score of what each split chose, by the shares `chosen`; NaN where it has none among the tested."""
    there = chosen * ~np.isnan(tested)
    with np.errstate(invalid="ignore"):
        found: Floats = (there * np.nan_to_num(tested)).sum(axis=1) / there.sum(axis=1)
    return found


def _typical_error(by_cluster: Sums, test: Floats, chosen: Floats, means: Floats) -> float:
    """Root mean square over the splits of the error that the chosen variant's mean over all clusters would have."""
    sums, counts, at = by_cluster.sums, by_cluster.counts, np.nan_to_num(means)
    squares = test @ sums**2 - 2 * at * (test @ (sums * counts)) + at**2 * (test @ counts**2)
    groups, tested = test @ (counts > 0), test @ counts
    usable = (groups > 1) & (tested > 0)
    variances = groups / np.maximum(groups - 1, 1) * np.maximum(squares, 0.0) / np.maximum(tested, 1) ** 2
    variances *= tested / np.maximum(counts.sum(axis=0), 1)
    weights = chosen * usable
    return math.sqrt(float((weights * variances).sum() / weights.sum())) if weights.any() else 0.0


def _splits(groups: int) -> tuple[Floats, tuple[Floats, Floats]]:
    """Memberships (2 x SPLITS rows x clusters) of random halves, each taken both ways, and of their two quarters."""
    random = np.random.default_rng(0)
    middle = groups // 2
    train = np.zeros((2 * SPLITS, groups))
    quarters = (np.zeros_like(train), np.zeros_like(train))
    for i in range(SPLITS):
        order = random.permutation(groups)
        for row, half in ((2 * i, order[:middle]), (2 * i + 1, order[middle:])):
            train[row, half] = 1.0
            quarters[0][row, half[: len(half) // 2]] = 1.0
            quarters[1][row, half[len(half) // 2 :]] = 1.0
    return train, quarters
