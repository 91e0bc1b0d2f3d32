"""What `harness.compare` claims when nothing is there, and what it finds when something is.

python -m benchmarks.comparison [runs]     # 1000; the power of the tests takes 4 times as many
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import harness
from harness.study.comparing.comparison import Comparison

SIZES = (50, 100, 200, 400)
CLUSTERS = (1, 5, 10)
KINDS = ("normal", "skewed", "graded", "binary 0.5", "binary 0.05", "binary 0.95")

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class World:
    """How scores come about. Both variants share how hard a question is; each has its own luck with a cluster
    (`within`: its share of the rest of the variance, the correlation within a cluster) and with an example.
    """

    kind: str
    n: int
    cluster: int
    within: float = 0.0
    unequal: bool = False
    shift: float = 0.0

    def clusters(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The cluster of each example. Unequal ones are as large as 1, 1/2, 1/3, … of the first."""
        groups = self.n // self.cluster
        if not self.unequal or self.cluster == 1:
            return np.arange(self.n) // self.cluster
        share = 1 / np.arange(1, groups + 1)
        sizes = np.maximum(1, np.floor(share / share.sum() * self.n)).astype(int)
        while sizes.sum() > self.n:
            sizes[sizes.argmax()] -= 1
        sizes[0] += self.n - sizes.sum()
        return np.repeat(np.arange(groups), sizes)

    def scores(self, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Scores of two variants, the first better by `shift` on the scale of the hidden normal variable."""
        clusters = self.clusters()
        hard = 0.7 * random.normal(size=self.n)
        shared, own = np.sqrt(self.within), np.sqrt(1 - self.within)
        hidden = []
        for shift in (self.shift, 0.0):
            luck = shared * random.normal(size=self.n)[clusters] + own * random.normal(size=self.n)
            hidden.append(self.seen(hard + luck + shift))
        return hidden[0], hidden[1]

    def seen(self, hidden: Floats) -> Floats:
        """The scores that are seen of a normal variable with variance 1.49."""
        name, _, rate = self.kind.partition(" ")
        if name == "binary":
            from scipy.special import ndtri

            seen: Floats = (hidden / np.sqrt(1.49) > -ndtri(float(rate))).astype(float)
            return seen
        if name == "graded":  # like a judge's five grades, most of them the best
            return np.clip(np.round(hidden + 2.5), 0, 4) / 4
        return np.exp(hidden) if name == "skewed" else hidden

    def found(self, runs: int, seed: int) -> Iterator[Comparison]:
        """What `compare` says in each of so many runs."""
        random = np.random.default_rng(seed)
        clusters = self.clusters()
        for _ in range(runs):
            a, b = self.scores(random)
            yield harness.compare(a, b, clusters=None if self.cluster == 1 else list(clusters))


def worlds() -> Iterator[World]:
    """Every null world of the claims."""
    for kind in KINDS:
        for n in SIZES:
            for cluster in CLUSTERS:
                for unequal in (False, True)[: 1 if cluster == 1 else 2]:
                    for within in (0.0, 0.3, 0.9)[: 1 if cluster == 1 else 3]:
                        yield World(kind, n, cluster, within, unequal)


def false_claims(runs: int) -> None:
    """The share of runs with a claim where the variants are equal."""
    print(f"false claims in %, two equal variants, {runs} runs each, 95% intervals")
    print("unequal: sizes as 1, 1/2, 1/3, …; within: correlation of differences within a cluster")
    worst: list[tuple[float, World]] = []
    for seed, world in enumerate(worlds()):
        share = 100 * sum(found.claims_difference for found in world.found(runs, seed)) / runs
        worst.append((share, world))
        where = f"n {world.n:3} cluster {world.cluster:2} {'unequal' if world.unequal else 'equal':7}"
        print(f"  {world.kind:12} {where} within {world.within:.1f}: {share:4.1f}")
    shares = [share for share, _ in worst]
    top, there = max(worst, key=lambda pair: pair[0])
    print(f"{len(shares)} worlds: mean {np.mean(shares):.2f}, highest {top:.1f} ({there})")
    over = [world for share, world in worst if share > 6]
    print(
        f"over 6: {len(over)}; 1,000 runs of exact 5% tests would show {0.063 * len(shares):.0f}; ten times the runs:"
    )
    for seed, world in enumerate(over, 10_000):
        share = 100 * sum(found.claims_difference for found in world.found(10 * runs, seed)) / (10 * runs)
        print(f"  {world}: {share:.2f}")


def power_of_tests(runs: int) -> None:
    """Against the exact tests of scipy and statsmodels on the same data."""
    from scipy.stats import ttest_1samp
    from statsmodels.stats.contingency_tables import mcnemar

    print(f"power in %, unclustered, {runs} runs each: compare | McNemar exact, mid-p; paired t")
    for n in (50, 100, 200, 400):
        for shift in (0.2, 0.4):
            for kind in ("binary 0.5", "binary 0.95", "normal"):
                world = World(kind, n, 1, shift=shift)
                random = np.random.default_rng(n)
                claims = np.zeros(3)
                for _ in range(runs):
                    a, b = world.scores(random)
                    claims[0] += harness.compare(a, b).claims_difference
                    if kind == "normal":
                        claims[1] += ttest_1samp(a - b, 0).pvalue < 0.05
                        continue
                    won, lost = int((a > b).sum()), int((a < b).sum())
                    exact = mcnemar([[0, won], [lost, 0]], exact=True).pvalue
                    few = min(won, lost)
                    claims[1] += exact < 0.05
                    claims[2] += mid_p_of_scipy(few, won + lost) < 0.05
                shares = [f"{100 * claim / runs:5.1f}" for claim in claims[: 2 if kind == "normal" else 3]]
                print(f"  {kind:12} n {n:3} shift {shift}: {shares[0]} | {' '.join(shares[1:])}")


def mid_p_of_scipy(few: int, discordant: int) -> float:
    """The mid-p value by scipy's binomial distribution."""
    from scipy.stats import binom

    if discordant == 0:
        return 1.0
    return min(1.0, float(2 * binom.cdf(few, discordant, 0.5) - binom.pmf(few, discordant, 0.5)))


PLACES = ((50, 1, 0.0, False), (200, 1, 0.0, False), (50, 10, 0.3, False), (100, 5, 0.3, True), (400, 10, 0.3, True))


def coverage(runs: int) -> None:
    """The share of intervals that hold the true difference, where there is one."""
    print(f"coverage of 95% intervals in %, {runs} runs each; the truth from 4,000,000 examples")
    seed = 0
    for kind in KINDS:
        large = World(kind, 400_000, 1, shift=0.8)
        truth = np.mean([np.subtract(*large.scores(np.random.default_rng(i))).mean() for i in range(10)])
        for n, cluster, within, unequal in PLACES:
            world = World(kind, n, cluster, within, unequal, shift=0.8)
            held = sum(found.low <= truth <= found.high for found in world.found(runs, seed))
            sizes = "unequal" if unequal else "equal"
            print(f"  {kind:12} n {n:3} cluster {cluster:2} {sizes:7}: {100 * held / runs:5.1f}")
            seed += 1


def seconds() -> None:
    """Seconds of `compare` on 2 x 10,000 examples."""
    random = np.random.default_rng(0)
    for name, values in (
        ("normal", random.normal(size=(2, 10_000))),
        ("binary", (random.random((2, 10_000)) < 0.5) * 1.0),
    ):
        for cluster in CLUSTERS:
            started = time.perf_counter()
            harness.compare(values[0], values[1], clusters=[f"c{i // cluster}" for i in range(10_000)])
            print(f"  2 x 10,000 {name}, clusters of {cluster}: {time.perf_counter() - started:.3f} s")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds()
    power_of_tests(4 * runs)
    coverage(runs)
    false_claims(runs)


if __name__ == "__main__":
    main()
