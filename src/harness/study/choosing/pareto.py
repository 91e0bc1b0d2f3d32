"""Which variants nothing else beats: the front over quality, cost and latency, plainly and beyond noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError, advice
from harness.study.choosing.bestset import Gaps, gaps_of, holm
from harness.study.choosing.framing import matrix_of
from harness.study.choosing.matrix import Matrix
from harness.study.clusters import FEW_CLUSTERS

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

MAXIMIZE = ("quality", "value")
_CELL = ("variant", "example", "repeat", "cluster")
MINIMIZE = ("cost", "cost_usd", "latency", "latency_ms")


@dataclass(frozen=True)
class Front:
    """`table`: `variant`, the mean of each objective, `on_front` (none is at least as good in all and better in one, by
    the means), `dominated_by` (the variant that beats it beyond noise, None for none), `kept` (there is none such).

    `front` and `kept` are the ids; without examples in the frame they are the same, and a caution says so.
    """

    table: pd.DataFrame
    objectives: tuple[str, ...]
    clusters: int | None
    cautions: tuple[str, ...]

    @property
    def front(self) -> list[str]:
        """Ids on the front of the means."""
        return list(self.table.loc[self.table["on_front"], "variant"])

    @property
    def kept(self) -> list[str]:
        """Ids that nothing beats beyond noise."""
        return list(self.table.loc[self.table["kept"], "variant"])


def pareto(
    frame: pd.DataFrame,
    maximize: Sequence[str] | None = None,
    minimize: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> Front:
    """The front of a frame with `variant` and objectives: one row per variant, or per cell with `example`[, `cluster`].

    Objectives not named are `quality` or `value` (more is better), `cost`, `cost_usd`, `latency`, `latency_ms` (less).
    With examples, one variant beats another beyond noise when it is significantly better in every objective in which
    the two differ at all (an intersection-union test: R. L. Berger, Technometrics 24, 1982), corrected by Holm over all
    ordered pairs; the comparison is paired by example and clustered. Raises UserError for missing columns, fewer than
    two objectives, and variants without a value.
    """
    more, less = _objectives(frame, MAXIMIZE, maximize), _objectives(frame, MINIMIZE, minimize)
    names = [*more, *less]
    if len(names) < 2:
        raise UserError(f"pareto: a front needs two objectives, found {names or 'none'}; name them in the call")
    signs = np.array([1.0] * len(more) + [-1.0] * len(less))
    if "variant" not in frame.columns:
        raise UserError("pareto: the frame has no column 'variant'")
    matrices = [_matrix(frame, name) for name in names]
    variants = matrices[0].variants
    means = np.array([np.nanmean(m.values, axis=0) for m in matrices]).T
    on_front = plain_front(means * signs)
    cautions: list[str] = []
    clusters = None
    if "example" in frame.columns:
        found = [gaps_of(sign * m.values, m.clusters) for sign, m in zip(signs, matrices, strict=True)]
        beaten = _beaten([_one_sided(gaps) for gaps in found], alpha)
        clusters = len(np.unique(matrices[0].clusters))
        if clusters < FEW_CLUSTERS:
            cautions.append(f"only {clusters} clusters: p-values from fewer than {FEW_CLUSTERS} are rough")
        if any(m.failed.any() for m in matrices):
            cautions.append("cells without a value are left out of their objective: fill in the worst to count them")
    else:
        beaten = _beaten_plainly(means * signs)
        cautions.append("one row per variant: noise is not known, so `kept` is the front of the means")
    return Front(_table(variants, names, means, on_front, beaten), tuple(names), clusters, tuple(cautions))


def plain_front(points: Floats) -> NDArray[np.bool_]:
    """Which rows of points (more is better in each column) no other row dominates; equal rows do not."""
    return np.array([by is None for by in _beaten_plainly(points)], dtype=bool)


def _beaten_plainly(points: Floats) -> list[int | None]:
    found: list[int | None] = []
    for point in points:
        beats = (points >= point).all(axis=1) & (points > point).any(axis=1)
        found.append(int(np.flatnonzero(beats)[0]) if beats.any() else None)
    return found


def _one_sided(gaps: Gaps) -> Floats:
    """p-value of [i, j]: that i is no better than j. Minus infinity where the two do not differ in any cluster."""
    one = np.where(gaps.differences > 0, gaps.raw / 2, 1 - gaps.raw / 2)
    return np.where((gaps.differences == 0) & (gaps.errors == 0), -np.inf, one)


def _beaten(tests: list[Floats], alpha: float) -> list[int | None]:
    """For each variant the one that beats it most surely, beyond noise; None where there is none."""
    highest = np.max(tests, axis=0)
    highest = np.where(np.isinf(highest), 1.0, highest)
    off = ~np.eye(len(highest), dtype=bool)
    corrected = np.ones_like(highest)
    corrected[off] = holm(highest[off])
    first = corrected.argmin(axis=0)
    return [int(i) if corrected[i, j] <= alpha else None for j, i in enumerate(first)]


def _objectives(frame: pd.DataFrame, known: tuple[str, ...], named: Sequence[str] | None) -> list[str]:
    if named is None:
        return [name for name in known if name in frame.columns]
    for name in named:
        if name not in frame.columns:
            raise UserError(f"pareto: no column {name!r}; {advice(name, [str(c) for c in frame.columns], 'it has')}")
    return list(named)


def _matrix(frame: pd.DataFrame, name: str) -> Matrix:
    """One objective as a matrix; a frame without examples has a single one."""
    kept = [column for column in _CELL if column in frame.columns]
    cells = frame[kept].assign(value=frame[name])
    if "example" not in kept:
        cells = cells[["variant"]].assign(example=0, value=frame[name])
    matrix = matrix_of(cells, f"pareto, {name}")
    empty = [v for i, v in enumerate(matrix.variants) if np.isnan(matrix.values[:, i]).all()]
    if empty:
        raise UserError(f"pareto: {name} has no value for {', '.join(empty)}; fill it, or leave the variant out")
    return matrix


def _table(
    variants: list[str], names: list[str], means: Floats, on_front: NDArray[np.bool_], beaten: list[int | None]
) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame({"variant": variants, **{name: means[:, i] for i, name in enumerate(names)}})
    table["on_front"] = on_front
    table["dominated_by"] = [None if by is None else variants[by] for by in beaten]
    table["kept"] = [by is None for by in beaten]
    return table
