"""What each swept axis does to a metric, alone and together with another.

A linear model over the variants' means, fitted by least squares. Its figures are linear in the means, so their errors
follow from the clusters' contributions to the means: paired by example, since one example's scores move all variants
together, and cluster-robust with G-1 degrees of freedom.
Sources: S. R. Searle, F. M. Speed, G. A. Milliken, The American Statistician 34 (1980) for marginal means in unbalanced
designs; F. Yates, Journal of the American Statistical Association 29 (1934) for sums of squares of a term over all
others that do not contain it ("type II").
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.study.choosing.bestset import holm
from harness.study.choosing.framing import bounds_of, matrix_of
from harness.study.choosing.grid import Axis, Grid, added, grid_of, interaction
from harness.study.choosing.sums import sums_of
from harness.study.clusters import FEW_CLUSTERS
from harness.study.inference.given import level, shown

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
REST = "rest"


@dataclass(frozen=True)
class Effects:
    """What the axes do.

    `levels`: `axis`, `level`, `variants` (how many have it), `mean` (marginal: by the additive model, all other axes
    averaged over their levels, or over the variants that there are where axes change together), `low`, `high`.
    `differences`: `axis`, `level`, `other`, `difference` (level minus other), `low`, `high` (not corrected), `p` (Holm
    over all rows). `shares`: `term` (an axis, `A x B`, or `rest`), `df`, `share` of the variance between the variants'
    true means, which is what is left when the noise of finitely many examples is taken out, `observed` (with that
    noise), and `p` of the term's being nothing. Shares never add up to more than 1: a term whose estimate is below zero
    has none, and what the others then have too much is taken from all of them alike; where the total is not above
    zero, no share can be told. What cannot be told is missing: levels of axes that change together
    (`cautions` name them), p of terms with more degrees of freedom than clusters can test, and that of the rest.
    """

    levels: pd.DataFrame
    differences: pd.DataFrame
    shares: pd.DataFrame
    clusters: int
    cautions: tuple[str, ...]
    method: str = "least squares over variants' means; errors by clusters of examples; type II sums of squares"

    def __str__(self) -> str:
        """Each term's share, with its p-value, and the cautions."""
        lines = [f"effects over {self.clusters} clusters, as shares of the variance between variants:"]
        for row in self.shares.to_dict("records"):
            share = "no share told" if row["share"] != row["share"] else f"{100 * row['share']:.0f}%"
            lines.append(f"  {row['term']}: {share}" + ("" if row["p"] != row["p"] else f" (p = {row['p']:.2g})"))
        return "\n".join([*lines, *(f"caution: {text}" for text in self.cautions)])


@dataclass(frozen=True)
class _Means:
    """The variants' means, and what each cluster adds to them (clusters x variants)."""

    values: Floats
    parts: Floats

    def error(self, weights: Floats) -> float:
        """Standard error of a weighted sum of the means."""
        groups = len(self.parts)
        return float(np.sqrt(groups / (groups - 1) * ((self.parts @ weights) ** 2).sum()))

    def covariance(self, directions: Floats) -> Floats:
        """Covariance of the means along some directions (variants x directions)."""
        groups = len(self.parts)
        along = self.parts @ directions
        found: Floats = groups / (groups - 1) * along.T @ along
        return found


def effects_of(
    scores: pd.DataFrame,
    variants: pd.DataFrame,
    alpha: float = 0.05,
    *,
    direction: str = "maximize",
    low: float | None = None,
    high: float | None = None,
) -> Effects:
    """Effects of the axes in `variants` (`variant`, a column per axis) on `scores` (as for `rank`).

    Cells without an answer count as the worst score where the range has an end (0 to 1 if all values lie there). Raises
    UserError for frames that do not fit together, a scored variant without any value, and fewer than two clusters.
    """
    if direction not in ("maximize", "minimize"):
        raise UserError(f"effects: direction is {shown(direction)}; write 'maximize' or 'minimize'")
    alpha = level(alpha, "effects")
    matrix = matrix_of(scores, "effects")
    worst = bounds_of(matrix, low, high, "effects").worst(direction)
    values = matrix.filled(worst)
    grid = grid_of(variants, matrix.variants, "effects")
    empty = [name for i, name in enumerate(matrix.variants) if np.isnan(values[:, i]).all()]
    if empty:
        raise UserError(f"effects: {', '.join(empty)} have no score; leave them out of the frame")
    sums = sums_of(values, matrix.clusters)
    if len(sums.sums) < 2:
        raise UserError("effects: all examples are in one cluster, so nothing tells effects from noise; give more")
    totals = sums.counts.sum(axis=0)
    means = sums.sums.sum(axis=0) / totals
    found = _Means(means, (sums.sums - means * sums.counts) / totals)
    cautions = _cautions(grid, len(sums.sums))
    failed = int(matrix.failed.sum())
    if failed:
        cautions.append(f"{failed} failed cells " + ("are left out" if worst is None else f"count as {worst:g}"))
    if np.isnan(values).any():
        cautions.append("not every variant has every example: means are not over the same examples")
    levels, differences = _levels(grid, found, alpha)
    return Effects(levels, differences, _shares(grid, found), len(sums.sums), tuple(cautions))


def _levels(grid: Grid, means: _Means, alpha: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Marginal means, and the differences between the levels of each axis."""
    import pandas as pd
    from scipy.special import stdtr, stdtrit

    solve = np.linalg.pinv(grid.mains)
    df = len(means.parts) - 1
    t = float(stdtrit(df, 1 - alpha / 2))

    def estimate(row: Floats) -> tuple[float | None, float | None, float | None, float | None]:
        weights = row @ solve
        if np.abs(weights @ grid.mains - row).max() > 1e-8:
            return None, None, None, None
        value, error = float(weights @ means.values), means.error(weights)
        value = 0.0 if abs(value) < 1e-15 else value
        p = 1.0 if value == 0 else float(2 * stdtr(df, -abs(value) / error)) if error > 0 else 2.0**-df
        return value, value - t * error, value + t * error, p

    rows, pairs = [], []
    for axis in grid.axes:
        for i, name in enumerate(axis.levels):
            value, low, high, _ = estimate(grid.level(axis, i))
            if value is None:
                value, low, high, _ = estimate(grid.level(axis, i, observed=True))
            rows.append((axis.name, name, int((axis.codes == i).sum()), value, low, high))
        pairs += [
            (axis.name, axis.levels[i], axis.levels[j], *estimate(grid.level(axis, i) - grid.level(axis, j)))
            for i, j in combinations(range(len(axis.levels)), 2)
        ]
    ends = {"low": float, "high": float}
    levels = pd.DataFrame(rows, columns=["axis", "level", "variants", "mean", *ends]).astype({"mean": float, **ends})
    differences = pd.DataFrame(pairs, columns=["axis", "level", "other", "difference", *ends, "p"])
    differences = differences.astype({"difference": float, "p": float, **ends})
    known = differences["p"].notna()
    differences.loc[known, "p"] = holm(differences.loc[known, "p"].to_numpy(dtype=float))
    return levels, differences


def _shares(grid: Grid, means: _Means) -> pd.DataFrame:
    """Each term's share of the variance between variants, with and without the noise of the examples.

    The denominator is the total, or the sum of the terms that are above zero, whichever is larger.
    """
    import pandas as pd

    every = added(np.eye(len(means.values)), np.ones((len(means.values), 1)))
    total = _squares(every, means)
    rows: list[tuple[str, int, float | None, float | None, float | None]] = []

    def row(term: str, directions: Floats, tested: bool = True) -> None:
        observed, true = _squares(directions, means)
        share = max(true, 0.0) if total[1] > 0 else None
        p = _wald(directions, means) if tested else None
        rows.append((term, directions.shape[1], share, observed / total[0] if total[0] > 0 else None, p))

    explained = grid.mains
    for axis in grid.axes:
        row(axis.name, added(axis.columns, grid.without(axis)))
    for first, second in grid.pairs:
        products = interaction(first, second)
        row(f"{first.name} x {second.name}", added(products, grid.mains))
        explained = np.hstack([explained, products])
    row(REST, added(np.eye(len(means.values)), explained), tested=False)
    shares = pd.DataFrame(rows, columns=["term", "df", "share", "observed", "p"])
    shares = shares.astype({"share": float, "observed": float, "p": float})
    shares["share"] /= max(total[1], float(shares["share"].sum()))
    return shares


def _squares(directions: Floats, means: _Means) -> tuple[float, float]:
    """Sum of squares along orthonormal directions: as observed, and less what noise alone is expected to give."""
    observed = float(((directions.T @ means.values) ** 2).sum())
    return observed, observed - float(np.trace(means.covariance(directions)))


def _wald(directions: Floats, means: _Means) -> float | None:
    """p-value of there being nothing along the directions (Hotelling's T-squared over clusters)."""
    from scipy.special import fdtrc

    groups, df = len(means.parts), directions.shape[1]
    if not 0 < df < groups:
        return None
    along = directions.T @ means.values
    covariance = means.covariance(directions)
    if np.linalg.matrix_rank(covariance) < df:
        return None
    statistic = float(along @ np.linalg.solve(covariance, along))
    return float(fdtrc(df, groups - df, statistic * (groups - df) / (df * (groups - 1))))


def _cautions(grid: Grid, clusters: int) -> list[str]:
    found = []
    if clusters < FEW_CLUSTERS:
        found.append(f"only {clusters} clusters: p-values and intervals from fewer than {FEW_CLUSTERS} are rough")
    for axis in grid.axes:
        own = added(axis.columns, grid.without(axis)).shape[1]
        if own < len(axis.levels) - 1:
            how = "cannot be told" if own == 0 else "can be told in part only"
            found.append(f"{axis.name} changes together with {_partners(grid, axis)}: its effect {how} from theirs")
    for first, second in grid.pairs:
        products = interaction(first, second)
        own = added(products, grid.mains).shape[1]
        if own < products.shape[1]:
            found.append(f"{first.name} x {second.name}: {own} of {products.shape[1]} degrees of freedom are there")
    return found


def _partners(grid: Grid, axis: Axis) -> str:
    """The axes without any one of which this one would have more directions of its own; all others where none has."""
    own = added(axis.columns, grid.without(axis)).shape[1]
    partners = [
        other.name
        for other in grid.axes
        if other is not axis
        and added(axis.columns, Grid(tuple(a for a in grid.axes if a is not other)).without(axis)).shape[1] > own
    ]
    return ", ".join(partners or [other.name for other in grid.axes if other is not axis])
