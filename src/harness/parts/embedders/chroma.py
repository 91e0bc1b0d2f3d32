"""Chroma's own default embedder: all-MiniLM-L6-v2 as an ONNX file, which the package fetches when it is first used."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.errors import UserError
from harness.parts.embedders.texts import Prefixed
from harness.plugins import EmbedderConnection, part, setting
from harness.records import Embedded


@part("embedder", "chroma/default")
@dataclass(frozen=True)
class ChromaDefault(Prefixed):
    """What Chroma embeds with where nothing is said: all-MiniLM-L6-v2, at most 256 tokens of a text.

    The model (80 MB) is looked for in `~/.cache/chroma/onnx_models`; where it is not, the package fetches it, within
    `download_s` seconds.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 64
    download_s: float = setting(600.0, inert=True)

    def __post_init__(self) -> None:
        if self.download_s <= 0:
            raise ValueError(f"download_s must be more than 0, found {self.download_s}")

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def connect(self) -> EmbedderConnection:
        """Fetch the model if it is not there, and load it. Raises UserError when that fails."""
        from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

        function = ONNXMiniLM_L6_V2()
        folder = Path(function.DOWNLOAD_PATH) / function.EXTRACTED_FOLDER_NAME
        try:
            _fetch(function, self.download_s)
        except Exception as error:  # noqa: BLE001  network, disk, archive: the remedy is one
            raise UserError(
                f"chroma/default: its model is not in {folder}, and {function.MODEL_DOWNLOAD_URL} could not be "
                f"fetched ({type(error).__name__}: {error}); put the archive's folder `{folder.name}` into "
                f"{folder.parent}, or use another embedder"
            ) from None
        try:
            function(["loaded?"])
        except Exception as error:  # noqa: BLE001  what onnxruntime and tokenizers raise has no base of its own
            raise UserError(f"chroma/default: the model in {folder} cannot be used: {error}") from None
        return _Connection(self, function)


class _Connection:
    def __init__(self, embedder: ChromaDefault, function: Any) -> None:
        self._embedder = embedder
        self._function = function
        self._one_at_a_time = threading.Lock()

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        return Embedded(await asyncio.to_thread(self._embed, self._embedder.prefixed(texts, purpose)))

    def _embed(self, texts: list[str]) -> Any:
        with self._one_at_a_time:
            return np.asarray(self._function(texts), dtype=np.float32)

    async def close(self) -> None:
        return None


def _fetch(function: Any, seconds: float) -> None:
    """Let the package fetch its model, in a thread that nobody waits for longer than this.

    Raises what the package raises, TimeoutError when it takes longer.
    """
    raised: list[Exception] = []

    def run() -> None:
        try:
            function._download_model_if_not_exists()
        except Exception as error:  # noqa: BLE001  handed over to the caller
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"not there within {seconds:g} s")
    if raised:
        raise raised[0]
