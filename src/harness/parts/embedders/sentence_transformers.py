"""sentence-transformers: embedding models that run on this machine, by name or from a local folder.

The package (an extra, since it brings torch) runs them where it is installed; a local folder runs without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.parts.embedders.pooling import pooling_of
from harness.parts.embedders.texts import Prefixed
from harness.plugins import EmbedderConnection, part, setting, weights
from harness.plugins.checkpoints import Checkpoint
from harness.records import Embedded

_PROMPTS = {"query": ("query",), "passage": ("document", "passage", "corpus")}
"""Under which names a model keeps its own prompt for a purpose: the package's, from its version 5 on."""


@part("embedder", "sentence-transformers/", argument="name")
@dataclass(frozen=True)
class SentenceTransformers(Prefixed, Checkpoint):
    """A sentence-transformers model by name (needs the extra `sentence-transformers`) or from a local folder.

    A folder, relative to the workspace, runs without torch where it holds `onnx/model.onnx`, or is a BERT (needs the
    extra `onnx`). Vectors have length 1. A model's own prompts are put before the texts, unless a prefix is set.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 64
    name: str = ""
    workspace: str = setting("", inert=True)

    def connect(self) -> EmbedderConnection:
        """Load the model. Raises UserError when a package is missing or the model cannot be loaded."""
        try:
            with self.loading():
                from sentence_transformers import SentenceTransformer

                model = SentenceTransformer(str(self.folder or self.name))
        except ImportError as error:
            return _without_torch(self, str(error.name))
        return _Connection(self, _by_package(model, self))


Encode = Callable[[Sequence[str], str], NDArray[Any]]
"""Vectors of texts for a purpose."""


class _Connection:
    def __init__(self, embedder: SentenceTransformers, encode: Encode) -> None:
        self._embedder = embedder
        self._encode = encode

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        vectors = await asyncio.to_thread(self._encode, list(texts), purpose)
        return Embedded(np.asarray(vectors, dtype=np.float32))

    async def close(self) -> None:
        return None


def _by_package(model: Any, embedder: SentenceTransformers) -> Encode:
    """The package's encoders. From 5.0 on it has one for each purpose, which puts the model's own prompt before a
    text."""

    def encode(texts: Sequence[str], purpose: str) -> Any:
        encoder = getattr(model, "encode_query" if purpose == "query" else "encode_document", model.encode)
        given = {"prompt": embedder.prefix(purpose)} if embedder.prefix(purpose) else {}
        return encoder(texts, normalize_embeddings=True, show_progress_bar=False, **given)

    return encode


def _without_torch(embedder: SentenceTransformers, missing: str) -> EmbedderConnection:
    """Run a local folder by onnxruntime. Raises UserError where there is none, or it cannot be run so."""
    folder, encoder = embedder.runner(missing, scores=False)
    finish = pooling_of(folder, encoder.rank, embedder.about)
    own = _own_prompts(folder)
    lower = bool((weights.read_json(folder / "sentence_bert_config.json") or {}).get("do_lower_case"))

    def encode(texts: Sequence[str], purpose: str) -> NDArray[np.float32]:
        prompt = embedder.prefix(purpose) or own[purpose]
        given = [prompt + text for text in texts]
        return encoder.run([text.lower() for text in given] if lower else given, finish)

    return _Connection(embedder, encode)


def _own_prompts(folder: Path) -> dict[str, str]:
    """The prompts that a model keeps for each purpose, empty where it has none."""
    config = weights.read_json(folder / "config_sentence_transformers.json") or {}
    prompts = config.get("prompts") or {}
    usual = prompts.get(config.get("default_prompt_name"), "")
    return {
        purpose: next((prompts[name] for name in names if prompts.get(name)), usual)
        for purpose, names in _PROMPTS.items()
    }
