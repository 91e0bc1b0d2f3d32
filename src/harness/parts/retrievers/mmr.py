"""Maximal marginal relevance: near to the question, but not the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.plugins import View, part
from harness.records import Hit, Lookup

_DIGITS = 6
_NUMBERS = 8_000_000
"""How many floats of vectors are looked at in one go: 64 MB."""


@part("retriever", "mmr")
@dataclass(frozen=True)
class MMR:
    """Of the nearest `fetch_k` chunks, one after the other the one that adds most (Carbonell & Goldstein 1998).

    What a chunk adds is `lambda_mult` times its similarity to the question less (1 - `lambda_mult`) times its greatest
    similarity to a chunk taken before: 1 is dense retrieval, 0 looks at difference alone.
    """

    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = True
    lambda_mult: float = 0.5
    fetch_k: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.lambda_mult <= 1:
            raise ValueError(f"lambda_mult must be between 0 and 1, found {self.lambda_mult}; 1 is dense retrieval")
        if self.fetch_k < 1:
            raise ValueError(f"fetch_k must be at least 1, found {self.fetch_k}; it must not be below top_k")

    async def retrieve(self, lookups: Sequence[Lookup], k: int, view: View) -> list[list[Hit]]:
        """At most `k` of the nearest `fetch_k` of each text; a hit's score is what it added when it was taken.

        Equal ones go to the more similar chunk, then to the lower number. A score is above the one before it only
        where chunks point away from each other.
        """
        near = view.search(await view.embed(lookups), self.fetch_k)
        width = max(map(len, near), default=0)
        if not width:
            return [[] for _ in near]
        dimensions = view.vectors([next(hits[0][0] for hits in near if hits)]).shape[1]
        rows = max(1, _NUMBERS // (width * (dimensions + width)))
        found: list[list[Hit]] = []
        for start in range(0, len(near), rows):
            found += self._chosen(near[start : start + rows], k, width, view)
        return found

    def _chosen(self, near: Sequence[list[tuple[int, float]]], k: int, width: int, view: View) -> list[list[Hit]]:
        """As many questions as one go takes, all at once; shorter lists are filled up with what is never taken."""
        numbers = np.array([[n for n, _ in hits] + [-1] * (width - len(hits)) for hits in near])
        similar = np.array([[s for _, s in hits] + [0.0] * (width - len(hits)) for hits in near])
        alike = _alike(numbers, view)
        rest = np.where(numbers < 0, -np.inf, 0.0)
        nearest_taken = np.zeros_like(similar)
        found: list[list[Hit]] = [[] for _ in near]
        rows = np.arange(len(near))
        for step in range(min(k, width)):
            values = np.round(self.lambda_mult * similar - (1 - self.lambda_mult) * nearest_taken, _DIGITS) + rest
            best = np.argmax(values, axis=1)
            _take(found, numbers[rows, best], values[rows, best], similar[rows, best])
            rest[rows, best] = -np.inf
            fresh = alike[rows, best]
            nearest_taken = fresh if step == 0 else np.maximum(nearest_taken, fresh)
        return found


def _alike(numbers: NDArray[np.int64], view: View) -> NDArray[np.float64]:
    """Cosine similarities among the chunks of each row."""
    known, places = np.unique(np.maximum(numbers, 0), return_inverse=True)
    vectors = view.vectors(known.tolist())[places.reshape(numbers.shape)]
    return np.round(vectors @ vectors.transpose(0, 2, 1), _DIGITS)


def _take(
    found: list[list[Hit]], numbers: NDArray[np.int64], values: NDArray[np.float64], similar: NDArray[np.float64]
) -> None:
    for hits, number, value, similarity in zip(found, numbers.tolist(), values.tolist(), similar.tolist(), strict=True):
        if value != -np.inf:
            hits.append(Hit(number, value + 0.0, similarity))
