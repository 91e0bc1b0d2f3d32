"""Embeddings of every other provider, through litellm: Cohere, Voyage, Gemini, Mistral, Ollama, …"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness.plugins import EmbedderConnection, failures, part, providers, setting
from harness.records import Embedded


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
    def provider(self) -> str:
        """The first part of the name."""
        return self.name.split("/", 1)[0]

    @property
    def server(self) -> str | None:
        """The server where it is not the provider's own: `api_base`, else the provider's variable for one."""
        return providers.server(self.provider, self.api_base)

    @property
    def price_name(self) -> str | None:
        """The litellm name; models of Ollama run on one's own machine and cost nothing."""
        return None if self.provider in providers.OWN_MACHINE else self.name

    @property
    def environment(self) -> tuple[str, ...]:
        """The provider's usual variable, where we know it."""
        known = providers.KEYS.get(self.provider)
        return (known,) if known and self.server is None else ()

    def identity_extra(self) -> dict[str, Any]:
        """The server, wherever it was named."""
        return {"api_base": self.server}

    def connect(self) -> EmbedderConnection:
        """Import litellm, quietly."""
        return _Connection(self)


class _Connection:
    def __init__(self, embedder: LiteLLMEmbedder) -> None:
        self._embedder = embedder
        self._litellm = providers.use_litellm()
        import openai

        self._base_error = openai.OpenAIError

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        embedder, litellm = self._embedder, self._litellm
        variable = providers.KEYS.get(embedder.provider)
        about = f"{embedder.name} (through litellm{f', key from {variable}' if variable else ''})"
        try:
            async with asyncio.timeout(embedder.timeout_s):
                done = await litellm.aembedding(
                    model=embedder.name,
                    input=list(texts),
                    api_base=embedder.server,
                    api_key=providers.key(variable, embedder.server),
                    max_retries=0,
                    timeout=embedder.timeout_s,
                )
            return _embedded(done, len(texts))
        except (TimeoutError, litellm.exceptions.Timeout, litellm.exceptions.APIConnectionError) as error:
            raise failures.of_no_answer(error, embedder.timeout_s, about) from error
        except self._base_error as error:
            if isinstance(getattr(error, "status_code", None), int):
                raise failures.of_sdk(error, about) from error
            raise failures.of_broken(error, about) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise failures.of_broken(error, about) from error

    async def close(self) -> None:
        await providers.leave_litellm()


def _embedded(done: Any, count: int) -> Embedded:
    """The vectors out of an answer, in the order of the texts. Raises ValueError, TypeError or KeyError when broken."""
    items = sorted(done.data, key=lambda item: item["index"])
    vectors = np.asarray([item["embedding"] for item in items], dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != count:
        raise ValueError(f"{len(done.data)} vectors for {count} texts")
    return Embedded(vectors, getattr(done.usage, "prompt_tokens", None))
