"""Means that say what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.records import Scale
from harness.study.cells import Cells
from harness.study.choosing.matrix import Matrix
from harness.study.inference.means import mean_intervals

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
METHOD = "95%, cluster-robust (CR2, Satterthwaite), fixed sample; Korn-Graubard within a known range, else Student's t"


@dataclass(frozen=True)
class Figure:
    """The mean of a metric for one variant.

    Of `planned` cells to which the metric applies, `answered` have an answer, `n` are scored and `failed` are not (no
    answer, or the metric broke). `low` and `high` are the interval (None with fewer than two clusters). Where cells
    failed, `worst` and `best` are the mean had they all scored the worst or best possible; None where the range has no
    such end. `quantiles` (p50, p90, p95, p99, over scored cells) are there where the range is open, `passed` where the
    metric has a threshold.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    failed: int
    planned: int
    answered: int
    worst: float | None
    best: float | None
    quantiles: Mapping[str, float] | None = None
    passed: Passed | None = None

    def as_json(self) -> dict[str, Any]:
        """The figure by name; `quantiles` and `passed` only where they are."""
        content = {key: value for key, value in vars(self).items() if key not in ("quantiles", "passed")}
        if self.quantiles is not None:
            content["quantiles"] = dict(self.quantiles)
        if self.passed is not None:
            content["passed"] = vars(self.passed)
        return content


@dataclass(frozen=True)
class Passed:
    """The share of the `n` scored cells that are within the metric's threshold, with its interval; `failed` cells have
    no score and are not in it."""

    share: float | None
    low: float | None
    high: float | None
    n: int
    failed: int


def scale_of(metric: Mapping[str, Any]) -> Scale:
    """How a metric's values are read, from its entry in a header; older headers know no thresholds."""
    ends = (metric["low"], metric["high"], metric.get("at_least"), metric.get("at_most"))
    return Scale(metric["direction"], *ends)


def whole_figures(matrix: Matrix, scale: Scale, cells: Cells) -> dict[str, Figure]:
    """A figure for each variant, with the share that passes and the quantiles where they say something."""
    found = figures(matrix, scale.low, scale.high)
    if scale.low is None or scale.high is None:
        for i, variant in enumerate(matrix.variants):
            values = cells.quantiles(i, tuple(QUANTILES.values()))
            named = dict(zip(QUANTILES, values, strict=True)) if values else None
            found[variant] = replace(found[variant], quantiles=named)
    if scale.has_threshold:
        for variant, share in figures(cells.passing(matrix, scale), 0.0, 1.0).items():
            passed = Passed(share.mean, share.low, share.high, share.n, share.failed)
            found[variant] = replace(found[variant], passed=passed)
    return found


def figures(matrix: Matrix, low: float | None, high: float | None, alpha: float = 0.05) -> dict[str, Figure]:
    """A figure for each variant. The mean weighs every scored cell alike."""
    columns = _intervals(matrix, alpha, low, high)
    found = {}
    for i, variant in enumerate(matrix.variants):
        scored, failed = matrix.scored[:, i], matrix.failed[:, i]
        n, lost = int(scored.sum()), int(failed.sum())
        total = float(np.nansum(matrix.values[:, i] * scored))
        mean = total / n if n else None
        ends = [None if end is None or not n + lost else (total + end * lost) / (n + lost) for end in (low, high)]
        worst, best = ends if lost else (mean, mean)
        found[variant] = Figure(
            mean, *columns[i], n, lost, n + lost, n + lost - int(matrix.unanswered[:, i].sum()), worst, best
        )
    return found


def _intervals(
    matrix: Matrix, alpha: float, low: float | None, high: float | None
) -> list[tuple[float | None, float | None]]:
    present = ~np.isnan(matrix.values).all(axis=1)
    clusters = np.unique(matrix.clusters[present], return_inverse=True)[1]
    lows, highs = mean_intervals(matrix.values[present], clusters, alpha, low, high)
    return [(_number(a), _number(b)) for a, b in zip(lows, highs, strict=True)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
