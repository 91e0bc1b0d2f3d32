"""Whether intervals hold at every look while a sweep grows, what they cost in width, and what the usual ones do.

python -m benchmarks.sequences [looks|order|unbounded|race|real …] [--runs N]

Scores come of a hidden normal variable: how hard a question is (shared by both variants, and in part by its cluster)
and each variant's luck. 20 looks while the clusters come in. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from benchmarks.ranking import Population, real_matrices
from numpy.typing import NDArray

import harness
from harness.study.choosing.framing import Bounds
from harness.study.inference.drawing import counted
from harness.study.inference.sequences import Sequences, sequences

Floats = NDArray[np.float64]

LOOKS = 20
KINDS = ("binary 0.5", "binary 0.8", "binary 0.95", "binary 0.05", "continuous 0.5", "continuous 0.8")
UNIT, SPAN = Bounds(0.0, 1.0), Bounds(-1.0, 1.0)


@dataclass(frozen=True)
class World:
    """Two variants, the second better by `shift` of hidden spread. `icc`: the share of variance common to a cluster."""

    kind: str
    examples: int
    cluster: int = 1
    shift: float = 0.0
    common: float = 0.6
    icc: float = 0.3

    def draw(self, random: np.random.Generator, runs: int) -> tuple[Floats, Floats]:
        """Scores of both (examples x runs), clusters one after the other."""
        from scipy.special import ndtr, ndtri

        name, _, base = self.kind.partition(" ")
        hard = self._normal(random, runs)
        found = []
        for shift in (0.0, self.shift):
            hidden = np.sqrt(self.common) * hard + np.sqrt(1 - self.common) * self._normal(random, runs) + shift
            at = hidden + np.sqrt(1 if name == "binary" else 2) * ndtri(float(base))
            found.append((at > 0).astype(float) if name == "binary" else ndtr(at))
        return found[0], found[1]

    def means(self) -> tuple[float, float]:
        """The true means in closed form."""
        from scipy.special import ndtr, ndtri

        name, _, base = self.kind.partition(" ")
        spread = 1.0 if name == "binary" else np.sqrt(2)
        first, second = (float(ndtr(ndtri(float(base)) + shift / spread)) for shift in (0.0, self.shift))
        return first, second

    def _normal(self, random: np.random.Generator, runs: int) -> Floats:
        shared = np.repeat(random.normal(size=(self.examples // self.cluster, runs)), self.cluster, axis=0)
        own = random.normal(size=(self.examples, runs))
        found: Floats = np.sqrt(self.icc) * shared + np.sqrt(1 - self.icc) * own
        return found


def by_unit(values: Floats, size: int) -> Floats:
    """Sums of successive clusters of so many examples."""
    found: Floats = values.reshape(-1, size, values.shape[1]).sum(axis=1)
    return found


def looked(sums: Floats, size: int, bounds: Bounds, alpha: float = 0.05) -> Iterator[tuple[int, Sequences]]:
    """Number of units and intervals of each column at each look."""
    planned = np.full(len(sums), float(size))
    for k in range(1, LOOKS + 1):
        units = max(1, len(sums) * k // LOOKS)
        sizes = np.full((units, sums.shape[1]), float(size))
        yield units, sequences(sums[:units], sizes, planned, bounds, alpha)


def ordinary(sums: Floats, size: int, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """The fixed-sample interval of each column: Student's t of the clusters' means."""
    from scipy.special import stdtrit

    means, units = sums / size, len(sums)
    if units < 2:
        return np.full(sums.shape[1], -np.inf), np.full(sums.shape[1], np.inf)
    half = stdtrit(units - 1, 1 - alpha / 2) * means.std(axis=0, ddof=1) / np.sqrt(units)
    return means.mean(axis=0) - half, means.mean(axis=0) + half


@dataclass(frozen=True)
class Found:
    """Shares of runs with any look that misses the truth: sequence, ordinary interval; widths in the end."""

    missed: float
    naive: float
    width: float
    fixed: float


def of_world(world: World, what: str, runs: int, seed: int) -> Found:
    """Look at the mean of the second variant or at the difference. The fixed-sample interval of a difference is that of
    `harness.compare` in 100 of the runs, that of a mean the t of the clusters' means."""
    a, b = world.draw(np.random.default_rng(seed), runs)
    first, second = world.means()
    values, bounds, truth = (b, UNIT, second) if what == "mean" else (b - a, SPAN, second - first)
    sums = by_unit(values, world.cluster)
    missed, naive, least = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool), 1e-12
    for units, found in looked(sums, world.cluster, bounds):
        low, high = ordinary(sums[:units], world.cluster)
        missed |= (found.low > truth + least) | (found.high < truth - least)
        naive |= (low > truth + least) | (high < truth - least)
    width, fixed = found.high - found.low, high - low
    if what == "difference":
        clusters = [i // world.cluster for i in range(world.examples)]
        kept = min(100, runs)
        compared = [harness.compare(b[:, i], a[:, i], clusters=clusters) for i in range(kept)]
        width, fixed = width[:kept], np.array([one.high - one.low for one in compared])
    return Found(float(missed.mean()), float(naive.mean()), float(width.mean()), float(fixed.mean()))


def looks(runs: int) -> None:
    """Every world: how many runs ever miss, and the width."""
    print(f"95% intervals, {LOOKS} looks, {runs} runs: runs that ever miss in % (naive: t at each look), width / fixed")
    every = itertools.product(KINDS, (100, 200, 400), (1, 5), (0.0, 0.3))
    found = {}
    for seed, (kind, examples, cluster, shift) in enumerate(every):
        for what in ("mean", "difference"):
            if what == "mean" and shift:
                continue
            world = World(kind, examples, cluster, shift)
            one = found[world, what] = of_world(world, what, runs, seed)
            where = f"{kind:14} n {examples} clusters of {cluster} shift {shift} {what:10}"
            ratio = one.width / one.fixed
            print(f"  {where}: {100 * one.missed:4.1f} (naive {100 * one.naive:4.1f}), {ratio:.2f}", flush=True)
    print(
        f"most: {100 * max(one.missed for one in found.values()):.1f}%; naive "
        f"{100 * min(one.naive for one in found.values()):.0f} to {100 * max(one.naive for one in found.values()):.0f}%"
    )
    wide = [f"{w.kind} n {w.examples} of {w.cluster}" for (w, _), one in found.items() if one.width > 1.9 * one.fixed]
    print(f"wider than 1.9: {len(wide)} of {len(found)}: {sorted(set(wide))}")


def sorted_arrival(runs: int, examples: int = 200, seed: int = 5) -> tuple[float, float, float]:
    """Questions come in sorted by how well they are answered: shares of runs that ever miss the population's mean, by
    the sequence in drawn order, by the same on what is in; and the share of units that count halfway."""
    random = np.random.default_rng(seed)
    world = World("binary 0.5", examples)
    _, scores = world.draw(random, runs)
    missed, trusting, share = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool), 0.0
    place = np.argsort(np.argsort(-scores + 0.3 * random.normal(size=scores.shape), axis=0), axis=0)
    for k in range(1, LOOKS + 1):
        arrived = place < examples * k // LOOKS
        for marks, wrong in ((counted(arrived), missed), (arrived, trusting)):
            sizes = marks.astype(float)
            found = sequences(scores * sizes, sizes, np.ones(examples), UNIT, 0.05)
            wrong |= (found.low > 0.5) | (found.high < 0.5)
        if k == LOOKS // 2:
            share = float(counted(arrived).mean())
    return float(missed.mean()), float(trusting.mean()), share


def order(runs: int) -> None:
    """What the drawn order is for."""
    missed, trusting, share = sorted_arrival(runs)
    print(
        f"cells that come in sorted by score, {runs} runs: ever missed, drawn order {100 * missed:.1f}%, "
        f"as they come {100 * trusting:.1f}%; units that count halfway {100 * share:.1f}%"
    )


def unbounded(runs: int) -> None:
    """Log-normal values, as latency is: the mean of one variant, and the difference of two with questions in common."""
    print(f"log-normal values, {runs} runs: runs that ever miss in % (naive)")
    for spread, examples in itertools.product((0.5, 1.0), (100, 400)):
        random = np.random.default_rng(examples)
        hard, *own = random.normal(size=(3, examples, runs))
        a, b = (np.exp(spread * (hard + luck) / np.sqrt(2)) for luck in own)
        for what, values, bounds, truth in (
            ("mean", a, Bounds(0.0, None), np.exp(spread**2 / 2)),
            ("difference", a - b, Bounds(), 0.0),
        ):
            missed, naive = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
            for units, found in looked(values, 1, bounds):
                low, high = ordinary(values[:units], 1)
                missed |= (found.low > truth) | (found.high < truth)
                naive |= (low > truth) | (high < truth)
            shares = f"{100 * missed.mean():4.1f} (naive {100 * naive.mean():4.1f})"
            print(f"  spread {spread} n {examples} {what:10}: {shares}", flush=True)


def races(runs: int) -> None:
    """How often the best leaves, and how many cells are looked at."""
    print(f"races at 95%, {runs} sets each: best left in %, any of equals left in %, cells looked at, kept")
    grids = {12: (3, 2, 2), 48: (4, 4, 3)}
    every = itertools.product(grids, (True, False), (200, 400), (1, 5), (0.0, 0.06))
    for seed, (variants, binary, examples, size, spread) in enumerate(every):
        population = Population(spread, binary=binary, size=size, grid=grids[variants])
        random = np.random.default_rng(seed)
        rows = []
        for run in range(runs):
            scores, truth, clusters = population.draw(random, examples)
            found = harness.race(scores.T, clusters=list(clusters), seed=run)
            rows.append((int(truth.argmax()) not in found.kept, bool(found.left), found.share, len(found.kept)))
        lost, some, share, kept = np.array(rows, dtype=float).mean(axis=0)
        kind = "binary" if binary else "continuous"
        equals = "" if spread else f" any {100 * some:4.1f},"
        where = f"{variants} {kind:10} n {examples} clusters of {size} spread {spread}"
        print(f"  {where}: best left {100 * lost:.1f},{equals} cells {100 * share:.0f}%, kept {kept:.1f}", flush=True)


def real(runs: int) -> None:
    """Races on 192 variants of the shipped helpdesk questions, in as many orders: the best of all questions."""
    for name, scores in real_matrices().items():
        means = scores.mean(axis=0)
        found = [harness.race(scores.T, seed=seed) for seed in range(runs)]
        lost = np.mean([means[list(one.kept)].max() < means.max() for one in found])
        loss = np.mean([means.max() - means[one.best] for one in found])
        share, kept = np.mean([one.share for one in found]), np.mean([len(one.kept) for one in found])
        print(
            f"  {name}, {scores.shape[1]} variants x {len(scores)} questions, {runs} orders: "
            f"best left {100 * lost:.1f}%, cells {100 * share:.0f}%, kept {kept:.1f}, "
            f"`best` loses {100 * loss:.2f} points",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["looks", "order"])
    parser.add_argument("--runs", type=int, default=1000)
    chosen = parser.parse_args()
    parts = {"looks": looks, "order": order, "unbounded": unbounded, "race": races, "real": real}
    for name in chosen.what:
        started = time.perf_counter()
        parts[name](chosen.runs)
        print(f"({name}: {time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
