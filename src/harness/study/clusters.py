"""Clusters of examples, which are not independent: their codes, and the error of a mean that minds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEW_CLUSTERS = 30

Floats = NDArray[np.float64]


def codes_of(clusters: Sequence[object]) -> NDArray[np.int64]:
    """Cluster names as numbers 0, 1, … in order of appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in clusters], dtype=np.int64)


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
