"""Embeddings of every other provider, through litellm: Cohere, Voyage, Gemini, Mistral, Ollama, …"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness.errors import ProviderError
from harness.plugins import EmbedderConnection, part, setting
from harness.records import Embedded

_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
_KEYS = {
    "cohere": "COHERE_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "voyage": "VOYAGE_API_KEY",
}
_FREE = ("ollama",)


@part("embedder", "litellm/", argument="name", fallback=True)
@dataclass(frozen=True)
class LiteLLMEmbedder:
    """An embedding model by its litellm name (`ollama/nomic-embed-text`, `voyage/voyage-3`)."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    batch_size: ClassVar[int] = 96
    name: str = ""
    api_base: str | None = None
    timeout_s: float = setting(120.0, inert=True)

    @property
    def price_name(self) -> str | None:
        """The litellm name; models of Ollama run on one's own machine and cost nothing."""
        return None if self.name.split("/", 1)[0] in _FREE else self.name

    @property
    def environment(self) -> tuple[str, ...]:
        """The provider's usual variable, where we know it."""
        known = _KEYS.get(self.name.split("/", 1)[0])
        return (known,) if known and self.api_base is None else ()

    def connect(self) -> EmbedderConnection:
        """Import litellm, quietly."""
        for variable, value in _QUIET.items():
            os.environ.setdefault(variable, value)
        import litellm

        return _Connection(self, litellm)


class _Connection:
    def __init__(self, embedder: LiteLLMEmbedder, litellm: Any) -> None:
        self._embedder = embedder
        self._litellm = litellm
        import openai

        self._base_error = openai.OpenAIError

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        embedder = self._embedder
        try:
            async with asyncio.timeout(embedder.timeout_s):
                done = await self._litellm.aembedding(
                    model=embedder.name, input=list(texts), api_base=embedder.api_base, max_retries=0
                )
            vectors = np.asarray([item["embedding"] for item in done.data], dtype=np.float32)
            if vectors.ndim != 2 or len(vectors) != len(texts):
                raise ValueError(f"{len(done.data)} vectors for {len(texts)} texts")
            return Embedded(vectors, getattr(done.usage, "prompt_tokens", None))
        except (TimeoutError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"{embedder.name}: {error}", kind="broken_answer", retryable=True) from error
        except self._base_error as error:
            status = getattr(error, "status_code", None) or 500
            fatal = status in (401, 403, 404)
            text = f"{embedder.name} (through litellm): HTTP {status}: {error}"[:300]
            retryable = not fatal and (status in (408, 409, 429) or status >= 500)
            kind = "auth" if fatal else "provider"
            raise ProviderError(text, kind=kind, retryable=retryable, fatal=fatal) from error

    async def close(self) -> None:
        return None
