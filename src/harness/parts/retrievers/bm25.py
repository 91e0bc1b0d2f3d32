"""Lexical retrieval: the chunks that hold most of the question's rarer words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.parts.retrievers.lexical import Lexical
from harness.plugins import View, part
from harness.records import Hit, Lookup


@part("retriever", "bm25")
@dataclass(frozen=True)
class BM25(Lexical):
    """BM25 over lower-case word stems; no vectors, so the corpus is not embedded.

    `k1` is how much more the second and third occurrence of a word counts, `b` how much a chunk's length counts
    against it, `method` the formula. `stop_words` leaves out English words that carry no meaning; turn it off for
    other languages. Chinese, Japanese and Korean are read as pairs of characters. A chunk with none of the question's
    words is not found.
    """

    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = False

    async def retrieve(self, lookups: Sequence[Lookup], k: int, view: View) -> list[list[Hit]]:
        """The `k` best chunks of each text; nobody measured their similarity."""
        found = self.found([lookup.text for lookup in lookups], k, view)
        return [[Hit(number, score) for number, score in hits] for hits in found]
