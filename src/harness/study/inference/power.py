"""How many examples a difference needs, and what a dataset can show."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UserError
from harness.study.clusters import FEW_CLUSTERS, clustered_error
from harness.study.inference.design import Design
from harness.study.inference.given import level, number
from harness.study.inference.paired import paired

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Power:
    """What `n` examples show: a true `difference` with probability `power`, at level `alpha`. Printed: a sentence.

    `solved` names which of the three was asked for. `clusters` is n over the mean size of a cluster. `sd` is that of
    the differences of examples, `design_effect` how many times larger clustering makes the variance of their mean.
    `discordance` is the share of examples on which binary scores differ, None for others. `pilot` counts the examples
    that the figures come from, None where they were assumed; `more` the examples that lack to n.
    """

    difference: float
    n: int
    power: float
    alpha: float
    solved: str
    clusters: float
    sd: float
    design_effect: float
    discordance: float | None
    pilot: int | None
    caution: str = ""

    @property
    def more(self) -> int | None:
        """Examples to add to the pilot's; None without a pilot."""
        return None if self.pilot is None else max(0, self.n - self.pilot)

    @property
    def sentence(self) -> str:
        """The result in words; a difference of 0.01 is told as 1 point."""
        points = f"a difference of {100 * self.difference:.3g} points"
        clustered = f" in {self.clusters:,.0f} clusters" if self.clusters < self.n else ""
        text = (
            f"{self.n:,} examples{clustered} show {points} with {100 * self.power:.0f}% power at level {self.alpha:g}"
        )
        if self.solved == "n" and self.more is not None:
            text += f": {self.more:,} more than the {self.pilot:,} there are" if self.more else ": there are enough"
        return f"{text} ({self.caution})" if self.caution else text

    def __str__(self) -> str:
        return self.sentence


def power(
    a: ArrayLike | pd.DataFrame | None = None,
    b: ArrayLike | pd.DataFrame | None = None,
    clusters: Iterable[object] | None = None,
    *,
    difference: float | None = None,
    n: int | None = None,
    power: float | None = None,
    sd: float | None = None,
    discordance: float | None = None,
    icc: float = 0.0,
    cluster_size: float = 1.0,
    alpha: float = 0.05,
) -> Power:
    """Power of `compare`, from a pilot (a, b, clusters: as `compare` takes them) or from assumptions.

    Of `difference`, `n` and `power` (default 0.8) the one that is not given is computed: examples for a difference, the
    smallest difference that n examples show, or the power that both give. With a pilot and neither, n is its own.
    Assumptions: `sd` of the differences of examples, or `discordance` of binary scores; `icc`, the correlation of the
    differences within clusters of `cluster_size`. Raises UserError for what cannot be: a difference is not larger than
    the discordance.
    """
    alpha, n = level(alpha, "power"), _count(n)
    for name, value, top in (("power", power, 1.0), ("difference", difference, math.inf)):
        if value is not None and not 0 < number(value, name, "power") < top:
            raise UserError(f"power: {name} lies above 0{' and below 1' if top == 1 else ''}, got {float(value):g}")
    if (a is None) != (b is None):
        raise UserError("power: a pilot has two sets of scores, a and b")
    pilot, caution = None, ""
    if a is not None and b is not None:
        if sd is not None or discordance is not None or icc != 0 or cluster_size != 1:
            raise UserError("power: a pilot tells sd, discordance, icc and cluster_size; leave them out")
        design, spread, pilot, caution = _from_pilot(a, b, clusters)
    else:
        design, spread = _assumed(sd, discordance, icc, cluster_size)
        if discordance is not None and difference is not None and difference > discordance:
            raise UserError(
                f"power: a difference of {difference:g} cannot be: scores that differ on a share of {discordance:g} of "
                "the examples (`discordance`) differ by no more on average"
            )
    if n is None and difference is None:
        if pilot is None:
            raise UserError("power: give `difference` (for the examples it needs) or `n` (for what they can show)")
        n = pilot
    return _solved(design, spread, pilot, caution, difference, n, power, alpha)


def _solved(
    design: Design,
    spread: float,
    pilot: int | None,
    caution: str,
    difference: float | None,
    n: int | None,
    power: float | None,
    alpha: float,
) -> Power:
    solved = "n" if n is None else "difference"
    if difference is not None and n is not None:
        if power is not None:
            raise UserError("power: of difference, n and power give two at most; the third is computed")
        solved, power = "power", design.power(difference, n, alpha)
    power = 0.8 if power is None else power
    if n is None and difference is not None:
        n = design.needed(difference, power, alpha)
        if n is None:
            raise UserError(f"power: a difference of {difference:g} would need more than ten million examples")
    if n is not None and difference is None:
        difference = design.detectable(n, power, alpha)
        if not math.isfinite(difference):
            raise UserError(f"power: {n} examples in {n / design.size:g} clusters show no difference with such power")
        most = design.discordance if pilot is None else None
        if most is not None and difference > most * (1 + _ROUNDING):
            raise UserError(
                f"power: {n} examples show no difference with such power where scores differ on a share of {most:g} of "
                f"them (`discordance`): none is larger than that, and {difference:.3g} would be needed; give more "
                "examples"
            )
    assert n is not None and difference is not None
    return Power(
        difference,
        n,
        power,
        alpha,
        solved,
        n / design.size,
        spread,
        design.variance / spread**2,
        design.discordance,
        pilot,
        caution,
    )


def _from_pilot(a: object, b: object, clusters: Iterable[object] | None) -> tuple[Design, float, int, str]:
    pairs = paired(a, b, clusters)
    n, groups = len(pairs.differences), len(pairs.sizes)
    spread = float(pairs.differences.std(ddof=1)) if n > 1 else 0.0
    if groups < 2 or spread == 0:
        raise UserError(f"power: a pilot of {n} pairs in {groups} clusters without spread tells nothing; assume `sd`")
    error = clustered_error(pairs.differences, pairs.clusters)[1]
    unclustered = pairs.binary and not pairs.clustered
    discordance = float((pairs.differences != 0).mean()) if unclustered else None
    few = f"the pilot has only {groups} clusters, which tell the variance roughly" if groups < FEW_CLUSTERS else ""
    return Design(error**2 * n, n / groups, discordance), spread, n, few


def _count(n: int | None) -> int | None:
    """A number of examples, whole and at least 2."""
    if n is None:
        return None
    found = number(n, "n", "power")
    if found < 2 or found != int(found):
        raise UserError(f"power: n counts examples, a whole number of at least 2, got {found:g}")
    return int(found)


def _assumed(sd: float | None, discordance: float | None, icc: float, size: float) -> tuple[Design, float]:
    if (sd is None) == (discordance is None):
        raise UserError("power: without a pilot give either `sd` of the differences or `discordance` of binary scores")
    for name, value in (("sd", sd), ("discordance", discordance), ("icc", icc), ("cluster_size", size)):
        if value is not None or name in ("icc", "cluster_size"):
            number(value, name, "power")
    if sd is not None and not 0 < sd < math.inf:
        raise UserError(f"power: sd is above 0, got {sd}")
    if discordance is not None and not 0 < discordance <= 1:
        raise UserError(f"power: discordance is a share above 0 and at most 1, got {discordance}")
    if not 0 <= icc <= 1 or not 1 <= size < math.inf:
        raise UserError(f"power: icc lies from 0 to 1 and cluster_size from 1, got {icc} and {size}")
    if icc and size == 1:
        raise UserError(f"power: icc is {icc:g}, but clusters have one example each; give `cluster_size` as well")
    spread = sd if sd is not None else math.sqrt(discordance or 0.0)
    clustered = size > 1
    return Design(spread**2 * (1 + (size - 1) * icc), size, None if clustered else discordance), spread
