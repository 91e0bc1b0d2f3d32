"""Stages 3 and 4: chunks and vectors -> index -> hits, once for each (index, question)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.config import Retrieval
from harness.errors import ProviderError
from harness.plugins import OpenIndex
from harness.records import Chunk, Corpus, Failure, Passage
from harness.sweeps import keys
from harness.sweeps.cache import Cache
from harness.sweeps.chunking import chunks_of
from harness.sweeps.embedding import vectors_of
from harness.sweeps.gateway import Gateway
from harness.sweeps.progress import Progress

Hits = list[tuple[int, float]]


@dataclass
class Retrieved:
    """What one retrieval found for every question: hits by question, or the failure that stands for all."""

    key: str
    settings: Retrieval
    top_k: int
    chunks: Sequence[Chunk] = ()
    hits: dict[str, Hits] = field(default_factory=dict)
    exact: bool = True
    failure: Failure | None = None

    def passages(self, question: str, top_k: int, threshold: float | None) -> tuple[Passage, ...]:
        """The first `top_k` hits that reach the threshold."""
        found = []
        for number, similarity in self.hits[question][:top_k]:
            if threshold is None or similarity >= threshold:
                chunk = self.chunks[number]
                found.append(Passage(chunk.document, chunk.start, chunk.end, chunk.text, similarity))
        return tuple(found)


@dataclass
class _View:
    """What a retriever may look at."""

    chunks: Sequence[Chunk]
    index: OpenIndex
    embedder: Any
    cache: Cache
    gateway: Gateway
    on_made: Callable[[int], None]

    async def embed(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of the queries."""
        return await vectors_of(self.embedder, queries, "query", self.cache, self.gateway, self.on_made)


class Retrievals:
    """Makes what is missing of chunks, vectors, indexes and hits."""

    def __init__(
        self,
        corpus: Corpus,
        cache: Cache,
        gateway: Gateway,
        folder: Path,
        progress: Progress,
        *,
        in_memory: Any = None,
    ) -> None:
        self.corpus = corpus
        self._cache = cache
        self._gateway = gateway
        self._folder = folder / "indexes" / corpus.digest[:16]
        self._progress = progress
        self._in_memory = in_memory
        self._chunks: dict[str, list[Chunk]] = {}

    async def chunks(self, splitter: Any) -> list[Chunk]:
        """The chunks of a splitter."""
        key = keys.chunks_key(self.corpus, splitter)
        if key not in self._chunks:
            self._chunks[key], made = await chunks_of(self.corpus, splitter, key, self._cache)
            self._progress.step("chunk", made=made)
        return self._chunks[key]

    async def ask(self, settings: Retrieval, top_k: int, questions: Sequence[str]) -> Retrieved:
        """Hits of all (distinct) questions; what a provider refuses becomes a failure, a fatal refusal is raised."""
        key = keys.retrieval_key(self.corpus, settings)
        found = Retrieved(key, settings, top_k)
        try:
            found.chunks = await self.chunks(settings.splitter)
            await self._fill(found, questions)
        except ProviderError as error:
            if error.fatal:
                raise
            found.failure = Failure("retrieve", error.kind, str(error))
        return found

    async def _fill(self, found: Retrieved, questions: Sequence[str]) -> None:
        by_key = {keys.hits_key(found.key, question): question for question in questions}
        for key, entry in self._cache.get(list(by_key)).items():
            stored = orjson.loads(entry.value)
            if stored["k"] >= found.top_k or stored["k"] >= len(found.chunks):
                found.hits[by_key[key]] = [(n, s) for n, s in stored["hits"]]
                found.exact = found.exact and stored["exact"]
        self._progress.step("retrieve", len(found.hits), made=False)
        missing = [question for question in by_key.values() if question not in found.hits]
        if not missing:
            self._progress.step("index", made=False)
            return
        index = await self._open(found)
        try:
            await self._retrieve(found, index, missing)
        finally:
            index.close()

    async def _retrieve(self, found: Retrieved, index: OpenIndex, questions: Sequence[str]) -> None:
        settings = found.settings
        view = _View(found.chunks, index, settings.embedder, self._cache, self._gateway, self._on_made)
        hits = await settings.retriever.retrieve(questions, found.top_k, view)
        exact = index.exact
        found.exact = found.exact and exact
        entries = {}
        for question, retrieved in zip(questions, hits, strict=True):
            ordered = await self._reranked(question, retrieved, found)
            found.hits[question] = ordered
            content = {"k": found.top_k, "exact": exact, "hits": ordered}
            entries[keys.hits_key(found.key, question)] = orjson.dumps(content)
        self._cache.put("retrieve", entries)
        self._progress.step("retrieve", len(questions), made=True)

    async def _reranked(self, question: str, hits: Hits, found: Retrieved) -> Hits:
        chunks = [found.chunks[number] for number, _ in hits]
        order = await found.settings.reranker.rerank(question, chunks, [score for _, score in hits])
        return [(hits[position][0], round(float(score), 6)) for position, score in order]

    async def _open(self, found: Retrieved) -> OpenIndex:
        settings = found.settings
        key = keys.index_key(self.corpus, settings)
        part = self._in_memory or settings.index
        index: OpenIndex = part.open(self._folder, f"i-{key[:24]}")
        whole = index.count() == len(found.chunks)
        if not whole:
            try:
                texts = [chunk.text for chunk in found.chunks]
                vectors = await vectors_of(
                    settings.embedder, texts, "passage", self._cache, self._gateway, self._on_made
                )
                index.fill(found.chunks, vectors)
            except BaseException:
                index.close()
                raise
            self._cache.put("index", {key: orjson.dumps({"chunks": len(found.chunks)})})
        self._progress.step("index", made=not whole)
        return index

    def _on_made(self, count: int) -> None:
        self._progress.step("embed", count, made=True)
