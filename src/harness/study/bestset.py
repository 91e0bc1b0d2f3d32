"""All variants against all: paired differences, which of them are beyond noise, and how much a variant may lose.

A difference is tested by Student's t of the clusters' sums with G-1 degrees of freedom. Its p-value is never below
2^(1-m), the least that flipping the signs of the m examples that differ at all can give (of the G clusters, where these
all say the same): a t-test of few and alike differences is too sure. All pairs are corrected together, so that twelve
equal variants give no claim of any kind beyond the nominal rate.
Sources: S. Holm, Scandinavian Journal of Statistics 6 (1979); J. C. Hsu, Annals of Statistics 9 (1981) for comparisons
with the best: the best is at least as good as each of the others, so what a variant may lose to it is bounded without
knowing which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Found = tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]

_NOTHING = 1e-12


@dataclass(frozen=True)
class Gaps:
    """Of each pair of variants: entry [i, j] is how far i is above j on the examples that both have.

    `differences`, their cluster-robust `errors` (infinite with fewer than two common clusters), the two-sided p-values
    `raw`, those with Holm's correction over all pairs `p`, and the numbers of common clusters `groups`.
    """

    differences: Floats
    errors: Floats
    raw: Floats
    p: Floats
    groups: NDArray[np.int64]

    def most_lost(self, alpha: float) -> Floats:
        """Upper bound of what each variant loses to the best one, valid for all of them at once with 1 - alpha."""
        from scipy.special import stdtrit

        count = len(self.differences)
        if count < 2:
            return np.zeros(count)
        t = stdtrit(np.maximum(self.groups - 1, 1), 1 - alpha / (count - 1))
        highest = self.differences + t * self.errors
        np.fill_diagonal(highest, 0.0)
        most: Floats = np.maximum(highest.max(axis=0), 0.0)
        return most


def gaps_of(values: Floats, clusters: NDArray[np.int64]) -> Gaps:
    """All pairs of columns of `values` (examples x variants, NaN where missing); `clusters` numbers the examples'."""
    from scipy.special import stdtr

    count = values.shape[1]
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    ordered = values[order]
    differences, errors = np.zeros((count, count)), np.zeros((count, count))
    groups, moved = np.zeros((count, count), dtype=np.int64), np.zeros((count, count), dtype=np.int64)
    complete = _of_complete(ordered, starts) if not np.isnan(values).any() else None
    for i in range(count - 1):
        rest = slice(i + 1, count)
        found = complete(i) if complete else _against(ordered[:, [i]] - ordered[:, rest], starts)
        differences[i, rest], errors[i, rest], groups[i, rest], moved[i, rest] = found
    upper = np.triu_indices(count, 1)
    mean, error, common = differences[upper], errors[upper], groups[upper]
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stdtr(np.maximum(common - 1, 1), -np.abs(mean) / error)
    p = np.maximum(p, 2.0 ** (1 - np.where(error > 0, moved[upper], common)))
    p = np.where((mean == 0) | (common < 2), 1.0, np.minimum(p, 1.0))
    raw, corrected = np.ones((count, count)), np.ones((count, count))
    raw[upper], corrected[upper] = p, holm(p)
    for matrix in (errors, raw, corrected, groups):
        matrix.T[upper] = matrix[upper]
    differences.T[upper] = -mean
    return Gaps(differences, errors, raw, corrected, groups)


def holm(p: Floats) -> Floats:
    """Holm's step-down correction of a flat array of p-values."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def _of_complete(values: Floats, starts: NDArray[np.int64]) -> Callable[[int], Found]:
    """As `_against` for one column and those after it, by the covariance of all; for values without a gap."""
    n, groups = len(values), len(starts)
    means = values.mean(axis=0)
    residuals = np.add.reduceat(values - means, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = np.float64(groups) / (groups - 1) * (residuals.T @ residuals) / n**2
    own = np.diag(covariance)

    def found(i: int) -> Found:
        rest = slice(i + 1, None)
        scale = own[i] + own[rest]
        variance = scale - 2 * covariance[i, rest]
        variance = np.where(variance < _NOTHING * scale, 0.0, variance) if groups > 1 else np.full(len(scale), np.inf)
        moved = (np.abs(values[:, [i]] - values[:, rest]) > _NOTHING).sum(axis=0)
        difference = np.where(moved > 0, means[i] - means[rest], 0.0)
        return difference, np.sqrt(variance), np.full(len(scale), groups), moved

    return found


def _against(differences: Floats, starts: NDArray[np.int64]) -> Found:
    """Mean, error, number of clusters, and number of examples that are not zero, of each column."""
    paired = ~np.isnan(differences)
    known = np.where(paired, differences, 0.0)
    n = paired.sum(axis=0)
    mean = known.sum(axis=0) / np.maximum(n, 1)
    groups = (np.add.reduceat(paired.astype(np.int64), starts) > 0).sum(axis=0)
    moved = (np.abs(known) > _NOTHING).sum(axis=0)
    squares = (np.add.reduceat(np.where(paired, differences - mean, 0.0), starts) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(groups / (groups - 1) * squares) / n
    error = np.where(error < _NOTHING * np.abs(mean), 0.0, error)
    return np.where(moved > 0, mean, 0.0), np.where(groups < 2, np.inf, error), groups, moved
