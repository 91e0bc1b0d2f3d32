"""Indexes: the contract, exactness, and what Chroma keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.parts.indexes.ranking import unit
from harness.plugins import identity, label, make
from harness.records import Chunk
from harness.testing.indexes import check_index

RANDOM = np.random.default_rng(4)
APPROXIMATE: tuple[dict[str, Any], ...] = ({"search": "approximate"}, {"exact_limit": 10})


@pytest.mark.parametrize("spec", ["exact", "chroma", *({"use": "chroma", **settings} for settings in APPROXIMATE)])
def test_an_index_keeps_the_contract(spec: str | dict[str, Any], tmp_path: Path) -> None:
    """The built-in indexes, exact and approximate."""
    check_index(make("index", spec), tmp_path)


def chunks(count: int) -> list[Chunk]:
    """So many chunks of one document."""
    return [Chunk("a.md", i, i + 1, "x") for i in range(count)]


def test_chroma_ranks_as_exact_search_does(tmp_path: Path) -> None:
    """Over the same vectors, hit by hit; what Chroma gives back differs in the last digit of single precision."""
    vectors = RANDOM.normal(size=(1500, 32)).astype(np.float32)
    queries = RANDOM.normal(size=(40, 32)).astype(np.float32)
    found = []
    for spec in ("exact", "chroma"):
        opened = make("index", spec).open(tmp_path, "same")
        opened.fill(chunks(1500), vectors)
        assert opened.exact
        found.append(opened.search(queries, 7))
        opened.close()
    for exact, ours in zip(*found, strict=True):
        assert [n for n, _ in exact] == [n for n, _ in ours]
        assert [s for _, s in exact] == pytest.approx([s for _, s in ours], abs=1.1e-6)


@pytest.mark.parametrize("count", [1, 31, 33, 700, 3000])
@pytest.mark.parametrize("share", [None, 0.02, 0.1, 0.6])
def test_exact_search_is_that_of_a_sort_in_double_precision(count: int, share: float | None) -> None:
    """Whatever is allowed, for any k, with very long, very short, zero and many equal vectors."""
    vectors = RANDOM.normal(size=(count, 24)).astype(np.float32)
    vectors[count // 3 : count // 2] = vectors[0]
    vectors[count // 5] *= 1e18
    vectors[count // 6] *= 1e-18
    vectors[count // 7] = 0
    queries = np.vstack([RANDOM.normal(size=(20, 24)), vectors[:1], np.zeros((1, 24))]).astype(np.float32)
    allowed = None if share is None else RANDOM.random(count) < share
    similarities = np.round(unit(queries) @ unit(vectors).T, 6) + 0.0
    pool = np.arange(count) if allowed is None else np.flatnonzero(allowed)
    opened = make("index", "exact").open(Path(), "x")
    opened.fill(chunks(count), vectors)
    for k in (1, 5, 40, 5000):
        for found, row in zip(opened.search(queries, k, allowed), similarities, strict=True):
            order = pool[np.lexsort((pool, -row[pool]))][:k]
            assert found == [(int(n), float(row[n])) for n in order]


def test_exact_search_keeps_its_own_copy() -> None:
    """What becomes of the array later changes nothing."""
    vectors = RANDOM.normal(size=(10, 4)).astype(np.float32)
    opened = make("index", "exact").open(Path(), "x")
    opened.fill(chunks(10), vectors)
    expected = opened.search(vectors[:1].copy(), 3)
    query = vectors[:1].copy()
    vectors[:] = 0
    assert opened.search(query, 3) == expected


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


def clusters(count: int, dimensions: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors around twenty centres, some of them equal."""
    rows = RANDOM.normal(size=(20, dimensions))[RANDOM.integers(0, 20, count)]
    rows += 0.5 * RANDOM.normal(size=(count, dimensions))
    rows[count // 2 :: 9] = rows[3]
    return rows.astype(np.float32)


def test_approximate_search_tells_the_similarities_of_exact_search(tmp_path: Path) -> None:
    """To one in the sixth digit for the same chunk; and the same again after the store was closed."""
    vectors, queries = clusters(6000, 64), clusters(30, 64)
    told = []
    for settings in ({}, {"search": "approximate"}, {"search": "approximate"}):
        opened = make("index", {"use": "chroma", **settings}).open(tmp_path, f"same-{len(settings)}")
        if not opened.count():
            opened.fill(chunks(6000), vectors)
        told.append(opened.search(queries, 8))
        opened.close()
    assert told[1] == told[2]
    exact = [dict(hits) for hits in told[0]]
    shared = [(exact[i][n], s) for i, hits in enumerate(told[1]) for n, s in hits if n in exact[i]]
    assert len(shared) > 0.9 * 30 * 8
    assert [one for one, _ in shared] == pytest.approx([other for _, other in shared], abs=1.1e-6)


@pytest.mark.parametrize("share", [0.0005, 0.2, 0.5, 0.9])
def test_approximate_search_finds_as_many_as_are_allowed(share: float, tmp_path: Path) -> None:
    """And none but those, also where the graph is poor and most of it is not allowed."""
    vectors = RANDOM.normal(size=(12_000, 32)).astype(np.float32)
    poor = {"search": "approximate", "ef_construction": 4, "ef_search": 4, "max_neighbors": 2}
    allowed = RANDOM.random(12_000) < share
    opened = make("index", {"use": "chroma", **poor}).open(tmp_path, "filtered")
    opened.fill(chunks(12_000), vectors)
    for hits in opened.search(vectors[:20], 30, allowed):
        assert len({n for n, _ in hits}) == min(30, int(allowed.sum()))
        assert all(allowed[n] for n, _ in hits)
        assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
    opened.close()


def test_an_unfinished_fill_is_finished(tmp_path: Path) -> None:
    """Some chunks are there already; then all are, once."""
    vectors = clusters(700, 8)
    first = make("index", "chroma").open(tmp_path, "half")
    first.fill(chunks(300), vectors[:300])
    first.close()
    again = make("index", "chroma").open(tmp_path, "half")
    assert again.count() == 300
    again.fill(chunks(700), vectors)
    assert again.count() == 700
    truth = make("index", "exact").open(tmp_path, "half")
    truth.fill(chunks(700), vectors)
    assert again.search(vectors[:50], 3) == truth.search(vectors[:50], 3)
    again.close()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"max_neighbors": 1}, "max_neighbors must be at least 2, found 1"),
    ({"ef_search": 0}, "ef_search must be at least 1, found 0"),
    ({"ef_construction": -3}, "ef_construction must be at least 1, found -3"),
    ({"exact_limit": 0}, "exact_limit must be at least 1"),
    ({"timeout_s": 0.0}, "timeout_s must be above 0"),
    ({"url": "localhost:8000"}, "url must be like http://localhost:8000"),
    ({"url": "ftp://there"}, "url must be like http://localhost:8000"),
    ({"url": "http://me:secret@there"}, "url holds a user name or a password"),
    ({"url": "http://there/?a=1"}, "url must end with"),
    ({"url": "http://there/?key=1"}, "url holds a key, a token or the like"),
    ({"tenant": "mine"}, "tenant is for a server; write its url too"),
    ({"headers": {"X": "y"}}, "headers is for a server"),
    ({"url": "http://there", "database": ""}, "must not be empty"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_wrong_settings_are_told(settings: dict[str, Any], message: str) -> None:
    """What was found, and what is allowed."""
    with pytest.raises(ValueError, match=message):
        make("index", {"use": "chroma", **settings})


def test_what_came_late_leaves_the_key_alone() -> None:
    """An index in the workspace has the identity that it always had; headers and waiting enter none."""
    plain = identity(make("index", "chroma"))
    assert set(plain) == {
        "use",
        "version",
        "search",
        "exact_limit",
        "ef_construction",
        "ef_search",
        "max_neighbors",
    }
    served = {"use": "chroma", "url": "http://there"}
    assert identity(make("index", served)) != plain
    secret = make("index", {**served, "headers": {"Authorization": "Bearer ${TOKEN} ${TOKEN}", "X": "${OTHER}"}})
    assert identity(secret) == identity(make("index", served))
    assert secret.environment == ("TOKEN", "OTHER")
    assert "Authorization" not in label(secret)


def test_approximate_search_of_few_vectors_asks_the_graph(tmp_path: Path) -> None:
    """A poor graph over 1,200 vectors without structure misses neighbours, and nothing hides that."""
    vectors = np.random.default_rng(1).normal(size=(1200, 64)).astype(np.float32)
    poor = {"search": "approximate", "ef_construction": 2, "ef_search": 1, "max_neighbors": 2}
    opened = make("index", {"use": "chroma", **poor}).open(tmp_path, "poor")
    opened.fill(chunks(1200), vectors)
    queries = np.random.default_rng(2).normal(size=(50, 64)).astype(np.float32)
    found = opened.search(queries, 5)
    opened.close()
    exact = make("index", "exact").open(tmp_path, "exact")
    exact.fill(chunks(1200), vectors)
    there = exact.search(queries, 5)
    both = sum(len({n for n, _ in a} & {n for n, _ in b}) for a, b in zip(found, there, strict=True))
    assert both < 0.9 * 5 * 50
