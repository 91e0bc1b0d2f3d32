"""Whether the ranking of many variants keeps its promises, on scores whose truth is known.

python -m benchmarks.ranking [equal|winner|real|bestset|speed …] [--runs N]

Scores come from a latent normal model: an example's difficulty (shared by all variants, and in part by its cluster),
how it takes to each level of each axis, and chance; a variant's true mean is known in closed form. `real` draws
questions with replacement from a sweep over the shipped helpdesk questions, whose means are then the truth. Seeds are
fixed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import harness
from harness.study.choosing.framing import Bounds
from harness.study.choosing.matrix import Matrix
from harness.study.choosing.ranking import Ranking, rank
from harness.study.choosing.winner import Winner, winner_of

ROOT = Path(__file__).resolve().parents[1]
GRID = (4, 4, 3, 2, 2)
Floats = NDArray[np.float64]
Shape = Callable[[np.random.Generator, NDArray[np.int64]], Floats]


def additive(random: np.random.Generator, levels: NDArray[np.int64]) -> Floats:
    """Effects of axes add up, and each variant has something of its own."""
    found = 0.5 * random.normal(size=len(levels))
    for column in levels.T:
        found += random.normal(size=column.max() + 1)[column]
    return found


def two_groups(_: np.random.Generator, levels: NDArray[np.int64]) -> Floats:
    """One axis decides, the others do nothing: half of the variants are equally good."""
    return np.where(levels[:, 3] == 1, 1.0, -1.0)


def crowded_top(random: np.random.Generator, levels: NDArray[np.int64]) -> Floats:
    """Many variants near the best, few far below."""
    return -np.abs(random.normal(size=len(levels)))


@dataclass(frozen=True)
class Population:
    """Variants whose true means spread by `spread` (standard deviation) around about `base`.

    `common` is the share of latent variance that all variants have in common; of that, `icc` is shared within clusters
    of `size` examples.
    """

    spread: float
    base: float = 0.5
    common: float = 0.5
    binary: bool = True
    size: int = 1
    icc: float = 0.5
    grid: tuple[int, ...] = GRID
    shape: Shape = additive

    def draw(self, random: np.random.Generator, examples: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Scores (examples x variants), the variants' true means, and the examples' clusters."""
        from scipy.special import ndtr, ndtri

        count = int(np.prod(self.grid))
        levels = np.array(np.unravel_index(np.arange(count), self.grid)).T
        clusters = np.arange(examples) // self.size
        difficulty = np.sqrt(self.icc) * random.normal(size=examples)[clusters]
        difficulty += np.sqrt(1 - self.icc) * random.normal(size=examples)
        noise = np.sqrt(self.common) * np.repeat(difficulty[:, None], count, axis=1)
        for column, size in zip(levels.T, self.grid, strict=True):
            own = random.normal(size=(examples, size))[:, column]
            noise += np.sqrt((1 - self.common) * 0.6 / len(self.grid)) * own
        noise += np.sqrt((1 - self.common) * 0.4) * random.normal(size=(examples, count))
        merit = self.shape(random, levels)
        merit = (merit - merit.mean()) / merit.std() * self.spread if self.spread else np.zeros(count)
        at = float(ndtri(self.base))
        latent = at + merit / (np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi))
        scores = (noise + latent > 0).astype(float) if self.binary else ndtr(1.25 * latent + 0.75 * noise)
        return scores, ndtr(latent), clusters

    def __str__(self) -> str:
        kind = "binary" if self.binary else "continuous"
        return f"{kind}, {self.shape.__name__}, spread {self.spread}, base {self.base}, common {self.common}"


def ranked(scores: Floats, clusters: NDArray[np.int64], costs: dict[str, float] | None = None) -> Ranking:
    """The ranking of an array of scores between 0 and 1; variants are called by their column."""
    names = [str(i) for i in range(scores.shape[1])]
    none = np.zeros(scores.shape, dtype=np.int64)
    matrix = Matrix("m", names, [str(i) for i in range(len(scores))], clusters, scores, none + 1, none, none)
    return rank(matrix, "maximize", 0.0, bounds=Bounds(0.0, 1.0), costs=costs)


def claims(population: Population, examples: int, runs: int) -> tuple[float, float]:
    """Shares of runs with any claimed difference, and with a best set of one."""
    random = np.random.default_rng(17)
    some = alone = 0
    for _ in range(runs):
        scores, _, clusters = population.draw(random, examples)
        found = ranked(scores, clusters)
        some += bool((found.p.to_numpy() <= 0.05).any()) or len(found.best_set) < len(found.places)
        alone += len(found.best_set) == 1
    return some / runs, alone / runs


def winners(draws: Iterator[tuple[Floats, Floats, NDArray[np.int64]]]) -> dict[str, float]:
    """Bias of the observed and the corrected score, in points; coverage and half width of the interval."""
    rows = []
    for scores, truth, clusters in draws:
        found = winner(scores, clusters)
        true = truth[int(found.variant)]
        covered = found.low <= true <= found.high
        rows.append((found.raw - true, found.score - true, covered, (found.high - found.low) / 2))
    raw, score, covered, half = np.array(rows, dtype=float).T
    return {
        "raw": 100 * float(raw.mean()),
        "bias": 100 * float(score.mean()),
        "error": 100 * float(score.std() / np.sqrt(len(score))),
        "coverage": float(covered.mean()),
        "half": 100 * float(half.mean()),
    }


def winner(scores: Floats, clusters: NDArray[np.int64]) -> Winner:
    """The winner of an array of scores, without the rest of the ranking."""
    names = [str(i) for i in range(scores.shape[1])]
    return winner_of(scores, clusters, names, "maximize", 0.05, Bounds(0.0, 1.0))


def best_sets(population: Population, examples: int, runs: int) -> dict[str, float]:
    """How often the best set holds the true best, its size, and what the cheapest and the first really lose."""
    random = np.random.default_rng(23)
    rows = []
    for _ in range(runs):
        scores, truth, clusters = population.draw(random, examples)
        costs = {str(i): float(cost) for i, cost in enumerate(random.permutation(scores.shape[1]))}
        found = ranked(scores, clusters, costs)
        lost = truth.max() - truth
        known = not any("cheapest" in text for text in found.cautions)
        rows.append(
            (
                str(int(truth.argmax())) in found.best_set,
                len(found.best_set),
                lost[int(found.cheapest or 0)] <= 0.02,
                lost[int(found.best or 0)] <= 0.02,
                known,
                known and lost[int(found.cheapest or 0)] > 0.02,
                lost[int(min(found.best_set, key=lambda name: costs[name]))] <= 0.02,
            )
        )
    names = ("holds", "size", "cheapest within", "first within", "known", "known wrongly", "cheapest of all within")
    return dict(zip(names, np.array(rows, dtype=float).mean(axis=0).tolist(), strict=True))


def real_matrices() -> dict[str, Floats]:
    """Scores (questions x variants) of a sweep of 192 variants over the shipped helpdesk questions, by metric."""
    content = {
        "dataset": str(ROOT / "datasets/helpdesk/questions.jsonl"),
        "corpus": str(ROOT / "datasets/helpdesk/articles"),
        "chatbot": {"model": "local/extractive", "retrieval": {"index": "exact"}},
        "sweep": {
            "axes": {
                "chunk_size": [200, 400, 800, 1200],
                "top_k": [1, 2, 3, 5],
                "similarity_threshold": [0.0, 0.05, 0.1, 0.15],
                "model": {f"{n} sentences": {"use": "local/extractive", "sentences": n} for n in (1, 2, 3)},
            }
        },
        "metrics": ["token_f1", "answer_match", "correct"],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matrix.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        scores = harness.sweep(str(path)).scores
    found = {}
    for metric, rows in scores.groupby("metric"):
        found[str(metric)] = rows.pivot(index="example", columns="variant", values="value").dropna().to_numpy()
    return found


def show_equal(runs: int) -> None:
    print(f"\nTwelve equal variants, {runs:,} runs: any claimed difference, best set of one, in % of runs")
    for binary, base in ((True, 0.5), (True, 0.95), (False, 0.5)):
        for size, counts in ((1, (50, 100, 400)), (5, (50, 100, 400))):
            population = Population(0.0, base=base, binary=binary, size=size, grid=(3, 2, 2))
            for examples in counts:
                some, alone = claims(population, examples, runs)
                kind = "binary" if binary else "continuous"
                print(
                    f"{kind:11}{base:5} clusters of {size}, {examples:4} examples: {100 * some:5.1f} {100 * alone:5.1f}"
                )


def show_winner(runs: int) -> None:
    print(f"\n192 variants, {runs:,} runs: excess of the observed and the corrected score over the truth, in points")
    populations = [
        Population(0.0),
        Population(0.02),
        Population(0.06, common=0.3),
        Population(0.06, common=0.7),
        Population(0.1, shape=two_groups),
        Population(0.05, shape=crowded_top),
        Population(0.02, base=0.85),
        Population(0.06, base=0.85, common=0.3),
        Population(0.02, size=5),
        Population(0.02, binary=False),
        Population(0.06, base=0.7, common=0.3, binary=False),
        Population(0.1, shape=two_groups, binary=False),
    ]
    for population in populations:
        for examples in (50, 100, 200):
            random = np.random.default_rng(11)
            _line(
                f"{population}, {population.size} x", examples, (population.draw(random, examples) for _ in range(runs))
            )


def show_real(runs: int) -> None:
    for metric, matrix in real_matrices().items():
        truth = matrix.mean(axis=0)
        print(f"\n{metric}: questions x variants {matrix.shape}, drawn with replacement, {runs:,} runs")
        for examples in (50, 100, 200):
            random = np.random.default_rng(13)
            drawn = (matrix[random.integers(0, len(matrix), examples)] for _ in range(runs))
            _line(metric, examples, ((scores, truth, np.arange(len(scores))) for scores in drawn))


def _line(name: str, examples: int, draws: Iterator[tuple[Floats, Floats, NDArray[np.int64]]]) -> None:
    found = winners(draws)
    print(
        f"{name:75} n={examples:3}: observed {found['raw']:+6.2f}, corrected {found['bias']:+5.2f} "
        f"(+-{found['error']:.2f}), covered {100 * found['coverage']:.1f}%, half width {found['half']:.1f}",
        flush=True,
    )


def show_best_sets(runs: int) -> None:
    print(f"\nBest set and cheapest, {runs} runs, costs at random, in %; 'within': a true loss of at most 2 points")
    for grid in ((3, 2, 2), (4, 3, 2, 2), GRID):
        for population in (
            Population(0.03, grid=grid),
            Population(0.08, grid=grid),
            Population(0.03, grid=grid, binary=False),
        ):
            for examples in (100, 400, 2000):
                found = best_sets(population, examples, runs if int(np.prod(grid)) < 100 else max(50, runs // 5))
                told = ", ".join(f"{k} {v if k == 'size' else 100 * v:.1f}" for k, v in found.items())
                print(f"{int(np.prod(grid)):3} variants, {population}, n={examples}: {told}", flush=True)


def show_speed(_: int) -> None:
    scores, _truth, _clusters = Population(0.03, grid=(5, 5, 4, 2)).draw(np.random.default_rng(1), 500)
    count = scores.shape[1]
    frame = pd.DataFrame(
        {
            "variant": np.tile([str(i) for i in range(count)], len(scores)),
            "example": np.repeat(np.arange(len(scores)), count),
            "value": scores.ravel(),
        }
    )
    started = time.perf_counter()
    found = harness.rank(frame)
    shown = found.table, found.p, found.winner
    seconds = time.perf_counter() - started
    print(
        f"\nharness.rank on {count} x {len(scores)}, with table, p and winner: {seconds:.2f} s ({len(shown[0])} rows)"
    )


PARTS = {
    "equal": (show_equal, 1000),
    "winner": (show_winner, 1000),
    "real": (show_real, 1000),
    "bestset": (show_best_sets, 500),
    "speed": (show_speed, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--runs", type=int)
    chosen = parser.parse_args()
    for name in chosen.parts or PARTS:
        show, runs = PARTS[name]
        show(chosen.runs or runs)


if __name__ == "__main__":
    main()
