"""Means of judged answers, corrected with labels."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.prediction_powered import differences, means

from harness.errors import UserError
from harness.study.judging.prediction_powered import LEAST_LABELS, Judged, corrected_difference, corrected_mean


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("prevalence", [0.3, 0.6, 0.8])
def test_intervals_cover_the_truth_and_are_shorter_than_of_labels_alone(prevalence: float, size: int) -> None:
    """A judge with sensitivity 0.92 and false positives 0.25, 150 labels of 2,000 judged, in 300 evaluations."""
    covered, _, width, alone = means(prevalence, size, 300)
    assert covered >= 0.93
    assert width < 0.9 * alone


def test_the_difference_of_two_variants_is_covered_too() -> None:
    """Both labelled apart, 300 evaluations."""
    covered, ratio = differences(0.6, 0.66, 300)
    assert covered >= 0.93
    assert ratio < 0.85


def test_a_judge_that_is_off_by_a_constant_is_put_right() -> None:
    """The judge says 0.2 too much everywhere: the corrected mean is the labels' own of all answers."""
    random = np.random.default_rng(0)
    truth = random.random(500)
    labels = np.where(np.arange(500) < 100, truth, np.nan)
    found = corrected_mean(Judged.of(truth + 0.2, labels), (None, None))
    assert found.raw == pytest.approx(truth.mean() + 0.2)
    assert found.mean == pytest.approx(truth.mean())
    assert found.tuning == pytest.approx((1.0,))


def test_a_judge_that_knows_nothing_is_not_listened_to() -> None:
    """Its weight is near 0, and the mean that of the labels."""
    random = np.random.default_rng(1)
    truth, scores = (random.random(2000) < 0.7).astype(float), (random.random(2000) < 0.5).astype(float)
    labels = np.where(np.arange(2000) < 200, truth, np.nan)
    found = corrected_mean(Judged.of(scores, labels))
    assert found.tuning[0] < 0.2
    assert found.mean == pytest.approx(truth[:200].mean(), abs=0.01)


def test_few_labels_correct_nothing() -> None:
    """It says how many more are needed."""
    labels = np.full(100, np.nan)
    labels[: LEAST_LABELS - 3] = 1
    found = corrected_mean(Judged.of(np.ones(100), labels))
    assert (found.mean, found.low, found.high, found.raw) == (None, None, None, 1)
    assert found.n_labels == 17
    assert "3 more" in found.note


def test_one_cluster_corrects_nothing() -> None:
    """Labels of answers that all depend on each other are one label."""
    found = corrected_mean(Judged.of(np.ones(100), np.ones(100), ["same"] * 100))
    assert found.mean is None
    assert "1 clusters" in found.note


def test_a_judge_that_was_never_wrong_is_not_certain() -> None:
    """30 labels without an error leave room for more than 10 points either way, within the scale."""
    labels = np.where(np.arange(1000) < 30, 1.0, np.nan)
    found = corrected_mean(Judged.of(np.ones(1000), labels))
    assert found.mean == pytest.approx(1)
    assert found.low is not None
    assert found.low < 0.9
    assert found.high == 1


def test_answers_weigh_as_much_as_the_cells_that_gave_them() -> None:
    """Every answer once with a weight, or as often as its weight says in one cluster: the same figures."""
    random = np.random.default_rng(2)
    truth, scores = (random.random((2, 60)) < 0.6).astype(float)
    labels = np.where(np.arange(60) < 40, truth, np.nan)
    weights = random.integers(1, 5, 60)
    once = corrected_mean(Judged.of(scores, labels, list(range(60)), weights))
    again = list(np.repeat(np.arange(60), weights))
    often = corrected_mean(Judged.of(np.repeat(scores, weights), np.repeat(labels, weights), again))
    assert [once.mean, once.low, once.high] == pytest.approx([often.mean, often.low, often.high])


def test_unequal_chances_are_undone() -> None:
    """Bad answers were drawn three times as often; over 200 draws the corrected mean is right all the same."""
    random = np.random.default_rng(4)
    truth = (random.random(1000) < 0.6).astype(float)
    chance = np.where(truth == 1, 0.1, 0.3)
    found = []
    for _ in range(200):
        labels = np.where(random.random(1000) < chance, truth, np.nan)
        mean = corrected_mean(Judged.of(np.full(1000, 0.5), labels, chances=0.1 / chance)).mean
        assert mean is not None
        found.append(mean)
    assert np.mean(found) == pytest.approx(truth.mean(), abs=0.01)


def test_equal_variants_differ_by_nothing() -> None:
    """What two variants have in common is paired away."""
    random = np.random.default_rng(5)
    scores, truth = (random.random((2, 200)) < 0.6).astype(float)
    part = Judged.of(scores, np.where(np.arange(200) < 60, truth, np.nan))
    found = corrected_difference(part, part)
    assert [found.mean, found.low, found.high] == pytest.approx([0, 0, 0])


def test_missing_scores_are_refused() -> None:
    """A NaN among the scores is no zero."""
    with pytest.raises(UserError, match="1 of 2 scores are missing"):
        Judged.of([1, np.nan], [1, 1])
