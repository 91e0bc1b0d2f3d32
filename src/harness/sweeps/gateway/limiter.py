"""How many calls one model gets at once: as many as its provider takes, fewer when it refuses.

Additive increase, multiplicative decrease (D.-M. Chiu, R. Jain, "Analysis of the Increase and Decrease Algorithms for
Congestion Avoidance in Computer Networks", 1989), under a fixed most. As in DCTCP (M. Alizadeh et al., "Data Center
TCP", 2010) the decrease is in proportion to the share that was refused, a half at the most; as in CUBIC (S. Ha et al.,
2008) the increase is slow near the number that was refused last. A refusal at a number of calls at which most others
were answered says nothing about that number: it is only asked again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.records import Quota

_JITTER = 0.1
_LARGEST_CUT = 0.5
_PLATEAU, _SLOW, _PLATEAU_S = 0.9, 0.1, 10.0
_CHANCE = 5
"""So many answers to one refusal, at the same number of calls, and the refusal is put down to chance."""
_PROBE_S = 5.0
_MEMORY = 400


@dataclass(frozen=True)
class Slot:
    """A call on the wire: when it began, how many there were with it, what tokens it is thought to take."""

    started: float
    level: int
    tokens: int


@dataclass
class _Left:
    """What the provider said is left of one limit, less what was sent since; `until` it is whole again."""

    amount: float = float("inf")
    until: float = 0.0


class Limiter:
    """Slots of one model. `most` calls at once at the most; optional limits per minute space the calls out."""

    def __init__(
        self, most: int, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        self.limit = float(most)
        self.in_flight = 0
        self._tokens_in_flight = 0
        self._most = most
        self._request_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._token_s = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._not_before = 0.0
        self._requests, self._tokens = _Left(), _Left()
        self._round_began, self._round_from, self._round_refused = 0.0, float(most), 0
        self._recent: deque[tuple[int, bool]] = deque(maxlen=_MEMORY)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._random = random.Random(0)

    @asynccontextmanager
    async def slot(self, tokens: int = 0) -> AsyncIterator[Slot]:
        """Hold a slot while a call is on the wire; waits for one, and for the time that the provider asked for.

        `tokens` is what the call is thought to take; it is put right when `succeeded` tells what it took.
        """
        await self._acquire(tokens)
        try:
            yield Slot(time.monotonic(), self.in_flight, tokens)
        finally:
            self.in_flight -= 1
            self._tokens_in_flight -= tokens
            self._wake()

    def succeeded(self, slot: Slot, tokens: int, quota: Quota | None = None) -> None:
        """An answer came that took `tokens`: room for a little more, unless the provider says how much is left."""
        self._recent.append((self._level(slot), True))
        near = self.limit > _PLATEAU * self._round_from and time.monotonic() - self._round_began < _PLATEAU_S
        self.limit = min(float(self._most), self.limit + (_SLOW if near else 1.0) / self.limit)
        self._not_before += (tokens - slot.tokens) * self._token_s
        if quota is not None:
            self._heard(quota)

    def refused(self, slot: Slot, retry_after: float | None) -> None:
        """A call was refused for being too many; those that were sent together count as one sign."""
        now = time.monotonic()
        if retry_after:
            self._not_before = max(self._not_before, now + retry_after)
        level = self._level(slot)
        alike = [answered for other, answered in self._recent if other >= level]
        self._recent.append((level, False))
        if alike and sum(alike) >= _CHANCE * (len(alike) - sum(alike) + 1):
            return
        if slot.started >= self._round_began:
            self._round_began, self._round_refused = now, 0
            self._round_from = min(self.limit, float(level))
        self._round_refused += 1
        share = self._round_refused / (self._round_refused + self.in_flight - 1)
        self.limit = max(1.0, min(self.limit, self._round_from * (1 - _LARGEST_CUT * share)))

    def _level(self, slot: Slot) -> int:
        """How many calls there were at once: when the call began, or when it ended, if that is more."""
        return max(slot.level, self.in_flight)

    def _heard(self, quota: Quota) -> None:
        """What is left, less what is on its way and may not be counted yet."""
        now = time.monotonic()
        if quota.requests is not None:
            self._requests = _Left(quota.requests - self.in_flight + 1, now + (quota.requests_reset_s or 0.0))
        if quota.tokens is not None:
            self._tokens = _Left(quota.tokens - self._tokens_in_flight, now + (quota.tokens_reset_s or 0.0))

    async def _acquire(self, tokens: int) -> None:
        while True:
            pause = self._pause(tokens)
            if pause > 0:
                await asyncio.sleep(pause * (1 + self._random.random() * _JITTER))
            elif pause == 0 and self.in_flight < int(self.limit):
                break
            else:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
        self.in_flight += 1
        self._tokens_in_flight += tokens
        self._requests.amount -= 1
        self._tokens.amount -= tokens
        spacing = max(self._request_s, tokens * self._token_s)
        if spacing:
            self._not_before = max(time.monotonic(), self._not_before) + spacing

    def _pause(self, tokens: int) -> float:
        """Seconds to wait; -1 to wait for an answer on its way, which will say what is left."""
        now = time.monotonic()
        if self._not_before > now:
            return self._not_before - now
        short = [
            left.until - now
            for left, needed in ((self._requests, 1), (self._tokens, tokens))
            if left.amount < needed and left.until > now
        ]
        if not short:
            return 0.0
        if self.in_flight:
            return -1.0
        # A limit that refills little by little is whole only after long: one call asks again before that.
        self._requests, self._tokens = _Left(), _Left()
        self._not_before = now + min(_PROBE_S, max(short))
        return self._not_before - now

    def _wake(self) -> None:
        free = int(self.limit) - self.in_flight
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
