"""sentence-transformers: embedding models that run on this machine; an extra, since they bring torch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness.errors import ProviderError
from harness.plugins import EmbedderConnection, part
from harness.records import Embedded


@part("embedder", "sentence-transformers/", argument="name")
@dataclass(frozen=True)
class SentenceTransformers:
    """A sentence-transformers model by name or local path; needs the extra `sentence-transformers`."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 64
    name: str = ""

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def connect(self) -> EmbedderConnection:
        """Load the model. Raises ProviderError (fatal) when the extra is not installed or the model is not there."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            hint = "pip install 'harness-sweep[sentence-transformers]'"
            raise ProviderError(
                f"sentence-transformers/{self.name}: the package is not installed: {hint}", kind="missing", fatal=True
            ) from None
        try:
            return _Connection(SentenceTransformer(self.name))
        except (OSError, ValueError) as error:
            raise ProviderError(f"sentence-transformers/{self.name}: {error}", kind="missing", fatal=True) from error


class _Connection:
    def __init__(self, model: Any) -> None:
        self._model = model

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        encode = self._model.encode
        vectors = await asyncio.to_thread(encode, list(texts), normalize_embeddings=True, show_progress_bar=False)
        return Embedded(np.asarray(vectors, dtype=np.float32))

    async def close(self) -> None:
        return None
