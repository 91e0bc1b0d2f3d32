"""One collection of Chroma that is open: filled, searched exactly or by its graph, read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.parts.indexes.ranking import DIGITS, Found, Rows, unit
from harness.records import Chunk

_PAGE = 16 * 2**20
"""Bytes of one page of vectors, queries or answers, in the JSON in which a server gives and takes them."""
_NUMBER = 20
_HIT = 40
_FEW = 2_000
"""So many chunks are rather read and compared than looked for in the graph: it finds few among many badly."""


class Store(Protocol):
    """Where collections are kept."""

    client: Any
    body: int | None
    """Bytes of one request at the most."""

    def calls(self) -> AbstractContextManager[None]:
        """What Chroma raises in the block becomes a UserError."""

    def close(self) -> None:
        """Release what the store holds."""


class Collection:
    """Chunk i has the id of 8 digits of i, so what is written twice, or by two processes, is there once."""

    def __init__(
        self,
        store: Store,
        name: str,
        ranks_exactly: Callable[[int], bool],
        graph: Callable[[int], dict[str, str | int]],
    ) -> None:
        self._store = store
        self._name = name
        self._ranks_exactly = ranks_exactly
        self._graph = graph
        self._collection = self._existing()
        self._count = 0
        self._forget()
        self.count()

    def _existing(self) -> Any:
        from chromadb.errors import NotFoundError

        with self._store.calls():
            try:
                return self._store.client.get_collection(self._name, embedding_function=None)
            except NotFoundError:
                return None

    def _forget(self) -> None:
        self._rows: Rows | None = None
        self._seen: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._known: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    @property
    def exact(self) -> bool:
        return self._ranks_exactly(self._count)

    def count(self) -> int:
        if self._collection is not None:
            with self._store.calls():
                counted = int(self._collection.count())
            if counted != self._count:
                self._forget()
            self._count = counted
        return self._count

    def fill(self, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        with self._store.calls():
            if self._collection is None:
                # Without `embedding_function=None` the first write would try to download a model.
                self._collection = self._store.client.get_or_create_collection(
                    self._name, embedding_function=None, configuration={"hnsw": self._graph(len(chunks))}
                )
            for start, stop in self._batches(chunks, vectors.shape[1] if len(vectors) else 0):
                self._collection.upsert(
                    ids=_ids(range(start, stop)),
                    embeddings=vectors[start:stop],
                    documents=[chunk.text for chunk in chunks[start:stop]],
                    metadatas=[{"document": c.document, "start": c.start, "end": c.end} for c in chunks[start:stop]],
                )
        self._forget()
        self.count()

    def _batches(self, chunks: Sequence[Chunk], dimensions: int) -> Iterator[tuple[int, int]]:
        """Where batches start and stop: no more chunks than Chroma takes, nor bytes than the store takes."""
        most, body = self._store.client.get_max_batch_size(), self._store.body
        if body is None:
            yield from ((start, min(start + most, len(chunks))) for start in range(0, len(chunks), most))
            return
        start = size = 0
        for i, chunk in enumerate(chunks):
            # Base64 of single precision, and letters of at most four bytes.
            one = dimensions * 16 // 3 + 4 * (len(chunk.text) + len(chunk.document)) + 200
            if i - start >= most or (i > start and size + one > body):
                yield start, i
                start, size = i, 0
            size += one
        if start < len(chunks):
            yield start, len(chunks)

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> list[Found]:
        pool = self._count if allowed is None else int(np.count_nonzero(allowed))
        if not pool or not len(queries):
            return [[] for _ in queries]
        if self.exact:
            if self._rows is None:
                self._rows = Rows(self._read(np.arange(self._count)))
                self._seen = np.zeros((0, 0), dtype=np.float32)
                self._known = np.zeros(0, dtype=np.bool_)
            return self._rows.nearest(queries, k, allowed)
        numbers = None if allowed is None else np.flatnonzero(allowed)
        if numbers is not None and (pool <= _FEW or pool <= k):
            return self._compared(queries, k, numbers)
        return self._approximate(queries, k, numbers)

    def _approximate(self, queries: NDArray[np.float32], k: int, numbers: NDArray[np.intp] | None) -> list[Found]:
        """What the graph finds, in a fixed order; all chunks are compared where it finds too few.

        The similarities are Chroma's, of single precision: to read vectors and compare them again would take half the
        time of the search once more.
        """
        pool = self._count if numbers is None else len(numbers)
        ids = None if numbers is None else _ids(numbers)
        fetched = min(pool, 2 * k + 10)
        found: list[Found] = []
        for page in _pages(len(queries), _NUMBER * queries.shape[1] + _HIT * fetched):
            with self._store.calls():
                got = self._collection.query(
                    query_embeddings=queries[page], n_results=fetched, ids=ids, include=["distances"]
                )
            found += [_ordered(*answer, k) for answer in zip(got["ids"], got["distances"], strict=True)]
        short = [i for i, hits in enumerate(found) if len(hits) < k]
        for i, hits in zip(short, self._compared(queries[short], k, numbers) if short else [], strict=True):
            found[i] = hits
        return found

    def _compared(self, queries: NDArray[np.float32], k: int, numbers: NDArray[np.intp] | None) -> list[Found]:
        """Exact search among some chunks, or all."""
        chosen = np.arange(self._count) if numbers is None else numbers
        found = Rows(self._read(chosen)).nearest(queries, k)
        return [[(int(chosen[row]), similarity) for row, similarity in hits] for hits in found]

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        if self._rows is not None:
            return self._rows.unit(numbers)
        return unit(self._read(np.asarray(numbers, dtype=np.intp)))

    def _read(self, numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        """The vectors as Chroma keeps them, which is not to the last digit as they were given: always these count."""
        if not self._count:
            return np.zeros((0, 0), dtype=np.float32)
        if len(self._known) != self._count:
            self._known = np.zeros(self._count, dtype=np.bool_)
        missing = np.unique(numbers[~self._known[numbers]])
        dimensions = self._seen.shape[1] or self._dimensions()
        if not len(self._seen):
            self._seen = np.zeros((self._count, dimensions), dtype=np.float32)  # takes memory where it is written
        for page in _pages(len(missing), _NUMBER * dimensions):
            with self._store.calls():
                got = self._collection.get(ids=_ids(missing[page]), include=["embeddings"])
            if len(got["ids"]) != len(missing[page]):
                raise UserError(
                    f"the collection {self._name} of Chroma has lost {len(missing[page]) - len(got['ids'])} vectors "
                    "while it was used; run the same command again"
                )
            self._seen[[int(i) for i in got["ids"]]] = got["embeddings"]
        self._known[missing] = True
        return self._seen[numbers]

    def _dimensions(self) -> int:
        with self._store.calls():
            return len(self._collection.get(limit=1, include=["embeddings"])["embeddings"][0])

    def close(self) -> None:
        self._forget()
        self._store.close()


def _ordered(ids: list[str], distances: list[float], k: int) -> Found:
    """The best `k` of what Chroma found, by similarity rounded to 6 digits, then by number."""
    hits = [(int(i), round(1.0 - distance, DIGITS) + 0.0) for i, distance in zip(ids, distances, strict=True)]
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]


def _ids(numbers: Sequence[int] | NDArray[np.intp] | range) -> list[str]:
    return [f"{number:08d}" for number in numbers]


def _pages(count: int, size: int) -> Iterator[slice]:
    """Slices of so many things of `size` bytes that a page holds."""
    step = max(1, _PAGE // max(1, size))
    return (slice(start, start + step) for start in range(0, count, step))
