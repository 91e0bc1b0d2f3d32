"""No reranking: passages stay in the retriever's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import part
from harness.records import Chunk


@part("reranker", "none")
@dataclass(frozen=True)
class NoReranker:
    """Leaves the order as it is."""

    version: ClassVar[int] = 1

    async def rerank(self, question: str, chunks: Sequence[Chunk], scores: Sequence[float]) -> list[tuple[int, float]]:
        """Every position with its own score."""
        return list(enumerate(scores))
