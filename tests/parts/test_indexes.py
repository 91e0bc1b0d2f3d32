"""Indexes: the contract, exactness, and what Chroma keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.plugins import make
from harness.records import Chunk
from harness.testing.indexes import check_index

RANDOM = np.random.default_rng(4)
APPROXIMATE: tuple[dict[str, Any], ...] = ({"search": "approximate"}, {"exact_limit": 10})


@pytest.mark.parametrize("spec", ["exact", "chroma"])
def test_an_index_keeps_the_contract(spec: str, tmp_path: Path) -> None:
    """Both built-in indexes."""
    check_index(make("index", spec), tmp_path)


def chunks(count: int) -> list[Chunk]:
    """So many chunks of one document."""
    return [Chunk("a.md", i, i + 1, "x") for i in range(count)]


def test_chroma_ranks_as_exact_search_does(tmp_path: Path) -> None:
    """Over the same vectors, hit by hit."""
    vectors = RANDOM.normal(size=(1500, 32)).astype(np.float32)
    queries = RANDOM.normal(size=(40, 32)).astype(np.float32)
    found = []
    for spec in ("exact", "chroma"):
        opened = make("index", spec).open(tmp_path, "same")
        opened.fill(chunks(1500), vectors)
        assert opened.exact
        found.append(opened.search(queries, 7))
        opened.close()
    assert found[0] == found[1]


def test_the_ranking_does_not_hang_on_how_many_questions_are_asked_at_once() -> None:
    """One by one or together: the same digits."""
    opened = make("index", "exact").open(Path(), "x")
    opened.fill(chunks(3000), RANDOM.normal(size=(3000, 64)).astype(np.float32))
    queries = RANDOM.normal(size=(50, 64)).astype(np.float32)
    assert opened.search(queries, 9) == [opened.search(query[None, :], 9)[0] for query in queries]


def test_chroma_keeps_vectors_across_processes_of_use(tmp_path: Path) -> None:
    """Closed and opened again, the collection is there."""
    vectors = RANDOM.normal(size=(50, 8)).astype(np.float32)
    first = make("index", "chroma").open(tmp_path, "kept")
    first.fill(chunks(50), vectors)
    expected = first.search(vectors[:3], 4)
    first.close()
    again = make("index", "chroma").open(tmp_path, "kept")
    assert again.count() == 50
    assert again.search(vectors[:3], 4) == expected
    again.close()


def test_approximate_search_says_so_and_is_ordered(tmp_path: Path) -> None:
    """Asked for, or beyond the limit of exact search."""
    for i, settings in enumerate(APPROXIMATE):
        opened = make("index", {"use": "chroma", **settings}).open(tmp_path, f"near{i}")
        vectors = RANDOM.normal(size=(300, 16)).astype(np.float32)
        opened.fill(chunks(300), vectors)
        assert not opened.exact
        for hits in opened.search(vectors[:10], 5):
            assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
        opened.close()
