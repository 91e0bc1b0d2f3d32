"""Hybrid retrieval: what the vectors find and what the words find, made into one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.parts.retrievers.lexical import Lexical
from harness.plugins import View, part
from harness.plugins.fusion import reciprocal_rank_fusion, weighted_fusion
from harness.records import Hit, Lookup

_Found = list[tuple[int, float]]


@part("retriever", "hybrid")
@dataclass(frozen=True)
class Hybrid(Lexical):
    """The nearest `fetch_k` chunks and the best `fetch_k` of BM25, fused.

    `fusion` is `rrf`: by ranks, where `rrf_k` is how little the first places stand out; or `weighted`: by scores, each
    list scaled so that its best is 1 and its worst 0; a chunk that a list does not hold counts 0 there.
    `dense_weight` is the share of the vectors in either, the words have the rest; with 1 or 0 one list alone is left.
    `k1`, `b`, `method`, `stop_words` are those of `bm25`.
    """

    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = True
    fusion: Literal["rrf", "weighted"] = "rrf"
    rrf_k: int = 60
    dense_weight: float = 0.5
    fetch_k: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rrf_k < 0:
            raise ValueError(f"rrf_k must be at least 0, found {self.rrf_k}; the usual value is 60")
        if not 0 <= self.dense_weight <= 1:
            raise ValueError(f"dense_weight must be between 0 and 1, found {self.dense_weight}; 0 is words alone")
        if self.fetch_k < 1:
            raise ValueError(f"fetch_k must be at least 1, found {self.fetch_k}; it must not be below top_k")

    async def retrieve(self, lookups: Sequence[Lookup], k: int, view: View) -> list[list[Hit]]:
        """The `k` best of both lists of each text; similarities where the vectors found the chunk."""
        dense = view.search(await view.embed(lookups), self.fetch_k)
        lexical = self.found([lookup.text for lookup in lookups], self.fetch_k, view)
        return [self._fused(a, b)[:k] for a, b in zip(dense, lexical, strict=True)]

    def _fused(self, dense: _Found, lexical: _Found) -> list[Hit]:
        weights = (self.dense_weight, 1 - self.dense_weight)
        if self.fusion == "weighted":
            fused = weighted_fusion([dense, lexical], weights)
        else:
            fused = reciprocal_rank_fusion([[n for n, _ in dense], [n for n, _ in lexical]], self.rrf_k, weights)
        similarity = dict(dense)
        return [Hit(number, score, similarity.get(number)) for number, score in fused]
