"""sentence-transformers: embedding models that run on this machine; an extra, since they bring torch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from harness.errors import UserError
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
        """Load the model. Raises UserError when the extra is not installed or the model cannot be loaded."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise UserError(
                f"sentence-transformers/{self.name} needs a package that is not installed ({error.name}): "
                "pip install 'harness-sweep[sentence-transformers]'"
            ) from None
        try:
            return _Connection(SentenceTransformer(self.name))
        except (OSError, ValueError) as error:
            raise UserError(f"sentence-transformers/{self.name}: cannot be loaded: {error}") from error


class _Connection:
    def __init__(self, model: Any) -> None:
        self._model = model

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        vectors = await asyncio.to_thread(
            self._encoder(purpose), list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return Embedded(np.asarray(vectors, dtype=np.float32))

    async def close(self) -> None:
        return None

    def _encoder(self, purpose: str) -> Any:
        """From 5.0 on the package has an encoder for each purpose, which puts the model's own prompt before a text."""
        return getattr(self._model, "encode_query" if purpose == "query" else "encode_document", self._model.encode)
