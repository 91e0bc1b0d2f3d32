"""Examples and cases that the tests of metrics share."""

from __future__ import annotations

from typing import Any

from harness.plugins import make
from harness.records import Case, Evidence, Example, Message, Passage, Verdict


def example(references: tuple[str, ...] = (), evidence: tuple[Evidence, ...] = (), expected: Any = "answer") -> Example:
    """An example with a question that does not matter."""
    return Example("e", (Message("user", "?"),), references, evidence, expected)


def passage(document: str, start: int, end: int) -> Passage:
    """A passage whose text and similarity do not matter."""
    return Passage(document, start, end, "", 0.0)


def retrieved(*passages: Passage, evidence: tuple[Evidence, ...]) -> Case:
    """A case with evidence whose passages came in this order."""
    return Case(example(evidence=evidence), "", passages)


def value(metric: str | dict[str, Any], case: Case) -> float | None:
    """What a metric makes of a case that it applies to."""
    part = make("metric", metric)
    assert part.applies(case.example)
    scored = part.score(case)
    return scored.value if isinstance(scored, Verdict) else scored
