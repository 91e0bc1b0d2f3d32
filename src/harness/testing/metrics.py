"""What a metric must keep."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import math
from collections.abc import Sequence
from typing import Any

from harness.plugins import Asker, JudgingMetric, Metric
from harness.records import Case, Evidence, Verdict
from harness.testing.cases import CASES, PASSAGES
from harness.testing.parts import check_part

_OTHER: dict[str, Any] = {
    "answer": "Quite another answer, 99 EUR.",
    "passages": PASSAGES[1],
    "latency_ms": 99999.0,
    "cost_usd": 99.0,
    "input_tokens": 99999,
    "output_tokens": 99999,
    "first_token_ms": 88888.0,
    "evidence_chunks": (Evidence("prices.md", 25, 26),),
    "index_recall": 0.375,
    "rival": "An answer of another variant.",
}
_NAMES = ("direction", "low", "high", "unit", "reads", "applies")
_READABLE = frozenset(field.name for field in dataclasses.fields(Case)) - {"example"}


def check_metric(metric: Metric | JudgingMetric, cases: Sequence[Case] = CASES, asker: Asker | None = None) -> None:
    """Assert that `metric` keeps the contract of its kind on each of `cases` that it applies to.

    Its class says how to read it; its values are finite numbers within `low` and `high`, or None, and the same when
    asked again; and what `reads` does not name does not change them, because a stored score is found again by what its
    metric reads. A metric that must be awaited is asked once for each case and only its values are checked; one that
    asks models needs an `asker`, such as ScriptedAsker, for that.
    """
    check_part(metric)
    _check_class(metric)
    scoring: Any = metric
    if isinstance(metric, JudgingMetric):
        assert asker is not None, f"{metric!r}: it asks models; give check_metric an asker"
        scoring = _Assessed(metric, asker)
    for case in cases:
        applies = metric.applies(case.example)
        assert type(applies) is bool, f"{metric!r}: applies gave {applies!r}, not True or False"
        assert metric.applies(case.example) == applies, (
            f"{metric!r}: applies changes when asked again for {case.example}"
        )
        if applies:
            _check_score(scoring, case)


class _Assessed:
    """A metric that asks models, as one that is awaited."""

    def __init__(self, metric: JudgingMetric, asker: Asker) -> None:
        self.low, self.high, self.reads, self.applies = metric.low, metric.high, metric.reads, metric.applies
        self._metric, self._asker = metric, asker

    def __repr__(self) -> str:
        return repr(self._metric)

    def score(self, case: Case) -> Any:
        return self._metric.assess(case, self._asker)


def _check_class(metric: Any) -> None:
    lacking = [name for name in _NAMES if not hasattr(metric, name)]
    lacking += [] if hasattr(metric, "score") or hasattr(metric, "assess") else ["score"]
    assert not lacking, f"{metric!r}: a metric also has {', '.join(lacking)}"
    assert metric.direction in ("maximize", "minimize"), f"{metric!r}: direction is {metric.direction!r}"
    assert isinstance(metric.unit, str), f"{metric!r}: unit is {metric.unit!r}; write '' where there is none"
    for bound in (metric.low, metric.high):
        assert bound is None or math.isfinite(bound), (
            f"{metric!r}: a bound is {bound!r}; write None where there is none"
        )
    if metric.low is not None and metric.high is not None:
        assert metric.low < metric.high, f"{metric!r}: low {metric.low} is not below high {metric.high}"
    unknown = set(metric.reads) - _READABLE
    assert isinstance(metric.reads, tuple) and not unknown, (
        f"{metric!r}: reads is {metric.reads!r}; it must be a tuple of {sorted(_READABLE)}"
    )


def _check_score(metric: Any, case: Case) -> None:
    value, awaited = _value(metric, case)
    if value is not None:
        assert math.isfinite(value), f"{metric!r}: scored {value} for {case}; return None where it does not apply"
        assert metric.low is None or value >= metric.low, f"{metric!r}: {value} is below low {metric.low} for {case}"
        assert metric.high is None or value <= metric.high, (
            f"{metric!r}: {value} is above high {metric.high} for {case}"
        )
    if awaited:
        return
    assert _value(metric, case)[0] == value, (
        f"{metric!r}: scored {value}, and another value when asked again for {case}"
    )
    for name in sorted(_READABLE - set(metric.reads)):
        other, _ = _value(metric, dataclasses.replace(case, **{name: _OTHER[name]}))
        assert other == value, f"{metric!r}: {name} changes its value from {value} to {other}; name it in reads"


def _value(metric: Any, case: Case) -> tuple[float | None, bool]:
    """The value, and whether it had to be awaited."""
    try:
        scored = metric.score(case)
        awaited = inspect.isawaitable(scored)
        result = asyncio.run(_wait(scored)) if awaited else scored
    except Exception as error:
        raise AssertionError(f"{metric!r}: raised {type(error).__name__}: {error} for {case}") from error
    if isinstance(result, Verdict):
        assert result.reason is None or isinstance(result.reason, str), f"{metric!r}: its reason is {result.reason!r}"
        result = result.value
    assert result is None or isinstance(result, int | float), (
        f"{metric!r}: scored {result!r}; a number, Verdict or None"
    )
    return result, awaited


async def _wait(scored: Any) -> Any:
    return await scored
