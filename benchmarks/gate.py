"""Whether the nightly gate keeps its budget of false alarms, and how soon it sees a loss.

python -m benchmarks.gate [--quarters N]

400 questions in clusters of 4: how hard one is, is shared in part by its cluster. An answer is right by chance around
that, the answers of a cluster in a night vary together a little, and the judge is wrong in a share of cases. Seeds are
fixed. One process: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.study.gate.control import DRIFT, MOST_SHARE, OURS, attributed, drift_of
from harness.study.gate.nights import AGAIN, Replicates, replicates, suspicious, watched

Floats = NDArray[np.float64]
EXAMPLES, SIZE, NIGHTS, BUDGET = 400, 4, 90, 0.05
CLUSTERS = np.arange(EXAMPLES) // SIZE


@dataclass(frozen=True)
class World:
    """`sampling`: share of an answer's hidden variance that is new every time; `judge`: how often the judge is wrong;
    `icc`: how much of how hard a question is its cluster shares; `together`: the same of what is new."""

    name: str
    base: float = 0.7
    sampling: float = 0.15
    judge: float = 0.05
    icc: float = 0.3
    together: float = 0.1

    def hard(self, random: np.random.Generator) -> Floats:
        """How easy each question is."""
        from scipy.special import ndtri

        return math.sqrt(1 - self.sampling) * _mixed(random, 1, self.icc)[:, 0] + float(ndtri(self.base))

    def nights(
        self, random: np.random.Generator, hard: Floats, nights: int, drop: float = 0.0, part: float = 1.0
    ) -> Floats:
        """Scores (examples x nights); a share `drop` of answers is lost, all in the first `part` of the clusters."""
        new = math.sqrt(self.sampling) * _mixed(random, nights, self.together)
        right = hard[:, None] + new > 0
        where = (np.arange(EXAMPLES) < part * EXAMPLES)[:, None]
        rate = right[where[:, 0]].mean() * part * (1 - 2 * self.judge)
        right &= ~(where & (random.random(right.shape) < drop / rate))
        return (right ^ (random.random(right.shape) < self.judge)).astype(float)


WORLDS = (
    World("temperature 0, judge wrong in 2%", sampling=0.02, judge=0.02),
    World("sampling, judge wrong in 5%"),
    World("sampling, judge wrong in 10%", judge=0.10),
    World("noisy sampling, judge wrong in 5%", sampling=0.3),
)


def _mixed(random: np.random.Generator, columns: int, shared: float) -> Floats:
    common = random.standard_normal((EXAMPLES // SIZE, columns))[CLUSTERS]
    return math.sqrt(shared) * common + math.sqrt(1 - shared) * random.standard_normal((EXAMPLES, columns))


@dataclass(frozen=True)
class Found:
    """Shares of quarters: with a false alarm; with a loss of 5 points seen within 3 nights, spread and in a quarter of
    the clusters; the same false alarms of a plain 5% test a night. `error`: of one night's mean, in points. `calls`:
    of the nights without change, over those of plain runs."""

    false: float
    seen: float
    seen_part: float
    plain: float
    error: float
    calls: float


def asked(
    world: World, random: np.random.Generator, hard: Floats, base: Replicates, drop: float, part: float, nights: int
) -> Floats:
    """The means of nights, and a row that tells which were asked again."""
    first = world.nights(random, hard, nights, drop, part).mean(axis=0)
    bad = np.array([suspicious(float(value), base) for value in first])
    means = first.copy()
    for night in np.flatnonzero(bad):
        more = world.nights(random, hard, AGAIN, drop, part).mean(axis=0)
        means[night] = (first[night] + more.sum()) / (1 + AGAIN)
    return np.stack([means, bad, first])


def simulate(world: World, quarters: int, count: int, seed: int = 1, drop: float = 0.05) -> Found:
    """Quarters of a world, each with its own questions and baseline of `count` replicates."""
    hits = np.zeros(4)
    errors, calls = [], []
    for number in range(quarters):
        random = np.random.default_rng([seed, number])
        hard = world.hard(random)
        base = replicates(world.nights(random, hard, count), CLUSTERS, 1.0)
        errors.append(base.error)
        quiet, bad, first = asked(world, random, hard, base, 0.0, 1.0, NIGHTS)
        calls.append(1 + AGAIN * bad.mean())
        hits[0] += any(watched(quiet.tolist()[: t + 1], base, NIGHTS, BUDGET).alarm for t in range(NIGHTS))
        stored = world.nights(random, hard, 1).mean()
        hits[3] += bool(((stored - first) / (math.sqrt(2) * base.error) > 1.645).any())
        for place, part in ((1, 1.0), (2, 0.25)):
            before = quiet[: random.integers(0, NIGHTS - 3)]
            series = np.concatenate([before, asked(world, random, hard, base, drop, part, 3)[0]])
            ends = range(len(before) + 1, len(series) + 1)
            hits[place] += any(watched(series.tolist()[:end], base, NIGHTS, BUDGET).alarm for end in ends)
    false, seen, part_seen, plain = hits / quarters
    return Found(false, seen, part_seen, plain, 100 * float(np.mean(errors)), float(np.mean(calls)))


def blames(world: World, runs: int, count: int, drop: float, drift: float, seed: int = 2) -> dict[str, float]:
    """How a loss of the candidate, of the provider, or of both is attributed over three nights."""
    found: dict[str, float] = {}
    kept = CLUSTERS < MOST_SHARE * EXAMPLES / SIZE
    for number in range(runs):
        random = np.random.default_rng([seed, number])
        hard = world.hard(random)
        before = world.nights(random, hard, count)
        whole = replicates(before, CLUSTERS, 1.0)
        nights = world.nights(random, hard, 3, drop + drift).mean()
        moved = world.nights(random, hard, 3, drift)[kept].mean(axis=1) - before[kept].mean(axis=1)
        drifted = drift_of(moved, CLUSTERS[kept], 1.0)
        assert drifted is not None
        own = whole.error * math.sqrt(1 / 3 + 1 / count)
        blame = attributed(nights - whole.mean, own, *drifted).blame
        found[blame] = found.get(blame, 0.0) + 1 / runs
    return found


def main() -> None:
    """Print a table of worlds and replicates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quarters", type=int, default=500)
    parser.add_argument("--replicates", type=int, nargs="*", default=[3, 10, 20])
    given = parser.parse_args()
    for world in WORLDS:
        for count in given.replicates:
            started = time.perf_counter()
            f = simulate(world, given.quarters, count)
            print(
                f"{world.name:36} {count:2} replicates  night's error {f.error:.2f} points  false {f.false:.1%}  seen "
                f"{f.seen:.1%}  in a quarter of clusters {f.seen_part:.1%}  plain {f.plain:.1%}  calls {f.calls:.2f}  "
                f"({time.perf_counter() - started:.0f} s)",
                flush=True,
            )
        for name, drop, drift in (("ours", 0.1, 0.0), ("drift", 0.0, 0.1)):
            told = blames(world, given.quarters, 10, drop, drift)
            print(f"    10 points lost, {name}: laid to us {told.get(OURS, 0):.0%}, to drift {told.get(DRIFT, 0):.0%}")


if __name__ == "__main__":
    main()
