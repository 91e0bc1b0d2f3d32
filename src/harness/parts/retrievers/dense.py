"""Dense retrieval: the chunks whose vectors are nearest to the question's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import View, part
from harness.records import Hit, Lookup


@part("retriever", "dense")
@dataclass(frozen=True)
class Dense:
    """Cosine similarity between the vectors of question and chunk."""

    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = True

    async def retrieve(self, lookups: Sequence[Lookup], k: int, view: View) -> list[list[Hit]]:
        """The `k` nearest chunks of each text."""
        found = view.search(await view.embed(lookups), k)
        return [[Hit(number, similarity, similarity) for number, similarity in hits] for hits in found]
