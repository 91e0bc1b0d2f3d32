"""The paired comparison of two sets of scores on the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import UserError
from harness.study.resampling import (
    FEW_CLUSTERS,
    bootstrap_means,
    clustered_error,
    codes_of,
    percentile_interval,
)

DRAWS = 9999
POWER = 0.8


@dataclass(frozen=True)
class Comparison:
    """How much `a` scores above `b` on the same examples.

    `low` and `high` are the ends of the interval, `p` the two-sided p-value that agrees with it (percentile cluster
    bootstrap, fixed sample: not meant for looking again and again while data grow). `n` counts pairs, `dropped` those
    that lack one side. `detectable` is the smallest true difference that this many examples would show with 80% power.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    detectable: float
    dropped: int
    alpha: float
    wins: int
    losses: int
    ties: int
    method: str = f"percentile cluster bootstrap, {DRAWS} draws, fixed sample"

    @property
    def claims_difference(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    @property
    def caution(self) -> str:
        """What a reader must know before trusting the interval; empty when nothing."""
        if self.clusters < FEW_CLUSTERS:
            return f"only {self.clusters} clusters: intervals from fewer than {FEW_CLUSTERS} are too narrow"
        return ""


def compare(
    a: ArrayLike, b: ArrayLike, clusters: Sequence[object] | None = None, alpha: float = 0.05, seed: int = 0
) -> Comparison:
    """Compare two arrays of scores, entry i of both being the same example.

    `clusters` names the unit of dependence of each example (default: each its own). NaN means missing; such pairs are
    dropped and counted. Raises UserError when lengths differ or no pair is left.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape or first.ndim != 1:
        raise UserError(f"compare: needs two flat arrays of equal length, got shapes {first.shape} and {second.shape}")
    names = list(clusters) if clusters is not None else list(range(len(first)))
    if len(names) != len(first):
        raise UserError(f"compare: {len(first)} examples, but {len(names)} cluster names")
    paired = ~(np.isnan(first) | np.isnan(second))
    if not paired.any():
        raise UserError("compare: no example has both scores")
    differences = (first - second)[paired]
    codes = codes_of([name for name, kept in zip(names, paired, strict=True) if kept])
    mean, error, groups = clustered_error(differences, codes)
    low, high, p = mean, mean, 1.0
    if groups < 2:
        low, high = float("-inf"), float("inf")
    elif error > 0:
        means = bootstrap_means(differences[:, None], codes, DRAWS, seed)
        low, high = (float(end[0]) for end in percentile_interval(means, alpha))
        tail = min(float((means <= 0).sum()), float((means >= 0).sum()))
        p = min(1.0, 2 * (tail + 1) / (DRAWS + 1))
    elif mean != 0:
        p = 2.0**-groups
    normal = NormalDist()
    detectable = (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(POWER)) * error
    return Comparison(
        difference=mean,
        low=low,
        high=high,
        p=p,
        n=int(paired.sum()),
        clusters=groups,
        detectable=detectable,
        dropped=int((~paired).sum()),
        alpha=alpha,
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
        ties=int((differences == 0).sum()),
    )
