"""The paired comparison of two sets of scores on the same examples."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.study.clusters import FEW_CLUSTERS, clustered_error
from harness.study.inference.cluster_t import many, t_test
from harness.study.inference.design import Design
from harness.study.inference.flips import flip_test, reaches
from harness.study.inference.given import level, number, shown
from harness.study.inference.mcnemar import matched_interval, mid_p
from harness.study.inference.paired import Pairs, paired

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

POWER = 0.8
LEAST_CLUSTERS = 5
"""The spread of fewer clusters is too uncertain to reckon with: with two, the 95% interval of the standard deviation
reaches from 0.45 to 32 times the observed one."""
_ROUNDING = 1e-9
"""Differences that are apart by no more of their size are equal: the rest is what floating-point sums leave."""

MCNEMAR = "mid-p McNemar test and the score interval matched to it"
FLIPS = "sign flips of whole clusters and the interval that they do not refuse"
CLUSTER_T = "t-test of the clusters' sums and Fieller's interval"
UNANIMOUS = "all differences equal: sign flips of whole clusters, Clopper-Pearson"

_ASSUMES = {
    MCNEMAR: "examples are independent of each other",
    FLIPS: "clusters are independent of each other; were the variants equal, they could swap their scores",
    CLUSTER_T: "clusters are independent of each other, and their sums about normal",
    UNANIMOUS: "clusters are independent of each other",
}


@dataclass(frozen=True)
class Comparison:
    """How much `a` scores above `b` on the same examples. Printed, it is the sentence that it supports.

    `low` and `high` are the ends of the 1 - `alpha` interval, `p` the two-sided p-value: below `alpha` exactly when the
    interval excludes zero. An end is infinite where the clusters are too few to bound it. Fixed sample: not meant for
    looking again and again while data grow. `n` counts pairs, `dropped` those that lack one side.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    dropped: int
    alpha: float
    wins: int
    losses: int
    ties: int
    method: str = f"fixed sample; unclustered binary scores: {MCNEMAR}; others: {FLIPS}"
    assumptions: str = ""
    points: bool = True
    design: Design = field(default=Design(0.0), repr=False)

    @cached_property
    def detectable(self) -> float:
        """The smallest true difference that as many examples show with 80% power; infinite without any spread."""
        return self.design.detectable(self.n, POWER, self.alpha)

    @property
    def claims_difference(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    @property
    def caution(self) -> str:
        """What a reader must know before trusting the interval; empty when nothing."""
        if self.clusters >= FEW_CLUSTERS:
            return ""
        text = f"only {_count(self.clusters, 'cluster')}: from fewer than {FEW_CLUSTERS} little can be learnt of others"
        if self.method == CLUSTER_T:
            return f"{text}; with fewer than {_fewest(self.alpha)} the result rests on normal sums of clusters"
        return text

    def more_examples(self, difference: float = 0.02, power: float = POWER) -> int | None:
        """How many examples more would show a true difference with this power, new clusters being like these.

        0 when these are enough; None when the scores show no spread to reckon with, when fewer than 5 clusters hardly
        tell the spread, or when it were over ten millions.
        """
        difference, power = number(difference, "difference", "compare"), number(power, "power", "compare")
        if not difference > 0:
            raise UserError(f"compare: a difference to look for is above 0, got {difference:g}")
        if not 0 < power < 1:
            raise UserError(f"compare: power lies between 0 and 1, got {power:g}")
        if self.clusters < LEAST_CLUSTERS:
            return None
        needed = self.design.needed(difference, power, self.alpha)
        return None if needed is None else max(0, needed - self.n)

    def sentence(self, difference: float = 0.02, first: str = "the first", second: str = "the second") -> str:
        """The result in words, `first` being `a`. Without a claim: what it would take to show a true difference of this
        much.
        """
        if self.claims_difference:
            side = "above" if self.difference > 0 else "below"
            small, large = sorted((abs(self.low), abs(self.high)))
            confidence = f"{100 * (1 - self.alpha):g}%"
            return (
                f"{first} is {self._amount(abs(self.difference))} {side} {second} ({confidence} interval "
                f"{self._amount(small)} to {self._amount(large)}, p = {self.p:.2g}, {self._basis()})"
            )
        more, asked = self.more_examples(difference), self._amount(difference)
        if self.clusters < LEAST_CLUSTERS:
            known = _count(self.clusters, "cluster" if self.clusters < self.n else "example")
            rest = f"how many examples {asked} would need cannot be told from {known}"
        elif more is None:
            rest = f"how many examples {asked} would need cannot be told from these scores"
        elif more == 0:
            rest = f"these examples show {asked} with 80% power"
        else:
            rest = f"{more:,} more examples would be needed for {asked}"
        return f"no difference can be claimed; {rest} ({self._basis()})"

    def __str__(self) -> str:
        return self.sentence()

    def _amount(self, value: float) -> str:
        return f"{100 * value:.3g} points" if self.points else f"{value:.3g}"

    def _basis(self) -> str:
        within = f" in {_count(self.clusters, 'cluster')}" if self.clusters < self.n else ""
        parts = [_count(self.n, "example") + within]
        if self.dropped:
            parts.append(f"{self.dropped:,} dropped for want of a score")
        if self.caution:
            parts.append(self.caution)
        return "; ".join(parts)


def compare(
    a: ArrayLike | pd.DataFrame,
    b: ArrayLike | pd.DataFrame,
    clusters: Iterable[object] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> Comparison:
    """Compare two arrays of scores, entry i of both being the same example, or two frames.

    `clusters` names the unit of dependence of each example (default: each its own). NaN means missing; such pairs are
    dropped and counted. Frames have `example`, `value` and, where there are, `repeat` and `cluster`: the mean over an
    example's repeats is its score. `seed` is that of the flips where they are drawn at random.
    Raises UserError when lengths differ or no pair is left.
    """
    alpha = level(alpha, "compare")
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed < 0:
        raise UserError(f"compare: seed is {shown(seed)}; give a whole number from 0")
    pairs = paired(a, b, clusters)
    d = pairs.differences
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    p, low, high, method = _judge(pairs, wins, losses, alpha, seed)
    mean, error, groups = clustered_error(d, pairs.clusters)
    discordance = (wins + losses) / len(d) if pairs.binary and not pairs.clustered else None
    design = Design(error**2 * len(d) if math.isfinite(error) else 0.0, len(d) / groups, discordance)
    assumptions = _ASSUMES[method]
    if pairs.repeats > 1:
        assumptions += f"; up to {pairs.repeats} repeats of an example make one score, their mean"
    return Comparison(
        difference=mean,
        low=low,
        high=high,
        p=p,
        n=len(d),
        clusters=groups,
        dropped=pairs.dropped,
        alpha=alpha,
        wins=wins,
        losses=losses,
        ties=len(d) - wins - losses,
        method=method,
        assumptions=assumptions,
        points=pairs.unit,
        design=design,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _judge(pairs: Pairs, wins: int, losses: int, alpha: float, seed: int) -> tuple[float, float, float, str]:
    """P-value, interval and method."""
    sums, sizes = pairs.sums, pairs.sizes
    if pairs.binary and not pairs.clustered:
        return float(mid_p(wins, losses)), *matched_interval(wins, losses, len(sums), alpha), MCNEMAR
    if np.ptp(pairs.differences) <= _ROUNDING * max(1.0, float(np.abs(pairs.differences).max())):
        return *_unanimous(pairs, alpha), UNANIMOUS
    if len(sums) < 2:
        return 1.0, -math.inf, math.inf, CLUSTER_T
    if many(sums) or not reaches(len(sums), alpha):
        return *t_test(sums, sizes, alpha), CLUSTER_T
    return *flip_test(sums, sizes, alpha, seed), FLIPS


def _unanimous(pairs: Pairs, alpha: float) -> tuple[float, float, float]:
    """Where all differences are equal. Clusters that agree leave room for a share 1 - (alpha/2)^(1/clusters) that do
    not (Clopper and Pearson). With ties alone, or binary scores, these could lie at either end of the scores' range.
    """
    value, groups = float(pairs.differences[0]), len(pairs.sums)
    p = min(1.0, 2.0 ** (1 - groups)) if value else 1.0
    if pairs.binary or not value:
        share = 1 - (alpha / 2) ** (1 / groups)
        return p, value - share * (pairs.span + value), value + share * (pairs.span - value)
    return (p, -math.inf, math.inf) if p >= alpha else (p, value, value)


def _fewest(alpha: float) -> int:
    """The fewest clusters whose sign flips reach alpha."""
    return next(groups for groups in range(1, 1000) if reaches(groups, alpha))
