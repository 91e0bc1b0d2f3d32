"""How many calls one provider gets at once: as many as it takes, fewer when it refuses.

Additive increase, multiplicative decrease (D.-M. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms for
Congestion Avoidance in Computer Networks", 1989), under a fixed most.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_JITTER = 0.1
_DECREASE = 0.5


class Limiter:
    """Slots of one provider. `most` calls at once at the most; optional limits per minute space the calls out."""

    def __init__(
        self, most: int, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        self.limit = float(most)
        self.in_flight = 0
        self._most = most
        self._request_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._token_s = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._not_before = 0.0
        self._cut_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._random = random.Random(0)

    @asynccontextmanager
    async def slot(self, tokens: int = 0) -> AsyncIterator[None]:
        """Hold a slot while a call is on the wire; waits for one, and for the time that the provider asked for.

        `tokens` is what the call is thought to take; it is put right when `succeeded` tells what it took.
        """
        await self._acquire(tokens)
        try:
            yield
        finally:
            self.in_flight -= 1
            self._wake()

    def succeeded(self, tokens: int, guessed: int = 0) -> None:
        """An answer came: room for a little more. `tokens` is what it took, `guessed` what was thought."""
        self.limit = min(float(self._most), self.limit + 1.0 / self.limit)
        self._not_before += (tokens - guessed) * self._token_s
        self._wake()

    def refused(self, started: float, retry_after: float | None) -> None:
        """A call that began at `started` was refused for being too many; calls sent before the last cut cut no more."""
        now = time.monotonic()
        if started >= self._cut_at:
            self._cut_at = now
            self.limit = max(1.0, min(self.limit, self.in_flight + 1.0) * _DECREASE)
        if retry_after:
            self._not_before = max(self._not_before, now + retry_after)

    async def _acquire(self, tokens: int) -> None:
        while True:
            pause = self._not_before - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause * (1 + self._random.random() * _JITTER))
            elif self.in_flight < int(self.limit):
                break
            else:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
        self.in_flight += 1
        spacing = max(self._request_s, tokens * self._token_s)
        if spacing:
            self._not_before = max(time.monotonic(), self._not_before) + spacing

    def _wake(self) -> None:
        free = int(self.limit) - self.in_flight
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
