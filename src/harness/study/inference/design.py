"""What a number of examples can show: the power of the tests of `compare`, and its inverse."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.study.inference.mcnemar import mid_p

Counts = NDArray[np.int64]

MOST = 10_000_000
"""No answer is looked for beyond so many examples."""


@dataclass(frozen=True)
class Design:
    """How a difference varies: `variance` is n times the squared standard error of the mean difference of n examples,
    clustering included; `size` the mean number of examples of a cluster. With `discordance` (the share of examples that
    differ) the scores are binary and unclustered, and the test is McNemar's.
    """

    variance: float
    size: float = 1.0
    discordance: float | None = None

    def power(self, difference: float, n: int, alpha: float) -> float:
        """Probability that `compare` claims a true difference with n examples.

        Exact for the mid-p McNemar test, whose discordance is at least the difference; else that of the t-test with one
        degree of freedom less than clusters, which that of sign flips comes near from ten clusters on.
        """
        if self.discordance is not None:
            return mcnemar_power(max(self.discordance, abs(difference)), abs(difference), n, alpha)
        return t_power(difference, self.variance / n, n / self.size, alpha)

    def needed(self, difference: float, power: float, alpha: float) -> int | None:
        """The least number of examples that shows a difference with this power; None beyond ten millions."""
        if self.discordance is None and self.variance <= 0:
            return None
        least = max(2, math.ceil(2 * self.size))
        variance = max(self.discordance, difference) if self.discordance is not None else self.variance
        if t_power(difference, variance / MOST, MOST / self.size, alpha) < power:
            return None
        return _first(lambda n: self.power(difference, n, alpha) >= power, least, MOST)

    def detectable(self, n: int, power: float, alpha: float) -> float:
        """The smallest difference that n examples show with this power; infinite where they show none."""
        from scipy.optimize import brentq

        if self.discordance is None and (self.variance <= 0 or n / self.size < 2):
            return math.inf
        top = 1.0
        if self.discordance is None:
            top = math.sqrt(self.variance / n)
            while self.power(top, n, alpha) < power:
                top *= 2
                if not math.isfinite(top):
                    return math.inf
        elif self.power(1.0, n, alpha) < power:
            return math.inf
        return float(brentq(lambda d: self.power(d, n, alpha) - power, 0.0, top, xtol=1e-10, rtol=1e-10))


def t_power(difference: float, squared_error: float, clusters: float, alpha: float) -> float:
    """Power of the two-sided t-test of a mean with `clusters` - 1 degrees of freedom (noncentral t)."""
    from scipy.special import nctdtr, stdtrit

    df = clusters - 1
    if df <= 0:
        return 0.0
    critical = -float(stdtrit(df, alpha / 2))
    shift = abs(difference) / math.sqrt(squared_error)
    if shift > 100 * critical:
        return 1.0
    # far from zero scipy's other tail, by then below 1e-18, is NaN
    other = float(nctdtr(df, shift, -critical)) if shift < 8 else 0.0
    return 1 - float(nctdtr(df, shift, critical)) + other


def mcnemar_power(discordance: float, difference: float, n: int, alpha: float) -> float:
    """Exact power of the two-sided mid-p McNemar test: the sum over all numbers of discordant pairs.

    Numbers more than nine standard deviations from the expected one are left out.
    """
    from scipy.special import bdtr, gammaln, xlog1py, xlogy

    spread = 9 * math.sqrt(n * discordance * (1 - discordance)) + 9
    k = np.arange(max(0, math.floor(n * discordance - spread)), min(n, math.ceil(n * discordance + spread)) + 1)
    logs = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    chance = np.exp(logs + xlogy(k, discordance) + xlog1py(n - k, -discordance))
    most = _critical(k, alpha)
    better = min(1.0, (discordance + difference) / (2 * discordance)) if discordance else 0.5
    some = most >= 0
    cut = np.maximum(most, 0)
    claims = np.where(some, bdtr(cut, k, 1 - better) + bdtr(cut, k, better), 0.0)
    return float((chance * claims).sum())


def _critical(n: Counts, alpha: float) -> Counts:
    """For each number of discordant pairs the most losses with which the test still claims; -1 where none does."""
    low, high = _bracket(n, alpha)
    while (low < high).any():
        middle = (low + high + 1) // 2
        claims = mid_p(n - np.maximum(middle, 0), np.maximum(middle, 0)) < alpha
        low, high = np.where(claims, middle, low), np.where(claims, high, middle - 1)
    return low


def _bracket(n: Counts, alpha: float) -> tuple[Counts, Counts]:
    """Bounds of the critical number of losses: near the normal distribution's where that holds, else the widest."""
    from scipy.special import ndtri

    normal = np.floor(n / 2 + float(ndtri(alpha / 2)) * np.sqrt(n) / 2).astype(np.int64)
    low, high = np.clip(normal - 3, -1, n // 2), np.clip(normal + 3, -1, n // 2)
    below, above = np.maximum(low, 0), np.minimum(high + 1, n // 2)
    wrong = ((low >= 0) & (mid_p(n - below, below) >= alpha)) | ((high < n // 2) & (mid_p(n - above, above) < alpha))
    return np.where(wrong, -1, low), np.where(wrong, n // 2, high)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first whole number from `low` on that holds, given that all after it do."""
    step = low
    while step < high and not holds(step):
        low, step = step + 1, min(high, step * 2)
    high = step
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
