"""Outcomes and scores as rows: journal lines, and the columns of the Parquet tables."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from harness.records import Example, Outcome, Passage, Score

OUTCOME_COLUMNS = (
    "variant",
    "example",
    "repeat",
    "answer",
    "passages",
    "request",
    "source",
    "finish_reason",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_usd",
    "query_usd",
    "latency_ms",
    "first_token_ms",
    "wait_ms",
    "attempts",
    "missed",
    "failure_stage",
    "failure_kind",
    "failure",
)
SCORE_COLUMNS = ("variant", "example", "repeat", "metric", "value", "reason", "failure", "details")
TEXT_COLUMNS = ("document", "start", "end", "text")
SAME_COLUMNS = [
    c for c in OUTCOME_COLUMNS if c not in ("passages", "missed", "failure", "failure_stage", "failure_kind")
]
"""Columns that hold a field of an outcome as it is."""

_same = attrgetter(*SAME_COLUMNS)


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """An outcome by column. Passages are without their texts, which are kept once, apart."""
    row: dict[str, Any] = dict(zip(SAME_COLUMNS, _same(outcome), strict=True))
    row["passages"] = [
        {"document": p.document, "start": p.start, "end": p.end, "similarity": p.similarity, "score": p.score}
        for p in outcome.passages
    ]
    row["missed"] = [{"document": e.document, "start": e.start, "end": e.end} for e in outcome.missed]
    failure = outcome.failure
    row["failure_stage"], row["failure_kind"], row["failure"] = (
        (failure.stage, failure.kind, failure.message) if failure else (None, None, None)
    )
    return row


def cell_line(outcome: Outcome, scores: Iterable[Score], *, whole: bool = True) -> dict[str, Any]:
    """The journal line of a cell; `whole` is False where scores are still to come, with a line that replaces it."""
    line = {"outcome": outcome_row(outcome), "scores": [_scored(score) for score in scores]}
    return line if whole else {**line, "whole": False}


def _scored(score: Score) -> dict[str, Any]:
    row = {"metric": score.metric, "value": score.value, "reason": score.reason, "failure": score.failure}
    return row if score.details is None else {**row, "details": score.details}


def text_lines(passages: Iterable[Passage]) -> list[list[Any]]:
    """The journal lines of passages' texts."""
    return [[p.document, p.start, p.end, p.text] for p in passages]


def example_row(example: Example) -> dict[str, Any]:
    """An example as the run folder keeps it."""
    return {
        "id": example.id,
        "messages": [{"role": m.role, "content": m.content} for m in example.messages],
        "references": list(example.references),
        "evidence": [{"document": e.document, "start": e.start, "end": e.end} for e in example.evidence],
        "expected": example.expected,
        "tags": list(example.tags),
        "metadata": dict(example.metadata),
        "cluster": example.cluster,
    }
