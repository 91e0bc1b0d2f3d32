"""A model writes a passage that could answer the question; passages like it are looked for."""

from __future__ import annotations

from dataclasses import dataclass

from harness.parts.queries.asking import Asking
from harness.plugins import Ask, part
from harness.records import Lookup, Query

_PROMPT = """\
Write a short passage, as it could stand in a knowledge base, that answers the question below. Use the language of the \
question. It need not be true; it serves to find the passage that is. Write the passage and nothing else.

Question: {{ question }}"""


@part("query", "hyde")
@dataclass(frozen=True)
class HyDE(Asking):
    """Hypothetical document embeddings (Gao et al. 2022): a model writes a passage that answers, and what is like it is
    found; it is embedded as a passage, not as a query.

    `original` searches with the question itself too; then `fetch_k` hits of each are fused, by ranks (the authors
    average vectors). `prompt` may name `question`. Where the model writes nothing, the question is taken as it is.
    """

    prompt: str = _PROMPT
    max_tokens: int = 256
    original: bool = False
    fetch_k: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fetch_k < 1:
            raise ValueError(f"fetch_k must be at least 1, found {self.fetch_k}; it must not be below top_k")

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        """The passage; before it the question, where that is wanted too."""
        passage = await self.reply(query, ask)
        question = [Lookup(query.question)] if self.original or not passage else []
        return [*question, *([Lookup(passage, "passage")] if passage else [])]
