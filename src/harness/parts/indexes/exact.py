"""Exact search in memory: the ground truth, and enough for corpora of some hundred thousand chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.parts.indexes.ranking import Found, Rows
from harness.plugins import OpenIndex, part
from harness.records import Chunk


@part("index", "exact")
@dataclass(frozen=True)
class Exact:
    """Compares a question with every vector. Keeps nothing on disk."""

    version: ClassVar[int] = 1
    environment: ClassVar[tuple[str, ...]] = ()

    def open(self, folder: Path, collection: str) -> OpenIndex:
        """An empty collection in memory; `folder` is not used."""
        return _InMemory()


class _InMemory:
    """Vectors of one collection."""

    exact = True

    def __init__(self) -> None:
        self._rows = Rows(np.zeros((0, 0), dtype=np.float32))

    def count(self) -> int:
        return len(self._rows)

    def fill(self, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        self._rows = Rows(vectors)

    def search(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> list[Found]:
        return self._rows.nearest(queries, k, allowed)

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        return self._rows.unit(numbers)

    def close(self) -> None:
        self._rows = Rows(np.zeros((0, 0), dtype=np.float32))
