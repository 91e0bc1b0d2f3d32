"""One question and what the chatbot made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import Incomplete, UserError, advice
from harness.study.report.texts import short, visible


class Scores(dict[str, float]):
    """Scores by metric. One that is asked for and not there raises UserError, which says why."""

    def __init__(self, scores: Mapping[str, float], lacking: Mapping[str, str], metrics: Sequence[str]) -> None:
        super().__init__(scores)
        self.lacking = dict(lacking)
        self._metrics = list(metrics)

    def __missing__(self, metric: str) -> float:
        __tracebackhide__ = True
        if metric in self.lacking:
            raise Incomplete(f"no score by {metric}: {self.lacking[metric]}")
        if metric in self._metrics:
            raise UserError(f"{metric} does not apply to this example")
        raise UserError(f"the sweep has no metric {metric!r}; {advice(metric, self._metrics, 'metrics')}")


@dataclass(frozen=True)
class Cell:
    """An example of a run, and its answer; with several repeats there are as many.

    `passages` have `document`, `start`, `end`, `text`, `similarity`. `failure` says why there is no answer. `reasons`
    are what metrics said of their scores. `cost_usd` is None where the price is unknown.
    """

    id: str
    repeat: int
    question: str
    references: list[str]
    expected: str
    tags: list[str]
    passages: list[dict[str, Any]]
    scores: Scores
    reasons: dict[str, str]
    latency_ms: float | None
    cost_usd: float | None
    failure: str | None
    reply: str | None = field(repr=False)

    @property
    def answer(self) -> str:
        """The answer. Raises Incomplete where there is none: a test of it must not pass."""
        __tracebackhide__ = True
        if self.reply is None:
            raise Incomplete(f"{self.id} has no answer: {self.failure}")
        return self.reply

    def told(self, metric: str, *, long: bool = False) -> str:
        """In a line: its score by a metric, the question, the answer; shortened to what a terminal shows, or not."""
        score = f"{self.scores[metric]:.3g}" if metric in self.scores else "no score"
        most = 2000 if long else 30
        said = f"failed: {self.failure}" if self.reply is None else self.reply
        line = f"[{_line(self.id, most)}] {score}: {_line(self.question, most)} -> {_line(said, most)}"
        reason = self.reasons.get(metric) or self.scores.lacking.get(metric)
        return f"{line} ({_line(reason, most)})" if long and reason and self.reply is not None else line


@dataclass(frozen=True)
class Failed:
    """A cell without an answer (`metric` is None), or an answer without a score by a metric; and why."""

    example: str
    repeat: int
    metric: str | None
    reason: str

    def __repr__(self) -> str:
        what = "no answer" if self.metric is None else f"no score by {self.metric}"
        return f"<{self.example}: {what}: {_line(self.reason, 120)}>"


def _line(text: str, most: int) -> str:
    return short(" ".join(visible(text).split()), most)
