"""What a cell produced and what it was found to be worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.records.corpus import Passage
from harness.records.example import Evidence, Example

NO_ANSWER = "no answer: "
"""How the failure of a score begins that has no answer to score."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something has no result. `stage` is the step that failed, `kind` a short word for counting."""

    stage: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.kind}: {self.message}"


@dataclass(frozen=True)
class Outcome:
    """What one cell (variant x example x repeat) produced: an answer, or a failure and no answer.

    `request` is the key of the rendered request; `source` is `made` (asked in this sweep), `cached` (known from an
    earlier one) or `shared` (another cell of this sweep asked the same). `cost_usd` is what the answer costs when it is
    asked for, whoever paid: 0 for a local model, None where the price is unknown. `missed` is the evidence that no
    passage covers: spans cut to what is missing, a document alone where only that was asked for. `query_usd` is what
    the queries cost that a model wrote for it: 0 where none did, None where the price is unknown.
    """

    variant: str
    example: str
    repeat: int
    passages: tuple[Passage, ...] = ()
    answer: str | None = None
    request: str | None = None
    source: str | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    first_token_ms: float | None = None
    wait_ms: float | None = None
    attempts: int | None = None
    missed: tuple[Evidence, ...] = ()
    query_usd: float | None = 0.0
    failure: Failure | None = None


@dataclass(frozen=True)
class Case:
    """What a metric sees: the example and what one cell made of it.

    `cost_usd` is that of the answer and of the queries that a model wrote for it; None where a price is unknown.
    `evidence_chunks` are the chunks of the variant's chunking that share a character with the evidence, as the model
    would get them; None where there is no knowledge base. `index_recall` is the share of the question's exact nearest
    neighbours that the index found; None where nobody looked. `rival` is the answer of another variant to the same
    question, for a metric with an attribute `against`, which names that variant.
    """

    example: Example
    answer: str
    passages: tuple[Passage, ...] = ()
    latency_ms: float | None = None
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_token_ms: float | None = None
    evidence_chunks: tuple[Evidence, ...] | None = None
    index_recall: float | None = None
    rival: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A metric's value for one case; the reason for it and what it rests on (plain JSON), where there is such.

    A `partial` one lacks something that may come at another time (a judge that did not reply): it is not kept.
    """

    value: float
    reason: str | None = None
    details: Mapping[str, Any] | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """How a metric's values are read: which way is better (`maximize`, `minimize`), their ends (None: open), and the
    least and the most that passes (None: no such threshold)."""

    direction: str
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def has_threshold(self) -> bool:
        """Whether a value can pass or fail."""
        return self.at_least is not None or self.at_most is not None

    def passes(self, value: float) -> bool:
        """Whether a value is within the thresholds."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value for one cell, or the failure that stands in its place. No row: the metric does not apply.

    `details` is JSON text: what the value rests on, such as the opinions of judges.
    """

    variant: str
    example: str
    repeat: int
    metric: str
    value: float | None
    reason: str | None = None
    failure: str | None = None
    details: str | None = None
