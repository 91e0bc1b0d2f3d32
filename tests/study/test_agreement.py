"""Agreement beyond chance, its interval, and judges against themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa

from harness.errors import UserError
from harness.study.judging.agreement import agreement, kappa
from harness.study.judging.consistency import disagreement, self_consistency
from harness.study.judging.judgements import Judgement, Opinion, opinions_in


def of_table(table: list[list[int]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two raters whose answers make this table: rows are the first one's values, columns the second one's."""
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    first, second = np.array(pairs, dtype=float).T
    return first, second


def test_kappa_of_textbook_tables() -> None:
    """Two tables whose kappa is known: 50 grants, 0.4; 100 pairs that agree in 60, 0.1304."""
    assert kappa(*of_table([[20, 5], [10, 15]])) == pytest.approx(0.4, abs=1e-12)
    assert kappa(*of_table([[45, 15], [25, 15]])) == pytest.approx(3 / 23, abs=1e-12)


@given(st.lists(st.lists(st.integers(1, 30), min_size=4, max_size=4), min_size=4, max_size=4))
def test_kappa_is_that_of_statsmodels(table: list[list[int]]) -> None:
    """Quadratic weights on four grades, and no weights on the two of a cut table."""
    a, b = of_table(table)
    found = agreement(a, b)
    assert found.kind == "graded"
    assert found.kappa == pytest.approx(cohens_kappa(np.array(table), wt="quadratic").kappa, abs=1e-9)
    cut = [row[:2] for row in table[:2]]
    binary = agreement(*of_table(cut))
    assert binary.kind == "binary"
    assert binary.kappa == pytest.approx(cohens_kappa(np.array(cut)).kappa, abs=1e-9)


def test_counts_of_a_binary_table() -> None:
    """By hand: 20 true positives, 5 false ones, 10 false negatives, 15 true ones."""
    found = agreement(*of_table([[15, 10], [5, 20]]))
    assert found.table == {"true_positive": 20, "false_positive": 5, "false_negative": 10, "true_negative": 15}
    assert (found.sensitivity, found.specificity, found.agree, found.n) == (20 / 30, 15 / 20, 0.7, 50)
    assert found.equal is None
    assert found.bias == pytest.approx((25 - 30) / 50)


def test_graded_values_agree_on_a_yes_more_often_than_they_are_equal() -> None:
    """`agree` is the share on the diagonal of the table, `equal` that of the very same values."""
    found = agreement([0.0, 0.25, 0.75, 1.0, 1.0], [0.0, 0.0, 1.0, 0.75, 0.25])
    assert (found.kind, found.agree, found.equal) == ("graded", 0.8, 0.2)
    assert found.agree == (found.table["true_positive"] + found.table["true_negative"]) / found.n


def test_a_continuous_judge_is_cut_where_labels_are_yes_or_no() -> None:
    """0.6 is a yes at 0.5 and a no at 0.7."""
    rated, labels = [0.6, 0.9, 0.1, 0.6], [1, 1, 0, 1]
    assert agreement(rated, labels).kappa == 1
    assert agreement(rated, labels, at=0.7).sensitivity == pytest.approx(1 / 3)


def test_a_yes_may_lie_below_a_threshold() -> None:
    """0 errors are a yes where at most 0 pass; between two ends a value may be too low and too high."""
    rated, labels = [0, 0, 2, 1], [0, 0, 1, 0]
    found = agreement(rated, labels, at=-math.inf, at_most=0)
    assert found.table == {"true_positive": 2, "false_positive": 0, "false_negative": 1, "true_negative": 1}
    assert (found.at, found.at_most, found.yes) == (-math.inf, 0, "0 and below")
    both = agreement([1, 2, 3, 2], [0, 2, 0, 2], at=2, at_most=2)
    assert (both.kappa, both.agree, both.yes) == (1, 1, "2 to 2")
    assert agreement(rated, labels).yes == "0.5 and above"


def test_graded_labels_have_correlations_too() -> None:
    """A judge that is right but for a constant: correlation 1, kappa below it."""
    labels = np.linspace(0, 0.8, 20)
    found = agreement(labels + 0.2, labels)
    assert found.pearson == pytest.approx(1)
    assert found.spearman == pytest.approx(1)
    assert found.kappa is not None
    assert found.kappa < 0.9
    assert found.bias == pytest.approx(0.2)


@pytest.mark.parametrize("rated", [[1, 1, 1, 1], [1, 0, 1, 0]])
def test_labels_of_one_kind_say_so(rated: list[int]) -> None:
    """No NaN, no zero that looks like a finding."""
    found = agreement(rated, [1, 1, 1, 1])
    assert (found.kappa, found.low, found.high) == (None, None, None)
    assert "all labels are a yes" in found.note
    assert found.specificity is None


def test_a_judge_that_never_changes_its_mind_agrees_by_chance() -> None:
    """Kappa 0, no interval, and a note."""
    found = agreement([1, 1, 1, 1], [1, 0, 1, 1])
    assert (found.kappa, found.low) == (0, None)
    assert "no better than chance" in found.note


def test_full_agreement_in_few_answers_is_not_certain() -> None:
    """The lower end rises with the number of answers, and stays below 1."""
    lows = [agreement([1, 0] * n, [1, 0] * n).low or 0.0 for n in (10, 50, 250)]
    assert lows == sorted(lows)
    assert lows[0] < 0.75 < lows[-1] < 1


def test_the_interval_covers_kappa_with_clusters() -> None:
    """30 clusters of 5 dependent answers: 95% intervals hold the true kappa in at least 92% of 300 samples."""
    random = np.random.default_rng(3)
    prevalence, sensitivity, specificity = 0.6, 0.92, 0.75
    yes = prevalence * sensitivity + (1 - prevalence) * (1 - specificity)
    agree = prevalence * sensitivity + (1 - prevalence) * specificity
    chance = prevalence * yes + (1 - prevalence) * (1 - yes)
    truth, covered = (agree - chance) / (1 - chance), 0
    clusters = np.repeat(np.arange(30), 5)
    for _ in range(300):
        good = random.random(150) < random.beta(1.4, 1.4 * 2 / 3, 30)[clusters]
        rated = random.random(150) < np.where(good, sensitivity, 1 - specificity)
        found = agreement(rated, good, clusters.tolist())
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered / 300 >= 0.92


def test_lengths_must_fit() -> None:
    """A clear error."""
    with pytest.raises(UserError, match="one length"):
        agreement([1, 0], [1])


def test_draws_and_judges_are_told_apart() -> None:
    """One judge contradicts itself in one cell of two; two judges agree in one cell of two."""
    found = [
        Judgement(1.0, (Opinion("a", 0, 1.0), Opinion("a", 1, 1.0), Opinion("b", 0, 1.0))),
        Judgement(0.5, (Opinion("a", 0, 1.0), Opinion("a", 1, 0.0), Opinion("b", 0, 0.0))),
    ]
    first, second = self_consistency(found, 0.0, 1.0)
    assert (first.judge, first.n, first.draws, first.agree) == ("a", 2, 2, 0.5)
    assert first.spread == pytest.approx(0.5**0.5 / 2)
    assert (second.n, second.agree, second.spread) == (0, None, None)
    panel = disagreement(found, 0.0, 1.0)
    assert panel is not None
    assert (panel.judges, panel.n, panel.agree) == (2, 2, 0.5)
    assert disagreement([Judgement(1.0)], 0.0, 1.0) is None


@pytest.mark.parametrize("text", [None, "", "no json", "[]", '{"opinions": 3}', '{"opinions": [{"judge": "a"}]}'])
def test_details_without_opinions_are_none(text: str | None) -> None:
    """Older sweeps and other metrics have other details, or none."""
    assert opinions_in(text) == ()


def test_failed_opinions_are_passed_over() -> None:
    """An entry with a failure in place of the value."""
    text = '{"opinions": [{"judge": "a", "draw": 0, "value": 1}, {"judge": "a", "draw": 1, "failure": "timeout"}]}'
    assert opinions_in(text) == (Opinion("a", 0, 1.0),)


@pytest.mark.parametrize(
    ("one", "other"), [([4, 4, 5, 4, 2, 2, 2, 2, 4, 4], [4, 5, 5, 4, 4, 5, 4, 4, 5, 4]), ([3, 3, 3], [3, 4, 5])]
)
def test_the_order_of_two_people_does_not_matter(one: list[int], other: list[int]) -> None:
    """Kind, kappa and interval are the same either way, also where one of them used two values of the scale only."""
    there, back = agreement(one, other, alike=True, at=3), agreement(other, one, alike=True, at=3)
    assert (there.kind, there.kappa, there.low, there.high) == (back.kind, back.kappa, back.low, back.high)
    assert there.kind == "graded" and there.kappa is not None
