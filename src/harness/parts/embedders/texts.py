"""What embedders have in common: a prefix for each purpose, and texts that hold nothing, which no provider takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.plugins import setting

_STAND_IN = "."


@dataclass(frozen=True)
class Prefixed:
    """Settings of every embedder: what is put before each text, by purpose (`query: ` and `passage: ` for E5)."""

    query_prefix: str = setting("", late=True)
    passage_prefix: str = setting("", late=True)

    def prefix(self, purpose: str) -> str:
        """What is put before a text for `purpose`, `query` or `passage`."""
        return self.query_prefix if purpose == "query" else self.passage_prefix

    def prefixed(self, texts: Sequence[str], purpose: str) -> list[str]:
        """The texts as they are embedded."""
        prefix = self.prefix(purpose)
        return [prefix + text for text in texts] if prefix else list(texts)


def sendable(texts: Sequence[str]) -> list[str]:
    """The texts that hold more than whitespace; where none does, a stand-in, which tells how long a vector is.

    OpenAI refuses a whole batch for one empty text.
    """
    return [text for text in texts if text.strip()] or [_STAND_IN]


def one_row_each(vectors: NDArray[np.float32], texts: Sequence[str]) -> NDArray[np.float32]:
    """The vectors of `sendable(texts)` as one row for each of `texts`; one that holds nothing gets the zero vector."""
    filled = [i for i, text in enumerate(texts) if text.strip()]
    if len(filled) == len(texts):
        return vectors
    rows = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    rows[filled] = vectors[: len(filled)]
    return rows


def check_bounds(batch_size: int, most: int | None, batch_tokens: int) -> None:
    """Raise ValueError for a batch that cannot be."""
    if batch_size < 1 or (most is not None and batch_size > most):
        raise ValueError(f"batch_size must be from 1 {f'to {most}' if most else 'on'}, found {batch_size}")
    if batch_tokens < 1:
        raise ValueError(f"batch_tokens must be at least 1, found {batch_tokens}")
