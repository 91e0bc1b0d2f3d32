"""The front over quality, cost and latency, plainly and beyond noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import UserError
from harness.study.choosing.pareto import pareto, plain_front


def cells(merits: dict[str, tuple[float, float]], noise: float, seed: int, examples: int = 60) -> pd.DataFrame:
    """Quality and latency by cell around their means, and a cost of 1 for all."""
    random = np.random.default_rng(seed)
    common = random.normal(size=examples)
    return pd.concat(
        pd.DataFrame(
            {
                "variant": name,
                "example": range(examples),
                "quality": quality + common + random.normal(0, noise, examples),
                "cost": 1.0,
                "latency": latency + random.normal(0, noise, examples),
            }
        )
        for name, (quality, latency) in merits.items()
    )


def test_the_plain_front_agrees_with_the_definition() -> None:
    """A row is on it when no other is at least as good everywhere and better somewhere."""
    points = np.random.default_rng(1).integers(0, 4, size=(60, 3)).astype(float)
    for point, on_front in zip(points, plain_front(points), strict=True):
        assert on_front == (not any((other >= point).all() and (other > point).any() for other in points))


def test_one_row_per_variant_gives_the_plain_front() -> None:
    """More quality, less cost; equal points stay; who beats is named; that noise is unknown is said."""
    frame = pd.DataFrame({"variant": list("abcd"), "quality": [0.9, 0.8, 0.8, 0.9], "cost_usd": [2, 1, 3, 2]})
    found = pareto(frame)
    assert (found.front, found.kept) == (["a", "b", "d"], ["a", "b", "d"])
    assert found.table.set_index("variant").loc["c", "dominated_by"] == "a"
    assert any("noise is not known" in text for text in found.cautions)


def test_only_what_is_beaten_beyond_noise_is_dropped() -> None:
    """The clearly worse one is; the one that is worse by chance is off the plain front, but kept."""
    frame = cells({"good": (1.0, 1.0), "near": (0.99, 1.01), "bad": (0.0, 3.0), "quick": (0.0, 0.0)}, 0.3, seed=4)
    found = pareto(frame)
    assert found.front == ["good", "quick"]
    assert found.kept == ["good", "near", "quick"]
    assert found.table.set_index("variant").loc["bad", "dominated_by"] == "good"
    assert found.objectives == ("quality", "cost", "latency")


def test_equal_variants_are_seldom_dropped() -> None:
    """In at most 5% of 200 sweeps of six equal variants."""
    dropped = sum(len(pareto(cells(dict.fromkeys("abcdef", (0.0, 0.0)), 1.0, seed)).kept) < 6 for seed in range(200))
    assert dropped <= 10


def test_better_quality_alone_does_not_beat_a_cheaper_variant() -> None:
    """Both are kept when each is better at something."""
    frame = cells({"good": (1.0, 1.0), "cheap": (0.0, 1.0)}, 0.1, seed=2)
    frame.loc[frame["variant"] == "cheap", "cost"] = 0.5
    assert pareto(frame, ["quality"], ["cost"]).kept == ["good", "cheap"]


def test_an_objective_in_which_nothing_differs_decides_nothing() -> None:
    """The same cost to the last digit is no reason to keep a worse variant."""
    frame = cells({"good": (1.0, 1.0), "bad": (0.0, 1.0)}, 0.1, seed=3)
    assert pareto(frame, ["quality"], ["cost"]).kept == ["good"]


@pytest.mark.parametrize(
    ("frame", "named", "found"),
    [
        (pd.DataFrame({"variant": ["a"], "quality": [1]}), {}, "two objectives"),
        (pd.DataFrame({"variant": ["a"], "quality": [1], "cost": [1]}), {"minimize": ["costs"]}, "no column 'costs'"),
        (pd.DataFrame({"variant": ["a"], "quality": [1], "cost": [None]}), {}, "cost has no value for a"),
        (pd.DataFrame({"quality": [1], "cost": [1]}), {}, "no column 'variant'"),
        (pd.DataFrame({"variant": ["a", "a"], "quality": [1, 2], "cost": [1, 2]}), {}, "two rows"),
    ],
)
def test_what_has_no_front_is_refused(frame: pd.DataFrame, named: dict[str, list[str]], found: str) -> None:
    """Each with what was found."""
    with pytest.raises(UserError, match=found):
        pareto(frame, **named)  # type: ignore[arg-type]
