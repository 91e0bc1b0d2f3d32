"""A lexical embedder that needs no download: hashed word stems and character 4-grams."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.parts.embedders.texts import Prefixed
from harness.plugins import EmbedderConnection, part
from harness.plugins.stems import stem
from harness.records import Embedded

_WORD = re.compile(r"[^\W_]+")
_GRAM = 4
_GRAM_WEIGHT = 0.35
_STOP = frozenset(
    "a an and are as at be but by can do does for from has have how i if in is it its my of on or our so that the "
    "their then there these they this to was we what when where which who why will with would you your".split()
)
_STOP_WEIGHT = 0.1


@part("embedder", "local/hashing")
@dataclass(frozen=True)
class Hashing(Prefixed):
    """Lexical, not semantic: texts are near when they share words or parts of words. The same on every machine.

    Each word counts 1 + log(frequency) on its stem, less on its character 4-grams (for typos and compounds), very
    little when it is a common English function word.
    """

    version: ClassVar[int] = 2
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 256
    dimensions: int = 1024

    def __post_init__(self) -> None:
        if self.dimensions < 8:
            raise ValueError(f"dimensions must be at least 8, found {self.dimensions}")

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def connect(self) -> EmbedderConnection:
        """Ready at once."""
        return _Connection(self)


class _Connection:
    def __init__(self, embedder: Hashing) -> None:
        self._embedder = embedder

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        embedder = self._embedder
        return Embedded(np.stack([_vector(text, embedder.dimensions) for text in embedder.prefixed(texts, purpose)]))

    async def close(self) -> None:
        return None


def _vector(text: str, dimensions: int) -> NDArray[np.float32]:
    """The unit vector of a text; all zeros where it holds no word."""
    counts = Counter(_WORD.findall(text.lower()))
    if not counts:
        return np.zeros(dimensions, dtype=np.float32)
    features = [_features(word, dimensions) for word in counts]
    places = np.concatenate([places for places, _ in features])
    weights = np.concatenate(
        [w if n == 1 else w * (1 + math.log(n)) for (_, w), n in zip(features, counts.values(), strict=True)]
    )
    vector = np.bincount(places, weights, minlength=dimensions)
    length = math.sqrt(math.fsum((vector * vector).tolist()))  # exact, so that no machine's summing order shows
    return (vector / length if length else vector).astype(np.float32)


@lru_cache(maxsize=200_000)
def _features(word: str, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The places and weights of a word: its stem, then its 4-grams with a mark at both ends."""
    weight = _STOP_WEIGHT if word in _STOP else 1.0
    marked = f"<{word}>"
    grams = [marked[i : i + _GRAM] for i in range(max(1, len(marked) - _GRAM + 1))]
    names = [f"stem:{stem(word)}", *(f"gram:{gram}" for gram in grams)]
    hashes = [zlib.crc32(name.encode()) for name in names]
    places = np.array([h % dimensions for h in hashes], dtype=np.int64)
    signs = np.array([1.0 if h & 0x80000000 else -1.0 for h in hashes])
    sizes = np.array([weight, *[weight * _GRAM_WEIGHT / np.sqrt(len(grams))] * len(grams)])
    return places, signs * sizes
