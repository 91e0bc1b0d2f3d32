"""How often the interval of a mean holds the truth, against the bootstrap of clusters and Student's t of G - 1.

    python -m benchmarks.means [--runs 2000]

Prints one row per world: clusters, coverage in percent of each, and how wide ours is against the t.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from tests.study.worlds_of_means import MeanWorld, drawn, unequal

from harness.study.inference.means import mean_intervals

Floats = NDArray[np.float64]
DRAWS = 1000
SHAPES = ((5,) * 5, (5,) * 10, unequal(20), (1,) * 40, unequal(40), (6,) * 45, (1,) * 100, (1,) * 250)
KINDS = (("binary", 0.05), ("binary", 0.3), ("binary", 0.9), ("graded", 0.1), ("graded", 0.5), ("normal", 0.0))


def worlds() -> list[MeanWorld]:
    return [
        MeanWorld(kind, mean, sizes, within)
        for kind, mean in KINDS
        for sizes in SHAPES
        for within in ((0.0, 0.4, 0.8) if max(sizes) > 1 else (0.0,))
    ]


def by_bootstrap(values: Floats, clusters: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Percentiles of means of drawn clusters."""
    count = int(clusters.max()) + 1
    random = np.random.default_rng(0)
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, clusters, values)
    sizes = np.bincount(clusters).astype(np.float64)
    weights = random.multinomial(count, np.full(count, 1 / count), DRAWS).astype(np.float64)
    means = (weights @ sums) / (weights @ sizes)[:, None]
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low, high


def by_t(values: Floats, clusters: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Linearised ratio, G/(G-1), Student's t with G - 1."""
    count = int(clusters.max()) + 1
    mean = values.mean(axis=0)
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, clusters, values - mean)
    half = stats.t.ppf(0.975, count - 1) * np.sqrt(count / (count - 1) * (sums**2).sum(axis=0)) / len(values)
    return mean - half, mean + half


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print(f"{'world':50}  bootstrap  t, G-1  ours  width")
    worst = [1.0, 1.0, 1.0]
    for world in worlds():
        values, clusters = drawn(world, runs)
        ends = (None, None) if world.kind == "normal" else (0.0, 1.0)
        few = min(runs, 400)
        intervals = [
            by_bootstrap(values[:, :few], clusters),
            by_t(values, clusters),
            mean_intervals(values, clusters, 0.05, *ends),
        ]
        held = [float(((low <= world.mean) & (world.mean <= high)).mean()) for low, high in intervals]
        worst = [min(pair) for pair in zip(worst, held, strict=True)]
        width = float((intervals[2][1] - intervals[2][0]).mean() / (intervals[1][1] - intervals[1][0]).mean())
        print(
            f"{world!s:50}  {100 * held[0]:9.1f}  {100 * held[1]:6.1f}  {100 * held[2]:4.1f}  {width:5.2f}", flush=True
        )
    print("lowest:", " ".join(f"{100 * value:.1f}" for value in worst))


if __name__ == "__main__":
    main()
