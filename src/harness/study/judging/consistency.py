"""Whether judges agree with themselves when they are asked again, and with each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from harness.study.judging.agreement import kappa
from harness.study.judging.judgements import Judgement, judges_in

NEAR = 0.1
"""Values are taken for equal that lie no further apart than this share of the scale."""


@dataclass(frozen=True)
class SelfConsistency:
    """How one judge's draws agree: of `n` cells with two draws or more, `agree` is the share in which all of them lie
    within a tenth of the scale; `spread` is the mean standard deviation of a cell's draws. None where `n` is 0."""

    judge: str
    n: int
    draws: int
    agree: float | None
    spread: float | None

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Disagreement:
    """How the judges of a panel agree with each other: means over all pairs of judges, each judge's draws averaged.

    `n` counts cells with two judges or more. `kappa` has quadratic weights; None where no pair's can be told.
    """

    judges: int
    n: int
    agree: float | None
    kappa: float | None

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return dict(self.__dict__)


def self_consistency(judgements: Iterable[Judgement], low: float | None, high: float | None) -> list[SelfConsistency]:
    """A row for each judge, in order of appearance. `low` and `high` are the scale's ends."""
    found = list(judgements)
    width = _near(found, low, high)
    rows = []
    for judge in judges_in(found):
        draws = [[o.value for o in judgement.opinions if o.judge == judge] for judgement in found]
        several = [np.array(values) for values in draws if len(values) > 1]
        agree = float(np.mean([np.ptp(v) <= width for v in several])) if several else None
        spread = float(np.mean([v.std(ddof=1) for v in several])) if several else None
        rows.append(SelfConsistency(judge, len(several), max(map(len, draws)), agree, spread))
    return rows


def disagreement(judgements: Iterable[Judgement], low: float | None, high: float | None) -> Disagreement | None:
    """How the judges agree with each other; None where there are not two of them."""
    found = list(judgements)
    judges = judges_in(found)
    if len(judges) < 2:
        return None
    width = _near(found, low, high)
    means = np.array([[_mean(judgement, judge) for judge in judges] for judgement in found])
    shares, kappas = [], []
    for a, b in combinations(means.T, 2):
        both = ~(np.isnan(a) | np.isnan(b))
        if both.any():
            shares.append(float((np.abs(a - b)[both] <= width).mean()))
            kappas.append(kappa(a[both], b[both]))
    told = [value for value in kappas if value is not None]
    n = int(((~np.isnan(means)).sum(axis=1) > 1).sum())
    return Disagreement(len(judges), n, _average(shares), _average(told))


def _near(judgements: Sequence[Judgement], low: float | None, high: float | None) -> float:
    """A tenth of the scale; of the values that there are, where the scale is open."""
    values = [opinion.value for judgement in judgements for opinion in judgement.opinions] or [0.0]
    least, most = (min(values) if low is None else low), (max(values) if high is None else high)
    return NEAR * (most - least) + 1e-9


def _mean(judgement: Judgement, judge: str) -> float:
    values = [opinion.value for opinion in judgement.opinions if opinion.judge == judge]
    return float(np.mean(values)) if values else float("nan")


def _average(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
