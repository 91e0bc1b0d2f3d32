"""OpenAI's embeddings, and every server that speaks them."""

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

_FATAL = (401, 403, 404)


@part("embedder", "openai/", argument="name")
@dataclass(frozen=True)
class OpenAIEmbedder:
    """An embedding model of OpenAI (`openai/text-embedding-3-small`), or of a compatible server at `base_url`."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    batch_size: ClassVar[int] = 256
    name: str = ""
    dimensions: int | None = None
    base_url: str | None = None
    api_key_variable: str = setting("OPENAI_API_KEY", inert=True)
    timeout_s: float = setting(60.0, inert=True)

    @property
    def price_name(self) -> str | None:
        """The model's name; a compatible server's prices are its own."""
        return self.name if self.base_url is None else f"openai/{self.name}"

    @property
    def environment(self) -> tuple[str, ...]:
        """The key, unless a server of one's own is named."""
        return (self.api_key_variable,) if self.base_url is None else ()

    def connect(self) -> EmbedderConnection:
        """A client of the SDK, its own retries off."""
        return _Connection(self)


class _Connection:
    def __init__(self, embedder: OpenAIEmbedder) -> None:
        import openai

        self._embedder = embedder
        self._openai = openai
        self._client = openai.AsyncOpenAI(
            api_key=os.environ.get(embedder.api_key_variable) or "none",
            base_url=embedder.base_url,
            max_retries=0,
            timeout=embedder.timeout_s,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        sdk, embedder = self._openai, self._embedder
        about = f"openai/{embedder.name} (key from {embedder.api_key_variable})"
        extra: dict[str, Any] = {} if embedder.dimensions is None else {"dimensions": embedder.dimensions}
        try:
            async with asyncio.timeout(embedder.timeout_s):
                done = await self._client.embeddings.create(model=embedder.name, input=list(texts), **extra)
            rows = [item.embedding for item in sorted(done.data, key=lambda item: item.index)]
            vectors = np.asarray(rows, dtype=np.float32)
            if vectors.ndim != 2 or len(vectors) != len(texts):
                raise ValueError(f"{len(rows)} vectors for {len(texts)} texts")
            return Embedded(vectors, getattr(done.usage, "prompt_tokens", None))
        except sdk.APIStatusError as error:
            status = error.status_code
            retryable = status in (408, 409, 429) or status >= 500
            kind = "rate_limit" if status == 429 else "server" if retryable else "bad_request"
            raise ProviderError(
                f"{about}: HTTP {status}: {error.message[:300]}",
                kind="auth" if status in _FATAL else kind,
                retryable=retryable,
                fatal=status in _FATAL,
            ) from error
        except (TimeoutError, sdk.APIConnectionError) as error:
            raise ProviderError(f"{about}: {type(error).__name__}", kind="connection", retryable=True) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ProviderError(f"{about}: broken answer: {error}", kind="broken_answer", retryable=True) from error

    async def close(self) -> None:
        await self._client.close()
