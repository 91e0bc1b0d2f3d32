"""The bound that a test's comparison rests on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.pytest_plugin.bound import Bound, lower, upper
from harness.study.choosing.matrix import Matrix
from harness.study.figures import figures


def matrix(values: NDArray[np.float64], failed: int = 0, clusters: list[int] | None = None) -> Matrix:
    """Scores of one variant, a cell each; then as many examples without a score."""
    whole = np.concatenate([values, np.full(failed, np.nan)])[:, None]
    scored = (~np.isnan(whole)).astype(np.int64)
    names = [f"e{i}" for i in range(len(whole))]
    codes = np.array(clusters if clusters is not None else range(len(whole)))
    return Matrix("m", ["v"], names, codes, whole, scored, 1 - scored, np.zeros_like(scored))


def found(bound: Bound | None) -> Bound:
    """The bound, which there is."""
    assert bound is not None
    return bound


def mixed(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Scores like token F1: mostly high, a tenth are 0. Their mean is 0.8."""
    return np.where(random.random(count) < 0.1, 0.0, random.beta(8, 1, count))


@pytest.mark.parametrize("count", [5, 10, 20, 40])
def test_the_bound_is_seldom_above_the_truth(count: int) -> None:
    """Of 200 small samples at most 5% have a bound above the true mean, 0.8."""
    random = np.random.default_rng(3)
    bounds = [found(lower(matrix(mixed(random, count)), "v", 0.0, 1.0)) for _ in range(200)]
    assert np.mean([bound.value > 0.8 for bound in bounds]) <= 0.05


def test_what_is_too_rare_to_show_is_allowed_for() -> None:
    """Five good answers look alike; the interval believes it, the bound leaves room for the tenth that is 0."""
    random = np.random.default_rng(3)
    bounds = [found(lower(matrix(mixed(random, 5)), "v", 0.0, 1.0)) for _ in range(200)]
    assert np.mean([bound.interval > 0.8 for bound in bounds]) > 0.05
    assert not any(bound.value > 0.8 for bound in bounds)


def test_with_many_examples_the_bound_is_the_end_of_the_interval() -> None:
    """400 examples with usual spread: what is unseen is less than what is seen."""
    sample = matrix(np.random.default_rng(0).random(400))
    figure = figures(sample, 0.0, 1.0)["v"]
    assert found(lower(sample, "v", 0.0, 1.0)).value == figure.low
    assert -found(upper(sample, "v", 0.0, 1.0)).value == pytest.approx(figure.high)


def test_twelve_perfect_answers_are_no_proof_of_perfection() -> None:
    """The bound is 0.025^(1/12), whatever the resampled interval says."""
    bound = found(lower(matrix(np.ones(12)), "v", 0.0, 1.0))
    assert bound.value == pytest.approx(0.025 ** (1 / 12))
    needed = bound.needed(0.9)
    assert needed == 36
    assert found(lower(matrix(np.ones(36)), "v", 0.0, 1.0)).value >= 0.9
    assert found(lower(matrix(np.ones(34)), "v", 0.0, 1.0)).value < 0.9


def test_cells_without_a_score_count_as_the_worst_on_either_side() -> None:
    """Failing never helps: ten of 50 failed, so the bounds are of means with ten zeros, or ten ones."""
    values = np.random.default_rng(1).random(40)
    below, above = lower(matrix(values, 10), "v", 0.0, 1.0), upper(matrix(values, 10), "v", 0.0, 1.0)
    assert found(below).mean == pytest.approx(values.sum() / 50)
    assert -found(above).mean == pytest.approx((values.sum() + 10) / 50)


def test_an_open_range_has_no_bound_where_cells_failed() -> None:
    """A call that never came back may have taken any time; those that did come back say nothing of it."""
    times = np.random.default_rng(2).gamma(2.0, 300.0, 60)
    assert upper(matrix(times, 1), "v", 0.0, None) is None
    assert -found(upper(matrix(times), "v", 0.0, None)).value > times.mean()
    assert found(lower(matrix(times, 1), "v", 0.0, None)).value < times.mean()


def test_one_cluster_has_no_bound() -> None:
    """Forty questions about one document are one observation."""
    assert lower(matrix(np.random.default_rng(2).random(40), clusters=[0] * 40), "v", 0.0, 1.0) is None


def test_the_number_of_examples_needed_is_about_enough() -> None:
    """As many lift the bound over the number in about half of samples; a quarter of them in few."""
    random = np.random.default_rng(5)
    pilot = found(lower(matrix(mixed(random, 60)), "v", 0.0, 1.0))
    asked = pilot.mean - 0.04
    needed = pilot.needed(asked)
    assert needed is not None and needed > 60

    def reached(count: int) -> float:
        shifted = (mixed(random, count) + (pilot.mean - 0.8) for _ in range(60))
        return float(np.mean([found(lower(matrix(sample), "v", 0.0, 1.0)).value >= asked for sample in shifted]))

    assert reached(needed) > 0.3
    assert reached(needed // 4) < 0.3
    assert pilot.needed(pilot.mean) is None
