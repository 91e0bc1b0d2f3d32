"""The winner's score is corrected for having been chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks.ranking import Population, crowded_top, two_groups, winner, winners

import harness
from harness.study.choosing.framing import Bounds
from harness.study.choosing.sums import sums_of
from harness.study.choosing.winner import winner_of
from harness.study.clusters import clustered_error


@pytest.mark.parametrize(
    ("population", "examples"),
    [
        (Population(0.0), 50),
        (Population(0.06, common=0.3), 100),
        (Population(0.1, shape=two_groups), 50),
        (Population(0.02, base=0.85, shape=crowded_top), 50),
        (Population(0.0, binary=False, size=5), 200),
    ],
    ids=["equal", "spread", "two groups", "near the end of the range", "continuous in clusters"],
)
def test_the_corrected_score_is_right_on_average(population: Population, examples: int) -> None:
    """Of 192 variants, 300 sweeps: the bias is within half a point and two standard errors, and at least 92% of the
    intervals hold the truth, where the observed best is far too high."""
    random = np.random.default_rng(7)
    found = winners(population.draw(random, examples) for _ in range(300))
    assert abs(found["bias"]) <= 0.5 + 2 * found["error"]
    assert found["raw"] > 0.5 + 2 * found["error"]
    assert found["coverage"] >= 0.92


@pytest.mark.parametrize(("variants", "runs"), [(192, 150), (12, 300)])
def test_ties_do_not_let_the_luck_of_the_chosen_back_in(variants: int, runs: int) -> None:
    """Equal variants, 50 scores of 0 and 1, columns in the order of the ranking: the bias is within half a point and
    two standard errors."""
    random = np.random.default_rng(13)
    biases = []
    for _ in range(runs):
        scores = random.integers(0, 2, size=(50, variants)).astype(float)
        biases.append(winner(scores[:, np.argsort(-scores.mean(axis=0), kind="stable")], np.arange(50)).score - 0.5)
    assert abs(np.mean(biases)) <= 0.005 + 2 * np.std(biases) / np.sqrt(runs)


def test_the_order_of_rows_does_not_matter() -> None:
    """A frame shuffled, ties and clusters of unequal size in it, has the same winner's score and interval."""
    random = np.random.default_rng(14)
    rows = [
        {"variant": f"v{v}", "example": f"e{e}", "cluster": f"c{e * e % 23}", "value": float(random.random() < 0.5)}
        for e in range(60)
        for v in range(20)
    ]
    rows += [{"variant": "v20", "example": f"e{e}", "cluster": f"c{e * e % 23}", "value": e % 4 > 0} for e in range(60)]
    scores = pd.DataFrame(rows)
    found = [harness.rank(scores.sample(frac=1, random_state=seed)).winner for seed in range(3)]
    for other in found[1:]:
        assert other.variant == found[0].variant == "v20"
        assert (other.score, other.low, other.high) == pytest.approx((found[0].score, found[0].low, found[0].high))


def test_a_winner_by_far_keeps_its_score() -> None:
    """Every half chooses it, so nothing is taken away."""
    random = np.random.default_rng(8)
    scores = random.uniform(0, 0.5, size=(100, 20))
    scores[:, 3] += 0.5
    found = winner(scores, np.arange(100))
    assert found.variant == "3"
    assert found.score == pytest.approx(found.raw)
    assert found.low < found.score < found.high


def test_minimizing_mirrors_maximizing() -> None:
    """Costs are corrected upwards by what scores are corrected downwards."""
    values = np.random.default_rng(9).normal(size=(60, 30))
    names = [str(i) for i in range(30)]
    up = winner_of(values, np.arange(60), names, "maximize", 0.05, Bounds())
    down = winner_of(-values, np.arange(60), names, "minimize", 0.05, Bounds())
    assert (down.variant, down.score, down.raw) == (up.variant, -up.score, -up.raw)
    assert (down.low, down.high) == (-up.high, -up.low)
    assert up.optimism > 0 > down.optimism


def test_a_perfect_winner_is_not_certain() -> None:
    """Twenty of twenty right: the interval reaches down as for a share, not 1 to 1."""
    found = winner(np.ones((20, 2)), np.arange(20))
    assert (found.score, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 20))


def test_the_interval_stays_within_the_range() -> None:
    """A share is not above 1."""
    scores = np.ones((30, 3))
    scores[0, :] = 0.0
    assert winner(scores, np.arange(30)).high == 1.0


def test_too_few_clusters_leave_it_uncorrected_and_open() -> None:
    """Three clusters cannot be halved and quartered."""
    found = winner_of(
        np.random.default_rng(10).normal(size=(9, 4)), np.arange(9) // 3, list("abcd"), "maximize", 0.05, Bounds()
    )
    assert found.score == found.raw
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_errors_of_sums_are_those_of_the_comparison() -> None:
    """One formula of the cluster-robust error in the house."""
    random = np.random.default_rng(11)
    values, clusters = random.normal(size=(40, 2)), random.integers(0, 12, 40)
    found = sums_of(values, clusters)
    for i in range(2):
        assert found.error(i) == pytest.approx(clustered_error(values[:, i], clusters)[1], abs=1e-12)


def test_the_same_scores_give_the_same_winner() -> None:
    """The splits are fixed."""
    values = np.random.default_rng(12).uniform(size=(50, 10))
    assert winner(values, np.arange(50)) == winner(values, np.arange(50))
