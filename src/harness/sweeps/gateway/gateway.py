"""The one way to any model: cache, budget, retries, accounting, trace."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.config import Budget, Limits
from harness.errors import Interrupted, ProviderError
from harness.plugins import EmbedderConnection, ModelConnection, RerankerConnection, Tell, name, provider_of
from harness.records import Embedded, Failure, Ranked, Reply, Request
from harness.sweeps.cache import Cache
from harness.sweeps.claims import Claims
from harness.sweeps.gateway.answers import Answer, dumped, loaded
from harness.sweeps.gateway.limiter import Limiter
from harness.sweeps.gateway.prices import Prices
from harness.sweeps.gateway.purse import Bill, Purse, Spent
from harness.sweeps.gateway.retries import Retries, Tried
from harness.sweeps.gateway.streaming import told
from harness.sweeps.gateway.trace import NoTrace, Trace

R = TypeVar("R", Reply, Embedded, Ranked)

_CHARACTERS_PER_TOKEN, _USUAL_ROOM = 3, 1024


@dataclass(frozen=True)
class Spending:
    """One paid call that is no answer: its stage, whom it asked, and what it took.

    The stages are `embed`, `query`, `rerank` and `judge`. `usd` is None where the price is unknown.
    """

    stage: str
    part: str
    usd: float | None
    tokens: int


class Gateway:
    """Asks models, embedders and rerankers. One instance serves one sweep in one event loop.

    `on_spent` is told of every paid call that is no answer. Once `stop` is set, nothing more is asked for what comes
    before answers.
    """

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
        trace: Trace | None = None,
        claims: Claims | None = None,
        on_spent: Callable[[Spending], None] = lambda spending: None,
        stop: asyncio.Event | None = None,
    ) -> None:
        self._cache = cache
        self._maker = maker
        self.prices = prices
        self.purse = Purse(budget, spent)
        self._fresh = fresh
        self._connections: dict[Any, Any] = {}
        self._limits = limits or Limits()
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._retries = Retries(self._limits.cell_timeout_s)
        self._trace = trace or NoTrace()
        self.claims = claims
        self._on_spent = on_spent
        self._stop = stop
        self._hopeless: dict[Any, ProviderError] = {}

    def known(self, keys: Sequence[str], *, cut: bool = False) -> dict[str, Answer]:
        """The answers that need not be asked for: made by an earlier sweep, or by this one before it died.

        `cut`: those of earlier sweeps that ended for their length too; a query is of use without its end.
        """
        found: dict[str, Answer] = {}
        for key, entry in self._cache.get(keys, only_own=self._fresh).items():
            answer = loaded(entry.value, entry.maker == self._maker, self.prices, cut=cut)
            if answer is not None:
                found[key] = answer
        return found

    async def complete(
        self, model: Any, request: Request, key: str, *, stage: str = "generate", tell: Tell | None = None
    ) -> Answer:
        """Ask for one answer, or for what another `stage` needs from a model.

        What goes wrong is a failure in the answer, except for what ends the sweep. `tell` gets the words as they come,
        or all at once from a model that does not stream; once it was told some, nothing is asked for again.

        Raises Incomplete when the budget is spent, ProviderError (fatal) when no request to this model can succeed.
        """
        connection: ModelConnection = self.connection(model)
        started = time.monotonic()
        price = model.price_name
        guess = self.guess(model, request)

        async def ask() -> Reply:
            if stage != "generate":
                self._go_on()
            async with self.purse.call(guess) as bill:
                with self._trace.chat(model, request, key) as span:
                    reply = await (told(connection, request, tell) if tell else connection.complete(request))
                    span.replied(reply)
                self._pay(bill, stage, model, self.prices.cost(price, reply), tokens_of(reply))
                return reply

        tried = await self._tried(model, ask, tokens_of, guess)
        waited = (time.monotonic() - started) * 1000
        if isinstance(tried.outcome, ProviderError):
            error = tried.outcome
            return Answer(None, "made", None, waited, tried.attempts, Failure(stage, error.kind, str(error)))
        wait_ms = max(0.0, waited - (tried.outcome.latency_ms or 0.0))
        return self.keep(model, key, tried.outcome, wait_ms, tried.attempts)

    def keep(
        self, model: Any, key: str, reply: Reply, wait_ms: float, attempts: int, *, batched: bool = False
    ) -> Answer:
        """Put a reply that was paid for into the cache; returns it as an answer."""
        price = model.price_name
        self._cache.put("generate", {key: dumped(reply, price, wait_ms, attempts, batched)}, provider_of(model))
        return Answer(reply, "made", self.prices.cost(price, reply, batched=batched), wait_ms, attempts)

    def forget(self, keys: Sequence[str]) -> None:
        """Drop replies from the cache that were of no use, so that they are asked for again; what was paid is paid."""
        self._cache.drop(keys)
        if self.claims is not None:
            self.claims.drop(keys)

    async def embed(self, embedder: Any, texts: Sequence[str], purpose: str) -> NDArray[np.float32]:
        """Vectors of at most one batch of texts. Raises ProviderError when retries did not help."""
        connection: EmbedderConnection = self.connection(embedder)
        price = embedder.price_name
        guess = self._bill(price, sum(map(len, texts)), 1)

        async def ask() -> Embedded:
            self._go_on()
            if embedder.local:
                return await connection.embed(texts, purpose)
            async with self.purse.call(guess) as bill:
                with self._trace.embeddings(embedder) as span:
                    made = await connection.embed(texts, purpose)
                    span.counted(made)
                usd = self.prices.of_tokens(price, made.tokens, 0)
                self._pay(bill, "embed", embedder, usd, made.tokens or 0)
                return made

        tried = await self._tried(embedder, ask, lambda made: made.tokens or 0, guess)
        if isinstance(tried.outcome, ProviderError):
            raise tried.outcome
        vectors: NDArray[np.float32] = tried.outcome.vectors
        return vectors

    async def rerank(self, reranker: Any, question: str, texts: Sequence[str]) -> tuple[float, ...]:
        """Scores of at most one batch of texts. Raises ProviderError when retries did not help."""
        connection: RerankerConnection = self.connection(reranker)
        price = reranker.price_name
        guess = self._bill(price, sum(map(len, texts)) + len(question) * len(texts), 1)

        async def ask() -> Ranked:
            self._go_on()
            if reranker.local:
                return await connection.score(question, texts)
            async with self.purse.call(guess) as bill:
                with self._trace.reranking(reranker) as span:
                    made = await connection.score(question, texts)
                    span.counted(made)
                usd = self.prices.of_reranking(price, made.tokens, made.searches)
                self._pay(bill, "rerank", reranker, usd, made.tokens or 0)
                return made

        tried = await self._tried(reranker, ask, lambda made: made.tokens or 0, guess)
        if isinstance(tried.outcome, ProviderError):
            raise tried.outcome
        scores = tried.outcome.scores
        if len(scores) != len(texts) or not all(map(math.isfinite, scores)):
            said = f"{name(reranker)}: {len(scores)} scores for {len(texts)} texts, or some that are no numbers"
            raise ProviderError(said, kind="broken_answer")
        return scores

    async def _tried(
        self, part: Any, ask: Callable[[], Awaitable[R]], tokens: Callable[[R], int], guess: Bill
    ) -> Tried[R]:
        """Ask until there is a result or no hope; after a fatal refusal the part is not asked again."""

        async def once() -> R:
            if part in self._hopeless:
                raise self._hopeless[part]
            return await ask()

        try:
            return await self._retries.run(self._limiter(part), once, tokens, guess.tokens)
        except ProviderError as fatal:
            self._hopeless[part] = fatal
            raise

    def reconsider(self) -> None:
        """Let parts be asked again that refused for good: where questions come for days, that may have been mended."""
        self._hopeless.clear()

    @property
    def stopped(self) -> bool:
        """Whether the user stopped the sweep."""
        return self._stop is not None and self._stop.is_set()

    def _go_on(self) -> None:
        """Raise Interrupted where the user stopped the sweep."""
        if self.stopped:
            raise Interrupted

    def _pay(self, bill: Bill, stage: str, part: Any, usd: float | None, tokens: int) -> None:
        self.purse.pay(bill, usd, tokens)
        if stage != "generate":
            self._on_spent(Spending(stage, name(part), usd, tokens))

    def open(self, parts: Iterable[Any]) -> None:
        """Connect all parts, so that what cannot work (a missing package, a broken file) is known before any call."""
        for part in parts:
            self.connection(part)

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    def connection(self, part: Any) -> Any:
        """The connection of a part, made when it is first asked for."""
        if part not in self._connections:
            self._connections[part] = part.connect()
        return self._connections[part]

    def guess(self, model: Any, request: Request, *, batched: bool = False) -> Bill:
        """What an answer may take at the most: a token for three characters, and all the room for the answer."""
        names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
        room = next((request.parameters[name] for name in names if request.parameters.get(name)), None)
        return self._bill(model.price_name, sum(len(m.content) for m in request.messages), room, batched)

    def _bill(self, price: str | None, characters: int, most: int | None, batched: bool = False) -> Bill:
        sent, received = characters // _CHARACTERS_PER_TOKEN + 1, most or _USUAL_ROOM
        known = self.prices.per_token(price)
        search = known.search if known else 0.0
        usd = (self.prices.of_tokens(price, sent, received, batched=batched) or 0.0) + search
        return Bill(usd, sent + received)

    def _limiter(self, part: Any) -> Limiter | None:
        """The limiter of the provider's model; None for what runs in this process."""
        if part.local:
            return None
        key = (provider_of(part), name(part))
        if key not in self._limiters:
            limits = self._limits
            self._limiters[key] = Limiter(limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute)
        return self._limiters[key]


def tokens_of(reply: Reply) -> int:
    """What an answer took, sent and received."""
    return (reply.input_tokens or 0) + (reply.output_tokens or 0)
