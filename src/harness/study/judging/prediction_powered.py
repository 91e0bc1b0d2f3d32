"""Means of a judge's scores, corrected with the labels that people gave to a random part of them.

Source: A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan, T. Zrnic, "Prediction-powered inference", Science 382
(2023); the weight of the judge is tuned as in A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++" (2023), here to the
least cluster-robust variance. Since the labelled answers are among the judged ones, this is the regression estimator of
W. G. Cochran, Sampling Techniques (1977), chapter 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UserError
from harness.study.clusters import FEW_CLUSTERS, codes_of

LEAST_LABELS = 20
"""With fewer labels nothing is corrected: a t interval of so few zeros and ones is not to be trusted."""
_NOISE = 1e-9
METHOD = "prediction-powered mean, power-tuned, cluster-robust t"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """What a judge found in n answers, and people in some of them; all arrays have shape (n,).

    `labels` is NaN where nobody labelled. `clusters` names the unit of dependence (default: each its own). `weights`
    tells how much an answer counts in the mean, such as the number of cells that gave it. `chances` is 1 over its
    relative chance of being labelled, where answers were not drawn alike.
    """

    scores: Floats
    labels: Floats
    clusters: Sequence[object]
    weights: Floats
    chances: Floats

    @classmethod
    def of(
        cls,
        scores: ArrayLike,
        labels: ArrayLike,
        clusters: Sequence[object] | None = None,
        weights: ArrayLike | None = None,
        chances: ArrayLike | None = None,
    ) -> Judged:
        """Check the arrays. Raises UserError where their lengths differ or a score is missing."""
        first = np.asarray(scores, dtype=float)
        ones = np.ones(len(first))
        given = [labels, ones if weights is None else weights, ones if chances is None else chances]
        others = [np.asarray(each, dtype=float) for each in given]
        names = list(range(len(first))) if clusters is None else list(clusters)
        lengths = [len(each) for each in (first, *others, names)]
        if len(set(lengths)) > 1 or first.ndim != 1:
            raise UserError(f"scores, labels, weights, chances, clusters need one length, found {lengths}")
        if np.isnan(first).any():
            raise UserError(f"{int(np.isnan(first).sum())} of {len(first)} scores are missing: leave these answers out")
        return cls(first, others[0], names, others[1], others[2])

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which answers have a label."""
        found: NDArray[np.bool_] = ~np.isnan(self.labels)
        return found


@dataclass(frozen=True)
class Corrected:
    """A corrected mean or difference with its 95% interval; None, and why in `note`, where too little is labelled.

    `tuning` is the judge's weight from 0 (labels alone) to 1, one for each mean that takes part. `raw` is the judge's
    own figure. `n_labels` counts labelled answers (of the poorer side of a difference), `n_judged` all of them.
    """

    mean: float | None
    low: float | None
    high: float | None
    raw: float | None
    n_labels: int
    n_judged: int
    clusters: int
    tuning: tuple[float, ...] = ()
    note: str = ""
    method: str = METHOD

    def as_json(self) -> dict[str, Any]:
        """The figure by name; `lambda` is the tuning."""
        found = {name: value for name, value in self.__dict__.items() if name != "tuning"}
        return {**found, "lambda": list(self.tuning)}


def corrected_mean(
    judged: Judged, ends: tuple[float | None, float | None] = (0.0, 1.0), alpha: float = 0.05, tuned: bool = True
) -> Corrected:
    """The mean that people would have given. `ends` is the scale's; without `tuned` it is that of the labels alone."""
    return _corrected([judged], [1.0], ends, alpha, tuned)


def corrected_difference(
    a: Judged,
    b: Judged,
    ends: tuple[float | None, float | None] = (0.0, 1.0),
    alpha: float = 0.05,
    tuned: bool = True,
) -> Corrected:
    """How much higher people would have put `a` than `b`; what both have in common is paired by cluster name."""
    return _corrected([a, b], [1.0, -1.0], ends, alpha, tuned)


def _corrected(
    parts: list[Judged], signs: list[float], ends: tuple[float | None, float | None], alpha: float, tuned: bool
) -> Corrected:
    names = [name for part in parts for name in part.clusters]
    codes = np.split(codes_of(names), np.cumsum([len(part.scores) for part in parts])[:-1])
    count = len(set(names))
    used = np.unique(np.concatenate([code[part.labelled] for part, code in zip(parts, codes, strict=True)]))
    labels = min((int(part.labelled.sum()) for part in parts), default=0)
    judged = min(len(part.scores) for part in parts)
    raw = sum(s * _mean(part.scores, part.weights) for s, part in zip(signs, parts, strict=True)) if judged else None
    freedom = len(used) - 1 - len(parts) * tuned
    if labels < LEAST_LABELS or freedom < 1:
        note = _too_few(labels, len(used))
        return Corrected(None, None, None, raw, labels, judged, len(used), note=note)
    fixed, slopes = _influences(parts, signs, codes, count)
    weights = _tuning(parts, fixed, slopes) if tuned else np.zeros(len(parts))
    mean = sum(
        s * (_label_mean(part, part.labels) + w * (_mean(part.scores, part.weights) - _label_mean(part, part.scores)))
        for s, w, part in zip(signs, weights, parts, strict=True)
    )
    groups = len(used)
    error = float(np.sqrt(groups / freedom * np.sum((fixed + slopes @ weights) ** 2)))
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 1 - alpha / 2)) * error + _unseen(parts, weights, ends, alpha, codes)
    low, high = _within(mean - half, mean + half, ends, len(parts))
    return Corrected(float(mean), low, high, raw, labels, judged, groups, tuple(map(float, weights)), _caution(groups))


def _influences(
    parts: list[Judged], signs: list[float], codes: list[NDArray[np.int64]], count: int
) -> tuple[Floats, Floats]:
    """By cluster: what labels add to the error (count,), and what each unit of tuning adds to it (count, parts)."""
    fixed, slopes = np.zeros(count), np.zeros((count, len(parts)))
    for k, (part, sign, code) in enumerate(zip(parts, signs, codes, strict=True)):
        drawn = np.where(part.labelled, part.weights * part.chances, 0.0)
        drawn = drawn / drawn.sum()
        all_ = part.weights / part.weights.sum()
        values = np.where(part.labelled, part.labels, 0.0)
        off = values - _label_mean(part, part.labels)
        near = part.scores - _label_mean(part, part.scores)
        far = part.scores - _mean(part.scores, part.weights)
        fixed += sign * np.bincount(code, weights=drawn * off, minlength=count)
        slopes[:, k] = sign * np.bincount(code, weights=all_ * far - drawn * near, minlength=count)
    return fixed, slopes


def _tuning(parts: list[Judged], fixed: Floats, slopes: Floats) -> Floats:
    """The weights in [0, 1] of least variance; 1 where the judge was never wrong, 0 where it says nothing."""
    if all(_agrees(part) for part in parts):
        return np.ones(len(parts))
    from scipy.optimize import lsq_linear

    if not slopes.any():
        return np.zeros(len(parts))
    found: Floats = lsq_linear(slopes, -fixed, bounds=(0.0, 1.0)).x
    return found


def _agrees(part: Judged) -> bool:
    return float(np.ptp((part.labels - part.scores)[part.labelled])) < _NOISE


def _unseen(
    parts: list[Judged],
    weights: Floats,
    ends: tuple[float | None, float | None],
    alpha: float,
    codes: list[NDArray[np.int64]],
) -> float:
    """What is added on both sides where the labelled residuals are all equal, so that they show no doubt at all.

    G clusters that agree leave room for a share of 1 - (alpha/2)^(1/G) of others that do not (Clopper, Pearson 1934).
    """
    low, high = ends
    added = 0.0
    for part, weight, code in zip(parts, weights, codes, strict=True):
        residuals = (part.labels - weight * part.scores)[part.labelled]
        if np.ptp(residuals) < _NOISE and low is not None and high is not None:
            added += (1 - (alpha / 2) ** (1 / len(np.unique(code[part.labelled])))) * (high - low)
    return added


def _within(low: float, high: float, ends: tuple[float | None, float | None], parts: int) -> tuple[float, float]:
    """The interval cut to what is possible: the scale for a mean, its width either way for a difference."""
    least, most = ends
    if parts > 1:
        width = None if least is None or most is None else most - least
        least, most = (None if width is None else -width), width
    return (low if least is None else max(low, least)), (high if most is None else min(high, most))


def _too_few(labels: int, groups: int) -> str:
    if labels < LEAST_LABELS:
        return f"{labels} labels; a correction needs at least {LEAST_LABELS}, so {LEAST_LABELS - labels} more"
    return f"the labels are of {groups} clusters; a correction needs more of them"


def _caution(groups: int) -> str:
    if groups < FEW_CLUSTERS:
        return f"labels of only {groups} clusters: intervals from fewer than {FEW_CLUSTERS} are too narrow"
    return ""


def _mean(values: Floats, weights: Floats) -> float:
    return float(np.average(values, weights=weights))


def _label_mean(part: Judged, values: Floats) -> float:
    """The mean over labelled answers, each for those that were not drawn."""
    chosen = part.labelled
    return float(np.average(values[chosen], weights=(part.weights * part.chances)[chosen]))
