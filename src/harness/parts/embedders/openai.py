"""OpenAI's embeddings, and every server that speaks them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from harness.parts.embedders.texts import Prefixed, check_bounds, one_row_each, sendable
from harness.plugins import EmbedderConnection, addresses, failures, headers, part, providers, setting
from harness.records import Embedded, Quota

_MOST = 2048


@part("embedder", "openai/", argument="name")
@dataclass(frozen=True)
class OpenAIEmbedder(Prefixed):
    """An embedding model of OpenAI (`openai/text-embedding-3-small`), or of a compatible server at `base_url`.

    One request takes at most `batch_size` texts and `batch_tokens` tokens: OpenAI's limits are 2,048 and 300,000; a
    server of one's own may have lower ones.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    name: str = ""
    dimensions: int | None = None
    base_url: str | None = None
    api_key_variable: str = setting("OPENAI_API_KEY", inert=True)
    batch_size: int = setting(256, inert=True)
    batch_tokens: int = setting(300_000, inert=True)
    timeout_s: float = setting(60.0, inert=True)

    def __post_init__(self) -> None:
        addresses.refuse_secrets_of_server("base_url", self.base_url, "openai", self.api_key_variable)
        check_bounds(self.batch_size, _MOST, self.batch_tokens)
        if self.dimensions is not None and self.dimensions < 1:
            raise ValueError(f"dimensions must be at least 1, found {self.dimensions}")

    @property
    def server(self) -> str | None:
        """The server where it is not OpenAI's: `base_url`, else the variable OPENAI_BASE_URL."""
        return providers.server("openai", self.base_url)

    @property
    def provider(self) -> str:
        """OpenAI, or the server."""
        return self.server or "openai"

    @property
    def price_name(self) -> str | None:
        """The model's name; at a server of one's own `openai/NAME`, so that the sweep file can give it a price."""
        return self.name if self.server is None else f"openai/{self.name}"

    @property
    def environment(self) -> tuple[str, ...]:
        """The key, unless a server of one's own is named, which may need none."""
        return (self.api_key_variable,) if self.server is None else ()

    def identity_extra(self) -> dict[str, Any]:
        """The server, wherever it was named."""
        return {"base_url": self.server}

    def connect(self) -> EmbedderConnection:
        """A client of the SDK, its own retries off."""
        return _Connection(self)


class _Connection:
    def __init__(self, embedder: OpenAIEmbedder) -> None:
        import openai

        self._embedder = embedder
        self._openai = openai
        self._client = openai.AsyncOpenAI(
            api_key=os.environ.get(embedder.api_key_variable) or providers.NO_KEY,
            base_url=embedder.server,
            max_retries=0,
            timeout=embedder.timeout_s,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        embedder = self._embedder
        about = f"openai/{embedder.name} (key from {embedder.api_key_variable})"
        extra: dict[str, Any] = {} if embedder.dimensions is None else {"dimensions": embedder.dimensions}
        sent = sendable(texts)
        with failures.of_calls(self._openai, embedder.timeout_s, about):
            async with asyncio.timeout(embedder.timeout_s):
                raw = await self._client.embeddings.with_raw_response.create(
                    model=embedder.name, input=embedder.prefixed(sent, purpose), **extra
                )
            made = _embedded(raw.parse(), len(sent), headers.quota(raw.headers))
            return replace(made, vectors=one_row_each(made.vectors, texts))

    async def close(self) -> None:
        await self._client.close()


def _embedded(done: Any, count: int, quota: Quota | None) -> Embedded:
    """The vectors out of an answer, in the order of the texts. Raises ValueError or TypeError when it is broken."""
    rows = [item.embedding for item in sorted(done.data, key=lambda item: item.index)]
    vectors = np.asarray(rows, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != count:
        raise ValueError(f"{len(rows)} vectors for {count} texts")
    return Embedded(vectors, getattr(done.usage, "prompt_tokens", None), quota)
