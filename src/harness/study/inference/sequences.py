"""Confidence sequences: intervals that hold at all looks at once, however often and for whatever reason one looks.

The target is the mean over the population of questions that the examples were drawn from. Units (clusters of examples)
are independent draws, and which of them are in has nothing to do with their scores: a drawn order sees to that.
- `betting`: for scores between known ends, exact at any number of units. Used where each example is its own unit.
- `normal`: asymptotic; sums of units are about normal. For units of several examples, whose means vary too little for
  their range for exact bounds to be of use, and for scores without ends. Student's t against a mixture of alternatives:
  the capital after G units is (1 + G g)^(-1/2) ((1 + t^2 / v) / (1 + t^2 / (v (1 + G g))))^(G / 2), v = G - 1.
  It is refused until eight units are in that vary in at least four of them, since a mean of units that agree looks
  certain, and for a mean within a tenth of the range of its ends, where scores are skewed: there betting speaks, or
  nobody.
Sources: T. L. Lai, "On confidence sequences", Annals of Statistics 4 (1976), and H. Wang, A. Ramdas, "Anytime-valid
t-tests and confidence sequences for Gaussian means with unknown variance", Sequential Analysis 44 (2025), for the t;
I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52 (2024), for its use where scores are not normal, and the choice of g;
E. C. Fieller, JRSS B 16 (1954), for units of unequal size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.study.choosing.framing import Bounds
from harness.study.inference.betting import lower_bounds, upper_bounds

Floats = NDArray[np.float64]

BETTING = "confidence sequence by betting, exact"
NORMAL = "confidence sequence of Student's t, asymptotic"

_LEAST_UNITS = 8
_LEAST_SPREAD = 4.0
_EDGE = 0.1


@dataclass(frozen=True)
class Sequences:
    """The state of one confidence sequence per column: the mean so far and the ends of the interval.

    Ends are infinite where nothing is known and the scores have no ends; the mean is NaN without a score. `exact` tells
    the columns whose interval is by betting, `units` and `scores` how many units and scores each rests on.
    """

    means: Floats
    low: Floats
    high: Floats
    exact: NDArray[np.bool_]
    units: NDArray[np.int64]
    scores: NDArray[np.int64]


def sequences(
    sums: Floats, sizes: Floats, planned: Floats, bounds: Bounds, alpha: float, exact: bool | None = None
) -> Sequences:
    """The confidence sequences of the columns' means at one look.

    `sums` and `sizes` (units x columns): the sum of a unit's scores and how many there are, 0 where the unit is not in,
    whole. `planned`: how many examples each of all units has that the sweep will come to, in or not. Each interval
    holds with 1 - `alpha` at all looks together. `exact` chooses betting (which needs `bounds`) or the t; by default
    betting where there are bounds and each example is its own unit, which is known before any score.
    """
    bounded = bounds.low is not None and bounds.high is not None
    if exact is None:
        exact = bounded and float(planned.max(initial=1.0)) == 1.0
    if exact and not bounded:
        raise ValueError("exact sequences need scores between known ends; give both, or exact=False")
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums.sum(axis=0) / sizes.sum(axis=0)
    units = (sizes > 0).sum(axis=0)
    low, high = np.full(len(means), bounds.lowest), np.full(len(means), bounds.highest)
    by_t = np.zeros(len(means), dtype=bool)
    if not exact:
        found = _by_t(sums, sizes, len(planned), alpha)
        by_t = trusted(sums, sizes, bounds) & np.isfinite(found[0])
        low, high = (np.where(by_t, end, known) for end, known in zip(found, (low, high), strict=True))
    rest = ~by_t
    if bounded and rest.any():
        low[rest], high[rest] = _by_betting(sums[:, rest], sizes[:, rest], planned, bounds, alpha)
    low, high = np.maximum(low, bounds.lowest), np.minimum(high, bounds.highest)
    return Sequences(means, low, high, rest & bounded, units, sizes.sum(axis=0).astype(np.int64))


def trusted(sums: Floats, sizes: Floats, bounds: Bounds) -> NDArray[np.bool_]:
    """The columns in which enough units vary, and away from the ends, for their sums to be about normal.

    At least eight units, of whose deviations (sum of squares)^2 / (sum of fourth powers) is at least 4: four units that
    are off, be the others as they may. With both ends known the mean is a tenth of the range or more from either.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums.sum(axis=0) / sizes.sum(axis=0)
        squares = (sums - means * sizes) ** 2
        spread = squares.sum(axis=0) ** 2 / (squares**2).sum(axis=0)
    vary = squares.sum(axis=0) > 1e-18 * np.maximum(1.0, (sums**2).sum(axis=0))
    edge = _EDGE * (bounds.highest - bounds.lowest) if math.isfinite(bounds.highest - bounds.lowest) else -math.inf
    inside = (means >= bounds.lowest + edge) & (means <= bounds.highest - edge)
    found: NDArray[np.bool_] = ((sizes > 0).sum(axis=0) >= _LEAST_UNITS) & vary & (spread >= _LEAST_SPREAD) & inside
    return found


def _by_betting(sums: Floats, sizes: Floats, planned: Floats, bounds: Bounds, alpha: float) -> tuple[Floats, Floats]:
    span = bounds.highest - bounds.lowest
    scaled = np.clip((sums - bounds.lowest * sizes) / span, 0.0, sizes)
    largest = max(float(planned.max(initial=1.0)), float(sizes.max(initial=1.0)))
    low = lower_bounds(scaled, sizes, largest, len(planned), alpha / 2)
    high = upper_bounds(scaled, sizes, largest, len(planned), alpha / 2)
    return bounds.lowest + span * low, bounds.lowest + span * high


def _by_t(sums: Floats, sizes: Floats, planned: int, alpha: float) -> tuple[Floats, Floats]:
    """Ends of each column's interval, infinite where the units bound nothing."""
    there = sizes > 0
    units = np.maximum(there.sum(axis=0), 1).astype(np.float64)
    mean, size = sums.sum(axis=0) / units, sizes.sum(axis=0) / units
    off, odd = np.where(there, sums - mean, 0.0), np.where(there, sizes - size, 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        var_sum, var_size, both = ((x * y).sum(axis=0) / (units - 1) for x, y in ((off, off), (odd, odd), (off, odd)))
        k = _squared_t(units, planned, alpha) / units
        a, b, c = size**2 - k * var_size, mean * size - k * both, mean**2 - k * var_sum
        root = np.sqrt(np.maximum(b * b - a * c, 0.0))
        bound = np.isfinite(k) & (a > 0) & (units > 1)
        return np.where(bound, (b - root) / a, -np.inf), np.where(bound, (b + root) / a, np.inf)


def _squared_t(units: Floats, planned: int, alpha: float) -> Floats:
    """The square of t that is refused after so many units; infinite where none is.

    g is such that the interval is about narrowest when all `planned` units are in.
    """
    x = -2 * math.log(alpha)
    grown = 1 + units * (x + math.log(1 + x)) / max(planned, 1)
    c = (np.sqrt(grown) / alpha) ** (2 / units)
    found: Floats = np.where(c < grown, (units - 1) * (c - 1) / (1 - c / grown), np.inf)
    return found
