"""Which variants are best, and which cannot be told from the best."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from harness.study.matrix import Matrix
from harness.study.resampling import clustered_error

ALPHA = 0.05
_POWER = 0.8


@dataclass(frozen=True)
class Place:
    """A variant's place in the ranking. `p` is Holm-corrected, for its difference from the first; None for the first.

    `gap` is that difference (first minus this, in the metric's own direction), on the examples that both have.
    """

    variant: str
    score: float
    gap: float
    p: float | None
    in_best_set: bool


@dataclass(frozen=True)
class Ranking:
    """Variants by their mean, best first. Failed cells count as the worst possible score where there is such a score,
    so that a variant cannot win by failing.

    `best_set` holds the first and all that cannot be told from it (paired differences, cluster-robust t, Holm).
    `detectable` is the smallest difference that this dataset shows with 80% power between typical variants.
    """

    metric: str
    places: tuple[Place, ...]
    detectable: float | None
    clusters: int

    @property
    def best_set(self) -> list[str]:
        """Ids of the variants that may all be the best."""
        return [place.variant for place in self.places if place.in_best_set]


def rank(matrix: Matrix, direction: str, worst: float | None) -> Ranking:
    """Rank the variants of a matrix. Variants without any score are left out."""
    sign = 1.0 if direction == "maximize" else -1.0
    values = matrix.filled(worst)
    present = [i for i in range(values.shape[1]) if not np.isnan(values[:, i]).all()]
    means = {i: float(np.nanmean(values[:, i])) for i in present}
    order = sorted(present, key=lambda i: (-sign * means[i], i))
    if not order:
        return Ranking(matrix.metric, (), None, 0)
    first = order[0]
    gaps, errors, raw = {}, [], {}
    for i in order[1:]:
        gap, error, p = _difference(sign * (values[:, first] - values[:, i]), matrix)
        gaps[i], raw[i] = gap, p
        if np.isfinite(error) and error > 0:
            errors.append(error)
    corrected = _holm(raw)
    places = tuple(
        Place(
            matrix.variants[i],
            means[i],
            gaps.get(i, 0.0),
            corrected.get(i),
            i == first or corrected[i] > ALPHA,
        )
        for i in order
    )
    normal = NormalDist()
    factor = normal.inv_cdf(1 - ALPHA / 2) + normal.inv_cdf(_POWER)
    detectable = factor * float(np.median(errors)) if errors else None
    used = ~np.isnan(values[:, first])
    return Ranking(matrix.metric, places, detectable, len(np.unique(matrix.clusters[used])))


def _difference(
    differences: np.ndarray[tuple[int], np.dtype[np.float64]], matrix: Matrix
) -> tuple[float, float, float]:
    """Mean difference, its error, and the two-sided p-value of Student's t with G-1 degrees of freedom."""
    from scipy.special import stdtr

    paired = ~np.isnan(differences)
    if not paired.any():
        return 0.0, float("inf"), 1.0
    clusters = np.unique(matrix.clusters[paired], return_inverse=True)[1]
    mean, error, groups = clustered_error(differences[paired], clusters)
    if groups < 2 or mean == 0:
        return mean, error, 1.0
    if error == 0:
        return mean, error, 2.0**-groups
    return mean, error, float(2 * stdtr(groups - 1, -abs(mean) / error))


def _holm(p: dict[int, float]) -> dict[int, float]:
    """Holm's step-down correction (S. Holm, Scandinavian Journal of Statistics 6, 1979)."""
    corrected: dict[int, float] = {}
    highest = 0.0
    for done, (i, value) in enumerate(sorted(p.items(), key=lambda pair: pair[1])):
        highest = max(highest, min(1.0, value * (len(p) - done)))
        corrected[i] = highest
    return corrected
