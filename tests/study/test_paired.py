"""Pairs from arrays and frames, and the tests that judge them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, permutation_test, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar

from harness.errors import UserError
from harness.study.inference.cluster_t import t_test
from harness.study.inference.flips import flip_test, subset_means
from harness.study.inference.mcnemar import matched_interval, mid_p, tango_score
from harness.study.inference.paired import paired


@pytest.mark.parametrize(("wins", "losses"), [(1, 7), (0, 5), (12, 12), (30, 14), (0, 1), (250, 200)])
def test_the_mid_p_value_is_statsmodels_exact_one_less_half_the_chance_of_what_was_seen(wins: int, losses: int) -> None:
    """To 1e-9, by statsmodels' exact McNemar test and scipy's binomial distribution."""
    exact = mcnemar([[3, wins], [losses, 4]], exact=True).pvalue
    seen = binom.pmf(min(wins, losses), wins + losses, 0.5)
    expected = 2 * binom.cdf(min(wins, losses), wins + losses, 0.5) - seen
    assert float(mid_p(wins, losses)) == pytest.approx(expected, abs=1e-9)
    if wins != losses:
        assert float(mid_p(wins, losses)) == pytest.approx(exact - seen, abs=1e-9)


def test_the_interval_of_binary_scores_agrees_with_published_ones() -> None:
    """Airways, Fagerland et al. (2013): 1 and 7 of 21 discordant; mid-p 0.039; Tango's interval -0.517 to -0.026."""
    from harness.study.inference.mcnemar import _end

    z = 1.959963984540054
    assert float(mid_p(1, 7)) == pytest.approx(0.0390625, abs=1e-12)
    assert [_end(1, 7, 21, z), -_end(7, 1, 21, z)] == pytest.approx([-0.517, -0.026], abs=5e-4)


@pytest.mark.parametrize("difference", [-0.3, -0.05, 0.1, 0.4])
def test_the_discordance_under_a_difference_is_the_likeliest(difference: float) -> None:
    """Tango's closed form against scipy's maximum of the likelihood."""
    wins, losses, n = 5, 9, 40

    def unlikely(q: float) -> float:
        return -(losses * math.log(q) + wins * math.log(q + difference) + 26 * math.log(1 - 2 * q - difference))

    bounds = (max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12)
    q = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = n * (2 * q + difference * (1 - difference))
    expected = (wins - losses - n * difference) / math.sqrt(variance)
    assert tango_score(wins, losses, n, difference) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.01, 0.05, 0.1, 0.3]))
@settings(max_examples=300, deadline=None)
def test_the_binary_interval_excludes_zero_exactly_when_p_is_below_alpha(
    wins: int, losses: int, ties: int, alpha: float
) -> None:
    """For all counts; and it holds the difference, within -1 and 1."""
    n = max(1, wins + losses + ties)
    low, high = matched_interval(wins, losses, n, alpha)
    assert (low > 0 or high < 0) == (float(mid_p(wins, losses)) < alpha)
    assert -1 <= low <= (wins - losses) / n <= high <= 1


@pytest.mark.parametrize("groups", [6, 9, 12])
def test_all_flips_give_the_p_value_of_scipys_permutation_test(groups: int) -> None:
    """To 1e-9, the sums of clusters as scipy's paired samples."""
    random = np.random.default_rng(groups)
    sums = random.normal(0.5, 1, groups)
    found = flip_test(sums, random.integers(1, 9, groups).astype(float), 0.05)[0]
    expected = permutation_test(
        (sums, np.zeros(groups)), lambda x, y: np.sum(x - y), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert found == pytest.approx(expected, abs=1e-9)


def test_flips_of_single_binary_examples_are_the_exact_mcnemar_test() -> None:
    """To 1e-9: with nine wins and two losses among thirteen."""
    sums = np.array([1.0] * 9 + [-1.0] * 2 + [0.0] * 2)
    exact = mcnemar([[0, 9], [2, 0]], exact=True).pvalue
    assert flip_test(sums, np.ones(13), 0.05)[0] == pytest.approx(exact, abs=1e-9)


@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(1, 6)), min_size=2, max_size=18), st.sampled_from([0.05, 0.2])
)
@settings(max_examples=150, deadline=None)
def test_the_interval_of_flips_excludes_zero_exactly_when_p_is_below_alpha(
    clusters: list[tuple[int, int]], alpha: float
) -> None:
    """With ties and unequal sizes; and a shift just inside the interval is not refused, one just outside is."""
    sums, sizes = (np.array(column, dtype=float) for column in zip(*clusters, strict=True))
    p, low, high = flip_test(sums, sizes, alpha)
    assert (low > 0 or high < 0) == (p < alpha)
    for end, out in ((low, -1), (high, 1)):
        if math.isfinite(end):
            assert flip_test(sums - (end + out * 1e-7) * sizes, sizes, alpha)[0] < alpha
            assert flip_test(sums - (end - out * 1e-7) * sizes, sizes, alpha)[0] >= alpha or high - low < 1e-6


def test_five_clusters_bound_nothing_by_flips() -> None:
    """The smallest p-value of five is 1/16."""
    p, low, high = flip_test(np.full(5, 3.0) + np.arange(5), np.ones(5), 0.05)
    assert (p, low, high) == (1 / 16, -math.inf, math.inf)


def test_subset_means_of_many_clusters_spread_as_they_must() -> None:
    """Around the mean, with about the cluster-robust error."""
    random = np.random.default_rng(3)
    sums = random.normal(0.1, 1, 400)
    means = subset_means(sums, np.ones(400), seed=0)
    assert means.std() == pytest.approx(sums.std() / 20, rel=0.05)
    assert means.mean() == pytest.approx(sums.mean(), abs=0.005)


def test_the_t_of_clusters_of_one_size_is_scipys() -> None:
    """P-value and interval of the clusters' means, to 1e-9."""
    sums = np.array([3.0, 1.0, 4.0, 2.5])
    p, low, high = t_test(sums, np.full(4, 5.0), 0.05)
    expected = ttest_1samp(sums / 5, 0)
    ends = expected.confidence_interval(0.95)
    assert (p, low, high) == pytest.approx((expected.pvalue, ends.low, ends.high), abs=1e-9)


def test_the_t_of_unequal_clusters_inverts_itself() -> None:
    """At the ends of Fieller's interval the p-value is alpha; a cluster that is nearly all leaves no bound."""
    sums, sizes = np.array([3.0, 1.0, 4.0, 2.5]), np.array([5.0, 3.0, 6.0, 4.0])
    _, low, high = t_test(sums, sizes, 0.05)
    for end in (low, high):
        assert ttest_1samp(sums - end * sizes, 0).pvalue == pytest.approx(0.05, abs=1e-9)
    p, low, high = t_test(np.array([30.0, 0.1, 0.2]), np.array([300.0, 1.0, 1.0]), 0.05)
    assert (low, high) == (-math.inf, math.inf)
    assert p >= 0.05


def frame(rows: list[tuple[str, int, float]], **more: list[str]) -> pd.DataFrame:
    """Rows of example, repeat, value."""
    return pd.DataFrame(rows, columns=["example", "repeat", "value"]).assign(**more)


def test_repeats_of_an_example_are_one_score() -> None:
    """The mean of those with a value; order does not matter; an example of one side alone is dropped and counted."""
    a = frame([("x", 0, 1), ("x", 1, 0), ("y", 0, 1), ("y", 1, np.nan), ("z", 0, 1)])
    b = frame([("y", 0, 0), ("y", 1, 1), ("x", 0, 0), ("x", 1, 0)])
    found = paired(a, b)
    assert found.differences.tolist() == [0.5, 0.5]
    assert (found.dropped, found.repeats, found.binary, found.unit) == (1, 2, False, True)


def test_frames_bring_their_clusters() -> None:
    """From the column of either frame."""
    a = frame([("x", 0, 1), ("y", 0, 0), ("z", 0, 1)], cluster=["k", "k", "l"])
    found = paired(a, frame([("x", 0, 0), ("y", 0, 0), ("z", 0, 0)]))
    assert found.sizes.tolist() == [2, 1]
    assert found.sums.tolist() == [1, 1]


GOOD = frame([("x", 0, 1.0), ("y", 0, 0.0)])


@pytest.mark.parametrize(
    ("a", "said"),
    [
        (GOOD.drop(columns="value"), "lacks the column 'value'"),
        (frame([("x", 0, 1.0), ("x", 0, 0.0)]), "example 'x', repeat"),
        (GOOD.drop(columns="repeat").assign(metric=["m", "n"]), "2 metrics"),
        (GOOD.assign(cluster=["k", np.nan]), "no cluster"),
        (frame([("x", 0, 1.0), ("x", 1, 0.0)], cluster=["k", "l"]), "two clusters"),
        (frame([("x", 0, math.inf)]), "infinite"),
        (frame([("q", 0, 1.0)]), "no example has both"),
        (GOOD.assign(value=["good", "bad"]), "must be numbers"),
        ([1.0, 0.0], "lacks the column"),
    ],
)
def test_frames_that_cannot_be_paired_are_refused(a: object, said: str) -> None:
    """With what was found."""
    with pytest.raises(UserError, match=said):
        paired(a, GOOD)


def test_an_example_without_a_cluster_is_refused() -> None:
    """Examples whose cluster is not known are no cluster of their own."""
    with pytest.raises(UserError, match="entry 1 has no cluster"):
        paired([1.0, 0.0], [0.0, 0.0], ["k", None])


def test_series_of_different_indexes_are_refused() -> None:
    """Their positions would pair what does not belong together."""
    with pytest.raises(UserError, match="indexes"):
        paired(pd.Series([1.0, 0.0], index=["x", "y"]), pd.Series([1.0, 0.0], index=["y", "x"]))
