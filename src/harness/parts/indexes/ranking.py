"""Exact nearest neighbours by cosine similarity, the same ranking for the same content every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

DIGITS = 6
Found = list[tuple[int, float]]
_BLOCK = 4_000_000
"""Numbers in one block of work at the most."""
_GROUP = 32
_FEW = 0.25


class Rows:
    """Vectors that are searched exactly: single precision in memory, double precision in what is told.

    A product in single precision picks the candidates, with a bound on its error; those are then compared in double
    precision. So the ranking is that of double precision, for half the memory and time.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """`vectors`: one row each; they are copied."""
        given = np.asarray(vectors, dtype=np.float32)
        self._norms = np.concatenate([np.zeros(0), *(np.linalg.norm(wide, axis=1) for wide in _wide(given))])
        self._norms[self._norms == 0] = 1.0
        # A power of two changes no digit, and keeps the product of very long or short rows within bounds.
        _, exponents = np.frexp(self._norms)
        self._rows = np.ldexp(given, -exponents[:, None]) if len(given) else given
        self._norms = np.ldexp(self._norms, -exponents)
        self._short = self._norms.astype(np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    def unit(self, numbers: Sequence[int] | NDArray[np.intp]) -> NDArray[np.float64]:
        """Some rows, scaled to length 1 (a zero row stays zero)."""
        chosen = np.asarray(numbers, dtype=np.intp)
        scaled: NDArray[np.float64] = self._rows[chosen] / self._norms[chosen, None]
        return scaled

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> list[Found]:
        """For each query the `k` best rows as (row, similarity), ordered by similarity of 6 digits, then by row.

        Only rows that are `allowed` are found; None: all.
        """
        if allowed is not None and np.count_nonzero(allowed) < _FEW * len(self):
            numbers = np.flatnonzero(allowed)
            return [[(int(numbers[row]), s) for row, s in hits] for hits in self._part(numbers).nearest(queries, k)]
        if not len(self) or k < 1:
            return [[] for _ in queries]
        scaled = unit(queries)
        narrow = scaled.astype(np.float32)
        step = max(1, _BLOCK // len(self))
        found: list[Found] = []
        for start in range(0, len(scaled), step):
            rough = (narrow[start : start + step] @ self._rows.T) / self._short
            if allowed is not None:
                rough[:, ~allowed] = -np.inf
            found += [self._best(row, query, k) for row, query in zip(rough, scaled[start : start + step], strict=True)]
        return found

    def _part(self, numbers: NDArray[np.intp]) -> Rows:
        part = object.__new__(Rows)
        part._rows, part._norms, part._short = self._rows[numbers], self._norms[numbers], self._short[numbers]
        return part

    def _best(self, rough: NDArray[np.float32], query: NDArray[np.float64], k: int) -> Found:
        """The best rows for one query; `rough` are its similarities in single precision, -inf where not allowed."""
        candidates = np.flatnonzero(rough >= max(_kth(rough, k) - self._error, -2.0))
        step = max(1, _BLOCK // len(query))
        exact = [self.unit(candidates[i : i + step]) @ query for i in range(0, len(candidates), step)]
        return _ranked(candidates, np.concatenate([np.zeros(0), *exact]), k)

    @property
    def _error(self) -> float:
        """How far two similarities of single precision may be from their true order, rounding to 6 digits included.

        A sum of d products errs by at most d u / (1 - d u) of the lengths' product, u = 2^-24 (Higham, Accuracy and
        Stability of Numerical Algorithms, 3.1); a few more u are for what is scaled before and divided after.
        """
        one = float(self._rows.shape[1] + 8) * 2.0**-24
        return 2 * one / (1 - one) + 1e-6


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows scaled to length 1 (a zero row stays zero), in double precision.

    Double, because a single-precision product differs in the sixth digit with the number of rows asked at once.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    norms[norms == 0] = 1.0
    scaled: NDArray[np.float64] = wide / norms
    return scaled


def _ranked(numbers: NDArray[np.intp], similarities: NDArray[np.float64], k: int) -> Found:
    """The `k` best of (number, similarity), by similarity rounded to 6 digits, then by number."""
    rounded = np.round(similarities, DIGITS) + 0.0  # no negative zero
    order = np.lexsort((numbers, -rounded))[:k]
    return list(zip(numbers[order].tolist(), rounded[order].tolist(), strict=True))


def _kth(similarities: NDArray[np.float32], k: int) -> float:
    """A bound that at least `k` of them reach: the k-th best of groups' best, which is quicker than the k-th of all."""
    groups = len(similarities) // _GROUP
    if groups < k:
        return float(np.partition(similarities, -k)[-k]) if k <= len(similarities) else -np.inf
    best = similarities[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    return float(np.partition(best, -k)[-k])


def _wide(rows: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    """The rows in double precision, some at a time."""
    step = max(1, _BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield rows[start : start + step].astype(np.float64)
