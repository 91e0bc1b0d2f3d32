"""Intervals that hold at every look."""

from __future__ import annotations

import math

import numpy as np
import pytest
from benchmarks.sequences import LOOKS, World, looked, of_world, sorted_arrival

from harness.study.choosing.framing import Bounds
from harness.study.inference.betting import final_bounds, lower_bounds, shares, upper_bounds
from harness.study.inference.drawing import counted, drawn
from harness.study.inference.sequences import sequences

UNIT = Bounds(0.0, 1.0)


@pytest.mark.parametrize(
    ("world", "what"),
    [
        (World("binary 0.5", 100), "mean"),
        (World("binary 0.95", 200), "mean"),
        (World("binary 0.8", 100, shift=0.3), "difference"),
        (World("binary 0.5", 400, 5), "mean"),
        (World("binary 0.8", 200, 5, shift=0.3), "difference"),
        (World("continuous 0.5", 100), "difference"),
        (World("continuous 0.8", 100, 5), "mean"),
        (World("continuous 0.8", 400, 5, shift=0.3), "difference"),
    ],
    ids=str,
)
def test_twenty_looks_miss_hardly_ever_and_cost_little_width(world: World, what: str) -> None:
    """Of 400 runs at most 6% ever miss where ordinary intervals miss in over 10%; 1.9 times their width at most."""
    found = of_world(world, what, 400, 41)
    assert found.missed <= 0.06
    assert found.naive > 0.1
    assert found.width <= 1.9 * found.fixed


def test_questions_that_come_in_sorted_mislead_nobody() -> None:
    """The easy ones first: in drawn order the truth is held, on what is in it is missed always."""
    missed, trusting, share = sorted_arrival(100)
    assert missed <= 0.06
    assert trusting > 0.9
    assert share < 0.1


def test_units_count_up_to_the_first_that_is_not_in() -> None:
    """Of each column by itself."""
    whole = np.array([[True, False], [True, True], [False, True], [True, True]])
    assert counted(whole).T.tolist() == [[True, True, False, False], [False] * 4]


def test_the_drawn_order_depends_on_seed_and_names_alone() -> None:
    """Not on the order of the dataset; another seed draws another."""
    names = [f"document {i}" for i in range(50)]
    order = [names[i] for i in drawn(names, 7)]
    assert order == [names[::-1][i] for i in drawn(names[::-1], 7)]
    assert sorted(order) == sorted(names) != order
    assert order != [names[i] for i in drawn(names, 8)]


def capital_against(mean: float, scores: list[float], bets: list[float]) -> float:
    """What a bettor on more than `mean` has in the end, plainly reckoned."""
    total = 0.0
    for bet in bets:
        has = 1.0
        for score in scores:
            has *= 1 - bet + bet * score / mean
        total += has / len(bets)
    return total


def test_the_bound_is_where_the_bettor_becomes_rich() -> None:
    """Just below it the capital is above 1 / alpha, just above it is not; the upper bound mirrors."""
    scores = [0.9, 0.2, 1.0, 0.7, 0.6, 0.8, 1.0, 0.5, 0.9, 0.75] * 2
    column = np.array(scores)[:, None]
    ones = np.ones_like(column)
    bets = shares(20, 0.025).tolist()
    low = float(lower_bounds(column, ones, 1.0, 20, 0.025)[0])
    assert 0.2 < low < np.mean(scores)
    assert capital_against(low - 1e-4, scores, bets) > 40 > capital_against(low + 1e-4, scores, bets)
    high = float(upper_bounds(1 - column, ones, 1.0, 20, 0.025)[0])
    assert high == pytest.approx(1 - low, abs=1e-9)


def test_the_order_of_units_does_not_matter() -> None:
    """Neither to betting nor to the t."""
    random = np.random.default_rng(42)
    sums, sizes = random.random((40, 3)) * 2, np.full((40, 3), 2.0)
    order = random.permutation(40)
    for exact in (True, False):
        first, second = (sequences(part, sizes, np.full(40, 2.0), UNIT, 0.05, exact) for part in (sums, sums[order]))
        assert second.low == pytest.approx(first.low)
        assert second.high == pytest.approx(first.high)


def test_the_ends_of_the_t_are_where_the_mixture_is_refused() -> None:
    """The capital of the docstring is 1 / alpha there, for units of equal size."""
    values = np.random.default_rng(43).normal(3, 2, 30)
    found = sequences(values[:, None], np.ones((30, 1)), np.ones(60), Bounds(), 0.05)
    x = -2 * math.log(0.05)
    g = (x + math.log(1 + x)) / 60
    for end in (found.low[0], found.high[0]):
        t = (values.mean() - end) / (values.std(ddof=1) / math.sqrt(30))
        ratio = (1 + t**2 / 29) / (1 + t**2 / (29 * (1 + 30 * g)))
        assert (1 + 30 * g) ** -0.5 * ratio**15 == pytest.approx(20)
    assert not found.exact[0]


def test_unequal_units_bound_the_mean_over_examples() -> None:
    """Large units with low scores, small ones with high: the interval is around the mean of all examples."""
    sizes = np.tile([[9.0], [1.0]], (100, 1))
    sums = sizes * np.tile([[0.2], [0.8]], (100, 1)) + np.random.default_rng(44).normal(0, 0.05, (200, 1)) * sizes
    mean = float(sums.sum() / sizes.sum())
    assert mean == pytest.approx(0.26, abs=0.02)
    for exact in (True, False):
        found = sequences(sums, sizes, np.full(200, 9.0), UNIT, 0.05, exact)
        assert found.low[0] < mean < found.high[0] < 0.45


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_units_that_agree_are_not_certain(value: float) -> None:
    """Twelve clusters with the same mean: the t would be sure, so betting speaks."""
    found = sequences(np.full((12, 1), 5 * value), np.full((12, 1), 5.0), np.full(40, 5.0), UNIT, 0.05)
    assert found.exact[0]
    assert found.high[0] - found.low[0] > 0.2


def test_nothing_is_known_of_nothing() -> None:
    """No unit in: the ends of the range, infinite where there are none; no mean."""
    none = np.zeros((4, 1))
    found = sequences(none, none, np.ones(9), UNIT, 0.05)
    assert (found.low[0], found.high[0], found.units[0]) == (0, 1, 0)
    assert np.isnan(found.means[0])
    found = sequences(none, none, np.ones(9), Bounds(0.0, None), 0.05)
    assert (found.low[0], found.high[0]) == (0, np.inf)


def test_betting_needs_ends() -> None:
    """Unbounded scores have no exact sequence."""
    with pytest.raises(ValueError, match="known ends"):
        sequences(np.ones((3, 1)), np.ones((3, 1)), np.ones(3), Bounds(0.0, None), 0.05, exact=True)


def test_where_a_mean_will_end_is_known_in_the_end() -> None:
    """The bounds of a dataset's own mean hold it at all looks in 94% of 400 runs, and are it when all is in; clusters
    are of unequal size."""
    random = np.random.default_rng(45)
    sizes = np.tile(np.array([1.0, 2.0, 5.0]), 20)
    scores = random.random((60, 1)) * sizes[:, None]
    total, missed, widths = float(sizes.sum()), np.zeros(400, dtype=bool), []
    orders = np.array([random.permutation(60) for _ in range(400)]).T
    truth = float(scores.sum()) / total
    for k in range(1, LOOKS + 1):
        seen = orders[: 60 * k // LOOKS]
        low, high = final_bounds(scores[seen, 0], sizes[seen], 60, total, 0.05)
        missed |= (low > truth + 1e-9) | (high < truth - 1e-9)
        widths.append(float((high - low).mean()))
    assert missed.mean() <= 0.06
    assert widths[-1] == pytest.approx(0, abs=1e-9)
    assert widths[0] > widths[9] > widths[15] > 0


def test_a_sequence_narrows() -> None:
    """From the first look to the last, in the mean over runs."""
    scores, _ = World("binary 0.5", 200).draw(np.random.default_rng(46), 50)
    widths = [float((found.high - found.low).mean()) for _, found in looked(scores, 1, UNIT)]
    assert sorted(widths, reverse=True) == widths
    assert widths[-1] < 0.3
