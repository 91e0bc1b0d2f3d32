"""Bets on the mean of bounded scores, and the bounds at which a bettor would have become too rich.

A score is a draw with mean m; who bets the share g of what he has on it keeps 1 - g and gets g x score / m back. If m
is the true mean his capital is a fair game, so that it ever reaches 1 / alpha has at most the probability alpha
(J. Ville, 1939): every m at which it has is refused, at any look. The capital is spread over several fixed shares g, so
it falls as m rises and the bound is found by halving; nor does it depend on the order in which the scores came.
Sources: I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024);
F. Orabona, K.-S. Jun, "Tight concentrations and confidence sequences from the regret of universal portfolio", IEEE
Transactions on Information Theory 70 (2024), for capital that is spread over shares.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHARES = 12
_LEAST, _MOST, _CAP = 0.6, 6.0, 0.8
_HALVINGS = 18


def shares(units: int, alpha: float, most: float = _CAP) -> Floats:
    """Shares of the capital to bet at each unit, `most` at most, to be right at about `units` at level `alpha`.

    At the mean m and the spread s the best share is sqrt(2 log(1/alpha) / units) x m / s; m / s is taken to lie between
    0.6 and 6. That no bet is above 0.8 pays where few units vary little.
    """
    best = math.sqrt(2 * math.log(1 / alpha) / max(1, units))
    return np.minimum(best * np.geomspace(_LEAST, _MOST, _SHARES), most)


def lower_bounds(sums: Floats, sizes: Floats, largest: float, units: int, alpha: float) -> Floats:
    """The lower bound of the mean of each column, 0 where nothing is refused; valid at every look with 1 - `alpha`.

    `sums` and `sizes` (units x columns) are the sum of the scores of a unit, which lie between 0 and 1, and how many
    there are, 0 where the unit is not in. No unit is larger than `largest`; `units` is how many there will be. Of units
    of unequal size it is the mean over all scores that is bounded, sums - mean x sizes being what is bet on.
    """
    bets = shares(units, alpha)[:, None, None]
    kept, paid = 1 - bets * (sizes / largest), bets * (sums / largest)
    low, high = np.zeros(sums.shape[1]), np.ones(sums.shape[1])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        refused = capital(np.log(kept + paid / middle).sum(axis=1)) >= math.log(1 / alpha)
        low, high = np.where(refused, middle, low), np.where(refused, high, middle)
    return low


def upper_bounds(sums: Floats, sizes: Floats, largest: float, units: int, alpha: float) -> Floats:
    """The upper bound of the mean of each column, as `lower_bounds`."""
    return 1 - lower_bounds(sizes - sums, sizes, largest, units, alpha)


def capital(logs: Floats) -> Floats:
    """Logarithm of the mean over the first axis, of what is given as logarithms."""
    top = logs.max(axis=0)
    with np.errstate(invalid="ignore"):
        found: Floats = top + np.log(np.exp(logs - top).mean(axis=0))
    return np.where(np.isposinf(top), np.inf, found)


def final_bounds(sums: Floats, sizes: Floats, units: int, total: float, alpha: float) -> tuple[Floats, Floats]:
    """Bounds of the mean that each column will have when all `units` are in, with 1 - `alpha` at every look.

    `sums` and `sizes` (units so far x columns) as in `lower_bounds`, in the order in which the units were drawn, at
    random and without replacement; a column's units are in up to some row, and have size 0 after it. Together all will
    be `total` scores. What is known already bounds it for certain, so with all units in both bounds are the mean.
    """
    if not len(sums):
        return np.zeros(sums.shape[1]), np.ones(sums.shape[1])
    bets = shares(units, alpha / 2)[:, None, None]
    left = (units - np.arange(len(sums)))[:, None]
    ends = []
    for part in (sums, sizes - sums):
        gone = np.cumsum(part, axis=0)
        low, high = np.minimum(gone[-1] / total, 1.0), np.ones(part.shape[1])
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            expected = (middle * total - gone + part) / left
            with np.errstate(divide="ignore", invalid="ignore"):
                paid = np.where(expected > 0, part / expected, np.where(part > 0, np.inf, 1.0))
            paid = np.where(sizes > 0, paid, 1.0)
            refused = capital(np.log(1 - bets + bets * paid).sum(axis=1)) >= math.log(2 / alpha)
            low, high = np.where(refused, middle, low), np.where(refused, high, middle)
        ends.append(low)
    return ends[0], np.maximum(1 - ends[1], ends[0])
