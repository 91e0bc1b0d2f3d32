"""The interval of a mean: its algebra, its edges, and how often it holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from harness.study.inference.means import mean_intervals
from tests.study.worlds_of_means import WORLDS, MeanWorld, covered

Floats = NDArray[np.float64]


def interval(values: list[float], clusters: list[int], low: float | None, high: float | None) -> tuple[float, float]:
    """The interval of one column."""
    lows, highs = mean_intervals(np.array(values)[:, None], np.array(clusters), 0.05, low, high)
    return float(lows[0]), float(highs[0])


def cr2(values: Floats, clusters: NDArray[np.int64]) -> tuple[float, float]:
    """Error and degrees of freedom by the matrices of Bell and McCaffrey, for a model that has only a mean."""
    n = len(values)
    hat = np.full((n, n), 1 / n)
    left = np.eye(n) - hat
    residuals = left @ values
    total, columns = 0.0, []
    for cluster in np.unique(clusters):
        mine = np.flatnonzero(clusters == cluster)
        block = np.eye(len(mine)) - hat[np.ix_(mine, mine)]
        eigenvalues, vectors = np.linalg.eigh(block)
        root = vectors @ np.diag(eigenvalues**-0.5) @ vectors.T
        weights = np.ones(len(mine)) @ root / n
        total += float(weights @ residuals[mine]) ** 2
        columns.append(left[:, mine] @ weights)
    gram = np.array(columns) @ np.array(columns).T
    return float(np.sqrt(total)), float(np.trace(gram) ** 2 / np.trace(gram @ gram))


def test_the_error_is_that_of_the_matrices() -> None:
    """Clusters of all sizes: error and degrees of freedom of the closed form are those of CR2."""
    random = np.random.default_rng(0)
    clusters = np.repeat([0, 1, 2, 3, 4], [1, 2, 3, 7, 12])
    values = random.normal(size=25) + clusters
    error, freedom = cr2(values, clusters)
    half = stats.t.ppf(0.975, freedom) * error
    low, high = interval(list(values), list(clusters), None, None)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_examples_of_their_own_give_the_usual_interval() -> None:
    """Without clusters and ends it is Student's t."""
    values = np.random.default_rng(1).normal(size=30)
    half = stats.t.ppf(0.975, 29) * values.std(ddof=1) / np.sqrt(30)
    found = interval(list(values), list(range(30)), None, None)
    assert found == pytest.approx((values.mean() - half, values.mean() + half))


def test_yes_and_no_are_counted_as_by_clopper_and_pearson() -> None:
    """Ten of 400 independent examples: nearly the exact binomial interval, which is not symmetric."""
    found = interval([1.0] * 10 + [0.0] * 390, list(range(400)), 0.0, 1.0)
    exact = stats.binomtest(10, 400).proportion_ci(method="exact")
    assert found == pytest.approx((exact.low, exact.high), abs=0.0015)


def test_a_repeated_example_is_no_more_evidence() -> None:
    """Every example five times over, in its cluster: the interval stays as it was."""
    once = interval([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], list(range(8)), 0.0, 1.0)
    often = interval([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0] * 5, list(range(8)) * 5, 0.0, 1.0)
    assert often == pytest.approx(once)


def test_one_cluster_has_no_interval() -> None:
    """Nothing tells how far another cluster would be off; other columns have theirs."""
    values = np.array([[1.0, 1.0], [0.0, 0.0], [np.nan, 0.0], [np.nan, 1.0], [np.nan, 1.0]])
    lows, highs = mean_intervals(values, np.array([0, 0, 1, 1, 1]), 0.05, 0.0, 1.0)
    assert np.isnan([lows[0], highs[0]]).all()
    assert lows[1] < 0.6 < highs[1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-2, 3)), min_size=2, max_size=40), st.booleans())
def test_the_interval_holds_the_mean_and_stays_in_the_range(cells: list[tuple[int, float]], ended: bool) -> None:
    """Whatever the values and clusters."""
    clusters = np.unique([cluster for cluster, _ in cells], return_inverse=True)[1]
    values = np.array([value for _, value in cells])
    ends = (-2.0, 3.0) if ended else (None, None)
    [low], [high] = mean_intervals(values[:, None], clusters, 0.05, *ends)
    if clusters.max() < 1:
        assert np.isnan(low)
        return
    assert low - 1e-9 <= values.mean() <= high + 1e-9
    if ended:
        assert low >= -2 - 1e-9
        assert high <= 3 + 1e-9


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_it_holds_the_truth_about_as_often_as_it_says(world: MeanWorld) -> None:
    """Of 1,000 runs, in worlds where resampling clusters (percentiles) held it in 74 to 91%."""
    assert covered(world, 1000) >= world.least
