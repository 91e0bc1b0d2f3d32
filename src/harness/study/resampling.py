"""Cluster bootstrap: whole clusters are drawn with replacement, since their examples are not independent.

Source: A. C. Cameron, J. B. Gelbach, D. L. Miller, "Bootstrap-Based Improvements for Inference with Clustered Errors",
Review of Economics and Statistics 90 (2008); the percentile interval is that of B. Efron (1981).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEW_CLUSTERS = 30
_NUMBERS_AT_ONCE = 2_000_000

Floats = NDArray[np.float64]


def codes_of(clusters: Sequence[object]) -> NDArray[np.int64]:
    """Cluster names as numbers 0, 1, … in order of appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in clusters], dtype=np.int64)


def bootstrap_means(values: Floats, clusters: NDArray[np.int64], draws: int, seed: int) -> Floats:
    """Means under resampling. `values` has shape (examples, columns), NaN where missing; the result (draws, columns).

    A draw that holds no value of a column gives NaN there.
    """
    present = ~np.isnan(values)
    count = int(clusters.max()) + 1 if len(clusters) else 0
    sums, counts = (
        _by_cluster(np.where(present, values, 0.0), clusters, count),
        _by_cluster(present, clusters, count),
    )
    random = np.random.default_rng(seed)
    means = []
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, count))
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        drawn = random.integers(0, count, size=(rows, count)) + np.arange(rows)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append((weights @ sums) / (weights @ counts))
    return np.concatenate(means)


def percentile_interval(means: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Lower and upper ends, one per column; NaN for a column without any mean."""
    low = np.full(means.shape[1], np.nan)
    high = low.copy()
    some = ~np.isnan(means).all(axis=0)
    if some.any():
        low[some], high[some] = np.nanquantile(means[:, some], [alpha / 2, 1 - alpha / 2], axis=0)
    return low, high


def clustered_error(values: Floats, clusters: NDArray[np.int64]) -> tuple[float, float, int]:
    """Mean, its cluster-robust standard error (linearised ratio, G/(G-1)), and the number of clusters G.

    `values` has no NaN. The error is infinite with fewer than two clusters.
    """
    count = int(clusters.max()) + 1 if len(clusters) else 0
    used = np.unique(clusters)
    mean = float(values.mean())
    residuals = np.bincount(clusters, weights=values - mean, minlength=count)[used]
    groups = len(used)
    if groups < 2:
        return mean, float("inf"), groups
    return mean, float(np.sqrt(groups / (groups - 1) * np.sum(residuals**2)) / len(values)), groups


def _by_cluster(values: NDArray[np.float64] | NDArray[np.bool_], clusters: NDArray[np.int64], count: int) -> Floats:
    result = np.zeros((count, values.shape[1]))
    np.add.at(result, clusters, values.astype(np.float64))
    return result
