"""The one way to any model: cache, budget, retries, accounting."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.config import Budget, Limits
from harness.errors import Mistake, Place, ProviderError, UserError
from harness.plugins import EmbedderConnection, ModelConnection, name
from harness.records import Embedded, Failure, Reply, Request
from harness.sweeps.cache import Cache
from harness.sweeps.limiter import Limiter
from harness.sweeps.prices import Prices
from harness.sweeps.purse import Bill, Purse, Spent

ATTEMPTS, MOST_REFUSALS = 5, 10
"""How often a call is tried; being refused for too many calls is counted apart, since waiting helps there."""
_REFUSALS = ("rate_limit", "overloaded")
_CHARACTERS_PER_TOKEN, _USUAL_ROOM = 3, 1024
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_NOT_SERVED_AGAIN = ("content_filter", "refusal", "length")


@dataclass(frozen=True)
class Answer:
    """What came of one distinct request: a reply or a failure, where it came from and what it took."""

    reply: Reply | None
    source: str
    cost_usd: float | None = None
    wait_ms: float = 0.0
    attempts: int = 1
    failure: Failure | None = None


class Gateway:
    """Asks models and embedders. One instance serves one sweep in one event loop."""

    def __init__(
        self,
        cache: Cache,
        maker: str,
        prices: Prices,
        budget: Budget,
        spent: Spent,
        *,
        fresh: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._cache = cache
        self._maker = maker
        self.prices = prices
        self._purse = Purse(budget, spent)
        self._fresh = fresh
        self._connections: dict[Any, Any] = {}
        self._limits = limits
        self._limiters: dict[str, Limiter] = {}
        self._random = random.Random(0)

    def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers that need not be asked for: made by an earlier sweep, or by this one before it died."""
        found: dict[str, Answer] = {}
        for key, entry in self._cache.get(keys).items():
            mine = entry.maker == self._maker
            if self._fresh and not mine:
                continue
            stored = orjson.loads(entry.value)
            reply = Reply(**stored["reply"])
            if reply.finish_reason in _NOT_SERVED_AGAIN and not mine and stored["price"] is not None:
                continue
            found[key] = Answer(
                reply,
                "made" if mine else "cached",
                self.prices.cost(stored["price"], reply),
                stored["wait_ms"],
                stored["attempts"],
            )
        return found

    async def complete(self, model: Any, request: Request, key: str) -> Answer:
        """Ask for one answer. What goes wrong is a failure in the answer, except for what ends the sweep.

        Raises Incomplete when the budget is spent, ProviderError (fatal) when no request to this model can succeed.
        """
        connection: ModelConnection = self._connection(model)
        started = time.monotonic()
        price = model.price_name
        room = request.parameters.get("max_tokens") or request.parameters.get("max_completion_tokens")
        guess = self._guess(price, sum(len(m.content) for m in request.messages), room)

        async def ask() -> Reply:
            async with self._purse.call(guess) as bill:
                reply = await connection.complete(request)
                self._purse.pay(bill, self.prices.cost(price, reply), _tokens_of_reply(reply))
                return reply

        outcome = await self._attempts(self._limiter(model), ask, _tokens_of_reply, guess.tokens)
        if isinstance(outcome[0], ProviderError):
            error, attempts = outcome
            waited = (time.monotonic() - started) * 1000
            return Answer(None, "made", None, waited, attempts, Failure("generate", error.kind, str(error)))
        reply, attempts = outcome
        wait_ms = max(0.0, (time.monotonic() - started) * 1000 - reply.latency_ms)
        stored = {"reply": asdict(reply), "price": price, "wait_ms": wait_ms, "attempts": attempts}
        self._cache.put("generate", {key: orjson.dumps(stored)})
        return Answer(reply, "made", self.prices.cost(price, reply), wait_ms, attempts)

    async def embed(self, embedder: Any, texts: Sequence[str], purpose: str) -> NDArray[np.float32]:
        """Vectors of at most one batch of texts. Raises ProviderError when retries did not help."""
        connection: EmbedderConnection = self._connection(embedder)
        price = embedder.price_name
        guess = self._guess(price, sum(map(len, texts)), 1)

        async def ask() -> Embedded:
            if embedder.local:
                return await connection.embed(texts, purpose)
            async with self._purse.call(guess) as bill:
                made = await connection.embed(texts, purpose)
                self._purse.pay(bill, self.prices.of_tokens(price, made.tokens, 0), made.tokens or 0)
                return made

        limiter = self._limiter(embedder)
        outcome, _ = await self._attempts(limiter, ask, lambda made: made.tokens or 0, guess.tokens)
        if isinstance(outcome, ProviderError):
            raise outcome
        vectors: NDArray[np.float32] = outcome.vectors
        return vectors

    def open(self, parts: Iterable[Any]) -> None:
        """Connect all parts, so that what cannot work (a missing package, a broken file) is known before any call."""
        for part in parts:
            self._connection(part)

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    def _connection(self, part: Any) -> Any:
        if part not in self._connections:
            self._connections[part] = part.connect()
        return self._connections[part]

    def _limiter(self, part: Any) -> Limiter | None:
        """The limiter of the part's provider; None for what runs in this process."""
        if part.local:
            return None
        provider = str(getattr(part, "provider", "") or name(part))
        if provider not in self._limiters:
            limits = self._limits or Limits()
            self._limiters[provider] = Limiter(limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute)
        return self._limiters[provider]

    async def _attempts(
        self, limiter: Limiter | None, ask: Callable[[], Any], tokens: Callable[[Any], int], guessed: int
    ) -> tuple[Any, int]:
        """The result or the last ProviderError, and how many attempts it took. Fatal errors are raised.

        A slot is held while a call is on the wire, not while waiting to ask again.
        """
        attempt = refusals = 0
        while True:
            attempt += 1
            try:
                if limiter is None:
                    return await ask(), attempt
                async with limiter.slot(guessed):
                    started = time.monotonic()
                    try:
                        result = await ask()
                    except ProviderError as error:
                        if error.kind in _REFUSALS:
                            limiter.refused(started, error.retry_after)
                        raise
                limiter.succeeded(tokens(result), guessed)
                return result, attempt
            except ProviderError as error:
                if error.fatal:
                    raise
                refusals += error.kind in _REFUSALS
                if not error.retryable or attempt - refusals >= ATTEMPTS or refusals >= MOST_REFUSALS:
                    return error, attempt
                pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (attempt - 1)) * self._random.uniform(0.75, 1.25)
                await asyncio.sleep(max(pause, error.retry_after or 0.0))

    def _guess(self, price_name: str | None, characters: int, most: int | None) -> Bill:
        """What a call may take at the most: a token for three characters, and all the room for the answer."""
        sent, received = characters // _CHARACTERS_PER_TOKEN + 1, most or _USUAL_ROOM
        usd = self.prices.of_tokens(price_name, sent, received) or 0.0
        return Bill(usd, sent + received)


def _tokens_of_reply(reply: Reply) -> int:
    return (reply.input_tokens or 0) + (reply.output_tokens or 0)


def check_prices(parts: Iterable[Any], prices: Prices, budget: Budget) -> None:
    """Raise UserError when a budget of money cannot be kept, a price being unknown."""
    if budget.usd is None:
        return
    unknown = [name(part) for part in parts if prices.per_token(part.price_name) is None]
    if unknown:
        raise UserError(
            f"budget.usd cannot be kept: no price is known for {', '.join(unknown)}; "
            "give it under `prices:`, or limit `budget.calls` or `budget.tokens` instead"
        )


def check_environment(parts: Iterable[Any]) -> None:
    """Raise UserError naming every environment variable that a model or embedder needs and that is not set."""
    missing: dict[str, str] = {}
    for part in parts:
        for variable in part.environment:
            if not os.environ.get(variable):
                missing.setdefault(variable, name(part))
    if missing:
        raise UserError(
            Mistake(
                Place(f"environment variable {variable}"),
                f"is not set, and {part} needs it",
                f"set it in the environment (export {variable}=…); it is never written anywhere",
            )
            for variable, part in missing.items()
        )
