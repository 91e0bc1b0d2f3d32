"""What every retriever must do, as checks that a plug-in's author can run in a test: `check_retriever(Mine(...))`."""

from __future__ import annotations

import asyncio
import math
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.plugins import Retriever
from harness.records import Chunk, Hit, Lookup
from harness.testing.parts import check_part

T = TypeVar("T")

TEXTS = (
    "A seat costs 14 EUR per month.",
    "Parcels take two to three days.",
    "Returns are free for thirty days; parcels that come back later are not.",
    "The shop is open from 9 to 18, on Saturdays to 14.",
    "A seat costs 14 EUR per month.",
    "Invoices come by mail each month. An invoice names the seat and the month.",
    "Passwords are reset in the settings; a link comes by mail.",
    "\u914d\u9001\u306f\u4e8c\u65e5\u304b\u304b\u308a\u307e\u3059\u3002",
    "!!!",
    "Support answers within two days.",
    "A parcel that takes more than ten days is lost; support sends another parcel.",
    "Seats can be added and taken away each month.",
)
"""The chunks of the toy corpus: two are equal, one holds no word, one is in a language without spaces."""

LOOKUPS = (
    Lookup("What does a seat cost per month?"),
    Lookup("How many days does a parcel take?"),
    Lookup("A seat costs 14 EUR per month.", "passage"),
    Lookup("\u914d\u9001\u306f\u4f55\u65e5"),
    Lookup("zyzzyva"),
    Lookup("?!"),
)
_DIMENSIONS = 64
_CLOSE = 1e-5


class ToyView:
    """A corpus of texts for a retriever to look at: vectors count words, so they are alike where words are shared.

    `allowed` are the numbers of the chunks that may be found; None: all.
    """

    def __init__(self, texts: Sequence[str] = TEXTS, allowed: Sequence[int] | None = None) -> None:
        starts = range(0, 1000 * len(texts), 1000)
        self.chunks: Sequence[Chunk] = [
            Chunk("toy.md", start, start + len(text), text) for start, text in zip(starts, texts, strict=True)
        ]
        self.allowed: NDArray[np.bool_] | None = None
        if allowed is not None:
            self.allowed = np.isin(np.arange(len(texts)), list(allowed))
        self.embedded = 0
        self._vectors = _vectors(texts)
        self._kept: dict[str, Any] = {}

    async def embed(self, lookups: Sequence[Lookup]) -> NDArray[np.float32]:
        """Vectors of the texts; `embedded` counts the texts."""
        self.embedded += len(lookups)
        return _vectors([lookup.text for lookup in lookups]).astype(np.float32)

    def search(self, vectors: NDArray[np.float32], k: int) -> list[list[tuple[int, float]]]:
        """The nearest allowed chunks, exactly."""
        similar = np.round(_unit(vectors) @ self._vectors.T, 6) + 0.0
        numbers = [n for n in range(len(self.chunks)) if self.allowed is None or self.allowed[n]]
        ranked = [sorted(numbers, key=lambda n: (-row[n], n))[:k] for row in similar]
        return [[(n, float(row[n])) for n in best] for row, best in zip(similar, ranked, strict=True)]

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """The vectors of chunks."""
        return self._vectors[list(numbers)]

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What `make` makes, once for each name."""
        if name not in self._kept:
            self._kept[name] = make()
        found: T = self._kept[name]
        return found


def check_retriever(retriever: Retriever, lookups: Sequence[Lookup] = LOOKUPS) -> None:
    """Check that `retriever` is what harness.plugins.Retriever promises, on a small corpus.

    With all chunks allowed, some, one and none, and with no chunks at all. Raises AssertionError that says what is
    wrong.
    """
    check_part(retriever)
    assert isinstance(retriever.uses_vectors, bool), (
        "`uses_vectors: ClassVar[bool]` says whether the corpus is embedded"
    )
    fetch_k = getattr(retriever, "fetch_k", None)
    assert fetch_k is None or (isinstance(fetch_k, int) and fetch_k >= 1), "`fetch_k` must be at least 1"
    for allowed in (None, (0, 1, 3, 5, 8, 10), (2,), ()):
        view = ToyView(allowed=allowed)
        _check_view(retriever, lookups, view, f"with {'all' if allowed is None else len(allowed)} chunks allowed")
    assert asyncio.run(retriever.retrieve(lookups, 3, ToyView(()))) == [[] for _ in lookups], (
        "where there are no chunks, each text must get an empty list"
    )
    assert asyncio.run(retriever.retrieve((), 3, ToyView())) == [], "no texts must get an empty list"


def _check_view(retriever: Retriever, lookups: Sequence[Lookup], view: ToyView, what: str) -> None:
    count = len(view.chunks)
    whole = asyncio.run(retriever.retrieve(lookups, count, view))
    assert len(whole) == len(lookups), f"{what}: {len(lookups)} texts came to {len(whole)} lists of hits"
    for lookup, hits in zip(lookups, whole, strict=True):
        _check_hits(hits, lookup, view, f"{what}, {lookup.text!r}")
    for k in range(1, count):
        fewer = asyncio.run(retriever.retrieve(lookups, k, view))
        assert fewer == [hits[:k] for hits in whole], (
            f"{what}: the hits for k = {k} must be the first {k} of those for k = {count}"
        )
    alone = [asyncio.run(retriever.retrieve([lookup], count, view))[0] for lookup in lookups]
    assert alone == whole, f"{what}: what a text finds must not depend on the texts beside it"
    anew = asyncio.run(retriever.retrieve(lookups, count, ToyView(allowed=_numbers(view))))
    assert anew == whole, f"{what}: asked again, of the same corpus, it finds something else"
    assert retriever.uses_vectors or not view.embedded, "`uses_vectors` is false, but it asks for vectors"


def _check_hits(hits: list[Hit], lookup: Lookup, view: ToyView, what: str) -> None:
    assert isinstance(hits, list) and all(isinstance(hit, Hit) for hit in hits), f"{what}: no list of Hit: {hits!r}"
    numbers = [hit.number for hit in hits]
    assert all(type(n) is int and 0 <= n < len(view.chunks) for n in numbers), f"{what}: no chunks: {numbers}"
    assert len(set(numbers)) == len(numbers), f"{what}: a chunk is found twice: {numbers}"
    forbidden = [n for n in numbers if view.allowed is not None and not view.allowed[n]]
    assert not forbidden, f"{what}: chunks {forbidden} are not allowed; look at `view.allowed`"
    scores = [hit.score for hit in hits]
    assert all(type(s) is float and math.isfinite(s) for s in scores), f"{what}: scores must be finite floats: {scores}"
    assert scores == sorted(scores, reverse=True), f"{what}: hits must come best first, found scores {scores}"
    cosines = _vectors([lookup.text]) @ view.vectors(range(len(view.chunks))).T
    for hit in hits:
        right = hit.similarity is None or abs(hit.similarity - cosines[0, hit.number]) < _CLOSE
        assert right, f"{what}: {hit} has another similarity than the cosine, {cosines[0, hit.number]:.6f}"


def _numbers(view: ToyView) -> list[int] | None:
    return None if view.allowed is None else np.flatnonzero(view.allowed).tolist()


def _vectors(texts: Sequence[str]) -> NDArray[np.float64]:
    counts = np.zeros((len(texts), _DIMENSIONS))
    for row, text in zip(counts, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            row[zlib.crc32(word.encode()) % _DIMENSIONS] += 1
    return _unit(counts)


def _unit(vectors: NDArray[Any]) -> NDArray[np.float64]:
    wide = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    norms[norms == 0] = 1.0
    scaled: NDArray[np.float64] = wide / norms
    return scaled
