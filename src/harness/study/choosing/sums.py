"""Scores summed by cluster: means, and their cluster-robust errors, of many variants at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.study.choosing.framing import Bounds

Floats = NDArray[np.float64]

_ROUNDING = 1e-9
"""Means that are apart by no more are equal: the rest is what floating-point sums leave."""


@dataclass(frozen=True)
class Sums:
    """Sums and counts of scores by cluster and variant."""

    sums: Floats
    counts: Floats

    def means(self, weights: Floats) -> Floats:
        """Means (weights' rows x variants) over the clusters that have weight; NaN where there is no score."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = (weights @ self.sums) / (weights @ self.counts)
        return found

    def best(self, weights: Floats) -> NDArray[np.int64]:
        """The best variant in each row of weights."""
        means = self.means(weights)
        found: NDArray[np.int64] = np.argmax(np.where(np.isnan(means), -np.inf, means), axis=1)
        return found

    def shares_of_best(self, weights: Floats) -> Floats:
        """Shares (weights' rows x variants) that add up to 1 over the best of each row: equal ones for equal means."""
        means = self.means(weights)
        known = np.where(np.isnan(means), -np.inf, means)
        highest = known.max(axis=1, keepdims=True)
        room = _ROUNDING * np.maximum(np.abs(np.where(np.isfinite(highest), highest, 0.0)), 1.0)
        tied = np.isfinite(known) & (known >= highest - room)
        found: Floats = tied / np.maximum(tied.sum(axis=1, keepdims=True), 1)
        return found

    def interval(self, variant: int, alpha: float, bounds: Bounds) -> tuple[float, float]:
        """Interval of one variant's mean by Student's t; the range's ends with fewer than two clusters."""
        from scipy.special import stdtrit

        has = self.counts[:, variant] > 0
        groups = int(has.sum())
        if groups < 2:
            return bounds.lowest, bounds.highest
        each = self.sums[has, variant] / self.counts[has, variant]
        mean = float(self.sums[has, variant].sum() / self.counts[has, variant].sum())
        half = float(stdtrit(groups - 1, 1 - alpha / 2)) * self.error(variant)
        low, high = mean - half, mean + half
        if np.ptp(each) == 0:
            low, high = unanimous(mean, groups, alpha, bounds, low, high)
        return max(low, bounds.lowest), min(high, bounds.highest)

    def error(self, variant: int) -> float:
        """Cluster-robust standard error of one variant's mean."""
        has = self.counts[:, variant] > 0
        sums, counts = self.sums[has, variant], self.counts[has, variant]
        residuals = sums - sums.sum() / counts.sum() * counts
        groups = len(sums)
        return math.sqrt(groups / (groups - 1) * float((residuals**2).sum())) / float(counts.sum())


def sums_of(values: Floats, clusters: NDArray[np.int64]) -> Sums:
    """Sums and counts by cluster, without clusters that have no score at all."""
    some = ~np.isnan(values).all(axis=1)
    codes = np.unique(clusters[some], return_inverse=True)[1]
    present = ~np.isnan(values[some])
    sums, counts = np.zeros((codes.max() + 1, values.shape[1])), np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, np.where(present, values[some], 0.0))
    np.add.at(counts, codes, present.astype(np.float64))
    return Sums(sums, counts)


def unanimous(value: float, groups: int, alpha: float, bounds: Bounds, low: float, high: float) -> tuple[float, float]:
    """Room for what G clusters that all agree have not shown (C. J. Clopper, E. S. Pearson, Biometrika 26, 1934)."""
    share = 1 - (alpha / 2) ** (1 / groups)
    below = share * (value - bounds.low) if bounds.low is not None else 0.0
    above = share * (bounds.high - value) if bounds.high is not None else 0.0
    return min(low, value - below), max(high, value + above)
