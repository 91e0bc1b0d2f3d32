"""The budget: what may be spent, with what is in flight counted, so that it is overspent by one call at the most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
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
    open: bool = True


class Purse:
    """Lets calls through while the budget lasts.

    Near the end of it, a call waits for those in flight rather than being refused: what they really cost decides.
    """

    def __init__(self, budget: Budget, spent: Spent) -> None:
        self._budget = budget
        self._unlimited = budget.usd is None and budget.tokens is None
        self.spent = spent
        self._unpaid = 0
        self._expected = Bill()
        self._changed = asyncio.Condition()
        self._dearest = Bill()

    @asynccontextmanager
    async def call(self, guess: Bill) -> AsyncIterator[Bill]:
        """Let one call through; `pay` its bill when it is answered. Raises Incomplete when nothing is left."""
        bill = Bill(max(guess.usd, self._dearest.usd) if guess.usd else 0.0, max(guess.tokens, self._dearest.tokens))
        await self._admit(bill)
        self._begin(bill)
        try:
            yield bill
        finally:
            self._end(bill)
            if not self._unlimited:
                await self._tell()

    def book(self, guess: Bill, *, already: bool = False) -> Bill | None:
        """Let a call of a batch through, if it fits now; `pay` its bill and `close` it later.

        `already` is for one that was sent by an earlier process: it is spent, fit or not. Raises Incomplete when
        nothing is left and nothing is on its way that could cost less than thought.
        """
        bill = Bill(guess.usd, guess.tokens)
        if not already:
            if not self._unpaid:
                self._refuse_if_empty(bill)
            calls = self._budget.calls
            if (self._unpaid and not self._fits(bill)) or (calls is not None and self.spent.calls >= calls):
                return None
        self._begin(bill)
        return bill

    async def close(self, bills: Collection[Bill], *, sent: bool = True) -> None:
        """What was booked has come to an end; what was never `sent` was no call."""
        for bill in bills:
            self._end(bill)
        self.spent.calls -= 0 if sent else len(bills)
        await self._tell()

    def pay(self, bill: Bill, usd: float | None, tokens: int) -> None:
        """Book what a call took; an unknown price is noted as such."""
        self._end(bill)
        bill.usd, bill.tokens = usd or 0.0, tokens
        self.spent.tokens += tokens
        self.spent.unknown = self.spent.unknown or usd is None
        self.spent.usd += usd or 0.0
        self._dearest = Bill(max(self._dearest.usd, bill.usd), max(self._dearest.tokens, tokens))

    def _begin(self, bill: Bill) -> None:
        self.spent.calls += 1
        self._unpaid += 1
        self._expected.usd += bill.usd
        self._expected.tokens += bill.tokens

    def _end(self, bill: Bill) -> None:
        """It is no longer expected to cost anything more."""
        if bill.open:
            bill.open = False
            self._unpaid -= 1
            self._expected.usd -= bill.usd
            self._expected.tokens -= bill.tokens

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _admit(self, bill: Bill) -> None:
        if self._unlimited:
            self._refuse_if_empty(bill)
            return
        async with self._changed:
            while True:
                self._refuse_if_empty(bill)
                if not self._unpaid or self._fits(bill):
                    return
                await self._changed.wait()

    def _fits(self, bill: Bill) -> bool:
        """Whether the money and the tokens are enough, even if all that is in flight takes what it is thought to."""
        usd = self.spent.usd + self._expected.usd + bill.usd
        tokens = self.spent.tokens + self._expected.tokens + bill.tokens
        return _within(usd, self._budget.usd, bill.usd) and _within(tokens, self._budget.tokens, bill.tokens)

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
