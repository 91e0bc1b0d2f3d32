"""Paired binary scores: the mid-p McNemar test, and an interval of the difference that agrees with it.

Sources: M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic
are better than exact conditional", BMC Medical Research Methodology 13:91 (2013); T. Tango, "Equivalence test and
confidence interval for the difference in proportions for the paired-sample design", Statistics in Medicine 17 (1998).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def mid_p(wins: ArrayLike, losses: ArrayLike) -> Floats:
    """Two-sided mid-p value: the exact conditional one less the probability of what was observed. 1 without discord."""
    from scipy.special import bdtr

    won, lost = np.asarray(wins, dtype=float), np.asarray(losses, dtype=float)
    few, n = np.minimum(won, lost), won + lost
    below = np.where(few > 0, bdtr(np.maximum(few - 1, 0), n.astype(np.int64), 0.5), 0.0)
    upto = bdtr(few, n.astype(np.int64), 0.5)
    found: Floats = np.where(won == lost, 1.0, np.minimum(1.0, below + upto))
    return found


def matched_interval(wins: int, losses: int, n: int, alpha: float) -> tuple[float, float]:
    """Interval of the difference of the two rates: Tango's score interval, its width scaled to the mid-p test.

    The score of zero difference is (wins - losses) / sqrt(wins + losses). Where the mid-p value says less than that, or
    more, the critical value is divided by the ratio, so that zero is outside exactly when p < alpha.
    """
    from scipy.special import ndtri

    critical = -float(ndtri(alpha / 2))
    p = float(mid_p(wins, losses))
    score = abs(wins - losses) / math.sqrt(wins + losses) if wins != losses else 0.0
    said = -float(ndtri(p / 2))
    if score > 0 and said > 0 and math.isfinite(said):
        critical *= score / said
    low, high = _end(wins, losses, n, critical), -_end(losses, wins, n, critical)
    if p < alpha:  # rounding must not put an end on zero
        return (max(low, math.ulp(0.0)), high) if wins > losses else (low, min(high, -math.ulp(0.0)))
    return min(low, 0.0), max(high, 0.0)


def tango_score(wins: int, losses: int, n: int, difference: float) -> float:
    """Tango's score of a difference: standard normal when it is true. The discordance is estimated under it."""
    rest = difference * (1 - difference)
    b = -wins - losses + (2 * n - wins + losses) * difference
    lost = (math.sqrt(max(b * b + 8 * n * losses * rest, 0.0)) - b) / (4 * n)
    variance = n * (2 * lost + rest)
    distance = wins - losses - n * difference
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def _end(wins: int, losses: int, n: int, critical: float) -> float:
    """The lower end: the smallest difference whose score does not exceed the critical value."""
    from scipy.optimize import brentq

    estimate = (wins - losses) / n
    least = -1 + 1e-12
    if estimate <= least or tango_score(wins, losses, n, least) <= critical:
        return -1.0
    return float(brentq(lambda d: min(tango_score(wins, losses, n, d), 1e9) - critical, least, estimate, xtol=1e-14))
