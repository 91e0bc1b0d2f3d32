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
from harness.study.choosing.bestset import Gaps, gaps_of
from harness.study.choosing.framing import Bounds, bounds_of, matrix_of
from harness.study.choosing.matrix import Matrix
from harness.study.choosing.reservations import apart_of, cautions_of
from harness.study.choosing.sums import sums_of
from harness.study.choosing.winner import LEAST_CLUSTERS, NEXT_GAIN, SPLITS, Winner, winner_of
from harness.study.clusters import codes_of
from harness.study.inference.given import level, number, shown

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
WITHIN = 0.02
"""How much of a metric's unit the cheapest variant may lose to the best."""
METHOD = (
    "differences paired by example, Student's t of cluster sums, Holm over all pairs; "
    "intervals of means by t, Bonferroni"
)
_CORRECTED = (
    f"winner by {SPLITS} random halves, tested on the other half, plus {NEXT_GAIN} x the gain from quarter to half"
)
_AS_OBSERVED = "the winner's score is as observed"
_POWER = 0.8
_SHOWN = 10


@dataclass(frozen=True)
class Place:
    """A variant's place in the ranking. `p` is Holm-corrected over all pairs, for its difference from the first; None
    for the first, and for one that has no example in common with it.

    `gap` is that difference (first minus this, in the metric's own direction), on the examples that both have, None
    where there is none. `low` and `high` are the interval of `score`, which holds for all variants at once; `n` counts
    the examples with a value, `failed` the cells without.
    """

    variant: str
    score: float
    gap: float | None
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

    def __str__(self) -> str:
        """Places, scores and the best set as text: the first ten, and the cautions."""
        if not self.places:
            return f"{self.metric}: no variant has a score"
        held, many = len(self.best_set), "" if len(self.places) == 1 else "s"
        lines = [
            f"{self.metric}: {len(self.places)} variant{many} over {self.clusters} clusters; {held} in the best set (*)"
        ]
        lines += [
            f"{i + 1:3}{'*' if s.in_best_set else ' '} {s.variant}  {s.score:.4g} ({s.low:.4g} to {s.high:.4g})"
            for i, s in enumerate(self.places[:_SHOWN])
        ]
        if len(self.places) > _SHOWN:
            lines.append(f"     and {len(self.places) - _SHOWN} more")
        best = self.winner
        lines.append(f"{best.variant} on fresh examples: {best.score:.4g} ({best.low:.4g} to {best.high:.4g})")
        if self.cheapest is not None:
            lines.append(f"cheapest: {self.cheapest}")
        return "\n".join([*lines, *(f"caution: {text}" for text in self.cautions)])

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
        """Corrected p-values of all against all, in the order of the ranking; NaN for two without a common example."""
        import pandas as pd

        names = [place.variant for place in self.places]
        if self.ground is None:
            return pd.DataFrame([], index=names, columns=names)
        gaps = self.ground.gaps
        apart = (gaps.groups == 0) & ~np.eye(len(names), dtype=bool)
        return pd.DataFrame(np.where(apart, np.nan, gaps.p), index=names, columns=names)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per place: `variant`, `mean`, `low`, `high`, `n`, `failed`, `gap`, `p`, `in_best_set`, `most_lost`.

        `p` is 1 for the first; `p` and `gap` are NaN for one without an example in common with it. `most_lost` bounds
        what a variant loses to the best. With costs, there is `cost`.
        """
        import pandas as pd

        names = ["variant", "mean", "low", "high", "n", "failed", "gap", "p", "in_best_set"]
        rows = [
            (s.variant, s.score, s.low, s.high, s.n, s.failed, s.gap, s.p if i else 1.0, s.in_best_set)
            for i, s in enumerate(self.places)
        ]
        frame = pd.DataFrame(rows, columns=names)
        frame = frame.astype({"gap": float, "p": float})
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
    thing, an unknown direction, an alpha outside 0 to 1, ends that are not in order, a value outside them, a variant
    without cost, a variant whose cost is no number.
    """
    if direction not in ("maximize", "minimize"):
        raise UserError(f"rank: direction is {shown(direction)}; write 'maximize' or 'minimize'")
    alpha, within = level(alpha, "rank"), number(within, "within", "rank")
    matrix = matrix_of(scores, "rank")
    bounds = bounds_of(matrix, low, high, "rank")
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
        return Ranking(matrix.metric, (), None, 0, cautions_of(matrix, order, scored, worst, 0))
    ordered = values[:, order]
    gaps = gaps_of(sign * ordered, matrix.clusters)
    sums = sums_of(ordered, matrix.clusters)
    places = []
    for at, i in enumerate(order):
        ends = sums.interval(at, alpha / len(order), bounds)
        apart = gaps.groups[0, at] == 0
        p = float(gaps.p[0, at]) if at and not apart else None
        counts = int(scored[:, i].sum()), int(matrix.failed[:, i].sum())
        gap = None if at and apart else float(gaps.differences[0, at])
        places.append(Place(matrix.variants[i], means[i], gap, p, p is None or p > alpha, *ends, *counts))
    clusters = len(np.unique(matrix.clusters[scored[:, order[0]]]))
    cautions = cautions_of(matrix, order, scored, worst, clusters) + apart_of(gaps, [place.variant for place in places])
    by_name = sorted(range(len(matrix.examples)), key=lambda i: matrix.examples[i])
    ground = _Ground(ordered[by_name], codes_of(matrix.clusters[by_name].tolist()), gaps, direction, bounds, alpha)
    cheapest, prices = None, None
    if costs is not None:
        prices = _prices(costs, [place.variant for place in places])
        cheapest, caution = _cheapest(places, gaps.most_lost(alpha), prices, within)
        cautions += caution
    detectable = _detectable(gaps, alpha)
    method = f"{METHOD}; {_CORRECTED if _is_corrected(clusters, len(places)) else _AS_OBSERVED}"
    return Ranking(matrix.metric, tuple(places), detectable, clusters, cautions, cheapest, prices, method, ground)


def _detectable(gaps: Gaps, alpha: float) -> float | None:
    errors = gaps.errors[0, 1:]
    errors = errors[np.isfinite(errors) & (errors > 0)]
    normal = NormalDist()
    factor = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(_POWER)
    return factor * float(np.median(errors)) if len(errors) else None


def _prices(costs: Mapping[str, float] | pd.Series, variants: list[str]) -> dict[str, float]:
    if not hasattr(costs, "items"):
        raise UserError(f"rank: costs is {shown(costs)}; give a mapping or a series from variant to cost")
    given = {str(variant): cost for variant, cost in costs.items()}
    lacking = [variant for variant in variants if given.get(variant) is None or given[variant] != given[variant]]
    if lacking:
        raise UserError(f"rank: no cost is given for {', '.join(lacking)}; give a number for each variant, or no costs")
    return {variant: number(given[variant], f"the cost of {variant}", "rank") for variant in variants}


def _is_corrected(clusters: int, variants: int) -> bool:
    return variants > 1 and clusters >= LEAST_CLUSTERS


def _cheapest(
    places: list[Place], most_lost: NDArray[np.float64], prices: dict[str, float], within: float
) -> tuple[str, tuple[str, ...]]:
    """The least costly of the best set that is known to lose little; of equally costly ones the better."""
    near = [at for at, place in enumerate(places) if place.in_best_set and most_lost[at] <= within]
    if not near:
        caution = f"no variant is known to lose at most {within:g} to the best, so `cheapest` is the first"
        return places[0].variant, (caution,)
    return places[min(near, key=lambda at: (prices[places[at].variant], at))].variant, ()
