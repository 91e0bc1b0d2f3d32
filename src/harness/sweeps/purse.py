"""The budget: what may be spent, with what is in flight counted, so that it is overspent by one call at the most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.config import Budget
from harness.errors import Incomplete


@dataclass
class Spent:
    """What this sweep spent, earlier processes included. `unknown`: some calls had no known price."""

    usd: float = 0.0
    calls: int = 0
    tokens: int = 0
    unknown: bool = False


@dataclass(eq=False)
class Bill:
    """What one call is thought to take, and then took."""

    usd: float = 0.0
    tokens: int = 0
    paid: bool = False


class Purse:
    """Lets calls through while the budget lasts.

    Near the end of it, a call waits for those in flight rather than being refused: what they really cost decides.
    """

    def __init__(self, budget: Budget, spent: Spent) -> None:
        self._budget = budget
        self.spent = spent
        self._in_flight: list[Bill] = []
        self._changed = asyncio.Condition()
        self._dearest = Bill()

    @asynccontextmanager
    async def call(self, guess: Bill) -> AsyncIterator[Bill]:
        """Let one call through; `pay` its bill when it is answered. Raises Incomplete when nothing is left."""
        bill = Bill(max(guess.usd, self._dearest.usd) if guess.usd else 0.0, max(guess.tokens, self._dearest.tokens))
        await self._admit(bill)
        self.spent.calls += 1
        self._in_flight.append(bill)
        try:
            yield bill
        finally:
            self._in_flight.remove(bill)
            async with self._changed:
                self._changed.notify_all()

    def pay(self, bill: Bill, usd: float | None, tokens: int) -> None:
        """Book what a call took; an unknown price is noted as such."""
        bill.usd, bill.tokens, bill.paid = usd or 0.0, tokens, True
        self.spent.tokens += tokens
        self.spent.unknown = self.spent.unknown or usd is None
        self.spent.usd += usd or 0.0
        self._dearest = Bill(max(self._dearest.usd, bill.usd), max(self._dearest.tokens, tokens))

    async def _admit(self, bill: Bill) -> None:
        async with self._changed:
            while True:
                self._refuse_if_empty(bill)
                waiting = [other for other in self._in_flight if not other.paid]
                usd = self.spent.usd + sum(other.usd for other in waiting) + bill.usd
                tokens = self.spent.tokens + sum(other.tokens for other in waiting) + bill.tokens
                fits = _within(usd, self._budget.usd, bill.usd) and _within(tokens, self._budget.tokens, bill.tokens)
                if fits or not waiting:
                    return
                await self._changed.wait()

    def _refuse_if_empty(self, bill: Bill) -> None:
        """Raise Incomplete when a limit is reached; what costs nothing may be asked for without money."""
        limits = (
            ("usd", self._budget.usd if bill.usd else None, self.spent.usd),
            ("calls", self._budget.calls, self.spent.calls),
            ("tokens", self._budget.tokens, self.spent.tokens),
        )
        for unit, limit, used in limits:
            if limit is not None and used >= limit:
                shown = f"{used:.4f} of {limit:g} {unit}" if unit == "usd" else f"{used} of {limit} {unit}"
                raise Incomplete(f"the budget is spent: {shown}; raise it and run the same command to go on")


def _within(used: float, limit: float | None, own: float) -> bool:
    return limit is None or not own or used <= limit
