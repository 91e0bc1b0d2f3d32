"""Ranking of many variants: all against all, the best set, the cheapest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from benchmarks.ranking import Population, best_sets, claims
from scipy.stats import ttest_1samp
from statsmodels.stats.multitest import multipletests

import harness
from harness.errors import UserError
from harness.study.choosing.bestset import gaps_of, holm
from harness.study.clusters import clustered_error


def frame(columns: Mapping[str, Sequence[float | None]], clusters: list[str] | None = None) -> pd.DataFrame:
    """Scores from columns; None is a failed cell."""
    rows = [
        {"variant": name, "example": str(i), "value": value, "cluster": clusters[i] if clusters else str(i)}
        for name, column in columns.items()
        for i, value in enumerate(column)
    ]
    return pd.DataFrame(rows)


def test_holm_is_that_of_statsmodels() -> None:
    """To 1e-9, ties and ones included."""
    random = np.random.default_rng(0)
    p = np.concatenate([random.uniform(size=40) ** 4, [0.01, 0.01, 1.0]])
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-9)


def test_without_clusters_a_pair_is_tested_by_the_paired_t_test() -> None:
    """Differences, errors and p-values are scipy's to 1e-9."""
    values = np.random.default_rng(1).normal(size=(50, 4))
    found = gaps_of(values, np.arange(50))
    for i in range(4):
        for j in range(4):
            if i != j:
                expected = ttest_1samp(values[:, i] - values[:, j], 0)
                assert found.raw[i, j] == pytest.approx(expected.pvalue, abs=1e-9)
                assert found.differences[i, j] / found.errors[i, j] == pytest.approx(expected.statistic, abs=1e-9)


def test_gaps_use_the_examples_that_both_have_and_their_clusters() -> None:
    """With holes and unequal clusters each pair has the clustered error and the t of sums of its own."""
    random = np.random.default_rng(2)
    values, clusters = random.normal(size=(80, 5)), np.sort(random.integers(0, 20, 80))
    whole = gaps_of(values, clusters)
    holed = values.copy()
    holed[random.uniform(size=values.shape) < 0.1] = np.nan
    for found, cells in ((whole, values), (gaps_of(holed, clusters), holed)):
        for i, j in ((0, 1), (3, 2), (4, 0)):
            difference = cells[:, i] - cells[:, j]
            kept = ~np.isnan(difference)
            mean, error, groups = clustered_error(difference[kept], clusters[kept])
            assert (found.differences[i, j], found.errors[i, j]) == pytest.approx((mean, error), abs=1e-12)
            sums = [difference[kept & (clusters == c)].sum() for c in np.unique(clusters[kept])]
            assert found.raw[i, j] == pytest.approx(ttest_1samp(sums, 0).pvalue, abs=1e-9)
            assert found.groups[i, j] == groups


def test_few_alike_differences_are_not_surer_than_sign_flips_allow() -> None:
    """Six wins and no loss among 200: p is at least 2/64, where the t-test alone says 0.014."""
    values = np.zeros((200, 2))
    values[:6, 0] = 1.0
    assert gaps_of(values, np.arange(200)).raw[0, 1] == pytest.approx(2 / 64)


def test_ten_clusters_can_tell_many_variants_apart() -> None:
    """Clear differences over a dozen documents are claimed, all pairs of 24 variants corrected."""
    random = np.random.default_rng(13)
    values = random.normal(size=(240, 24)) + np.where(np.arange(24) < 4, 1.0, 0.0)
    found = gaps_of(values, np.arange(240) // 20)
    assert (found.p[0, 4:] < 0.05).mean() > 0.8


def test_equal_columns_have_no_gap() -> None:
    """Not even one made by rounding."""
    column = np.random.default_rng(3).normal(size=100)
    found = gaps_of(np.column_stack([column, column, column + 0.25]), np.arange(100))
    assert (found.differences[0, 1], found.p[0, 1]) == (0.0, 1.0)
    assert found.p[0, 2] < 1e-9


@pytest.mark.parametrize(
    "population",
    [
        Population(0.0, grid=(3, 2, 2)),
        Population(0.0, grid=(3, 2, 2), size=10),
        Population(0.0, grid=(3, 2, 2), binary=False, size=5),
    ],
    ids=["binary", "binary in clusters", "continuous in clusters"],
)
def test_equal_variants_are_not_told_apart(population: Population) -> None:
    """Of 300 sweeps of twelve equal variants, at most 8% claim anything (5% nominal, chance included)."""
    some, alone = claims(population, 100, 300)
    assert some <= 0.08
    assert alone <= some


def test_the_best_set_holds_the_best_and_the_cheapest_of_it_loses_little() -> None:
    """In at least 95% of 200 sweeps; where a loss within 2 points is known of no variant, the first is named."""
    found = best_sets(Population(0.03, grid=(3, 2, 2)), 2000, 200)
    assert found["holds"] >= 0.95
    assert found["size"] > 1
    assert found["known"] > 0.3
    assert found["known wrongly"] <= 0.05
    assert found["cheapest within"] >= 0.95


def test_a_clear_loser_is_out_and_a_twin_is_in() -> None:
    """The best set has the first and what equals it; p-values are symmetric, the table is in order."""
    random = np.random.default_rng(4)
    base = random.uniform(0.4, 0.6, size=60)
    columns = {"bad": base - 0.3 + random.normal(0, 0.05, 60), "good": base, "twin": base}
    found = harness.rank(frame({name: list(column) for name, column in columns.items()}))
    assert (found.best, found.best_set) == ("good", ["good", "twin"])
    assert list(found.table["variant"]) == ["good", "twin", "bad"]
    p = found.p.to_numpy()
    assert p[1, 2] == p[2, 1] < 0.001
    assert found.table["gap"].iloc[2] == pytest.approx(base.mean() - columns["bad"].mean())
    assert (found.table["low"] < found.table["mean"]).all() and (found.table["mean"] < found.table["high"]).all()


def test_failed_cells_count_as_the_worst_score() -> None:
    """A variant that fails where the other errs does not come first, and the reader is told."""
    scores = frame({"flaky": [1.0, None, None, 1.0, 1.0], "steady": [1.0, 1.0, 0.0, 1.0, 1.0]})
    found = harness.rank(scores)
    assert (found.best, found.places[1].score, found.places[1].failed) == ("steady", 0.6, 2)
    assert any("2 cells without an answer count as 0" in text for text in found.cautions)


def test_answers_that_could_not_be_scored_are_left_out() -> None:
    """A judge that failed says nothing about the variant: the scores of the rest decide, and the reader is told."""
    scores = frame({"flaky": [1.0, None, None, 1.0, 1.0], "steady": [1.0, 1.0, 0.0, 1.0, 1.0]})
    scores["failure"] = ["judge: refused" if value != value else None for value in scores["value"]]
    found = harness.rank(scores)
    assert (found.best, found.places[0].score, found.places[0].n) == ("flaky", 1.0, 3)
    assert any("2 answers could not be scored, and are left out" in text for text in found.cautions)


def test_a_range_without_a_worst_end_says_what_that_means() -> None:
    """Latency: the failed cell is left out, and a caution says so; smaller is better."""
    found = harness.rank(frame({"a": [3.0, None, 4.0], "b": [9.0, 8.0, 9.5]}), direction="minimize")
    assert found.best == "a"
    assert any("failing may have helped" in text for text in found.cautions)


def test_cells_that_were_never_planned_leave_gaps_paired() -> None:
    """A variant that met the hard half only is compared on that half, and a caution says that means mislead."""
    easy, hard = [1.0, 0.9] * 20, [0.3, 0.2] * 20
    scores = frame({"all": easy + hard, "part": [0.0] * 40 + [value + 0.1 for value in hard]})
    part = scores[~((scores["variant"] == "part") & (scores["example"].astype(int) < 40))]
    found = harness.rank(part)
    assert found.places[1].gap == pytest.approx(-0.1)
    assert any("may disagree" in text for text in found.cautions)


def test_the_cheapest_of_equals_is_named() -> None:
    """Among twins the one that costs least, by a mapping or a series."""
    base = [0.2, 0.8, 0.5, 0.9] * 20
    scores = frame({"dear": base, "cheap": base, "bad": [value - 0.2 for value in base]})
    costs = {"dear": 3.0, "cheap": 1.0, "bad": 0.1}
    assert harness.rank(scores, costs=costs).cheapest == "cheap"
    assert harness.rank(scores, costs=pd.Series(costs)).cheapest == "cheap"
    assert harness.rank(scores).cheapest is None


def test_repeats_are_averaged_and_not_taken_for_examples() -> None:
    """Ten repeats of the same ten answers show no more than one."""
    random = np.random.default_rng(5)
    once = frame({"a": list(random.uniform(size=10)), "b": list(random.uniform(size=10))})
    often = pd.concat([once.assign(repeat=repeat) for repeat in range(10)])
    assert harness.rank(often).p.equals(harness.rank(once).p)


def test_few_clusters_are_said() -> None:
    """Twelve clusters of five: the caution counts clusters, not examples."""
    random = np.random.default_rng(6)
    columns = {name: list(random.uniform(size=60)) for name in "ab"}
    found = harness.rank(frame(columns, [str(i // 5) for i in range(60)]))
    assert found.clusters == 12
    assert any("only 12 clusters" in text for text in found.cautions)


def test_one_variant_and_one_cluster_are_no_crash() -> None:
    """Nothing is claimed, and the interval is the range."""
    alone = harness.rank(frame({"a": [0.5, 0.7, 0.6]}))
    assert alone.best_set == ["a"]
    assert alone.winner.score == pytest.approx(0.6)
    tied = harness.rank(frame({"a": [1.0, 0.0], "b": [0.0, 0.0]}, ["x", "x"]))
    assert tied.best_set == ["a", "b"]
    assert (tied.winner.low, tied.winner.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "options", "found"),
    [
        (pd.DataFrame({"variant": ["a"], "value": [1]}), {}, "no column 'example'"),
        (frame({"a": [1.0]}).assign(value="good"), {}, "no number"),
        (pd.concat([frame({"a": [1.0]})] * 2), {}, "two rows"),
        (frame({"a": [1.0], "b": [1.0]}).assign(metric=["x", "y"]), {}, "2 metrics"),
        (frame({"a": [1.0], "b": [1.0]}).assign(cluster=["x", "y"]), {}, "one cluster"),
        (frame({"a": [1.0]}), {"costs": {"b": 1.0}}, "no cost is given for a"),
        (frame({"a": [1.0]}), {"direction": "up"}, "maximize"),
        (frame({"a": [1.0]}), {"alpha": 5}, "alpha is 5"),
        (frame({"a": [np.inf]}), {}, "infinite"),
        (np.ones((3, 2)), {}, "needs a frame of scores .* got a value of type ndarray"),
        (frame({"a": [1.0]}), {"alpha": "x"}, "alpha is 'x'; give a number"),
        (frame({"a": [1.0]}), {"within": None}, "within is None; give a number"),
        (frame({"a": [1.0]}), {"costs": {"a": "x"}}, "the cost of a is 'x'; give a number"),
        (frame({"a": [1.0]}), {"costs": 3}, "costs is 3; give a mapping"),
        (frame({"a": [1.0]}), {"low": 0.5, "high": 0.2}, "low is 0.5 and high is 0.2"),
        (frame({"a": [1.0]}), {"low": "x"}, "low is 'x'; give a number"),
        (frame({"a": [1.0, 7.0]}), {"low": 0, "high": 5}, "lie between 1 and 7, outside of low=0 high=5"),
        (frame({"a": [1.0, 7.0]}), {"low": np.float64(2)}, "outside of low=2;"),
        (pd.DataFrame({"variant": "a", "example": [1, 1], "value": 0.5}), {}, "two rows for variant 'a', example 1;"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores: pd.DataFrame, options: dict[str, object], found: str) -> None:
    """Each with what was found."""
    with pytest.raises(UserError, match=found):
        harness.rank(scores, **options)  # type: ignore[arg-type]


def test_variants_without_a_common_example_are_said_and_not_judged() -> None:
    """No gap and no p, in the places, the table and the matrix; the caution names both; the best set keeps both."""
    scores = frame({"a": [0.9, 0.8, 0.9, None], "b": [0.1, 0.2, 0.1, 0.3]}).assign(example=[*"1234", *"5678"])
    found = harness.rank(scores.assign(cluster=scores["example"]).dropna())
    assert (found.places[1].gap, found.places[1].p) == (None, None)
    assert found.table[["gap", "p"]].iloc[1].isna().all()
    assert found.p.isna().to_numpy().tolist() == [[False, True], [True, False]]
    assert found.best_set == ["a", "b"]
    assert any("no example in common" in text and "a and b" in text for text in found.cautions)


def test_a_ranking_prints_as_places_and_not_as_data() -> None:
    """Places, the corrected score, cautions; of many variants the first ten."""
    random = np.random.default_rng(7)
    found = harness.rank(frame({f"v{i}": list(random.uniform(size=20)) for i in range(30)}))
    text = str(found)
    assert found.best and found.best in text and "and 20 more" in text
    assert f"on fresh examples: {found.winner.score:.4g}" in text
    assert "caution: only 20 clusters" in text
    assert len(text) < 1500 and "array" not in text


def test_the_method_speaks_of_halves_only_where_the_winner_is_corrected() -> None:
    """Not with three clusters, and not with one variant."""
    columns = {"a": [0.5, 0.7, 0.6, 0.4], "b": [0.5, 0.6, 0.6, 0.3]}
    assert "random halves" in harness.rank(frame(columns)).method
    assert "as observed" in harness.rank(frame(columns, ["x", "y", "z", "z"])).method
    assert "as observed" in harness.rank(frame({"a": columns["a"]})).method
