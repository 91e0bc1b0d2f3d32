"""The contract of an index, for authors of plug-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.records import Chunk

_COUNT, _DIMENSIONS = 200, 16


def check_index(index: Any, folder: Path, collection: str = "contract") -> None:
    """Fill and search an index in an empty folder. Raises AssertionError with what is wrong.

    One that keeps its vectors elsewhere than in `folder` needs the name of a collection that is not there yet.
    """
    names = index.environment
    assert isinstance(names, tuple) and all(isinstance(name, str) for name in names), (
        f"environment is {names!r}; it names the environment variables that must be set, () for none"
    )
    random = np.random.default_rng(0)
    vectors = random.normal(size=(_COUNT, _DIMENSIONS)).astype(np.float32)
    vectors[_COUNT // 2 :] = vectors[: _COUNT // 2]
    chunks = [Chunk("a.md", 10 * i, 10 * i + 10, f"text {i:05d}") for i in range(_COUNT)]
    opened = index.open(folder, collection)
    try:
        assert opened.count() == 0, "a new collection is not empty"
        assert opened.search(vectors[:1], 3) == [[]], "an empty collection finds something"
        opened.fill(chunks, vectors)
        assert opened.count() == _COUNT, f"{opened.count()} vectors after filling in {_COUNT}"
        opened.fill(chunks, vectors)
        assert opened.count() == _COUNT, "filling twice changes the count"
        assert isinstance(opened.exact, bool), f"exact is {opened.exact!r}, neither True nor False"
        _check_search(opened, vectors)
        _check_allowed(opened, vectors)
        _check_vectors(opened, vectors)
    finally:
        opened.close()


def _check_search(opened: Any, vectors: Any) -> None:
    found = opened.search(vectors[:20], 5)
    scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for i, hits in enumerate(found):
        assert len(hits) == 5, f"asked for 5, got {len(hits)}"
        assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0])), "not ordered by similarity, then chunk"
        assert [n for n, _ in hits[:2]] == [i, i + _COUNT // 2], "equal vectors are not in chunk order"
        for number, similarity in hits:
            exact = float(scaled[i] @ scaled[number])
            assert abs(similarity - exact) < 2e-6, f"similarity {similarity}, cosine is {exact}"
            assert similarity == round(similarity, 6), "similarities are not rounded to 6 digits"
    assert [hits[:3] for hits in found] == opened.search(vectors[:20], 3), "a smaller k is not a prefix"
    assert len(opened.search(vectors[:1], 10 * _COUNT)[0]) == _COUNT, "a k beyond the count does not give all"


def _check_allowed(opened: Any, vectors: Any) -> None:
    everything = np.ones(_COUNT, dtype=np.bool_)
    assert opened.search(vectors[:5], 4, everything) == opened.search(vectors[:5], 4), "to allow all changes the hits"
    assert opened.search(vectors[:5], 4, ~everything) == [[]] * 5, "something is found where nothing is allowed"
    for count in (2, 50):
        allowed = np.zeros(_COUNT, dtype=np.bool_)
        allowed[1 : 1 + count] = True
        for hits in opened.search(vectors[:5], 4, allowed):
            assert all(allowed[number] for number, _ in hits), "a chunk is found that is not allowed"
            assert len(hits) == min(4, count), f"{count} are allowed, asked for 4, got {len(hits)}"


def _check_vectors(opened: Any, vectors: Any) -> None:
    numbers = [7, 3, 7, _COUNT - 1]
    found = opened.vectors(numbers)
    assert found.dtype == np.float64, f"vectors are {found.dtype}, not float64"
    scaled = vectors[numbers] / np.linalg.norm(vectors[numbers], axis=1, keepdims=True)
    assert found.shape == scaled.shape and np.abs(found - scaled).max() < 1e-6, (
        "vectors(numbers) are not those of the chunks, in the order asked for, of length 1"
    )
