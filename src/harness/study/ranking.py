"""Which variants are best, and which cannot be told from the best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.study.bestset import Gaps, gaps_of
from harness.study.framing import Bounds, bounds_of, matrix_of
from harness.study.matrix import Matrix
from harness.study.resampling import FEW_CLUSTERS, codes_of
from harness.study.sums import sums_of
from harness.study.winner import LEAST_CLUSTERS, NEXT_GAIN, SPLITS, Winner, winner_of

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
WITHIN = 0.02
"""How much of a metric's unit the cheapest variant may lose to the best."""
METHOD = (
    "differences paired by example, Student's t of cluster sums, Holm over all pairs; "
    "intervals of means by t, Bonferroni; "
    f"winner by {SPLITS} random halves, tested on the other half, plus {NEXT_GAIN} x the gain from quarter to half"
)
_POWER = 0.8


@dataclass(frozen=True)
class Place:
    """A variant's place in the ranking. `p` is Holm-corrected over all pairs, for its difference from the first; None
    for the first.

    `gap` is that difference (first minus this, in the metric's own direction), on the examples that both have. `low`
    and `high` are the interval of `score`, which holds for all variants at once; `n` counts the examples with a value,
    `failed` the cells without.
    """

    variant: str
    score: float
    gap: float
    p: float | None
    in_best_set: bool
    low: float
    high: float
    n: int
    failed: int


@dataclass(frozen=True)
class _Ground:
    """What a ranking rests on; columns of `values` and entries of `gaps` in the order of the ranking.

    Rows are sorted by the example's name, so that the splits do not depend on the order in which scores came.
    """

    values: NDArray[np.float64]
    clusters: NDArray[np.int64]
    gaps: Gaps
    direction: str
    bounds: Bounds
    alpha: float


@dataclass(frozen=True)
class Ranking:
    """Variants by their mean, best first. Cells without an answer count as the worst possible score where there is one,
    so that a variant cannot win by failing; answers that the metric could not score are left out, and told.

    `best_set` holds the first and all that cannot be told from it. `detectable` is the smallest difference that this
    dataset shows with 80% power between two typical variants that were chosen beforehand; `detectable_any` between any
    two of all, which takes the first step of Holm's correction. `cheapest` is, of the best
    set, the least costly of those that lose at most `within` to the best (95% sure for alpha 0.05); the first where
    none is known to. None without costs. `cautions` say what a reader must know first.
    """

    metric: str
    places: tuple[Place, ...]
    detectable: float | None
    clusters: int
    cautions: tuple[str, ...] = ()
    cheapest: str | None = None
    costs: Mapping[str, float] | None = None
    method: str = METHOD
    ground: _Ground | None = field(default=None, repr=False, compare=False)

    @property
    def direction(self) -> str:
        """`maximize` or `minimize`."""
        return self.ground.direction if self.ground else "maximize"

    @property
    def detectable_any(self) -> float | None:
        """The smallest difference that this dataset shows with 80% power between any two of the variants."""
        if self.ground is None:
            return None
        pairs = math.comb(len(self.places), 2)
        return _detectable(self.ground.gaps, self.ground.alpha / max(1, pairs))

    @property
    def best(self) -> str | None:
        """Id of the variant with the best mean; None where nothing is scored."""
        return self.places[0].variant if self.places else None

    @property
    def best_set(self) -> list[str]:
        """Ids of the variants that may all be the best."""
        return [place.variant for place in self.places if place.in_best_set]

    @cached_property
    def winner(self) -> Winner:
        """The first variant's score, corrected for having been chosen."""
        if self.ground is None:
            raise UserError("rank: no variant has a score, so there is no winner")
        g = self.ground
        names = [place.variant for place in self.places]
        return winner_of(g.values, g.clusters, names, g.direction, g.alpha, g.bounds)

    @cached_property
    def p(self) -> pd.DataFrame:
        """Corrected p-values of all against all, variants in the order of the ranking."""
        import pandas as pd

        names = [place.variant for place in self.places]
        return pd.DataFrame(self.ground.gaps.p if self.ground else [], index=names, columns=names)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per place: `variant`, `mean`, `low`, `high`, `n`, `failed`, `gap`, `p`, `in_best_set`, `most_lost`.

        `p` is 1 for the first. `most_lost` bounds what a variant loses to the best. With costs, there is `cost`.
        """
        import pandas as pd

        names = ["variant", "mean", "low", "high", "n", "failed", "gap", "p", "in_best_set"]
        rows = [
            (s.variant, s.score, s.low, s.high, s.n, s.failed, s.gap, 1.0 if s.p is None else s.p, s.in_best_set)
            for s in self.places
        ]
        frame = pd.DataFrame(rows, columns=names)
        frame["most_lost"] = self.ground.gaps.most_lost(self.ground.alpha) if self.ground else []
        if self.costs is not None:
            frame["cost"] = [self.costs[place.variant] for place in self.places]
        return frame


def rank_scores(
    scores: pd.DataFrame,
    alpha: float = ALPHA,
    costs: Mapping[str, float] | pd.Series | None = None,
    *,
    direction: str = "maximize",
    low: float | None = None,
    high: float | None = None,
    within: float = WITHIN,
) -> Ranking:
    """Rank the variants of a frame with `variant`, `example`, `value` and, where there are, `repeat` and `cluster`.

    Rows without a value are failed cells. `low` and `high` are the ends of the metric's range (0 and 1 where neither is
    given and all values lie there). `costs` gives each variant's cost. Raises UserError for a frame that is no such
    thing, an unknown direction, an alpha outside 0 to 1, a variant without cost, a variant whose cost is no number.
    """
    if direction not in ("maximize", "minimize"):
        raise UserError(f"rank: direction is {direction!r}; write 'maximize' or 'minimize'")
    if not 0 < alpha < 1:
        raise UserError(f"rank: alpha is {alpha}; it lies between 0 and 1, usually 0.05")
    matrix = matrix_of(scores, "rank")
    bounds = bounds_of(matrix, low, high)
    return rank(matrix, direction, bounds.worst(direction), alpha, bounds=bounds, costs=costs, within=within)


def rank(
    matrix: Matrix,
    direction: str,
    worst: float | None,
    alpha: float = ALPHA,
    *,
    bounds: Bounds | None = None,
    costs: Mapping[str, float] | pd.Series | None = None,
    within: float = WITHIN,
) -> Ranking:
    """Rank the variants of a matrix, of equals the earlier column first. Variants without any score are left out."""
    sign = 1.0 if direction == "maximize" else -1.0
    bounds = bounds or (Bounds(low=worst) if direction == "maximize" else Bounds(high=worst))
    values = matrix.filled(worst)
    scored = ~np.isnan(values)
    present = [i for i in range(values.shape[1]) if scored[:, i].any()]
    means = {i: float(np.nanmean(values[:, i])) for i in present}
    order = sorted(present, key=lambda i: (-sign * means[i], i))
    if not order:
        return Ranking(matrix.metric, (), None, 0, _cautions(matrix, order, scored, worst, 0))
    ordered = values[:, order]
    gaps = gaps_of(sign * ordered, matrix.clusters)
    sums = sums_of(ordered, matrix.clusters)
    places = []
    for at, i in enumerate(order):
        ends = sums.interval(at, alpha / len(order), bounds)
        p = float(gaps.p[0, at]) if at else None
        counts = int(scored[:, i].sum()), int(matrix.failed[:, i].sum())
        gap = float(gaps.differences[0, at])
        places.append(Place(matrix.variants[i], means[i], gap, p, p is None or p > alpha, *ends, *counts))
    clusters = len(np.unique(matrix.clusters[scored[:, order[0]]]))
    cautions = _cautions(matrix, order, scored, worst, clusters)
    by_name = sorted(range(len(matrix.examples)), key=lambda i: matrix.examples[i])
    ground = _Ground(ordered[by_name], codes_of(matrix.clusters[by_name].tolist()), gaps, direction, bounds, alpha)
    cheapest, prices = None, None
    if costs is not None:
        prices = _prices(costs, [place.variant for place in places])
        cheapest, caution = _cheapest(places, gaps.most_lost(alpha), prices, within)
        cautions += caution
    detectable = _detectable(gaps, alpha)
    return Ranking(matrix.metric, tuple(places), detectable, clusters, cautions, cheapest, prices, METHOD, ground)


def _detectable(gaps: Gaps, alpha: float) -> float | None:
    errors = gaps.errors[0, 1:]
    errors = errors[np.isfinite(errors) & (errors > 0)]
    normal = NormalDist()
    factor = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(_POWER)
    return factor * float(np.median(errors)) if len(errors) else None


def _prices(costs: Mapping[str, float] | pd.Series, variants: list[str]) -> dict[str, float]:
    prices = {str(variant): float(cost) for variant, cost in costs.items()}
    lacking = [variant for variant in variants if not np.isfinite(prices.get(variant, np.nan))]
    if lacking:
        raise UserError(f"rank: no cost is given for {', '.join(lacking)}; give a number for each variant, or no costs")
    return {variant: prices[variant] for variant in variants}


def _cheapest(
    places: list[Place], most_lost: NDArray[np.float64], prices: dict[str, float], within: float
) -> tuple[str, tuple[str, ...]]:
    """The least costly of the best set that is known to lose little; of equally costly ones the better."""
    near = [at for at, place in enumerate(places) if place.in_best_set and most_lost[at] <= within]
    if not near:
        caution = f"no variant is known to lose at most {within:g} to the best, so `cheapest` is the first"
        return places[0].variant, (caution,)
    return places[min(near, key=lambda at: (prices[places[at].variant], at))].variant, ()


def _cautions(
    matrix: Matrix, order: list[int], scored: NDArray[np.bool_], worst: float | None, clusters: int
) -> tuple[str, ...]:
    found = []
    if clusters < FEW_CLUSTERS:
        found.append(f"only {clusters} clusters: p-values and intervals from fewer than {FEW_CLUSTERS} are rough")
    if clusters < LEAST_CLUSTERS and len(order) > 1:
        found.append(f"the winner's score is not corrected: that needs {LEAST_CLUSTERS} clusters")
    lacking = int(matrix.unanswered.sum())
    if lacking and worst is None:
        found.append(
            f"{lacking} cells without an answer are left out: this range has no worst end, so failing may have helped"
        )
    elif lacking:
        found.append(f"{lacking} cells without an answer count as {worst:g}, the worst score")
    unscored = int(matrix.failed.sum()) - lacking
    if unscored:
        said = "if such answers are worse than others, scores are too high"
        found.append(f"{unscored} answers could not be scored, and are left out: {said}")
    lost = [name for i, name in enumerate(matrix.variants) if i not in set(order)]
    if lost:
        found.append(f"without any score, and left out: {', '.join(lost)}")
    counts = scored[:, order].sum(axis=0)
    if len(counts) and counts.min() < counts.max():
        found.append(
            f"means are over {counts.min()} to {counts.max()} examples; gaps are over those that both have, "
            "so they may disagree with the means"
        )
    return tuple(found)
