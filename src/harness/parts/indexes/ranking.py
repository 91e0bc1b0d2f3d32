"""Exact nearest neighbours by cosine similarity, the same ranking for the same content every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIGITS = 6
_BLOCK = 4_000_000


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows scaled to length 1 (a zero row stays zero), in double precision.

    Double, because a single-precision product differs in the sixth digit with the number of rows asked at once.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    norms[norms == 0] = 1.0
    scaled: NDArray[np.float64] = wide / norms
    return scaled


def nearest(
    vectors: NDArray[np.float64],
    queries: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> list[list[tuple[int, float]]]:
    """For each query the `k` best rows of `vectors` (already of length 1) as (row, similarity).

    Ordered by similarity rounded to 6 digits, then by row. Only rows that are `allowed` are found.
    """
    if allowed is not None:
        rows_allowed = np.flatnonzero(allowed)
        found_there = nearest(vectors[rows_allowed], queries, k)
        return [[(int(rows_allowed[row]), similarity) for row, similarity in hits] for hits in found_there]
    scaled = unit(queries)
    rows = max(1, _BLOCK // max(1, len(vectors)))
    found: list[list[tuple[int, float]]] = []
    for start in range(0, len(scaled), rows):
        block = np.round(scaled[start : start + rows] @ vectors.T, DIGITS) + 0.0
        found += [_best(row, k) for row in block]
    return found


def _best(similarities: NDArray[np.float64], k: int) -> list[tuple[int, float]]:
    n = len(similarities)
    if k < n:
        cut = np.partition(similarities, n - k)[n - k]
        candidates = np.flatnonzero(similarities >= cut)
    else:
        candidates = np.arange(n)
    order = np.argsort(-similarities[candidates], kind="stable")[:k]
    best = candidates[order]
    return list(zip(best.tolist(), similarities[best].tolist(), strict=True))
