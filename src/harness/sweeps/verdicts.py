"""What came of asking a metric for one score: a value, nothing, or a failure."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from harness.errors import HarnessError, Incomplete, Interrupted, ProviderError
from harness.plugins import Asker
from harness.records import Case, Scale, Verdict
from harness.sweeps.asker import STAGE


class Value(NamedTuple):
    """A score without its cell. All None: the metric turned out not to apply. `details` is JSON text.

    What failed or is `partial` may come out otherwise at another time.
    """

    value: float | None = None
    reason: str | None = None
    failure: str | None = None
    details: str | None = None
    partial: bool = False

    @property
    def lasts(self) -> bool:
        """Whether it may be kept for other sweeps."""
        return self.failure is None and not self.partial

    @property
    def says_something(self) -> bool:
        """Whether there is a row to keep."""
        return self.value is not None or self.failure is not None


def dumped(value: Value) -> bytes:
    """A value as the cache keeps it; failures are not kept."""
    return orjson.dumps([value.value, value.reason, value.details])


def loaded(content: bytes) -> Value:
    """What `dumped` made, in this version or an earlier one."""
    value, reason, *details = orjson.loads(content)
    return Value(value, reason, None, details[0] if details else None)


async def look(metric: Any, case: Case) -> Value:
    """One verdict. Whatever a metric raises is recorded: a stranger's metric must not end a paid sweep."""
    try:
        verdict = metric.score(case)
        if inspect.isawaitable(verdict):
            verdict = await verdict
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001
        return _raised(error)
    return of(verdict)


def look_at_once(metric: Any, case: Case) -> Value:
    """The same for a metric that never waits."""
    try:
        verdict = metric.score(case)
    except Exception as error:  # noqa: BLE001
        return _raised(error)
    return of(verdict)


async def assess(metric: Any, case: Case, asker: Asker) -> Value:
    """The same for a metric that asks models. What ends the sweep is raised."""
    try:
        verdict = await metric.assess(case, asker)
    except (asyncio.CancelledError, Incomplete, Interrupted):
        raise
    except ProviderError as error:
        if error.fatal:
            raise
        return Value(failure=f"{STAGE}: {error.kind}: {error}")
    except Exception as error:  # noqa: BLE001
        return _raised(error)
    return of(verdict)


def combine(metric: Any, values: Mapping[str, float], scales: Mapping[str, Scale]) -> Value:
    """The verdict of a metric that is made of others."""
    try:
        verdict = metric.combine(values, scales)
    except Exception as error:  # noqa: BLE001
        return _raised(error)
    return of(verdict)


def of(verdict: Verdict | float | None) -> Value:
    """A metric's verdict as a value; what is no number is a failure."""
    if verdict is None:
        return Value()
    if not isinstance(verdict, Verdict):
        verdict = Verdict(verdict)
    number = float(verdict.value)
    if not math.isfinite(number):
        return Value(failure=f"the metric gave {number}, which is no value")
    details = None
    if verdict.details is not None:
        try:
            details = orjson.dumps(verdict.details, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        except TypeError as error:
            return Value(failure=f"the metric's details are no plain JSON: {error}")
    return Value(number, verdict.reason, None, details, verdict.partial)


def _raised(error: Exception) -> Value:
    return Value(failure=str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}")
