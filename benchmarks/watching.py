"""How long a look at a growing sweep takes.

python -m benchmarks.watching [variants] [examples]     # 96 300
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records import Example, Failure, Message, Outcome, Passage, Score
from harness.store import Folder, StoredSweep, Writer
from harness.study.live import Watch

METRIC: dict[str, Any] = {"name": "correct", "direction": "maximize", "low": 0.0, "high": 1.0, "identity": {}}


class Growth:
    """A sweep that is being written into `folder`, scores as given (variants x examples).

    NaN stands for a cell without an answer, infinity for an answer that could not be scored.
    """

    def __init__(
        self, folder: Path, scores: NDArray[np.float64], size: int = 1, metric: dict[str, Any] | None = None
    ) -> None:
        self.scores = scores
        self.writer = Writer(folder / "grown")
        self.folder = folder / "grown"
        self._metric = metric or METRIC
        variants = [{"id": f"v{i}", "label": f"variant {i}", "params": {}, "chatbot": {}} for i in range(len(scores))]
        question = (Message("user", "When is the shop open?"),)
        self.examples = [Example(f"e{i}", question, cluster=f"c{i // size}") for i in range(scores.shape[1])]
        header = {
            "id": "grown",
            "name": "grown",
            "created": "2026-01-01T00:00:00+00:00",
            "metrics": [self._metric],
            "objective": {"metric": self._metric["name"], "direction": self._metric["direction"]},
            "repeats": 1,
            "seed": 7,
            "cells": scores.size,
        }
        self.writer.describe(header, variants, self.examples, {})

    def add(self, cells: Iterable[tuple[int, int]], whole: bool = True) -> None:
        """Finish cells, given by the numbers of variant and example."""
        text = "The shop is open from 9 to 18 on weekdays. On Saturdays it is open from 10 to 14. " * 4
        for variant, example in cells:
            place = (f"v{variant}", f"e{example}", 0)
            passages = tuple(Passage(f"d{n}.md", 0, 80 + n, text, 0.5) for n in range(5))
            value = float(self.scores[variant, example])
            late = Failure("generate", "timeout", "too late") if np.isnan(value) else None
            answer = None if late else text
            outcome = Outcome(*place, passages, answer, "r", "made", cost_usd=0.001, failure=late)
            known = value if np.isfinite(value) else None
            failure = None if known is not None else f"no answer: {late}" if late else "judge: refused"
            score = Score(*place, self._metric["name"], known, failure=failure)
            self.writer.add(outcome, [score] if whole else [], whole=whole)
        self.writer.flush()

    def stored(self) -> StoredSweep:
        """As the reading side sees it."""
        return StoredSweep(Folder(self.folder))


def main() -> None:
    variants, examples = (int(text) for text in (sys.argv[1:3] or ("96", "300")))
    random = np.random.default_rng(0)
    levels = np.linspace(0.3, 0.8, variants)[:, None]
    for size in (1, 5):
        with tempfile.TemporaryDirectory() as folder:
            growth = Growth(Path(folder), (random.random((variants, examples)) < levels).astype(float), size)
            every = [(v, e) for v in range(variants) for e in range(examples)]
            growth.add(every[: len(every) // 2])
            started = time.perf_counter()
            watch = Watch(growth.stored())
            watch.look()
            half = time.perf_counter() - started
            growth.add(every[len(every) // 2 :])
            started = time.perf_counter()
            found = watch.look()
            rest = time.perf_counter() - started
            started = time.perf_counter()
            Watch(growth.stored()).look()
            whole = time.perf_counter() - started
            print(
                f"{variants} x {examples}, clusters of {size}: first look at half {half:.2f} s, a look at the rest "
                f"{rest:.2f} s, a first look at all {whole:.2f} s; {len(found['ruled_out'])} ruled out"
            )
            growth.writer.end("complete")


if __name__ == "__main__":
    main()
