"""Rerankers of providers, through litellm: Cohere, Jina, Voyage, Together, a server of one's own, …"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.rerankers.cut import Cut
from harness.plugins import RerankerConnection, addresses, failures, part, providers, setting
from harness.records import Ranked


@part("reranker", "litellm-rerank/", argument="name", fallback=True)
@dataclass(frozen=True)
class LiteLLMReranker(Cut):
    """A rerank model by its litellm name (`cohere/rerank-v3.5`, `jina_ai/jina-reranker-v2-base-multilingual`).

    Cohere bills a search for every 100 texts of a request; Jina and Voyage bill tokens.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    name: str = ""
    api_base: str | None = None
    batch_size: int = setting(100, inert=True)
    timeout_s: float = setting(60.0, inert=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        addresses.refuse_secrets("api_base", self.api_base, addresses.key_in(providers.KEYS.get(self.provider)))
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, found {self.batch_size}")

    @property
    def provider(self) -> str:
        """The first part of the name."""
        return self.name.split("/", 1)[0]

    @property
    def price_name(self) -> str | None:
        """The litellm name."""
        return self.name

    @property
    def environment(self) -> tuple[str, ...]:
        """The provider's usual variable, where we know it and no other server is named."""
        known = providers.KEYS.get(self.provider)
        return (known,) if known and self.api_base is None else ()

    def connect(self) -> RerankerConnection:
        """Import litellm, quietly."""
        return _Connection(self)


class _Connection:
    def __init__(self, reranker: LiteLLMReranker) -> None:
        self._reranker = reranker
        self._litellm = providers.use_litellm()

    async def score(self, question: str, texts: Sequence[str]) -> Ranked:
        reranker, litellm = self._reranker, self._litellm
        variable = providers.KEYS.get(reranker.provider)
        about = f"{reranker.name} (through litellm{f', key from {variable}' if variable else ''})"
        with failures.of_litellm(litellm, reranker.timeout_s, about):
            async with asyncio.timeout(reranker.timeout_s):
                done = await litellm.arerank(
                    model=reranker.name,
                    query=question,
                    documents=list(texts),
                    return_documents=False,
                    api_base=reranker.api_base,
                    api_key=providers.key(variable, reranker.api_base),
                    max_retries=0,
                    timeout=reranker.timeout_s,
                )
            return _ranked(done, len(texts))

    async def close(self) -> None:
        await providers.leave_litellm()


def _ranked(done: Any, count: int) -> Ranked:
    """The scores in the order of the texts. Raises ValueError, TypeError or KeyError when the answer is broken."""
    results = done.results or []
    scores = {int(result["index"]): float(result["relevance_score"]) for result in results}
    if len(results) != count or set(scores) != set(range(count)):
        raise ValueError(f"scores of the texts {sorted(scores)[:20]} of {count}, {len(results)} in all")
    if not all(math.isfinite(score) for score in scores.values()):
        raise ValueError("a score that is no number")
    meta = done.meta or {}
    billed, counted = meta.get("billed_units") or {}, meta.get("tokens") or {}
    tokens = counted.get("input_tokens") or billed.get("total_tokens")
    return Ranked(tuple(scores[i] for i in range(count)), tokens, billed.get("search_units"))
