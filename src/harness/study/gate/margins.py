"""Whether a candidate lost more than a margin: not worse, worse, or too little to tell.

A row passes where the lower 1 - alpha bound of the difference is above minus the margin (a non-inferiority test). It
is a regression where the mean difference is below minus the margin and the one-sided p-value of no loss, corrected by
Holm over all rows, is at most alpha. That all rows pass is claimed when each does at alpha: an intersection-union test
needs no correction (R. L. Berger, Technometrics 24, 1982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.study.choosing.bestset import holm
from harness.study.comparing.comparison import POWER, Comparison, compare
from harness.study.inference.design import MOST

Floats = NDArray[np.float64]

PASS, REGRESSION, UNSURE = "pass", "regression", "cannot tell"


@dataclass(frozen=True)
class Margin:
    """One decision. `difference` is candidate less baseline with the sign such that above 0 is better; `low` and `high`
    are one-sided 1 - alpha bounds, `low` with the `lost` examples (by shares) at their worst; `p` is one-sided, for a
    loss, NaN where the test has none. `needed`: examples that would settle it, None where that cannot be told or
    nothing is open.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    margin: float
    p_corrected: float
    verdict: str
    needed: int | None
    method: str
    lost: float = 0.0


def judged(
    candidate: Floats,
    baseline: Floats,
    clusters: Sequence[str],
    margin: float,
    span: float | None,
    alpha: float,
    lost: float = 0.0,
) -> Margin:
    """The decision of one row alone, from scores of which more is better; NaN: no score.

    `lost` is how many examples' worth of cells could not be scored in one of the two. They could each have cost the
    whole `span`, and any amount where there is none: no pass rests on their being like the others.

    `span` is the width of the scores' range; None: the spread of the scores that there are. What happens in less than a
    share 1 - alpha^(1/clusters) of clusters may not show in any, and could cost the whole range: no bound is above
    what this leaves, however alike the differences are.
    """
    found = compare(candidate, baseline, clusters, alpha=2 * alpha)
    wide = float(np.nanmax([candidate, baseline]) - np.nanmin([candidate, baseline])) if span is None else span
    unseen = 1 - alpha ** (1 / found.clusters)
    low = min(found.low, found.difference - unseen * max(0.0, wide + found.difference))
    low = _with_lost(low, found.n, lost, span)
    p = found.p / 2 if found.difference < 0 else 1 - found.p / 2
    row = Margin(
        difference=found.difference,
        low=low,
        high=found.high,
        p=p,
        n=found.n,
        clusters=found.clusters,
        margin=margin,
        p_corrected=p,
        verdict=UNSURE,
        needed=None if lost * wide >= margin * (found.n + lost) else _needed(found, margin, wide, alpha),
        method=found.method,
        lost=lost,
    )
    return _told(row, p, alpha)


def _with_lost(low: float, n: int, lost: float, span: float | None) -> float:
    """The bound on all examples, those that were lost having fallen from one end of the range to the other."""
    if not lost:
        return low
    return -math.inf if span is None else (n * low - lost * span) / (n + lost)


def settled(rows: Sequence[Margin], alpha: float) -> list[Margin]:
    """The rows with the losses corrected for all of them (Holm)."""
    if not rows:
        return []
    corrected = holm(np.array([row.p for row in rows]))
    return [_told(row, float(p), alpha) for row, p in zip(rows, corrected, strict=True)]


def _told(row: Margin, p: float, alpha: float) -> Margin:
    verdict = UNSURE
    if row.low > -row.margin:
        verdict = PASS
    elif row.difference < -row.margin and p <= alpha:
        verdict = REGRESSION
    return replace(row, p_corrected=p, verdict=verdict, needed=row.needed if verdict == UNSURE else None)


def _needed(found: Comparison, margin: float, wide: float, alpha: float) -> int | None:
    """Examples like these with which the question is settled in 80% of cases, were nothing lost; where there are as
    many, were the difference as it looks."""
    size = found.n / found.clusters
    share = margin / wide if wide > margin else 1.0
    fewest = math.ceil(size * math.log(alpha) / math.log1p(-share)) + 1 if share < 1 else 2
    reckoned = _of_design(found, margin, alpha)
    if reckoned is None:
        return None
    if max(fewest, reckoned) > found.n:
        return max(fewest, reckoned)
    looks = abs(found.difference) if found.difference <= -margin else margin + min(0.0, found.difference)
    again = _of_design(found, looks, alpha) if looks > 0 else None
    return None if again is None else max(again, fewest, found.n + 1)


def _of_design(found: Comparison, distance: float, alpha: float) -> int | None:
    if not (found.design.discordance or found.design.variance > 0):
        return 0
    if distance <= math.sqrt(1 / MOST):
        return None
    return found.design.needed(
        min(distance, 1.0) if found.design.discordance is not None else distance, POWER, 2 * alpha
    )
