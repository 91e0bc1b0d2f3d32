"""Worlds in which the mean is known: scores in clusters that hang together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.study.inference.means import mean_intervals

Floats = NDArray[np.float64]


class MeanWorld(NamedTuple):
    """`kind` of scores with a `mean`, in clusters of these `sizes`, which hang together by `within`.

    `least` is the share of runs in which the interval must hold the mean.
    """

    kind: str
    mean: float
    sizes: tuple[int, ...]
    within: float
    least: float = 0.93

    def __str__(self) -> str:
        unequal = "unequal" if len(set(self.sizes)) > 1 else f"of {self.sizes[0]}"
        return f"{self.kind} {self.mean:g}, {len(self.sizes)} clusters {unequal}, within {self.within:g}"


def unequal(groups: int) -> tuple[int, ...]:
    """Sizes as 40, 20, 13, 10, …: a few documents hold most of the questions."""
    return tuple(max(1, round(40 / (i + 1))) for i in range(groups))


WORLDS = (
    MeanWorld("binary", 0.3, (5,) * 5, 0.4),
    MeanWorld("binary", 0.05, (6,) * 45, 0.4),
    MeanWorld("binary", 0.05, unequal(40), 0.4, 0.925),
    MeanWorld("binary", 0.9, unequal(20), 0.4, 0.925),
    MeanWorld("graded", 0.5, (5,) * 5, 0.8),
    MeanWorld("graded", 0.1, (5,) * 10, 0.4, 0.915),
    MeanWorld("normal", 0.0, unequal(20), 0.8, 0.915),
    MeanWorld("normal", 0.0, (5,) * 5, 0.4),
)


def drawn(world: MeanWorld, runs: int, seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Scores of shape (examples, runs), and the examples' clusters. The true mean is `world.mean`."""
    random = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(len(world.sizes)), world.sizes)
    common = random.standard_normal((len(world.sizes), runs))[clusters]
    own = random.standard_normal((len(clusters), runs))
    hidden = np.sqrt(world.within) * common + np.sqrt(1 - world.within) * own
    if world.kind == "binary":
        return (hidden < stats.norm.ppf(world.mean)).astype(np.float64), clusters
    if world.kind == "graded":
        spread = stats.beta(2 * world.mean, 2 * (1 - world.mean))
        return np.asarray(spread.ppf(stats.norm.cdf(hidden)), dtype=np.float64), clusters
    return hidden, clusters


def covered(world: MeanWorld, runs: int) -> float:
    """The share of runs whose interval holds the true mean."""
    values, clusters = drawn(world, runs)
    ends = (None, None) if world.kind == "normal" else (0.0, 1.0)
    lows, highs = mean_intervals(values, clusters, 0.05, *ends)
    return float(((lows <= world.mean) & (world.mean <= highs)).mean())
