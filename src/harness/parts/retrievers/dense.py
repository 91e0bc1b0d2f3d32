"""Dense retrieval: the chunks whose vectors are nearest to the question's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import View, part


@part("retriever", "dense")
@dataclass(frozen=True)
class Dense:
    """Cosine similarity between the vectors of question and chunk."""

    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = True

    async def retrieve(self, questions: Sequence[str], k: int, view: View) -> list[list[tuple[int, float]]]:
        """The `k` nearest chunks of each question."""
        return view.index.search(await view.embed(questions), k)
