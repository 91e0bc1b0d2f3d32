"""How many examples a difference needs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from benchmarks.comparison import World
from scipy.stats import binom
from statsmodels.stats.power import TTestPower

import harness
from harness.errors import UserError
from harness.study.inference.design import Design, mcnemar_power, t_power
from harness.study.inference.mcnemar import mid_p


@pytest.mark.parametrize("effect", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("n", [5, 40, 900])
def test_the_power_of_the_t_test_is_that_of_statsmodels(effect: float, n: int) -> None:
    """To 1e-9, and the smallest difference that n show as well."""
    expected = TTestPower().power(effect, n, 0.05)
    expected = 1.0 if np.isnan(expected) else expected  # statsmodels loses it far from zero
    assert t_power(effect * 0.4, 0.16 / n, n, 0.05) == pytest.approx(expected, abs=1e-9)
    found = Design(0.16).detectable(n, 0.8, 0.05)
    assert TTestPower().power(found / 0.4, n, 0.05) == pytest.approx(0.8, abs=1e-8)


@pytest.mark.parametrize(("n", "discordance", "difference"), [(30, 0.3, 0.2), (80, 0.15, 0.05), (40, 0.2, 0.2)])
def test_the_power_of_the_binary_test_is_the_sum_over_all_outcomes(
    n: int, discordance: float, difference: float
) -> None:
    """To 1e-9, each pair of wins and losses by itself."""
    total, win = 0.0, (discordance + difference) / 2
    for discordant in range(n + 1):
        for wins in range(discordant + 1):
            if float(mid_p(wins, discordant - wins)) < 0.05:
                total += binom.pmf(discordant, n, discordance) * binom.pmf(wins, discordant, win / discordance)
    assert mcnemar_power(discordance, difference, n, 0.05) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("alpha", [1e-9, 0.001, 0.05, 0.4])
def test_the_critical_numbers_are_the_largest_that_claim(alpha: float) -> None:
    """For up to 300 discordant pairs, one by one."""
    from harness.study.inference.design import _critical

    for n, found in enumerate(_critical(np.arange(301), alpha)):
        claims = np.nonzero(mid_p(n - np.arange(n // 2 + 1), np.arange(n // 2 + 1)) < alpha)[0]
        assert found == (claims.max() if len(claims) else -1)


@pytest.mark.parametrize(
    "world",
    [
        World("binary 0.5", 100, 1, shift=0.4),
        World("normal", 100, 5, 0.3, shift=0.4),
        World("normal", 60, 1, shift=0.4),
    ],
    ids=str,
)
def test_compare_finds_differences_as_often_as_power_says(world: World) -> None:
    """Within 6 points, the error of 600 runs being 2."""
    share = np.mean([found.claims_difference for found in world.found(600, seed=3)])
    random = np.random.default_rng(1)
    a, b = World(world.kind, 200_000, world.cluster, world.within, shift=world.shift).scores(random)
    clusters = None if world.cluster == 1 else np.arange(200_000) // world.cluster
    known = harness.power(a, b, clusters, difference=float((a - b).mean()), n=world.n)
    assert known.solved == "power"
    assert abs(share - known.power) < 0.06


def test_the_three_questions_answer_each_other() -> None:
    """Examples for a difference, the difference for so many, the power of both."""
    needed = harness.power(sd=0.5, icc=0.2, cluster_size=4, difference=0.03)
    assert needed.clusters == pytest.approx(needed.n / 4)
    assert needed.design_effect == pytest.approx(1.6)
    shown = harness.power(sd=0.5, icc=0.2, cluster_size=4, n=needed.n)
    assert shown.difference == pytest.approx(0.03, rel=1e-3)
    assert harness.power(sd=0.5, icc=0.2, cluster_size=4, n=needed.n, difference=0.03).power >= 0.8
    assert harness.power(sd=0.5, icc=0.2, cluster_size=4, n=needed.n - 4, difference=0.03).power < 0.8


def test_a_pilot_gives_its_own_spread_and_says_how_many_more() -> None:
    """Clusters make it more; few clusters are said."""
    random = np.random.default_rng(2)
    clusters = np.repeat(np.arange(25), 4)
    a = np.repeat(random.normal(0, 0.3, 25), 4) + random.normal(0, 0.2, 100)
    alone, clustered = (harness.power(a, np.zeros(100), c, difference=0.05) for c in (None, clusters))
    assert alone.more == alone.n - 100
    assert clustered.n > 1.5 * alone.n
    assert "only 25 clusters" in str(clustered)
    assert f"{clustered.more:,} more than the 100 there are" in clustered.sentence
    own = harness.power(a, np.zeros(100), clusters)
    assert own.n == 100
    assert own.difference == pytest.approx(harness.compare(a, np.zeros(100), clusters).detectable)


def test_more_power_needs_more_examples() -> None:
    """Binary scores: and a smaller difference too."""
    counts = [
        harness.power(discordance=0.2, difference=d, power=p).n for d, p in ((0.1, 0.8), (0.1, 0.95), (0.03, 0.8))
    ]
    assert counts == sorted(counts)
    assert len(set(counts)) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either `sd`"),
        ({"sd": 1.0}, "give `difference`"),
        ({"sd": 1.0, "discordance": 0.1, "n": 5}, "either `sd`"),
        ({"sd": -1.0, "n": 50}, "sd is above 0"),
        ({"discordance": 1.5, "n": 50}, "discordance"),
        ({"sd": 1.0, "n": 50, "icc": 2.0}, "icc"),
        ({"sd": 1.0, "n": 1}, "at least 2"),
        ({"sd": 1.0, "n": 50, "alpha": 5}, "alpha"),
        ({"sd": 1.0, "n": 50, "difference": 0.1, "power": 0.9}, "two at most"),
        ({"sd": 1.0, "difference": 1e-6}, "ten million"),
        ({"sd": 1.0, "n": 8, "cluster_size": 8}, "no difference"),
        ({"discordance": 0.02, "difference": 0.05}, "a difference of 0.05 cannot be: .* 0.02"),
        ({"discordance": 0.02, "difference": 0.05, "n": 50}, "a difference of 0.05 cannot be"),
        ({"discordance": 0.02, "n": 50}, "50 examples show no difference .* 0.02 .*, and 0.131 would be needed"),
        ({"sd": 0.2, "n": 100, "icc": 0.3}, "icc is 0.3, .*cluster_size"),
        ({"sd": "x", "n": 100}, "sd is 'x'; give a number"),
        ({"sd": 0.2, "n": "x"}, "n is 'x'; give a number"),
        ({"sd": 0.2, "n": 50.5}, "whole number of at least 2, got 50.5"),
        ({"sd": 0.2, "difference": "x"}, "difference is 'x'; give a number"),
        ({"sd": 0.2, "difference": np.float64(0.0)}, "above 0, got 0$"),
        ({"sd": 0.2, "n": 50, "power": None, "icc": None}, "icc is None"),
        ({"sd": 0.2, "n": 50, "alpha": "x"}, "alpha is 'x'; give a number"),
        ({"a": [1, 0]}, "two sets"),
        ({"a": [1, 0, 1], "b": [0, 0, 1], "sd": 1.0}, "pilot tells"),
        ({"a": [1.0, 1.0], "b": [0.0, 0.0]}, "without spread"),
    ],
)
def test_what_cannot_be_answered_is_refused(given: dict[str, Any], said: str) -> None:
    """With what to give instead."""
    with pytest.raises(UserError, match=said):
        harness.power(**given)


def test_nothing_is_detectable_without_spread_or_clusters() -> None:
    """Infinite, not zero."""
    assert Design(0.0).detectable(50, 0.8, 0.05) == math.inf
    assert Design(1.0, size=50).detectable(50, 0.8, 0.05) == math.inf
    assert Design(0.0).needed(0.1, 0.8, 0.05) is None
