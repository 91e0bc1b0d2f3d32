"""Asking again: what is worth it, how often, and after what pause. The one layer of retries there is."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Generic, NamedTuple, Protocol, TypeVar

from harness.errors import ProviderError
from harness.records import Quota
from harness.sweeps.gateway.limiter import Limiter, Slot

ATTEMPTS, MOST_REFUSALS = 5, 10
"""How often a call is tried; being refused for too many calls is counted apart, since waiting helps there."""
_REFUSALS = ("rate_limit", "overloaded")
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class _Result(Protocol):
    @property
    def quota(self) -> Quota | None: ...


R = TypeVar("R", bound=_Result)


class Tried(NamedTuple, Generic[R]):
    """What came of it at last, a result or the last error, and after how many attempts."""

    outcome: R | ProviderError
    attempts: int


class Retries:
    """Asks until there is a result or no hope. `deadline_s` bounds all attempts and pauses of one call together."""

    def __init__(self, deadline_s: float | None) -> None:
        self._deadline_s = deadline_s
        self._random = random.Random(0)

    async def run(
        self, limiter: Limiter | None, ask: Callable[[], Awaitable[R]], tokens: Callable[[R], int], guessed: int
    ) -> Tried[R]:
        """The result or the last ProviderError. Fatal errors are raised.

        A slot is held while a call is on the wire, not while waiting to ask again; the time begins with the first slot.
        """
        attempt = refusals = 0
        ends: float | None = None
        while True:
            attempt += 1
            try:
                async with limiter.slot(guessed) if limiter else nullcontext() as slot:
                    if ends is None:
                        ends = time.monotonic() + (self._deadline_s or float("inf"))
                    result = await self._once(limiter, slot, ask, ends)
                    if limiter and slot:
                        limiter.succeeded(slot, tokens(result), result.quota)
                return Tried(result, attempt)
            except ProviderError as error:
                if error.fatal:
                    raise
                refusals += error.kind in _REFUSALS
                if not error.retryable or attempt - refusals >= ATTEMPTS or refusals >= MOST_REFUSALS:
                    return Tried(error, attempt)
                pause = max(self._pause(attempt), error.retry_after or 0.0)
                if ends is not None and time.monotonic() + pause >= ends:
                    return Tried(self._late(error), attempt)
                await asyncio.sleep(pause)

    async def _once(
        self, limiter: Limiter | None, slot: Slot | None, ask: Callable[[], Awaitable[R]], ends: float
    ) -> R:
        try:
            async with asyncio.timeout(None if ends == float("inf") else max(0.0, ends - time.monotonic())):
                return await ask()
        except TimeoutError:
            raise self._late(None) from None
        except ProviderError as error:
            if limiter and slot and error.kind in _REFUSALS:
                limiter.refused(slot, error.retry_after)
            raise

    def _pause(self, attempt: int) -> float:
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (attempt - 1)) * self._random.uniform(0.75, 1.25)

    def _late(self, last: ProviderError | None) -> ProviderError:
        why = f"; the last failure: {last}" if last else ""
        return ProviderError(f"no answer within the {self._deadline_s:g} s of cell_timeout_s{why}", kind="deadline")
