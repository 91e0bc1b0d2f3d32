"""Nights: the budget of false alarms holds for a quarter, losses are seen soon, drift is told from a loss of ours."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.gate import WORLDS, blames, simulate

from harness.errors import UserError
from harness.study.gate.control import DRIFT, EITHER, OURS, attributed
from harness.study.gate.nights import Replicates, boundary, replicates, suspicious, watched


def test_a_quarter_without_change_keeps_the_budget_and_a_loss_is_seen() -> None:
    """120 quarters of 90 nights: false alarms in at most 5% (and the luck of 120), 5 points seen within 3 nights in
    90%, at most 1.3 times the calls; a plain test alarms in half of such quarters."""
    found = simulate(WORLDS[1], 120, 10, seed=11)
    assert found.false <= 0.10
    assert found.seen >= 0.9 and found.seen_part >= 0.9
    assert found.calls <= 1.3
    assert found.plain > 0.4


def test_a_loss_of_the_provider_is_not_laid_to_us() -> None:
    """The control moves with the provider and not with the candidate."""
    assert blames(WORLDS[1], 100, 10, 0.1, 0.0)[OURS] > 0.9
    assert blames(WORLDS[1], 100, 10, 0.0, 0.1)[DRIFT] > 0.8


def test_attribution_by_hand() -> None:
    """A control that stands still blames the candidate, one that fell as far does not; a wide one tells nothing."""
    assert attributed(-0.05, 0.01, 0.0, 0.01).blame == OURS
    assert attributed(-0.05, 0.01, -0.05, 0.01).blame == DRIFT
    assert attributed(-0.05, 0.01, -0.02, 0.05).blame == EITHER


def test_the_noise_is_that_of_nights_not_of_questions() -> None:
    """Questions that always get the same score have no noise but one flip's; clustered flips weigh more."""
    random = np.random.default_rng(3)
    fixed = np.repeat((random.random(400) < 0.5).astype(float)[:, None], 5, axis=1)
    own = np.arange(400)
    assert replicates(fixed, own, 1.0).error == pytest.approx(np.sqrt(1 / 5) / 400)
    flips = np.repeat((random.random((100, 5)) < 0.5).astype(float), 4, axis=0)
    single = replicates(flips, own, 1.0).error
    assert replicates(flips, own // 4, 1.0).error == pytest.approx(2 * single, rel=0.01)
    assert single == pytest.approx(0.5 / 20, rel=0.1)


def test_one_stored_answer_is_not_enough() -> None:
    """Without replicates the noise is not known; more nights than a quarter has are refused."""
    with pytest.raises(UserError, match="baseline with replicates"):
        replicates(np.ones((10, 1)), np.arange(10), 1.0)
    with pytest.raises(UserError, match="begin a new one"):
        watched([0.5] * 4, Replicates(0.5, 0.01, 100, 3), 3, 0.05)


def test_what_was_reverted_alarms_no_more() -> None:
    """After one night of another configuration tonight's is judged by its own nights too; a loss of its own alarms."""
    base = Replicates(0.8, 0.01, 1000, 10)
    reverted = [0.8, 0.5, 0.8]
    assert watched(reverted, base, 90, 0.05, margin=0.02).alarm
    assert not watched(reverted, base, 90, 0.05, margin=0.02, same=1).alarm
    assert watched([0.8, 0.5, 0.7], base, 90, 0.05, margin=0.02, same=1).alarm


def test_more_nights_and_fewer_replicates_need_a_larger_loss() -> None:
    """The limit pays for every look, and for the baseline's own luck."""
    assert boundary(7, 10, 0.05) < boundary(90, 10, 0.05)
    assert boundary(90, 10, 0.01) > boundary(90, 10, 0.05)


def test_an_alarm_needs_more_than_the_margin() -> None:
    """A loss beyond noise but within the margin is no alarm; the loudest window is told."""
    base = Replicates(0.8, 0.001, 500, 10)
    assert not watched([0.79], base, 90, 0.05, margin=0.02).alarm
    night = watched([0.8, 0.77], base, 90, 0.05, margin=0.02)
    assert night.alarm and night.window == 1 and night.difference == pytest.approx(-0.03)
    assert suspicious(0.79, base) and not suspicious(0.7995, base)
