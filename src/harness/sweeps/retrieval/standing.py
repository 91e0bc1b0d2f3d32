"""Retrieval that stays ready: questions come one by one; those that wait at the same time are looked up together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.config import Retrieval, SweepConfig
from harness.errors import UserError
from harness.plugins import OpenIndex, make
from harness.records import Chunk, Context, Corpus, Example, Failure, Message
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.groups import needs_vectors, parts_of
from harness.sweeps.retrieval.hits import Retrievals
from harness.sweeps.retrieval.scopes import Scopes
from harness.sweeps.workload import Workload

_TOGETHER = 256
_AT_ONCE = 8
"""Lookups under way where one may wait for a provider; local ones come one after the other."""


class Lacking(UserError):
    """A question comes without what the configuration must know of it."""


async def build(settings: Retrieval, corpus: Corpus, cache: Cache, gateway: Gateway, folder: Path) -> bool:
    """Make what is missing of chunks, vectors and index; returns whether its ranking is exact. Raises UserError."""
    retrievals = Retrievals(corpus, Scopes(corpus), cache, gateway, folder, Progress())
    await retrievals.chunking(settings)
    if settings.retriever.uses_vectors:
        index = await retrievals.open_index(settings)
        exact = index.exact
        index.close()
        return exact
    if needs_vectors(settings):
        await retrievals.vectors_of_chunks(settings)
    return True


class _Waiting(NamedTuple):
    """A question that is to be looked up, and where the result goes."""

    example: Example
    found: asyncio.Future[Context | Failure]


class Standing:
    """The retrieval of a sweep with one variant, which `build` has built. It finds what the sweep would.

    Where the ranking is exact, vectors are searched in memory: the store in `folder` is left to others.
    """

    def __init__(
        self, config: SweepConfig, corpus: Corpus | None, cache: Cache, gateway: Gateway, folder: Path, exact: bool
    ) -> None:
        self._config = config
        self._corpus = corpus
        self._cache = cache
        self._gateway = gateway
        self._progress = Progress()
        self._variant = config.variants[0]
        self._scopes = Scopes(corpus if corpus is not None else Corpus(()))
        settings = self._variant.chatbot.retrieval
        self._retrievals: Retrievals | None = None
        if settings is not None and corpus is not None:
            kept = Kept() if exact and settings.retriever.uses_vectors else None
            self._retrievals = Retrievals(corpus, self._scopes, cache, gateway, folder, self._progress, in_memory=kept)
        self._numbers = count()
        self._queue: list[_Waiting] = []
        self._working: set[asyncio.Task[None]] = set()
        self._busy = 0
        remote = settings is not None and any(not part.local for part in parts_of(settings))
        self._most = _AT_ONCE if remote else 1

    async def warm_up(self) -> None:
        """Hold chunks and vectors in memory, so that the first question waits no longer than others."""
        settings = self._variant.chatbot.retrieval
        if self._retrievals is None or settings is None:
            return
        if settings.retriever.uses_vectors:
            (await self._retrievals.open_index(settings)).close()
        elif needs_vectors(settings):
            await self._retrievals.vectors_of_chunks(settings)
        else:
            await self._retrievals.chunking(settings)

    async def look_up(
        self, messages: tuple[Message, ...], metadata: Mapping[str, Any]
    ) -> tuple[Example, Context | Failure]:
        """What the model is given for a conversation that ends with a question, or why there is none.

        Raises ProviderError where no retrieval can succeed, Lacking for a filter that reads what `metadata` lacks.
        """
        example = Example(f"question-{next(self._numbers)}", messages, metadata=metadata)
        settings = self._variant.chatbot.retrieval
        if settings is not None and settings.filter is not None:
            try:
                self._scopes.check(settings.filter, [example])
            except UserError as error:
                raise Lacking(str(error)) from None
        waiting = _Waiting(example, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._busy < self._most:
            self._busy += 1
            task = asyncio.create_task(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return example, await waiting.found

    async def _work(self) -> None:
        """Look up what waits, until nothing does."""
        try:
            while self._queue:
                batch, self._queue = self._queue[:_TOGETHER], self._queue[_TOGETHER:]
                await self._together([each for each in batch if not each.found.done()])
        finally:
            self._busy -= 1  # at once, and not when the task is done: a question in between would wait for nobody

    async def _together(self, batch: Sequence[_Waiting]) -> None:
        try:
            examples = [each.example for each in batch]
            workload = Workload(self._config, self._corpus, examples, scopes=self._scopes)
            if self._retrievals is not None:
                await workload.contexts.gather(self._retrievals, self._cache, self._gateway, self._progress)
            for each in batch:
                if not each.found.done():
                    each.found.set_result(workload.contexts.context(self._variant, each.example))
        except Exception as error:  # noqa: BLE001  (whoever asked gets it; those who ask later are served)
            for each in batch:
                if not each.found.done():
                    each.found.set_exception(error)


class Kept:
    """An index in memory that stays open: each collection is filled once."""

    def __init__(self) -> None:
        self._part = make("index", "exact")
        self._open: dict[str, _Unclosed] = {}

    def open(self, folder: Path, collection: str) -> OpenIndex:
        """The collection, as it was left."""
        if collection not in self._open:
            self._open[collection] = _Unclosed(self._part.open(folder, collection))
        return self._open[collection]


class _Unclosed:
    """An open index that whoever opened it cannot close."""

    def __init__(self, index: OpenIndex) -> None:
        self._index = index

    @property
    def exact(self) -> bool:
        return self._index.exact

    def count(self) -> int:
        return self._index.count()

    def fill(self, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        self._index.fill(chunks, vectors)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[list[tuple[int, float]]]:
        return self._index.search(queries, k, allowed)

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        return self._index.vectors(numbers)

    def close(self) -> None:
        """It stays open."""
