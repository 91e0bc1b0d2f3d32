"""How far a sweep is: figures that the engine keeps and a display reads."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.records import Score
from harness.records.outcome import NO_ANSWER

STAGES = ("chunk", "embed", "index", "retrieve", "rerank", "generate", "judge", "score")


@dataclass
class Stage:
    """Steps of one stage: how many there are, are done, and were really executed."""

    total: int = 0
    done: int = 0
    made: int = 0


@dataclass
class Progress:
    """The figures of a running sweep. Read from another thread; single numbers, so no lock is needed.

    `scores` counts, by metric, the answers that were scored or failed to be, and the latter alone; `last_failures` says
    why the last one did.
    """

    sweep: str = ""
    cells: int = 0
    cells_done: int = 0
    cells_failed: int = 0
    calls_made: int = 0
    calls_cached: int = 0
    calls_shared: int = 0
    judge_calls: int = 0
    cost_usd: float = 0.0
    cost_unknown: bool = False
    started: float = field(default_factory=time.monotonic)
    stages: dict[str, Stage] = field(default_factory=lambda: {name: Stage() for name in STAGES})
    scores: dict[str, list[int]] = field(default_factory=dict)
    last_failures: dict[str, str] = field(default_factory=dict)
    message: str = ""
    asking_since: float | None = None
    asked_until: float | None = None
    answers_before: int = 0

    def step(self, stage: str, count: int = 1, *, made: bool) -> None:
        """Note finished steps of a stage."""
        entry = self.stages[stage]
        entry.done += count
        entry.made += count if made else 0

    def scored(self, scores: Iterable[Score]) -> None:
        """Note the scores of a cell that has an answer, for each metric how many there are and how many failed."""
        for score in scores:
            if score.failure is None or not score.failure.startswith(NO_ANSWER):
                count = self.scores.setdefault(score.metric, [0, 0])
                count[0] += 1
                count[1] += score.failure is not None
                if score.failure is not None:
                    self.last_failures[score.metric] = score.failure

    def spent(self, stage: str, usd: float | None) -> None:
        """Note a paid call that is no answer."""
        self.judge_calls += stage == "judge"
        self.cost_unknown = self.cost_unknown or usd is None
        self.cost_usd += usd or 0.0

    def begin_asking(self) -> None:
        """Note that from now on answers are asked for that no cache has."""
        self.asking_since = time.monotonic()
        self.answers_before = self.stages["generate"].done

    def end_asking(self) -> None:
        """Note that the last answer has come."""
        self.asked_until = time.monotonic()

    def asking_s(self) -> float:
        """Seconds from the first question to the last answer; 0 where nothing was asked."""
        if self.asking_since is None:
            return 0.0
        return (self.asked_until or time.monotonic()) - self.asking_since

    def seconds_left(self) -> float | None:
        """Time to go at the pace of the answers asked so far; None before there is one."""
        generate, judge = self.stages["generate"], self.stages["judge"]
        if generate.done == generate.total and judge.done < judge.total and self.asked_until is not None:
            return (time.monotonic() - self.asked_until) * (judge.total - judge.done) / max(1, judge.done)
        asked = generate.done - self.answers_before
        if self.asking_since is None or not asked:
            return None
        return (time.monotonic() - self.asking_since) * (generate.total - generate.done) / asked
