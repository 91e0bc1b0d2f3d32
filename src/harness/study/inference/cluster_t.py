"""Student's t of the clusters' sums, for two to five clusters, which sign flips cannot judge, and for very many.

Under no difference the sums of clusters have mean zero and whatever variances; the t-test of such independent values
keeps its level at 5% if they are normal, with unequal variances too. Of a shift it judges sums - shift x sizes, so the
interval is Fieller's.
Sources: R. Ibragimov, U. K. Müller, "t-Statistic Based Correlation and Heterogeneity Robust Inference", Journal of
Business & Economic Statistics 28 (2010); E. C. Fieller, JRSS B 16 (1954).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MANY = 20_000
_SPREAD_OVER = 100


def many(sums: Floats) -> bool:
    """Whether flips may be spared: over 20,000 clusters, and the differences spread over at least 100 of them.

    The second number is (sum of squares)^2 / (sum of fourth powers).
    """
    squares = sums**2
    fourths = float((squares**2).sum())
    return len(sums) > MANY and fourths > 0 and float(squares.sum()) ** 2 / fourths >= _SPREAD_OVER


def t_test(sums: Floats, sizes: Floats, alpha: float) -> tuple[float, float, float]:
    """Two-sided p-value of no difference and the ends of the interval; zero is outside exactly when p < alpha.

    Infinite ends where one cluster is so large that nothing is bounded; p is then not below alpha either. The sums must
    not all be equal.
    """
    from scipy.special import stdtr, stdtrit

    groups = len(sums)
    (var_sum, both), (_, var_size) = np.cov(sums, sizes)
    mean, size = float(sums.mean()), float(sizes.mean())

    def tail(value: float, variance: float) -> float:
        return 2 * float(stdtr(groups - 1, -abs(value) / math.sqrt(variance / groups))) if variance > 0 else 0.0

    p = max(tail(mean, float(var_sum)), tail(size, float(var_size)))
    if mean == 0:
        p = 1.0
    k = float(stdtrit(groups - 1, alpha / 2)) ** 2 / groups
    a, b, c = size**2 - k * var_size, mean * size - k * both, mean**2 - k * var_sum
    if tail(size, float(var_size)) >= alpha or a <= 0:
        return max(p, alpha), -math.inf, math.inf
    root = math.sqrt(max(b * b - a * c, 0.0))
    low, high = float((b - root) / a), float((b + root) / a)
    if p < alpha:  # rounding must not put an end on zero
        return (p, max(low, math.ulp(0.0)), high) if mean > 0 else (p, low, min(high, -math.ulp(0.0)))
    return p, min(low, 0.0), max(high, 0.0)
