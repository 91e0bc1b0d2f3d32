"""A model asks the question in other words; what all wordings find is fused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.queries.asking import Asking, lines_of
from harness.plugins import Ask, part
from harness.records import Lookup, Query

_PROMPT = """\
Someone looks for the answer to the question below in a knowledge base. Write {{ queries }} other wordings of the \
question that could find it where the question itself does not: other terms, another point of view, one aspect of it \
alone. Keep its language. Write one wording per line and nothing else.

Question: {{ question }}"""


@part("query", "multi_query")
@dataclass(frozen=True)
class MultiQuery(Asking):
    """A model writes `queries` other wordings of the question; each is searched with.

    `original` searches with the question itself too, first. `fetch_k` hits of each wording are fused, by ranks.
    `prompt` may name `question` and `queries`. Where the model writes nothing, the question is taken as it is.
    """

    sample: ClassVar[Mapping[str, Any]] = {"question": "a question", "queries": 3}
    prompt: str = _PROMPT
    max_tokens: int = 256
    queries: int = 3
    original: bool = True
    fetch_k: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.queries < 1:
            raise ValueError(f"queries must be at least 1, found {self.queries}")
        if self.fetch_k < 1:
            raise ValueError(f"fetch_k must be at least 1, found {self.fetch_k}; it must not be below top_k")

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        """The question and its other wordings, none twice."""
        lines = lines_of(await self.reply(query, ask, queries=self.queries))
        seen = {_folded(query.question)}
        wordings: list[str] = []
        for line in lines:
            if _folded(line) not in seen and len(wordings) < self.queries:
                seen.add(_folded(line))
                wordings.append(line)
        question = [query.question] if self.original or not wordings else []
        return [Lookup(text) for text in (*question, *wordings)]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
