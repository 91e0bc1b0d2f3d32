"""Embeddings of every other provider, through litellm: Cohere, Voyage, Gemini, Mistral, Ollama, …"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from harness.parts.embedders.tasks import task_of
from harness.parts.embedders.texts import Prefixed, check_bounds, one_row_each, sendable
from harness.plugins import EmbedderConnection, addresses, failures, part, providers, setting
from harness.records import Embedded

_MEDIA = ("data:", "gs://", "files/", "https://generativelanguage.googleapis.com/")


@part("embedder", "litellm/", argument="name", fallback=True)
@dataclass(frozen=True)
class LiteLLMEmbedder(Prefixed):
    """An embedding model by its litellm name (`ollama/nomic-embed-text`, `voyage/voyage-3.5`).

    Providers that want to know (Cohere, Voyage, Gemini, Vertex, Jina, NVIDIA) are told whether a text is a question or
    a passage. `dimensions` asks for shorter vectors. Cohere takes 96 texts in a request, others more.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    name: str = ""
    api_base: str | None = None
    dimensions: int | None = setting(None, late=True)
    batch_size: int = setting(96, inert=True)
    batch_tokens: int = setting(100_000, inert=True)
    timeout_s: float = setting(120.0, inert=True)

    def __post_init__(self) -> None:
        variable = providers.KEYS.get(self.provider)
        addresses.refuse_secrets_of_server("api_base", self.api_base, self.provider, variable)
        check_bounds(self.batch_size, None, self.batch_tokens)
        if self.dimensions is not None and self.dimensions < 1:
            raise ValueError(f"dimensions must be at least 1, found {self.dimensions}")

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
        """The server, wherever it was named, and by what word the purpose is told."""
        task = task_of(self.name)
        return {"api_base": self.server, **({"purpose": task.parameter} if task else {})}

    def connect(self) -> EmbedderConnection:
        """Import litellm, quietly."""
        return _Connection(self)


class _Connection:
    def __init__(self, embedder: LiteLLMEmbedder) -> None:
        self._embedder = embedder
        self._litellm = providers.use_litellm()

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        embedder, litellm = self._embedder, self._litellm
        variable = providers.KEYS.get(embedder.provider)
        about = f"{embedder.name} (through litellm{f', key from {variable}' if variable else ''})"
        sent = sendable(texts)
        with failures.of_litellm(litellm, embedder.timeout_s, about):
            async with asyncio.timeout(embedder.timeout_s):
                done = await litellm.aembedding(
                    model=embedder.name,
                    input=[_as_text(text) for text in embedder.prefixed(sent, purpose)],
                    api_base=embedder.server,
                    api_key=providers.key(variable, embedder.server),
                    max_retries=0,
                    timeout=embedder.timeout_s,
                    **_extra(embedder, purpose),
                )
            made = _embedded(done, len(sent))
            return replace(made, vectors=one_row_each(made.vectors, texts))

    async def close(self) -> None:
        await providers.leave_litellm()


def _extra(embedder: LiteLLMEmbedder, purpose: str) -> dict[str, Any]:
    """The arguments for the purpose and for shorter vectors.

    litellm knows of OpenAI's own models which can be shorter; at a server that speaks OpenAI's protocol any may.
    """
    task = task_of(embedder.name)
    told: dict[str, Any] = task.told(purpose) if task else {}
    if embedder.dimensions is not None:
        told["dimensions"] = embedder.dimensions
        if embedder.provider == "openai":
            told["allowed_openai_params"] = ["dimensions"]
    return told


def _as_text(text: str) -> str:
    """A text that litellm does not take for the address of a picture or a file, which it would fetch or send."""
    return f" {text}" if text.startswith(_MEDIA) else text


def _embedded(done: Any, count: int) -> Embedded:
    """The vectors out of an answer, in the order of the texts. Raises ValueError, TypeError or KeyError when broken."""
    items = sorted(done.data, key=lambda item: item["index"])
    vectors = np.asarray([item["embedding"] for item in items], dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != count:
        raise ValueError(f"{len(done.data)} vectors for {count} texts")
    return Embedded(vectors, getattr(done.usage, "prompt_tokens", None))
