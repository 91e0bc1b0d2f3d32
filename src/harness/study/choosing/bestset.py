"""All variants against all: paired differences, which of them are beyond noise, and how much a variant may lose.

A difference is tested by Student's t of the clusters' sums with G-1 degrees of freedom, which keeps its level with
unequal clusters where the usual cluster-robust t does not. Its p-value is never below 2^(1-m), the least that flipping
the signs of the m examples that differ at all can give (of the G clusters, where these all say the same): a t-test of
few and alike differences is too sure. All pairs are corrected together, so that twelve equal variants give no claim of
any kind beyond the nominal rate.
Sources: R. Ibragimov, U. K. Müller, Journal of Business & Economic Statistics 28 (2010) for the t of sums; S. Holm,
Scandinavian Journal of Statistics 6 (1979); J. C. Hsu, Annals of Statistics 9 (1981) for comparisons with the best: it
is at least as good as each of the others, so what a variant may lose to it is bounded without knowing which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Found = tuple[Floats, Floats, Floats, NDArray[np.int64], NDArray[np.int64]]

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
    differences, errors, statistics = (np.zeros((count, count)) for _ in range(3))
    groups, moved = np.zeros((count, count), dtype=np.int64), np.zeros((count, count), dtype=np.int64)
    complete = _of_complete(ordered, starts) if not np.isnan(values).any() else None
    for i in range(count - 1):
        rest = slice(i + 1, count)
        found = complete(i) if complete else _against(ordered[:, [i]] - ordered[:, rest], starts)
        differences[i, rest], errors[i, rest], statistics[i, rest], groups[i, rest], moved[i, rest] = found
    upper = np.triu_indices(count, 1)
    mean, error, common = differences[upper], errors[upper], groups[upper]
    p = 2 * stdtr(np.maximum(common - 1, 1), -statistics[upper])
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
    factor = groups / (groups - 1) if groups > 1 else np.inf
    residuals = np.add.reduceat(values - means, starts)
    sums = np.add.reduceat(values, starts)
    centred = sums - sums.mean(axis=0)
    about_mean, about_sums = residuals.T @ residuals / n**2, centred.T @ centred / n**2

    def spread(squares: Floats, i: int) -> Floats:
        scale = squares[i, i] + np.diag(squares)[i + 1 :]
        found = scale - 2 * squares[i, i + 1 :]
        if groups < 2:
            return np.full(len(scale), np.inf)
        return np.sqrt(factor * np.where(found < _NOTHING * scale, 0.0, found))

    def found(i: int) -> Found:
        rest = slice(i + 1, None)
        moved = (np.abs(values[:, [i]] - values[:, rest]) > _NOTHING).sum(axis=0)
        difference = np.where(moved > 0, means[i] - means[rest], 0.0)
        statistic = _ratio(difference, spread(about_sums, i))
        return difference, spread(about_mean, i), statistic, np.full(len(difference), groups), moved

    return found


def _against(differences: Floats, starts: NDArray[np.int64]) -> Found:
    """Mean, error, t, number of clusters, and number of examples that are not zero, of each column."""
    paired = ~np.isnan(differences)
    known = np.where(paired, differences, 0.0)
    n = paired.sum(axis=0)
    mean = known.sum(axis=0) / np.maximum(n, 1)
    there = np.add.reduceat(paired.astype(np.int64), starts) > 0
    groups = there.sum(axis=0)
    moved = (np.abs(known) > _NOTHING).sum(axis=0)
    mean = np.where(moved > 0, mean, 0.0)
    squares = (np.add.reduceat(np.where(paired, differences - mean, 0.0), starts) ** 2).sum(axis=0)
    sums = np.add.reduceat(known, starts)
    about = (np.where(there, sums - sums.sum(axis=0) / np.maximum(groups, 1), 0.0) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        error, spread = (np.sqrt(groups / (groups - 1) * total) / n for total in (squares, about))
    error, spread = (np.where(found < _NOTHING * np.abs(mean), 0.0, found) for found in (error, spread))
    error, spread = (np.where(groups < 2, np.inf, found) for found in (error, spread))
    return mean, error, _ratio(mean, spread), groups, moved


def _ratio(difference: Floats, spread: Floats) -> Floats:
    """Absolute t; 0 for no difference, infinite for one without spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, np.abs(difference) / spread)
