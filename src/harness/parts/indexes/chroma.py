"""Chroma, embedded: one store directory per corpus, one collection per index key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.parts.indexes.ranking import DIGITS, nearest, unit
from harness.plugins import OpenIndex, part
from harness.records import Chunk

_LOCK_WAIT_S = 600
_UNUSED_GRAPH = {"ef_construction": 8, "ef_search": 8, "max_neighbors": 4}
"""Chroma always builds a graph; where ranking is exact nobody asks it, so it is the cheapest there is."""


@part("index", "chroma")
@dataclass(frozen=True)
class Chroma:
    """Keeps our vectors in Chroma, in cosine space.

    Chroma's graph is approximate and differs between two builds of the same data, which would be noise between
    variants. So `search: exact` (the default) ranks exactly over the vectors that Chroma keeps, up to `exact_limit`
    chunks; beyond that, and with `search: approximate`, the graph is asked for more than is needed and the answer
    is put in a fixed order. The `hnsw` settings are those of Chroma.
    """

    version: ClassVar[int] = 1
    search: Literal["exact", "approximate"] = "exact"
    exact_limit: int = 50_000
    ef_construction: int = 400
    ef_search: int = 400
    max_neighbors: int = 32

    def __post_init__(self) -> None:
        for name in ("exact_limit", "ef_construction", "ef_search", "max_neighbors"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")

    def graph(self) -> dict[str, int]:
        """Chroma's settings of the graph."""
        return {name: getattr(self, name) for name in ("ef_construction", "ef_search", "max_neighbors")}

    def open(self, folder: Path, collection: str) -> OpenIndex:
        """Open the store in `folder`, waiting for another process that holds it."""
        return _Collection(self, folder, collection)


class _Collection:
    """One open collection; the store's lock is held until it is closed, since Chroma is one process's."""

    def __init__(self, settings: Chroma, folder: Path, name: str) -> None:
        import filelock

        folder.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._name = name
        self._lock = filelock.FileLock(folder / "harness.lock")
        try:
            self._lock.acquire(timeout=_LOCK_WAIT_S)
        except filelock.Timeout:
            raise UserError(f"the vector store {folder} is in use by another process") from None
        self._client = _client(folder)
        self._collection = self._existing()
        self._vectors: NDArray[np.float64] | None = None

    def _existing(self) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._client.get_collection(self._name, embedding_function=None)
        except NotFoundError:
            return None

    def _created(self, size: int) -> Any:
        settings = self._settings
        ranked_exactly = settings.search == "exact" and size <= settings.exact_limit
        graph = _UNUSED_GRAPH if ranked_exactly else settings.graph()
        # Without `embedding_function=None` the first write would try to download a model.
        return self._client.get_or_create_collection(
            self._name, embedding_function=None, configuration={"hnsw": {"space": "cosine", **graph}}
        )

    @property
    def exact(self) -> bool:
        return self._settings.search == "exact" and self.count() <= self._settings.exact_limit

    def count(self) -> int:
        return int(self._collection.count()) if self._collection is not None else 0

    def fill(self, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        if self._collection is None:
            self._collection = self._created(len(chunks))
        step = self._client.get_max_batch_size()
        for start in range(0, len(chunks), step):
            batch = chunks[start : start + step]
            self._collection.upsert(
                ids=[f"{start + i:08d}" for i in range(len(batch))],
                embeddings=vectors[start : start + step],
                documents=[chunk.text for chunk in batch],
                metadatas=[{"document": c.document, "start": c.start, "end": c.end} for c in batch],
            )
        self._vectors = None

    def search(self, queries: NDArray[np.float32], k: int) -> list[list[tuple[int, float]]]:
        if self.count() == 0:
            return [[] for _ in queries]
        if self.exact:
            return nearest(self._all_vectors(), queries, k)
        return self._approximate(queries, k)

    def _all_vectors(self) -> NDArray[np.float64]:
        if self._vectors is None:
            got = self._collection.get(include=["embeddings"])
            order = np.argsort(np.array(got["ids"]))
            self._vectors = unit(np.asarray(got["embeddings"], dtype=np.float32)[order])
        return self._vectors

    def _approximate(self, queries: NDArray[np.float32], k: int) -> list[list[tuple[int, float]]]:
        fetched = min(self.count(), 2 * k + 10)
        got = self._collection.query(query_embeddings=queries, n_results=fetched, include=["distances"])
        found = []
        for ids, distances in zip(got["ids"], got["distances"], strict=True):
            hits = [(int(i), round(1.0 - d, DIGITS)) for i, d in zip(ids, distances, strict=True)]
            found.append(sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k])
        return found

    def close(self) -> None:
        self._vectors = None
        self._client.close()
        self._lock.release()


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
