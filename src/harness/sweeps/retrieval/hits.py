"""Stage 4: chunks and vectors -> index -> hits, once for each (index, retriever, query)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.config import Retrieval
from harness.errors import ProviderError
from harness.plugins import OpenIndex
from harness.plugins.fusion import reciprocal_rank_fusion
from harness.records import Corpus, Failure, Hit, Lookup, Query
from harness.sweeps import keys
from harness.sweeps.cache import Cache
from harness.sweeps.gateway import Gateway
from harness.sweeps.progress import Progress
from harness.sweeps.retrieval.chunking import Chunking, chunking_of
from harness.sweeps.retrieval.embedding import vectors_of
from harness.sweeps.retrieval.lookups import Lookups
from harness.sweeps.retrieval.opening import Opening
from harness.sweeps.retrieval.retrieved import Retrieved
from harness.sweeps.retrieval.scopes import Scopes
from harness.sweeps.retrieval.together import together
from harness.sweeps.retrieval.view import Looking

_QUERIES_AT_ONCE = 256
DIGITS = 6
_MOST_KEPT = 200_000_000
"""Bytes of vectors that are worth keeping for the next retriever."""


class Retrievals:
    """Makes what is missing of chunks, vectors, indexes and hits.

    With `anew` no hits are taken from the cache, for their times to be real; with `fresh` none of other sweeps where
    a model writes queries.
    """

    def __init__(
        self,
        corpus: Corpus,
        scopes: Scopes,
        cache: Cache,
        gateway: Gateway,
        folder: Path,
        progress: Progress,
        *,
        in_memory: Any = None,
        fresh: bool = False,
        anew: bool = False,
    ) -> None:
        self.corpus = corpus
        self._scopes = scopes
        self._cache = cache
        self._gateway = gateway
        self.opening = Opening(folder / "indexes" / corpus.digest[:16], gateway)
        self._progress = progress
        self._in_memory = in_memory
        self._fresh = fresh
        self._anew = anew
        self._lookups = Lookups(gateway)
        self._chunkings: dict[str, Chunking] = {}
        self._kept: dict[str, dict[str, Any]] = {}
        self._latest: dict[tuple[str, Any], NDArray[np.float32]] = {}

    async def chunking(self, settings: Retrieval) -> Chunking:
        """The chunks of a retrieval's splitter."""
        key = keys.chunks_key(self.corpus, settings)
        if key not in self._chunkings:

            async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
                return await self._embedded(settings.embedder, texts, "passage")

            self._chunkings[key] = await chunking_of(self.corpus, settings.splitter, key, self._cache, embed)
            self._progress.step("chunk", made=self._chunkings[key].made)
        return self._chunkings[key]

    async def ask(self, settings: Retrieval, top_k: int, queries: Sequence[Query]) -> Retrieved:
        """Hits of all (distinct) queries; what a provider refuses becomes a failure, a fatal refusal is raised."""
        found = Retrieved(keys.retrieval_key(self.corpus, settings), settings, top_k)
        try:
            found.chunking = await self.chunking(settings)
            await self._fill(found, queries)
        except ProviderError as error:
            if error.fatal:
                raise
            found.failure = Failure("retrieve", error.kind, str(error))
        return found

    async def vectors_of_chunks(self, settings: Retrieval) -> NDArray[np.float32]:
        """One row per chunk. Those of the latest chunking are kept: its retrievers come one after the other."""
        chunking = await self.chunking(settings)
        key = (chunking.key, settings.embedder)
        if key not in self._latest:
            texts = [chunk.text for chunk in chunking.chunks]
            vectors = await self._embedded(settings.embedder, texts, "passage")
            self._latest = {key: vectors} if vectors.nbytes <= _MOST_KEPT else {}
            return vectors
        return self._latest[key]

    async def vectors_of_lookups(self, settings: Retrieval, lookups: Sequence[Lookup]) -> NDArray[np.float32]:
        """One row per text, each embedded by its purpose."""

        async def embed(texts: Sequence[str], purpose: str) -> NDArray[np.float32]:
            return await self._embedded(settings.embedder, texts, purpose)

        return await Looking((), None, None, embed, {}).embed(lookups)

    async def measured(self, found: Retrieved, embedder: Any) -> dict[Query, list[Hit]]:
        """The hits of a retriever that asks no index, with the cosine similarity of the query and each of them."""
        numbers = sorted({hit.number for hits in found.hits.values() for hit in hits})
        rows = {number: i for i, number in enumerate(numbers)}
        passages = _unit(await self._vectors_of_some(found, embedder, numbers))
        measured = {}
        for purpose in dict.fromkeys(found.probe(query).purpose for query in found.hits):
            queries = [query for query in found.hits if found.probe(query).purpose == purpose]
            vectors = _unit(await self._embedded(embedder, [found.probe(q).text for q in queries], purpose))
            for query, vector in zip(queries, vectors, strict=True):
                hits = found.hits[query]
                near = passages[[rows[hit.number] for hit in hits]] @ vector if hits else ()
                measured[query] = [
                    hit._replace(similarity=round(float(value), DIGITS) + 0.0)
                    for hit, value in zip(hits, near, strict=True)
                ]
        return measured

    async def _vectors_of_some(self, found: Retrieved, embedder: Any, numbers: Sequence[int]) -> NDArray[np.float32]:
        kept = self._latest.get((found.chunking.key if found.chunking else "", embedder))
        if kept is not None:
            return kept[list(numbers)]
        return await self._embedded(embedder, [found.chunks[number].text for number in numbers], "passage")

    async def _fill(self, found: Retrieved, queries: Sequence[Query]) -> None:
        self._take_known(found, queries)
        self._progress.step("retrieve", len(found.hits), made=False)
        missing = [query for query in queries if query not in found.hits]
        uses_index = found.settings.retriever.uses_vectors
        if not missing:
            self._progress.step("index", made=False)
            return
        await self._write(found, missing)
        missing = [query for query in missing if query not in found.failures]
        started = time.perf_counter()
        index = await self.open_index(found.settings) if uses_index else None
        found.took("index", time.perf_counter() - started)
        try:
            found.exact = found.exact and (index is None or index.exact)
            for scope in dict.fromkeys(query.scope for query in missing):
                await self._retrieve(found, index, scope, [query for query in missing if query.scope == scope])
        finally:
            if index is not None:
                index.close()

    def _take_known(self, found: Retrieved, queries: Sequence[Query]) -> None:
        if self._anew:
            return
        by_key = {keys.hits_key(found.key, query): query for query in queries}
        only_own = self._fresh and hasattr(found.settings.query, "model")
        for key, entry in self._cache.get(list(by_key), only_own=only_own).items():
            stored = orjson.loads(entry.value)
            if stored["k"] >= found.top_k or stored["k"] >= len(found.chunks):
                query = by_key[key]
                found.hits[query] = [Hit(*hit) for hit in stored["hits"][: found.top_k]]
                found.lookups[query] = [Lookup(*lookup) for lookup in stored["lookups"]]
                found.usd[query] = stored.get("usd", 0.0)
                found.exact = found.exact and stored["exact"]

    async def _write(self, found: Retrieved, queries: Sequence[Query]) -> None:
        """The texts to search with. A query that a model did not write is a failure of its own."""
        started = time.perf_counter()
        gate = asyncio.Semaphore(_QUERIES_AT_ONCE)

        async def write(query: Query) -> None:
            async with gate:
                try:
                    found.lookups[query], found.usd[query] = await self._lookups.of(found.settings.query, query)
                except ProviderError as error:
                    if error.fatal:
                        raise
                    found.failures[query] = Failure("query", error.kind, str(error))

        await together(map(write, queries))
        found.took("query", time.perf_counter() - started)

    async def _retrieve(self, found: Retrieved, index: OpenIndex | None, scope: str, queries: Sequence[Query]) -> None:
        """Ask for the queries of one scope, all their texts at once."""
        settings = found.settings
        started = time.perf_counter()

        async def embed(texts: Sequence[str], purpose: str) -> NDArray[np.float32]:
            return await self._embedded(settings.embedder, texts, purpose)

        key = found.chunking.key if found.chunking else ""
        if key not in self._kept:
            self._kept = {key: {}}  # those of the latest chunking: its retrievers come one after the other
        kept = self._kept[key]
        view = Looking(found.chunks, self._allowed(found, scope), index, embed, kept)
        texts = list(dict.fromkeys(lookup for query in queries for lookup in found.lookups[query]))
        depth = max(found.top_k, getattr(settings.query, "fetch_k", 0))
        lists = await settings.retriever.retrieve(texts, depth, view) if texts else []
        by_text = dict(zip(texts, lists, strict=True))
        fused = {
            query: _fused([by_text[lookup] for lookup in found.lookups[query]])[: found.top_k] for query in queries
        }
        found.hits.update(await self._measured(found, view, fused) if index is not None else fused)
        entries = {}
        for query in queries:
            lookups, hits = [tuple(lookup) for lookup in found.lookups[query]], [tuple(h) for h in found.hits[query]]
            made: dict[str, Any] = {"k": found.top_k, "exact": found.exact, "usd": found.usd.get(query, 0.0)}
            content = {**made, "lookups": lookups, "hits": hits}
            entries[keys.hits_key(found.key, query)] = orjson.dumps(content)
        if not self._anew:  # what a sweep keeps may reach deeper
            self._cache.put("retrieve", entries)
        self._progress.step("retrieve", len(queries), made=True)
        found.took("embed", view.embedding_s)
        found.took("search", time.perf_counter() - started - view.embedding_s)

    async def _measured(self, found: Retrieved, view: Looking, fused: dict[Query, list[Hit]]) -> dict[Query, list[Hit]]:
        """The hits with the similarities that their retriever left open."""
        left = {query: [h.number for h in hits if h.similarity is None] for query, hits in fused.items()}
        queries = [query for query, numbers in left.items() if numbers]
        if not queries:
            return fused
        vectors = _unit(await view.embed([found.probe(query) for query in queries]))
        measured = dict(fused)
        for query, vector in zip(queries, vectors, strict=True):
            near = dict(zip(left[query], (view.vectors(left[query]) @ vector).tolist(), strict=True))
            measured[query] = [
                hit._replace(similarity=round(near[hit.number], DIGITS) + 0.0) if hit.number in near else hit
                for hit in fused[query]
            ]
        return measured

    def _allowed(self, found: Retrieved, scope: str) -> NDArray[np.bool_] | None:
        if not scope:
            return None
        documents = self._scopes.documents(scope)
        return np.array([chunk.document in documents for chunk in found.chunks], dtype=bool)

    async def open_index(self, settings: Retrieval) -> OpenIndex:
        """The index of a retrieval, filled. It is the caller's to close.

        Texts are embedded while it is closed, so that no other process waits for them.
        """
        chunks = (await self.chunking(settings)).chunks
        key = keys.index_key(self.corpus, settings)
        part = self._in_memory or settings.index
        index = await self.opening.open(part, key)
        whole = index.count() == len(chunks)
        if not whole:
            index.close()
            vectors = await self.vectors_of_chunks(settings)
            self._progress.message = "indexing"
            index = await self.opening.open(part, key)
            try:
                if index.count() != len(chunks):
                    await asyncio.to_thread(index.fill, chunks, vectors)
            except BaseException:
                index.close()
                raise
            self._cache.put("index", {key: orjson.dumps({"chunks": len(chunks)})})
        self._progress.step("index", made=not whole)
        return index

    async def _embedded(self, embedder: Any, texts: Sequence[str], purpose: str) -> NDArray[np.float32]:
        return await vectors_of(embedder, texts, purpose, self._cache, self._gateway, self._on_made)

    def _on_made(self, count: int) -> None:
        self._progress.step("embed", count, made=True)


def _fused(lists: Sequence[list[Hit]]) -> list[Hit]:
    """One list of hits; several are fused by their ranks, and what they are similar to is then measured anew."""
    if len(lists) == 1:
        return [hit._replace(score=round(float(hit.score), DIGITS)) for hit in lists[0]]
    fused = reciprocal_rank_fusion([[hit.number for hit in hits] for hits in lists])
    return [Hit(number, round(score, DIGITS)) for number, score in fused]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows of length 1; a zero row stays zero."""
    wide = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = wide / np.where(norms == 0, 1.0, norms)
    return scaled
