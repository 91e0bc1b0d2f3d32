"""The contract of an index, for authors of plug-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.records import Chunk

_COUNT, _DIMENSIONS = 200, 16


def check_index(index: Any, folder: Path) -> None:
    """Fill and search an index in an empty folder. Raises AssertionError with what is wrong."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(_COUNT, _DIMENSIONS)).astype(np.float32)
    vectors[_COUNT // 2 :] = vectors[: _COUNT // 2]
    chunks = [Chunk("a.md", 10 * i, 10 * i + 10, f"text {i:05d}") for i in range(_COUNT)]
    opened = index.open(folder, "contract")
    try:
        assert opened.count() == 0, "a new collection is not empty"
        assert opened.search(vectors[:1], 3) == [[]], "an empty collection finds something"
        opened.fill(chunks, vectors)
        assert opened.count() == _COUNT, f"{opened.count()} vectors after filling in {_COUNT}"
        opened.fill(chunks, vectors)
        assert opened.count() == _COUNT, "filling twice changes the count"
        _check_search(opened, vectors)
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
