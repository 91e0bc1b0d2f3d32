"""Paired comparison with the cluster bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

import harness
from harness.errors import UserError
from harness.study.resampling import bootstrap_means, clustered_error, codes_of

RANDOM = np.random.default_rng(1)


def test_the_difference_is_a_minus_b() -> None:
    """Positive when the first scores higher."""
    found = harness.compare([1, 1, 0, 1], [0, 1, 0, 0])
    assert found.difference == pytest.approx(0.5)
    assert (found.wins, found.losses, found.ties, found.n) == (2, 0, 2, 4)


def test_equal_scores_differ_by_nothing() -> None:
    """No interval is drawn out of nothing."""
    found = harness.compare([0.2, 0.4, 0.9], [0.2, 0.4, 0.9])
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_interval_and_p_agree() -> None:
    """The interval excludes zero exactly when p is below alpha."""
    for shift in np.linspace(0, 0.5, 11):
        a, b = RANDOM.normal(shift, 1, 80), RANDOM.normal(0, 1, 80)
        found = harness.compare(a, b)
        assert found.claims_difference == (found.p < 0.05)


def test_missing_pairs_are_dropped_and_counted() -> None:
    """A NaN on either side takes the pair out."""
    found = harness.compare([1, np.nan, 0, 1], [0, 1, np.nan, 1])
    assert (found.n, found.dropped) == (2, 2)


def test_the_interval_covers_at_about_its_rate() -> None:
    """With 60 independent clusters of dependent examples, 95% intervals cover the truth in 90 to 99% of 300 trials."""
    covered = 0
    clusters = np.repeat(np.arange(60), 3)
    for _ in range(300):
        common = np.repeat(RANDOM.normal(0, 1, 60), 3)
        a = 0.3 + common + RANDOM.normal(0, 0.5, 180)
        found = harness.compare(a, np.zeros(180), clusters=list(clusters))
        covered += found.low <= 0.3 <= found.high
    assert 0.90 <= covered / 300 <= 0.99


def test_ignoring_clusters_would_be_too_sure() -> None:
    """The same scores with their clusters named give a wider interval."""
    common = np.repeat(RANDOM.normal(0, 1, 40), 5)
    scores = common + RANDOM.normal(0, 0.1, 200)
    clusters = [str(i // 5) for i in range(200)]
    with_clusters = harness.compare(scores, np.zeros(200), clusters=clusters)
    without = harness.compare(scores, np.zeros(200))
    assert with_clusters.high - with_clusters.low > 1.5 * (without.high - without.low)


def test_few_clusters_are_said_plainly() -> None:
    """Below 30 the caution is there, from 30 on it is not."""
    assert "12 clusters" in harness.compare(RANDOM.normal(size=12), np.zeros(12)).caution
    assert harness.compare(RANDOM.normal(size=40), np.zeros(40)).caution == ""


@pytest.mark.parametrize(
    ("a", "b", "clusters"),
    [([1, 2], [1], None), ([[1]], [[1]], None), ([1, 2], [1, 2], ["x"]), ([np.nan], [1], None)],
)
def test_what_cannot_be_compared_is_refused(a: list[float], b: list[float], clusters: list[str] | None) -> None:
    """Different lengths, tables, wrong clusters, no pair."""
    with pytest.raises(UserError, match="compare"):
        harness.compare(a, b, clusters=clusters)


def test_the_clustered_error_agrees_with_the_textbook_without_clusters() -> None:
    """With every example its own cluster it is the usual standard error of a mean."""
    values = RANDOM.normal(size=50)
    mean, error, groups = clustered_error(values, codes_of(range(50)))
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    assert groups == 50


def test_the_bootstrap_agrees_with_the_clustered_error() -> None:
    """The spread of bootstrap means is the analytic error, within a few percent."""
    clusters = codes_of([i // 4 for i in range(400)])
    values = np.repeat(RANDOM.normal(size=100), 4) + RANDOM.normal(0, 0.3, 400)
    means = bootstrap_means(values[:, None], clusters, 4000, seed=0)
    assert means.std() == pytest.approx(clustered_error(values, clusters)[1], rel=0.08)
