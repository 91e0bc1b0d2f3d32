"""promptfoo's verdict on an answer: the test's score and whether it passes, and those of its assertions by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import Place
from harness.importing.found import Findings, Hint, Value
from harness.importing.scalars import measured

SCORE, PASS = "score", "pass"
_JUDGED = (
    *("llm-rubric", "g-eval", "factuality", "model-graded-closedqa", "model-graded-factuality", "answer-relevance"),
    *("context-faithfulness", "context-recall", "context-relevance", "conversation-relevance", "search-rubric"),
    *("select-best", "pi", "trajectory:goal-success", "agent-rubric"),
)
_PLAIN, _ASKED = Hint("maximize"), Hint("maximize", judge=True)


def graded(row: Mapping[str, Any], place: Place, findings: Findings) -> dict[str, Value]:
    """The values of an answer: `score`, `pass`, and each assertion by its `metric`, else its type.

    Assertions of one name in one test are averaged; their reasons are those of the ones that did not pass.
    """
    grading = row["gradingResult"] if isinstance(row.get("gradingResult"), dict) else {}
    reason = _text(grading.get("reason"))
    values: dict[str, Value] = {}
    for name, value in (
        (SCORE, row.get("score", grading.get("score"))),
        (PASS, row.get("success", grading.get("pass"))),
    ):
        findings.metric(name, _PLAIN)
        _put(values, name, value, reason, place, findings)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for part in _components(grading):
        assertion = part["assertion"] if isinstance(part.get("assertion"), dict) else {}
        kind = str(assertion.get("type") or "assertion")
        name = str(assertion.get("metric") or kind)
        name = f"assertion/{name}" if name in (SCORE, PASS) else name
        findings.metric(name, _ASKED if kind.removeprefix("not-") in _JUDGED else _PLAIN)
        groups.setdefault(name, []).append(part)
    for name, parts in groups.items():
        _mean(values, name, parts, place, findings)
    for name, value in (row.get("namedScores") or {}).items():
        if name not in values:
            findings.metric(name, _PLAIN)
            _put(values, name, value, None, place, findings)
    return values


def _components(grading: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The results of single assertions; a set of them stands for its own."""
    for part in grading.get("componentResults") or []:
        if not isinstance(part, dict):
            continue
        if part.get("componentResults") and not part.get("assertion"):
            yield from _components(part)
        else:
            yield part


def _mean(
    values: dict[str, Value], name: str, parts: list[Mapping[str, Any]], place: Place, findings: Findings
) -> None:
    broken = [part for part in parts if (part.get("metadata") or {}).get("graderError")]
    if broken:
        values[name] = Value(failure=f"grader: {_text(broken[0].get('reason')) or 'no verdict'}")
        return
    scores = [part.get("score", part.get("pass")) for part in parts]
    said = [text for part in parts if (text := _text(part.get("reason"))) and (len(parts) == 1 or not part.get("pass"))]
    try:
        found = [measured(score) for score in scores]
    except ValueError as error:
        findings.wrong(place, f"{name}: {error}")
        return
    failed = next((value for value in found if value.failure), None)
    numbers = [value.value for value in found if value.value is not None]
    values[name] = failed or Value(sum(numbers) / len(numbers), "; ".join(dict.fromkeys(said)) or None)


def _put(values: dict[str, Value], name: str, value: Any, reason: str | None, place: Place, findings: Findings) -> None:
    try:
        values[name] = measured(value, reason)
    except ValueError as error:
        findings.wrong(place, f"{name}: {error}")


def _text(value: Any) -> str | None:
    return str(value) if value else None
