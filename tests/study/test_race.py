"""A race keeps the best and spares the rest."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.ranking import Population

import harness
from harness.errors import UserError
from harness.study.choosing.race import race

GRID = (3, 2, 2)


@pytest.mark.parametrize(
    ("population", "examples"),
    [
        (Population(0.0, grid=GRID), 200),
        (Population(0.06, grid=GRID), 200),
        (Population(0.06, base=0.9, grid=GRID), 200),
        (Population(0.0, binary=False, grid=GRID, size=5), 200),
        (Population(0.06, binary=False, grid=GRID), 200),
    ],
    ids=["equal", "binary", "near the end of the range", "equal, in clusters", "continuous"],
)
def test_the_best_is_kept(population: Population, examples: int) -> None:
    """Of 12 variants, in 200 sets: the best leaves in at most 5%."""
    random = np.random.default_rng(31)
    lost = 0
    for run in range(200):
        scores, truth, clusters = population.draw(random, examples)
        lost += int(truth.argmax()) not in race(scores.T, clusters=list(clusters), seed=run).kept
    assert lost <= 10


def test_looking_at_raw_means_would_lose_the_best() -> None:
    """The same sets are no easy ones: dropping by ordinary intervals at each look loses the best of equals in 20%."""
    random = np.random.default_rng(31)
    lost = 0
    for _ in range(100):
        scores, _, _ = Population(0.0, grid=GRID).draw(random, 200)
        for seen in range(20, 201, 10):
            differences = scores[:seen, 1:] - scores[:seen, [0]]
            spread = differences.std(axis=0, ddof=1) / np.sqrt(seen)
            if (differences.mean(axis=0) > 1.96 * spread).any():
                lost += 1
                break
    assert lost > 20


def test_bad_variants_leave_early() -> None:
    """Nine of ten answer half as often: the race ends with the tenth, and looks at less than half of the cells."""
    random = np.random.default_rng(32)
    scores = (random.random((10, 300)) < np.where(np.arange(10) == 7, 0.8, 0.4)[:, None]).astype(float)
    found = harness.race(scores)
    assert found.kept == (7,)
    assert found.best == 7
    assert sorted(found.left) == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert found.share < 0.5
    assert found.available == 3000


def test_cells_are_counted_until_a_variant_leaves() -> None:
    """Those that left were looked at as long as they were in, those kept until the race ended."""
    random = np.random.default_rng(33)
    scores = random.random((6, 200)) * np.array([1, 0.98, 0.5, 0.4, 0.3, 0.2])[:, None]
    found = race(scores)
    assert len(found.kept) > 1
    assert found.cells == sum(found.left.values()) + 200 * len(found.kept)


def test_a_cluster_is_looked_at_as_a_whole() -> None:
    """Examples of a cluster are one piece of evidence: a hundred copies of one question decide nothing."""
    scores = np.tile([[1.0], [0.0]], (1, 100))
    assert race(scores).kept == (0,)
    assert race(scores, clusters=["same"] * 100).kept == (0, 1)


def test_missing_cells_are_neither_looked_at_nor_judged() -> None:
    """A pair is judged where both have a score; what is not available is not counted."""
    random = np.random.default_rng(34)
    scores = (random.random((3, 300)) < np.array([0.8, 0.5, 0.1])[:, None]).astype(float)
    scores[2, ::2] = np.nan
    found = race(scores)
    assert found.available == 750
    assert found.cells <= 750
    assert 2 in found.left
    apart = np.array([[1.0, np.nan] * 100, [np.nan, 0.0] * 100])
    assert race(apart).kept == (0, 1)


def test_the_same_seed_gives_the_same_race() -> None:
    """And another order of clusters under another."""
    scores = np.random.default_rng(35).random((8, 150))
    scores[3] = (scores[3] + 1) / 2
    assert race(scores, seed=1) == race(scores, seed=1)
    assert race(scores, seed=1).left != race(scores, seed=2).left


def test_scores_without_ends_are_scaled_and_it_is_said() -> None:
    """Latency in milliseconds, as what is to be large: negated."""
    random = np.random.default_rng(36)
    found = race(-random.uniform(100, 200, size=(3, 200)) * np.array([[1.0], [2.0], [3.0]]))
    assert found.best == 0
    assert "the span found here" in found.assumes
    assert "between 0 and 1" in race(np.ones((2, 5))).assumes


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([0.5, 0.5], {}, "shape"),
        ([["a", "b"]], {}, "must be numbers"),
        ([[np.inf, 0.0]], {}, "infinite"),
        ([[np.nan, np.nan], [1.0, 0.0]], {}, "variant 0 has no score"),
        ([[1.0, 0.0]], {"confidence": 95}, "between 0 and 1"),
        ([[1.0, 0.0]], {"clusters": ["a"]}, "1 cluster names"),
        ([[1.0, 0.0]], {"clusters": ["a", None]}, "example 1 has no cluster"),
    ],
)
def test_what_cannot_be_raced_is_refused(values: object, options: dict[str, object], said: str) -> None:
    """With what was found."""
    with pytest.raises(UserError, match=said):
        race(values, **options)  # type: ignore[arg-type]


def test_one_variant_wins_without_a_look() -> None:
    """Nobody else could be the best."""
    found = race([[0.0, 1.0]])
    assert (found.kept, found.best, found.cells) == ((0,), 0, 0)


def test_a_race_prints_who_is_left_and_what_was_looked_at() -> None:
    """And a confidence that is no number is refused."""
    values = np.vstack([np.ones(400), np.zeros((2, 400))])
    found = harness.race(values)
    assert str(found).startswith("1 of 3 variants kept: 0; the best mean has 0; ")
    assert f"{found.cells:,} of 1,200 cells" in str(found)
    with pytest.raises(UserError, match="confidence is 'x'; give a number"):
        harness.race(values, confidence="x")  # type: ignore[arg-type]
