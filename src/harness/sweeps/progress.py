"""How far a sweep is: figures that the engine keeps and a display reads."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

STAGES = ("chunk", "embed", "index", "retrieve", "generate", "score")


@dataclass
class Stage:
    """Steps of one stage: how many there are, are done, and were really executed."""

    total: int = 0
    done: int = 0
    made: int = 0


@dataclass
class Progress:
    """The figures of a running sweep. Read from another thread; single numbers, so no lock is needed."""

    sweep: str = ""
    cells: int = 0
    cells_done: int = 0
    cells_failed: int = 0
    calls_made: int = 0
    calls_cached: int = 0
    calls_shared: int = 0
    cost_usd: float = 0.0
    cost_unknown: bool = False
    started: float = field(default_factory=time.monotonic)
    stages: dict[str, Stage] = field(default_factory=lambda: {name: Stage() for name in STAGES})
    message: str = ""

    def step(self, stage: str, count: int = 1, *, made: bool) -> None:
        """Note finished steps of a stage."""
        entry = self.stages[stage]
        entry.done += count
        entry.made += count if made else 0

    def seconds_left(self) -> float | None:
        """Time to go at the pace so far; None before anything is done."""
        if not self.cells_done:
            return None
        elapsed = time.monotonic() - self.started
        return elapsed * (self.cells - self.cells_done) / self.cells_done
