"""Nights: one test across all nights of a quarter, whose false alarms are budgeted for the quarter as a whole.

Every night the same examples are asked again, so what differs between nights without a change is the model's sampling
and the judge, not the questions. How much that is, replicates of the baseline tell. The baseline's own error is common
to all nights: it is in the limit, which is found by simulating quarters without change (normal means, fixed seed).
Means over the last 1, 2, 3, 7 and 21 nights are looked at, so that a large loss shows at once and a small one later.
A night that looks bad is asked again at once: what was bad luck goes, what was lost stays. Without a change this
happens in a tenth of nights, and costs a fifth more calls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError

Floats = NDArray[np.float64]

WINDOWS = (1, 2, 3, 7, 21)
SUSPECT = 1.3
"""So many standard errors below the baseline a night is asked again."""
AGAIN = 2
"""How many repeats more it then gets; the mean of all is the night's."""
RESERVE = 0.5
"""The share of the budget that is not spent: means of few changed answers are skewed, and the noise is estimated."""
_QUARTERS = 40_000
_AT_ONCE = 4_000


@dataclass(frozen=True)
class Replicates:
    """A baseline answered `count` times: the mean of all, and the standard error of the mean of one night (given the
    examples) with its degrees of freedom."""

    mean: float
    error: float
    freedom: float
    count: int


@dataclass(frozen=True)
class Night:
    """The state after the last night: whether it alarms, the window that speaks loudest, its mean difference from the
    baseline (above 0 is better), the error of that, the statistic and the limit that it must fall below."""

    alarm: bool
    window: int
    difference: float
    error: float
    statistic: float
    limit: float


def replicates(values: Floats, clusters: NDArray[np.int64], span: float) -> Replicates:
    """From scores (examples x replicates, more is better) of one configuration; `clusters` numbers the examples'.

    Answers of one cluster may vary together: the variance is that of clusters' sums. One example that changed in one
    replicate by the whole `span` is added to it, so that replicates that all agree are not taken for certain.
    Raises UserError with fewer than two replicates.
    """
    examples, count = values.shape
    if count < 2:
        raise UserError(
            f"gate: nights need a baseline with replicates, to know its noise; this has {count}: "
            f"run it again with harness sweep … --repeats 10"
        )
    sums = np.zeros((int(clusters.max()) + 1, count))
    np.add.at(sums, clusters, values)
    variances = sums.var(axis=1, ddof=1)
    total = float(variances.sum()) + span**2 / count
    fourth = float((variances**2).sum())
    # of estimates with count - 1 degrees of freedom each (F. E. Satterthwaite, Biometrics Bulletin 2, 1946); the
    # squares of estimates are larger than those of the variances by (count + 1) / (count - 1)
    freedom = (count + 1) * float(variances.sum()) ** 2 / fourth if fourth else float(count - 1)
    return Replicates(float(values.mean()), math.sqrt(total) / examples, max(1.0, freedom), count)


def suspicious(first: float, baseline: Replicates) -> bool:
    """Whether a night must be asked again, by the mean of its first answers."""
    return first - baseline.mean < -SUSPECT * baseline.error * math.sqrt(1 + 1 / baseline.count)


def watched(
    nights: Sequence[float],
    baseline: Replicates,
    planned: int,
    budget: float,
    margin: float = 0.0,
    same: int | None = None,
) -> Night:
    """The state after the last of `nights` (means of all of a quarter so far, more is better), of `planned` at most.

    A night that was suspicious must have been asked again.
    It alarms where a window's mean is below the limit and lost more than `margin`, and so did those of its nights that
    had the last one's configuration (the last `same`; None: all): what was reverted alarms no more. Without a change
    any night of the quarter alarms with a probability of at most `budget`.
    """
    if not 1 <= len(nights) <= planned:
        raise UserError(f"gate: a quarter has {planned} nights, got {len(nights)}; begin a new one")
    limit = -_student(boundary(planned, baseline.count, (1 - RESERVE) * budget), baseline.freedom)
    found = []
    for window in (w for w in WINDOWS if w <= len(nights)):
        difference = float(np.mean(nights[-window:])) - baseline.mean
        error = baseline.error * math.sqrt(1 / window + 1 / baseline.count)
        statistic = difference / error
        own = float(np.mean(nights[-min(window, same or window) :])) - baseline.mean
        alarm = statistic < limit and max(difference, own) < -margin
        found.append(Night(alarm, window, difference, error, statistic, limit))
    return min(found, key=lambda night: (not night.alarm, night.statistic))


@lru_cache(maxsize=64)
def boundary(planned: int, count: int, budget: float) -> float:
    """How many standard errors a window's mean falls below the baseline in a share `budget` of quarters without
    change, `count` replicates being the baseline, bad nights asked again."""
    random = np.random.default_rng(7)
    lowest = []
    for _ in range(_QUARTERS // _AT_ONCE):
        base = random.standard_normal((_AT_ONCE, 1)) / math.sqrt(count)
        nights = random.standard_normal((_AT_ONCE, planned))
        more = random.standard_normal((_AT_ONCE, planned)) * math.sqrt(AGAIN)
        bad = nights - base < -SUSPECT * math.sqrt(1 + 1 / count)
        nights = np.where(bad, (nights + more) / (1 + AGAIN), nights)
        totals = np.cumsum(np.pad(nights, ((0, 0), (1, 0))), axis=1)
        least = np.full(_AT_ONCE, np.inf)
        for window in (w for w in WINDOWS if w <= planned):
            means = (totals[:, window:] - totals[:, :-window]) / window
            least = np.minimum(least, ((means - base) / math.sqrt(1 / window + 1 / count)).min(axis=1))
        lowest.append(least)
    return -float(np.quantile(np.concatenate(lowest), budget))


def _student(normal: float, freedom: float) -> float:
    """The limit for an error that is estimated: Student's t with the tail of this normal value."""
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(freedom, float(ndtr(-normal))))
