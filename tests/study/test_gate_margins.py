"""What a gate decides of one row: passes are not worse than the margin, regressions are beyond noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.study.gate.margins import PASS, REGRESSION, UNSURE, judged, settled


def scores(
    seed: int, n: int, base: float = 0.7, drop: float = 0.0, noise: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Candidate and baseline (n examples): binary scores, of which a share is drawn anew."""
    random = np.random.default_rng(seed)
    before = (random.random(n) < base).astype(float)
    again = (random.random(n) < base).astype(float)
    after = np.where(random.random(n) < noise, again, before)
    return np.where(random.random(n) < drop / base, 0.0, after), before


def names(n: int, size: int = 1) -> list[str]:
    """The cluster of each example."""
    return [f"c{i // size}" for i in range(n)]


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_dozen_alike_examples_cannot_tell_and_name_the_number(value: float) -> None:
    """That twelve of twelve agree leaves room for more than a margin of 2 points: ln(0.05)/ln(0.98) = 148.3."""
    same = np.full(12, value)
    found = judged(same, same, names(12), 0.02, 1.0, 0.05)
    assert found.verdict == UNSURE
    assert found.low == pytest.approx(-(1 - 0.05 ** (1 / 12)))
    assert found.needed == math.ceil(math.log(0.05) / math.log(0.98)) + 1


def test_as_many_as_it_names_settle_it() -> None:
    """With the number that was asked for, the same agreement passes; with clusters it is clusters that count."""
    for size in (1, 4):
        few = judged(np.ones(12), np.ones(12), names(12, size), 0.02, 1.0, 0.05)
        assert few.needed is not None
        whole = size * math.ceil(few.needed / size)
        many = judged(np.ones(whole), np.ones(whole), names(whole, size), 0.02, 1.0, 0.05)
        assert (few.verdict, many.verdict) == (UNSURE, PASS)


def test_a_large_loss_is_a_regression_and_a_small_one_is_not() -> None:
    """20 points lost of 400 examples are; half a point with a margin of 2 is not."""
    assert judged(*scores(1, 400, drop=0.2), names(400), 0.02, 1.0, 0.05).verdict == REGRESSION
    assert judged(*scores(1, 4000, drop=0.005, noise=0.02), names(4000), 0.02, 1.0, 0.05).verdict == PASS


def test_a_gain_passes_whatever_its_noise() -> None:
    """A candidate that is clearly better has nothing to prove about a margin."""
    worse, better = scores(3, 400, drop=0.2)
    assert judged(better, worse, names(400), 0.02, 1.0, 0.05).verdict == PASS


def test_no_change_is_seldom_a_regression_however_many_rows() -> None:
    """Of 200 gates of four rows without change at most 5% (and the luck of 200) name a regression."""
    alarms = 0
    for seed in range(200):
        rows = [judged(*scores(100 * seed + k, 90), names(90, 3), 0.02, 1.0, 0.05) for k in range(4)]
        alarms += any(row.verdict == REGRESSION for row in settled(rows, 0.05))
    assert alarms <= 17


def test_what_lost_more_than_the_margin_seldom_passes() -> None:
    """Of 300 candidates that lose exactly the margin at most 5% (and the luck of 300) pass."""
    passed = sum(
        judged(*scores(seed, 1000, drop=0.05, noise=0.0), names(1000), 0.05, 1.0, 0.05).verdict == PASS
        for seed in range(300)
    )
    assert 0 < passed <= 24


def test_correction_takes_claims_back_and_never_makes_any() -> None:
    """A loss that is beyond noise alone is not one among forty rows; what passes alone passes among others."""
    near = next(
        row
        for row in (judged(*scores(seed, 200, drop=0.05), names(200), 0.02, 1.0, 0.05) for seed in range(100))
        if row.verdict == REGRESSION and row.p > 0.01
    )
    calm = judged(np.ones(500), np.ones(500), names(500), 0.02, 1.0, 0.05)
    [first, *rest] = settled([near, *[calm] * 39], 0.05)
    assert first.verdict == UNSURE
    assert {row.verdict for row in rest} == {PASS}


def test_the_number_that_would_settle_it_settles_it() -> None:
    """From 60 noisy examples: with as many as named, and no loss, about 80% of gates pass."""
    rows = (judged(*scores(seed, 60, noise=0.3), names(60), 0.05, 1.0, 0.05) for seed in range(100))
    few = next(row for row in rows if row.verdict == UNSURE and abs(row.difference) < 0.02)
    assert few.needed is not None and few.needed > 60
    n = few.needed
    passed = sum(
        judged(*scores(1000 + seed, n, noise=0.3), names(n), 0.05, 1.0, 0.05).verdict == PASS for seed in range(100)
    )
    assert passed >= 60
