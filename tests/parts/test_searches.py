"""grid and random."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.plugins import make

POINTS: list[dict[str, Any]] = [{"chunk_size": size, "top_k": k} for size in (100, 200, 400) for k in range(10)]


def test_grid_chooses_all_points_in_order() -> None:
    """Grid leaves nothing out, whatever the seed."""
    assert make("search", "grid").choose(POINTS, 7) == POINTS
    assert make("search", "grid").choose([], 7) == []


@settings(deadline=None)
@given(samples=st.integers(1, 40), seed=st.integers(0, 2**32), count=st.integers(0, 30))
def test_random_samples_without_replacement_in_grid_order(samples: int, seed: int, count: int) -> None:
    """A sample holds as many distinct points as asked for, or all of them, in the order of the grid."""
    points = POINTS[:count]
    chosen = make("search", {"use": "random", "samples": samples}).choose(points, seed)
    places = [points.index(dict(point)) for point in chosen]
    assert len(places) == min(samples, count)
    assert places == sorted(set(places))


def test_the_seed_decides_the_sample() -> None:
    """The same seed gives the same points, and other seeds others, each point about equally often."""
    search = make("search", {"use": "random", "samples": 10})
    assert search.choose(POINTS, 1) == search.choose(POINTS, 1)
    chosen = [tuple(POINTS.index(dict(p)) for p in search.choose(POINTS, seed)) for seed in range(300)]
    assert len(set(chosen)) > 290
    often = [sum(i in sample for sample in chosen) for i in range(len(POINTS))]
    assert min(often) > 60 and max(often) < 140


def test_twenty_samples_are_the_default_and_none_is_refused() -> None:
    """`search: random` draws 20; `samples: 0` is refused."""
    assert len(make("search", "random").choose(POINTS, 0)) == 20
    with pytest.raises(ValidationError, match="at least 1"):
        make("search", {"use": "random", "samples": 0})
