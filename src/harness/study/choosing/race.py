"""A race: variants leave as soon as they cannot be the best, so that most cells need not be paid for.

Against each variant the others bet that they are better. Were it the best, none could expect to win: the mean of their
capital would be a fair game or worse, and reach 1 / alpha at any time with probability alpha at most. A variant against
which it has leaves. So the best ever leaves with probability alpha at most, whichever it is, whenever and however often
one looks, and however many variants there are; what a variant won before it left stays in the mean. Of several that are
equally the best each is kept with this confidence, but not all of them together. Clusters come in an order that is
drawn.
Sources: I. Waudby-Smith, A. Ramdas, JRSS B 86 (2024), for the bets; V. Vovk, R. Wang, "E-values: calibration,
combination and applications", Annals of Statistics 49 (2021), for the mean; O. Maron, A. W. Moore, "Hoeffding races",
NIPS 6 (1994), for racing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.study.clusters import codes_of
from harness.study.inference.betting import capital, shares
from harness.study.inference.given import number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]

_CAP = 0.95
_RESERVE = 1.5
"""A third of alpha is kept back: between many equal variants the bound is nearly reached, and of 500 tests a rate just
below alpha shows more than alpha every other time."""
_SHOWN = 20
_RICH = 500.0
"""The largest logarithm of capital that is told from others."""


@dataclass(frozen=True)
class Race:
    """How a race went. `kept` are the variants (rows) that may be the best, `best` of these the one with the highest
    mean on the examples looked at.

    `cells` of the `available` ones were looked at. `left` gives, for each variant that left, after how many examples.
    `assumes` says what the confidence rests on.
    """

    kept: tuple[int, ...]
    best: int
    cells: int
    available: int
    left: dict[int, int] = field(default_factory=dict)
    assumes: str = ""

    def __str__(self) -> str:
        """Who is left, who has the best mean, and what was looked at."""
        kept = ", ".join(str(i) for i in self.kept[:_SHOWN]) + (", …" if len(self.kept) > _SHOWN else "")
        looked = f"{self.cells:,} of {self.available:,} cells ({100 * self.share:.0f}%) were looked at"
        every = len(self.kept) + len(self.left)
        return f"{len(self.kept)} of {every} variants kept: {kept}; the best mean has {self.best}; {looked}"

    @property
    def share(self) -> float:
        """The share of the available cells that was looked at."""
        return self.cells / self.available


def race(values: ArrayLike, confidence: float = 0.95, clusters: Iterable[object] | None = None, seed: int = 0) -> Race:
    """Race the rows of `values` (variants x examples, higher is better, NaN where a cell is not available).

    The best variant is kept with this confidence. `clusters` names the unit of dependence of each example (default:
    each its own); `seed` draws the order of clusters. A pair is judged on the examples that both have. Scores lie
    between 0 and 1; others are scaled by the span that is found in all of them. The race ends when one is left.
    Raises UserError for what is no such array, a variant without any score, a confidence outside 0 to 1.
    """
    scores = _scores(values)
    confidence = number(confidence, "confidence", "race")
    if not 0 < confidence < 1:
        raise UserError(f"race: confidence lies between 0 and 1, usually 0.95; got {confidence:g}")
    units = _units(scores.shape[1], clusters, seed)
    low, high = float(np.nanmin(scores)), float(np.nanmax(scores))
    span, assumes = 1.0, "clusters are independent draws; scores lie between 0 and 1"
    if low < 0 or high > 1:
        span = high - low
        assumes = f"clusters are independent draws; no score lies outside {low:g} to {high:g}, the span found here"
    available = int((~np.isnan(scores)).sum())
    alive, left, cells, looked = _run(scores, units, span, 1 - confidence)
    means = np.nanmean(np.where(looked, scores[alive], np.nan), axis=1) if len(alive) > 1 else np.zeros(1)
    best = int(alive[int(np.nanargmax(means))])
    return Race(tuple(int(i) for i in alive), best, cells, available, left, assumes)


def _run(
    scores: Floats, units: list[NDArray[np.int64]], span: float, alpha: float
) -> tuple[NDArray[np.int64], dict[int, int], int, NDArray[np.bool_]]:
    """Who is left, when the others left, how many cells were looked at, and which examples."""
    opponents = max(1, len(scores) - 1)
    bets = shares(len(units), alpha / opponents, _CAP)[:, None, None] / (span * max(len(unit) for unit in units))
    alive, won = np.arange(len(scores)), np.zeros(len(scores))
    logs = np.zeros((len(bets), len(alive), len(alive)))
    left: dict[int, int] = {}
    cells, seen, looked = 0, 0, np.zeros(scores.shape[1], dtype=bool)
    for unit in units:
        if len(alive) == 1:
            break
        found = scores[np.ix_(alive, unit)]
        cells, seen, looked[unit] = cells + int((~np.isnan(found)).sum()), seen + len(unit), True
        logs += np.log1p(bets * _differences(found))
        capitals = np.exp(np.minimum(capital(logs), _RICH))
        np.fill_diagonal(capitals, 0.0)
        wealth = (won + capitals.sum(axis=0)) / opponents
        beaten = wealth >= _RESERVE / alpha
        beaten[wealth.argmin()] = False  # somebody is the best
        if beaten.any():
            left.update((int(i), seen) for i in alive[beaten])
            won = (won + capitals[beaten].sum(axis=0))[~beaten]
            alive = alive[~beaten]
            logs = logs[:, ~beaten][:, :, ~beaten]
    return alive, left, cells, looked


def _differences(found: Floats) -> Floats:
    """Sum over a cluster's examples of how far each variant is above each other, on the examples that both have."""
    if not np.isnan(found).any():
        sums = found.sum(axis=1)
        plain: Floats = sums[:, None] - sums[None, :]
        return plain
    there = (~np.isnan(found)).astype(np.float64)
    known = np.where(np.isnan(found), 0.0, found)
    both: Floats = known @ there.T
    return both - both.T


def _scores(values: ArrayLike) -> Floats:
    try:
        scores = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"race: scores must be numbers, NaN where a cell is not available ({error})") from None
    if scores.ndim != 2 or 0 in scores.shape:
        raise UserError(f"race: needs an array of variants x examples, got the shape {scores.shape}")
    if np.isinf(scores).any():
        raise UserError("race: a score is infinite; give NaN for a cell that is not available")
    lacking = np.flatnonzero(np.isnan(scores).all(axis=1))
    if len(lacking):
        raise UserError(f"race: variant {lacking[0]} has no score at all; leave it out")
    return scores


def _units(examples: int, clusters: Iterable[object] | None, seed: int) -> list[NDArray[np.int64]]:
    """The examples of each cluster, clusters in the order drawn."""
    names: list[object] = list(clusters if clusters is not None else range(examples))
    if len(names) != examples:
        raise UserError(f"race: {examples} examples, but {len(names)} cluster names")
    lacking = [i for i, name in enumerate(names) if name is None or name != name]
    if lacking:
        raise UserError(f"race: example {lacking[0]} has no cluster; name one for each example, or give none")
    codes = codes_of(names)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    return [members[i] for i in np.random.default_rng(seed).permutation(len(members))]
