"""One configuration that is talked to: it answers as it did in its sweep, question by question."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from jinja2 import TemplateError

from harness.config import Budget, SweepConfig
from harness.config.prompting import request_of
from harness.data import read_documents
from harness.errors import ProviderError, UserError
from harness.plugins import Tell, identity
from harness.records import Context, Corpus, Failure, Message
from harness.sweeps import keys
from harness.sweeps.cache import Cache, DiskCache, Overlay
from harness.sweeps.gateway import Answer, Gateway, Prices, Spent, check_environment, check_prices, trace_of
from harness.sweeps.knowledge import Knowledge
from harness.sweeps.retrieval.cuts import NO_CONTEXT
from harness.sweeps.retrieval.groups import parts_of
from harness.sweeps.retrieval.standing import Standing, build
from harness.sweeps.session import WORK

T = TypeVar("T")
_REMEMBERED = 10_000
"""Vectors of questions, hits and answers that are kept in memory where nothing is to be kept on disk."""


@dataclass(frozen=True)
class Evaluated:
    """What the scores of a run hold for: the variant of an id, and the corpus of a digest (None: there was none).

    `knowledge` is what else is kept of that corpus; `todo` is what an error says can be done.
    """

    variant: str
    corpus: str | None
    knowledge: Knowledge | None = field(default=None, compare=False)
    todo: str = field(default="bring back what was evaluated, or evaluate it as it is now", compare=False)

    def check(self, config: SweepConfig, corpus: Corpus | None) -> None:
        """Raise UserError where the configuration or its knowledge base is another by now."""
        variant = config.variants[0].id
        if variant != self.variant:
            raise UserError(
                f"{config.path.name}: what was evaluated was variant {self.variant}, and its configuration comes to "
                f"{variant} by now: a file that it names, or a part, has changed; {self.todo}"
            )
        if corpus is not None and config.corpus is not None and corpus.digest != self.corpus:
            differs = f" ({self.knowledge.difference(corpus)})" if self.knowledge is not None else ""
            raise UserError(
                f"{config.path.name}: the knowledge base {', '.join(config.corpus.paths)} is not the one that was "
                f"evaluated{differs}: the scores do not hold for it; {self.todo}"
            )


@dataclass(frozen=True)
class Said:
    """What a configuration said to a conversation, over which passages, and how long that took in milliseconds.

    `answer` has the reply or the failure, whether it was asked for or known (`source`), and what it costs.
    """

    answer: Answer
    context: Context
    retrieval_ms: float
    total_ms: float

    @property
    def text(self) -> str | None:
        """The answer's text; None where there is a failure."""
        return self.answer.reply.text if self.answer.reply is not None else None

    def as_json(self) -> dict[str, Any]:
        """By name, with the reply's and the passages' own; `latency_ms` is what the asker waited."""
        reply, answer = self.answer.reply, self.answer
        names = ("finish_reason", "input_tokens", "output_tokens", "cached_tokens", "model")
        return {
            "answer": self.text,
            "failure": str(answer.failure) if answer.failure is not None else None,
            "source": answer.source,
            "cost_usd": answer.cost_usd,
            "latency_ms": self.total_ms,
            "retrieval_ms": self.retrieval_ms,
            **{name: getattr(reply, name, None) for name in names},
            "passages": [asdict(passage) for passage in self.context.passages],
        }


class Responder:
    """Answers conversations with the one variant of a configuration, in one event loop.

    An answer that a sweep of the workspace has got to the same request is given again, unless `fresh`. With `remember`
    new answers, and what is looked up for them, are kept in the work cache as those of a sweep; else nothing that
    users say gets onto the disk. `spent` is what was paid so far. Use as an async context manager.
    """

    def __init__(
        self,
        config: SweepConfig,
        *,
        evaluated: Evaluated | None = None,
        remember: bool = False,
        fresh: bool = False,
        budget: Budget | None = None,
    ) -> None:
        """`evaluated`: it must still be this. Reads the corpus; raises UserError before anything is spent."""
        self.config = replace(config, budget=budget or Budget(), metrics=())
        self.chatbot = config.variants[0].chatbot
        self.spent = Spent()
        self._fresh = fresh
        self._remember = remember
        self._folder = config.workspace / WORK
        settings = self.chatbot.retrieval
        parts = [self.chatbot.model, *(parts_of(settings) if settings is not None else [])]
        check_environment([*parts, *([settings.index] if settings is not None else [])])
        check_prices(parts, Prices(config.prices), self.config.budget)
        self.parts = tuple(parts)
        self._corpus = corpus_of(config)
        if evaluated is not None:
            evaluated.check(config, self._corpus)
        self._maker = f"talk-{time.time_ns()}"

    @property
    def is_free(self) -> bool:
        """Whether no question costs anything."""
        return all(part.local or part.price_name is None for part in self.parts)

    async def __aenter__(self) -> Responder:
        self._folder.mkdir(parents=True, exist_ok=True)
        building = DiskCache(self._folder, self._maker)
        try:
            exact = await self._build(building)
        except BaseException:
            building.close()
            raise
        if self._remember:
            self._cache: Cache = building
        else:
            building.close()
            self._cache = Overlay(self._folder, _REMEMBERED)
        self._trace = trace_of(self._maker)
        self._gateway = self._gateway_on(self._cache)
        self._gateway.open([self.chatbot.model])
        self._standing = Standing(self.config, self._corpus, self._cache, self._gateway, self._folder, exact)
        await self._standing.warm_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._gateway.close()
        self._cache.close()
        await asyncio.to_thread(self._trace.close)

    async def say(
        self, messages: Sequence[Message], tell: Tell | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Said:
        """Answer a conversation of user's and assistant's turns that ends with a user's.

        `tell` gets the words of the answer as they come. What goes wrong with this question is a failure in the answer.
        Raises ProviderError where no question can be answered, Incomplete when the budget is spent, Lacking for what
        `metadata` must hold and does not.
        """
        started = time.perf_counter()
        try:
            example, context = await self._standing.look_up(tuple(messages), metadata or {})
            looked_up = (time.perf_counter() - started) * 1000
            if isinstance(context, Failure):
                answer, context = Answer(None, "made", failure=context), NO_CONTEXT
            else:
                answer = await self._answer(example, context, tell)
        except ProviderError:
            self._gateway.reconsider()
            raise
        return Said(answer, context, looked_up, (time.perf_counter() - started) * 1000)

    async def _answer(self, example: Any, context: Context, tell: Tell | None) -> Answer:
        model = self.chatbot.model
        try:
            parameters = model.parameters(dict(self.chatbot.sampling))
            request = request_of(self.chatbot, example, context, parameters)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            return Answer(None, "made", failure=Failure("prompt", "template", str(error)))
        key = keys.request_key(model, identity(model), request, 0)
        known = None if self._fresh else self._gateway.known([key]).get(key)
        if known is not None and known.reply is not None:
            if tell is not None:
                tell(known.reply.text)
            return replace(known, source="cached")
        return await self._gateway.complete(model, request, key, tell=tell)

    async def _build(self, cache: DiskCache) -> bool:
        settings = self.chatbot.retrieval
        if settings is None or self._corpus is None:
            return True
        gateway = self._gateway_on(cache, traced=False)
        try:
            return await build(settings, self._corpus, cache, gateway, self._folder)
        finally:
            await gateway.close()

    def _gateway_on(self, cache: Cache, *, traced: bool = True) -> Gateway:
        config = self.config
        return Gateway(
            cache,
            self._maker,
            Prices(config.prices),
            config.budget,
            self.spent,
            limits=config.limits,
            trace=self._trace if traced else None,
        )


def corpus_of(config: SweepConfig) -> Corpus | None:
    """The knowledge base. Raises UserError where there is none to look in."""
    if config.variants[0].chatbot.retrieval is None:
        return None
    if config.corpus is None:
        raise UserError(f"{config.path}: there is no corpus, and the chatbot has a retrieval")
    return read_documents(config.corpus.paths, config.workspace, config.corpus.problems).corpus


class Talk:
    """A responder for callers without an event loop: it runs in a thread of its own, for several threads to ask."""

    def __init__(self, responder: Responder) -> None:
        """Builds what is missing. Raises what `Responder` raises."""
        self.responder = responder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="harness-talk", daemon=True)
        self._thread.start()
        try:
            self._run(responder.__aenter__())
        except BaseException:
            self._end()
            raise

    def say(
        self, messages: Sequence[Message], tell: Tell | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Said:
        """As `Responder.say`; `tell` is called in the other thread. Where the caller is interrupted, it is given up."""
        return _waited(self.start(messages, tell, metadata))

    def start(
        self, messages: Sequence[Message], tell: Tell | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Future[Said]:
        """As `say`, for callers that do not wait: the answer to come, which can be cancelled."""
        return asyncio.run_coroutine_threadsafe(self.responder.say(messages, tell, metadata), self._loop)

    def close(self) -> None:
        """Give up what is under way, and release what the responder holds."""
        try:
            self._run(self._leave())
        finally:
            self._end()

    async def _leave(self) -> None:
        """Whoever waits for an answer hears that there will be none."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.responder.__aexit__()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return _waited(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _waited(future: Future[T]) -> T:
    """The result; where the caller is interrupted, what was asked is given up."""
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
