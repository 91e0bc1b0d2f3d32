"""What a retriever may look at."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.plugins import OpenIndex
from harness.records import Chunk, Lookup

T = TypeVar("T")

EmbedTexts = Callable[[Sequence[str], str], Awaitable[NDArray[np.float32]]]


class Looking:
    """The View of one chunking and its index (None where the retriever asks none), with a filter applied.

    `kept` holds what was made of the chunks; `embedding_s` counts the seconds spent on vectors.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        allowed: NDArray[np.bool_] | None,
        index: OpenIndex | None,
        embed: EmbedTexts,
        kept: dict[str, Any],
    ) -> None:
        self.chunks = chunks
        self.allowed = allowed
        self._index = index
        self._embed = embed
        self._kept = kept
        self.embedding_s = 0.0

    async def embed(self, lookups: Sequence[Lookup]) -> NDArray[np.float32]:
        """Vectors of texts, each by its purpose."""
        started = time.perf_counter()
        rows: dict[int, NDArray[np.float32]] = {}
        for purpose in dict.fromkeys(lookup.purpose for lookup in lookups):
            places = [i for i, lookup in enumerate(lookups) if lookup.purpose == purpose]
            vectors = await self._embed([lookups[i].text for i in places], purpose)
            rows.update(zip(places, vectors, strict=True))
        self.embedding_s += time.perf_counter() - started
        return np.stack([rows[i] for i in range(len(lookups))])

    def search(self, vectors: NDArray[np.float32], k: int) -> list[list[tuple[int, float]]]:
        """The nearest chunks that the filter allows."""
        return self._opened().search(vectors, k, self.allowed)

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """Vectors of chunks."""
        return self._opened().vectors(numbers)

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """Made once for each chunking."""
        if name not in self._kept:
            self._kept[name] = make()
        kept: T = self._kept[name]
        return kept

    def _opened(self) -> OpenIndex:
        if self._index is None:
            raise TypeError("a retriever that asks for vectors must say so: uses_vectors = True")
        return self._index
