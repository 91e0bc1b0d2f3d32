"""The interval of a mean whose examples come in clusters, for many columns at once.

Its error is cluster-robust with the correction CR2, its degrees of freedom are Satterthwaite's. Where the range of the
values is known, the interval is that of Clopper and Pearson for as many independent examples as would have this error:
it leans away from the nearer end, and never leaves the range. With an open range it is Student's t.
Sources: R. M. Bell, D. F. McCaffrey, Survey Methodology 28 (2002), for a model that has only a mean; E. L. Korn, B. I.
Graubard, Survey Methodology 24 (1998); C. J. Clopper, E. S. Pearson, Biometrika 26 (1934).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_EQUAL = 1e-9


def mean_intervals(
    values: Floats, clusters: NDArray[np.int64], alpha: float, low: float | None, high: float | None
) -> tuple[Floats, Floats]:
    """Lower and upper ends of the interval of each column's mean, NaN for a column with fewer than two clusters.

    `values` has shape (examples, columns), NaN where missing; `clusters` numbers the clusters from 0; `low` and `high`
    are the ends of the range that values can have (None: open).
    """
    sums, sizes = _by_cluster(values, clusters)
    groups = (sizes > 0).sum(axis=0)
    total = sizes.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums.sum(axis=0) / total
        of_clusters = np.where(sizes > 0, sums / sizes, np.nan)
        spread = _largest(of_clusters) + _largest(-of_clusters)
        error, freedom = _error(sums, sizes, means, total)
        if low is not None and high is not None:
            lows, highs = _within(means, error, freedom, total, alpha, low, high)
        else:
            lows, highs = _open(means, error, freedom, alpha, low, high)
        agree = spread <= _EQUAL * np.maximum(1.0, abs(means))
        some = agree & (groups > 1)
        lows[some], highs[some] = _unanimous(means[some], groups[some], alpha, low, high)
    lows[groups < 2] = highs[groups < 2] = np.nan
    return lows, highs


def _by_cluster(values: Floats, clusters: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sums and numbers of values, each of shape (clusters, columns)."""
    count = int(clusters.max()) + 1 if len(clusters) else 0
    present = ~np.isnan(values)
    sums, sizes = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    np.add.at(sums, clusters, np.where(present, values, 0.0))
    np.add.at(sizes, clusters, present.astype(np.float64))
    return sums, sizes


def _largest(values: Floats) -> Floats:
    """The largest of each column; minus infinity where there is none."""
    found: Floats = np.max(values, axis=0, initial=-np.inf, where=~np.isnan(values))
    return found


def _error(sums: Floats, sizes: Floats, means: Floats, total: Floats) -> tuple[Floats, Floats]:
    """The standard error of each mean, and its degrees of freedom (equal clusters: one less than there are)."""
    shares = sizes / total
    residuals = sums - means * sizes
    error = np.sqrt((residuals**2 / (1 - shares)).sum(axis=0)) / total
    off = shares**2 / (1 - shares)
    freedom = 1 / ((shares**2).sum(axis=0) + off.sum(axis=0) ** 2 - (off**2).sum(axis=0))
    return error, freedom


def _open(
    means: Floats, error: Floats, freedom: Floats, alpha: float, low: float | None, high: float | None
) -> tuple[Floats, Floats]:
    from scipy.special import stdtrit

    half = stdtrit(freedom, 1 - alpha / 2) * error
    lows = means - half if low is None else np.maximum(means - half, low)
    highs = means + half if high is None else np.minimum(means + half, high)
    return lows, highs


def _within(
    means: Floats, error: Floats, freedom: Floats, total: Floats, alpha: float, low: float, high: float
) -> tuple[Floats, Floats]:
    """The quantiles of the beta distributions that belong to `share` of `alike` independent yes-or-no examples."""
    from scipy.special import betaincinv, ndtri, stdtrit

    width = high - low
    share = np.clip((means - low) / width, 0.0, 1.0)
    alike = np.where(error > 0, share * (1 - share) / (error / width) ** 2, total)
    alike = alike * (ndtri(1 - alpha / 2) / stdtrit(freedom, 1 - alpha / 2)) ** 2
    yes = share * alike
    lows = np.where(yes > 0, betaincinv(yes, alike - yes + 1, alpha / 2), 0.0)
    highs = np.where(alike > yes, betaincinv(yes + 1, alike - yes, 1 - alpha / 2), 1.0)
    return low + width * np.minimum(lows, share), low + width * np.maximum(highs, share)


def _unanimous(
    means: Floats, groups: NDArray[np.int64], alpha: float, low: float | None, high: float | None
) -> tuple[Floats, Floats]:
    """The interval where all clusters have the same mean, and so show no doubt at all.

    G clusters that agree leave room for a share of 1 - (alpha/2)^(1/G) of others that do not (Clopper and Pearson);
    these could lie at either end of the range.
    """
    share = 1 - (alpha / 2) ** (1 / groups)
    below = share * (means - low) if low is not None else 0.0
    above = share * (high - means) if high is not None else 0.0
    return means - below, means + above
