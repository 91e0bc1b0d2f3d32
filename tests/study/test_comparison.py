"""Paired comparison of two variants."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from benchmarks.comparison import World
from scipy.stats import ttest_1samp

import harness
from harness.errors import UserError
from harness.study.clusters import clustered_error, codes_of
from harness.study.comparing.comparison import CLUSTER_T, FLIPS, MCNEMAR, UNANIMOUS, Comparison, compare
from harness.study.inference.flips import flip_test

RANDOM = np.random.default_rng(1)


def test_the_difference_is_a_minus_b() -> None:
    """Positive when the first scores higher."""
    found = harness.compare([1, 1, 0, 1], [0, 1, 0, 0])
    assert found.difference == pytest.approx(0.5)
    assert (found.wins, found.losses, found.ties, found.n) == (2, 0, 2, 4)


def test_equal_scores_leave_room_for_what_was_not_seen() -> None:
    """Ties alone show no difference; clusters that would differ may not be among them, by up to the scores' range."""
    found = harness.compare([0.2, 0.4, 0.9], [0.2, 0.4, 0.9])
    unseen = 1 - 0.025 ** (1 / 3)
    assert (found.difference, found.p) == (0, 1)
    assert (found.low, found.high) == pytest.approx((-unseen, unseen))
    wide = harness.compare([20, 40, 90], [20, 40, 90])
    assert (wide.low, wide.high) == pytest.approx((-70 * unseen, 70 * unseen))


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


@pytest.mark.parametrize(
    "world",
    [
        World("normal", 50, 5, within=0.9, unequal=True),
        World("normal", 50, 10, within=0.3),
        World("skewed", 100, 10, within=0.9, unequal=True),
        World("graded", 100, 1),
        World("binary 0.5", 100, 5, within=0.9, unequal=True),
        World("binary 0.05", 50, 1),
        World("binary 0.05", 100, 5, within=0.3, unequal=True),
        World("binary 0.95", 50, 10, within=0.9),
    ],
    ids=str,
)
def test_equal_variants_are_told_apart_in_about_five_percent_at_most(world: World) -> None:
    """Of 400 runs at most 31, which a test at exactly 5% exceeds in 1 of 200; the cluster-robust t makes 40 of some."""
    assert sum(found.claims_difference for found in world.found(400, seed=7)) <= 31


@pytest.mark.parametrize(
    "world",
    [
        World("normal", 100, 1, shift=0.8),
        World("binary 0.5", 50, 1, shift=0.8),
        World("graded", 100, 5, 0.3, True, 0.8),
    ],
    ids=str,
)
def test_intervals_hold_the_true_difference_at_their_rate(world: World) -> None:
    """95% intervals hold it in 368 to 394 of 400 runs: the rates 92% to 98.5%."""
    random = np.random.default_rng(0)
    truth = np.subtract(*World(world.kind, 1_000_000, 1, shift=world.shift).scores(random)).mean()
    assert 368 <= sum(found.low <= truth <= found.high for found in world.found(400, seed=8)) <= 394


def test_a_difference_is_found_as_often_as_by_the_paired_t_test() -> None:
    """Of normal scores: within 3 points of 500 runs."""
    world, random, found = World("normal", 50, 1, shift=0.4), np.random.default_rng(9), np.zeros(2)
    for _ in range(500):
        a, b = world.scores(random)
        found += [harness.compare(a, b).claims_difference, ttest_1samp(a - b, 0).pvalue < 0.05]
    assert abs(found[0] - found[1]) / 500 <= 0.03
    assert 0.3 < found[1] / 500 < 0.7


def test_the_method_follows_the_scores() -> None:
    """And says what it assumes."""
    ten = [i // 2 for i in range(20)]
    binary, graded = RANDOM.integers(0, 2, (2, 20)), RANDOM.normal(size=(2, 20))
    methods = {
        MCNEMAR: harness.compare(binary[0], binary[1]),
        FLIPS: harness.compare(binary[0], binary[1], clusters=ten),
        CLUSTER_T: harness.compare(graded[0], graded[1], clusters=[i // 4 for i in range(20)]),
        UNANIMOUS: harness.compare(np.ones(20), np.zeros(20), clusters=ten),
    }
    for method, found in methods.items():
        assert (found.method, "independent" in found.assumptions) == (method, True)
    assert "normal sums" in methods[CLUSTER_T].caution
    assert "normal" not in methods[FLIPS].caution


def test_very_many_clusters_are_judged_by_t_unless_few_of_them_differ() -> None:
    """The t-test gives the interval that flips give, within 3% of its width."""
    random = np.random.default_rng(6)
    a, b = random.normal(0.01, 1, 20_001), random.normal(size=20_001)
    found = harness.compare(a, b)
    p, low, high = flip_test(a - b, np.ones(20_001), 0.05)
    assert found.method == CLUSTER_T
    assert found.p == pytest.approx(p, abs=0.02)
    assert [found.low, found.high] == pytest.approx([low, high], abs=0.03 * (high - low))
    sparse = np.zeros(20_001)
    sparse[:5] = 0.5
    few = harness.compare(sparse, np.zeros(20_001))
    assert (few.method, few.claims_difference) == (FLIPS, False)


@pytest.mark.parametrize("groups", [3, 5, 6, 12])
def test_clusters_that_all_agree_leave_the_doubt_that_their_number_leaves(groups: int) -> None:
    """Five may agree by chance, six not, at 5%: interval and p-value say the same."""
    found = harness.compare(np.ones(2 * groups), np.zeros(2 * groups), clusters=[i // 2 for i in range(2 * groups)])
    assert found.p == pytest.approx(2.0 ** (1 - groups))
    assert found.claims_difference == (groups >= 6)
    assert (found.high, found.low < 1) == (1, True)
    same = harness.compare(np.full(groups, 0.7), np.full(groups, 0.5))
    assert same.claims_difference == (groups >= 6)


def test_binary_scores_without_a_difference_still_leave_doubt() -> None:
    """Fifty pairs that agree do not show that none differs."""
    for clusters in (None, [i // 5 for i in range(50)]):
        found = harness.compare(np.ones(50), np.ones(50), clusters=clusters)
        assert (found.difference, found.p, found.low) == (0, 1, -found.high)
        assert 0.02 < found.high < 0.4


def test_one_cluster_bounds_nothing() -> None:
    """Whatever it holds."""
    found = harness.compare([0.5, 0.9, 0.7], [0.1, 0.2, 0.4], clusters=["x"] * 3)
    assert (found.p, found.low, found.high, found.detectable) == (1, -math.inf, math.inf, math.inf)


def test_noise_says_that_nothing_can_be_claimed_and_what_it_would_take() -> None:
    """And with so many examples more, `power` agrees that the difference is shown."""
    random = np.random.default_rng(4)
    a, b = (random.random((2, 200)) < 0.7).astype(float)
    found = harness.compare(a, b)
    more = found.more_examples()
    assert more
    assert str(found).startswith(f"no difference can be claimed; {more:,} more examples would be needed for 2 points")
    discordance = (found.wins + found.losses) / 200
    assert harness.power(discordance=discordance, difference=0.02, n=200 + more).power >= 0.8
    assert harness.power(discordance=discordance, difference=0.02, n=int(0.97 * (200 + more))).power < 0.8


def test_a_claim_is_told_with_its_interval() -> None:
    """In points for scores between 0 and 1, as they are for others."""
    found = harness.compare([1.0] * 30 + [0.0] * 20, [0.0] * 50)
    assert "the first is 60 points above the second (95% interval 4" in found.sentence()
    told = harness.compare(np.linspace(0, 9, 90), np.linspace(2, 11.1, 90)).sentence()
    assert told.startswith("the first is 2.05 below the second (95% interval 2.0")


def test_enough_examples_are_said_to_be_enough() -> None:
    """A tie of many examples does not ask for more."""
    random = np.random.default_rng(5)
    found = harness.compare(random.normal(0, 0.01, 400), random.normal(0, 0.01, 400))
    assert found.more_examples(0.02) == 0
    assert "these examples show" in found.sentence()


def test_no_spread_promises_nothing() -> None:
    """Equal scores do not tell how many examples a difference needs."""
    found: Comparison = harness.compare([0.2, 0.4, 0.9], [0.2, 0.4, 0.9])
    assert found.more_examples() is None
    assert found.detectable == math.inf


def test_repeats_do_not_make_a_comparison_surer() -> None:
    """Each row given five times, as repeats of a frame, changes nothing."""
    a, b = RANDOM.normal(0.2, 1, 40), RANDOM.normal(0, 1, 40)
    once = harness.compare(a, b)
    frames = [
        pd.DataFrame(
            {"example": np.tile(np.arange(40), 5), "repeat": np.repeat(np.arange(5), 40), "value": np.tile(x, 5)}
        )
        for x in (a, b)
    ]
    found = harness.compare(frames[0], frames[1])
    assert [found.n, found.low, found.high] == pytest.approx([40, once.low, once.high])
    assert "5 repeats" in found.assumptions


def test_an_alpha_or_a_difference_without_sense_is_refused() -> None:
    """With what was given."""
    with pytest.raises(UserError, match="alpha"):
        harness.compare([1, 0], [0, 1], alpha=0)
    with pytest.raises(UserError, match="above 0"):
        harness.compare([1, 0], [0, 1]).more_examples(0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: harness.compare([1, 0], [0, 1], alpha="x"), "alpha is 'x'; give a number"),  # type: ignore[arg-type]
        (lambda: compare([1, 0], [0, 1], seed="x"), "seed is 'x'; give a whole number"),  # type: ignore[arg-type]
        (lambda: harness.compare([1, 0], [0, 1]).more_examples("x"), "difference is 'x'"),  # type: ignore[arg-type]
        (lambda: harness.compare([1, 0], [0, 1]).more_examples(0.1, 2), "power lies between 0 and 1, got 2"),
        (lambda: harness.compare([1, 0], [0, 1]).more_examples(np.float64(0)), "above 0, got 0$"),
    ],
)
def test_what_is_no_number_is_refused(call: Callable[[], object], said: str) -> None:
    """With what was found, as it is written."""
    with pytest.raises(UserError, match=said):
        call()


def test_fewer_than_five_clusters_do_not_tell_how_many_more_are_needed() -> None:
    """Two clusters of 50 have one degree of freedom; five clusters give a number."""
    random = np.random.default_rng(15)
    a, b = random.normal(size=(2, 100))
    few, some = (harness.compare(a, b, clusters=np.arange(100) // size) for size in (50, 20))
    assert not few.claims_difference and few.more_examples(0.1) is None
    assert "how many examples 0.1 would need cannot be told from 2 clusters" in few.sentence(0.1)
    assert not some.claims_difference and some.more_examples(0.1)
