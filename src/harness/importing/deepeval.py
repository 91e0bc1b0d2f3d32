"""Test runs of deepeval, as JSON: a saved run, or a dump of what `evaluate(...)` returns. One file is one variant.

Documented as TestRun and LLMApiTestCase in deepeval's deepeval/test_run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import Mistake, Place, UserError
from harness.importing.files import Source, read_mapping
from harness.importing.found import Findings, Found, Hint, System, Value
from harness.importing.reading import Options
from harness.importing.scalars import jsonable, measured, passages, plain
from harness.importing.tidy import SINGLE
from harness.records import Example, Failure, Message, Outcome, digest

_CASES = ("testCases", "test_cases", "test_results", "testResults")
_TALKS = ("conversationalTestCases", "conversational_test_cases")
_METRICS = ("metricsData", "metrics_data", "metricsMetadata", "metrics_metadata")
_LESS = ("bias", "toxicity", "hallucination")
"""Metrics of which less is better, by deepeval's documentation."""
_Verdicts = dict[str, list[tuple[float, float, bool]]]
"""By metric: value, threshold, and whether it passed."""


def read(sources: Sequence[Source], options: Options) -> Found:
    """Read one test run for each variant."""
    findings = Findings("deepeval")
    verdicts: _Verdicts = {}
    for source in sources:
        with findings.reading(source.place):
            _read_file(source, findings, verdicts)
    for name, known in verdicts.items():
        findings.hints[name] = _hint(name, known, findings)
    return findings.finish(sources[0].place)


def _read_file(source: Source, findings: Findings, verdicts: _Verdicts) -> None:
    root = read_mapping(source.path)
    root = root["testRunData"] if isinstance(root.get("testRunData"), dict) else root
    lists = {name: root[name] for name in (*_CASES, *_TALKS) if isinstance(root.get(name), list)}
    if not lists:
        found = f"is no test run of deepeval: its keys are {', '.join(root) or 'none'}"
        raise UserError(Mistake(source.place, found, "a test run has `testCases`"))
    findings.version = findings.version or root.get("deepevalVersion")
    variant = _variant(root, source, findings)
    for name, cases in lists.items():
        for index, case in enumerate(cases):
            place = Place(f"{source.path}: {name}[{index}]")
            with findings.reading(place):
                _read_case(case, place, variant, findings, verdicts)


def _variant(root: Mapping[str, Any], source: Source, findings: Findings) -> str:
    if source.title in findings.systems:
        findings.wrong(source.place, f"{source.title!r} is the name of another file, too", "write NAME=FILE")
    given = root.get("hyperparameters") or root.get("configurations") or {}
    params: dict[str, Any] = {SINGLE: source.title}
    params |= {str(k): v for k, v in given.items() if isinstance(v, str | int | float) and len(str(v)) <= 60}
    spent = _of(root, "evaluationCost", "evaluation_cost")
    content = {"hyperparameters": jsonable(given), "evaluation_usd": spent}
    findings.systems[source.title] = System(source.title, params, content)
    if spent:
        findings.note(f"{source.title}: deepeval spent USD {spent:g} on judging, which is no cost of the answers")
    return source.title


def _read_case(case: Any, place: Place, variant: str, findings: Findings, verdicts: _Verdicts) -> None:
    if not isinstance(case, dict):
        findings.wrong(place, "must be an object")
        return
    asked = _asked(case)
    if asked is None:
        findings.wrong(place, "has neither an input nor a user's turn")
        return
    messages, answer = asked
    expected = _of(case, "expectedOutput", "expected_output", "expectedOutcome", "expected_outcome")
    references = (str(expected),) if expected and str(expected).strip() else ()
    tags = tuple(str(tag) for tag in case.get("tags") or [] if str(tag).strip())
    metadata = jsonable(_of(case, "metadata", "additionalMetadata", "additional_metadata") or {})
    key = digest("question", messages)
    findings.example(key, Example("", messages, references, tags=tags, metadata=metadata), place)
    failure = None if answer is not None else Failure("answer", "missing", "the test case has no actual output")
    contexts = [plain(item) for item in _of(case, "retrievalContext", "retrieval_context") or []]
    outcome = _outcome(case, contexts, answer, failure)
    values = {} if failure else _values(case, place, findings, verdicts)
    findings.cell(place, variant, key, outcome, values)


def _asked(case: Mapping[str, Any]) -> tuple[tuple[Message, ...], str | None] | None:
    """What the user asked, and the answer; of a conversation the turns up to the user's last, and what follows it."""
    if isinstance(case.get("input"), str) and case["input"].strip():
        answer = _of(case, "actualOutput", "actual_output")
        return (Message("user", case["input"]),), None if answer is None else plain(answer)
    turns = [Message(t["role"], t["content"]) for t in case.get("turns") or [] if _is_turn(t)]
    last = max((at for at, turn in enumerate(turns) if turn.role == "user"), default=-1)
    if last < 0:
        return None
    after = [turn.content for turn in turns[last + 1 :]]
    return tuple(turns[: last + 1]), "\n".join(after) if after else None


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, dict) and turn.get("role") in ("user", "assistant") and bool(str(turn.get("content") or ""))


def _outcome(case: Mapping[str, Any], contexts: list[str], answer: str | None, failure: Failure | None) -> Outcome:
    seconds = _of(case, "completionTime", "completion_time")
    return Outcome(
        "",
        "",
        0,
        passages(contexts),
        answer,
        source="cached",
        input_tokens=_of(case, "inputTokenCount", "input_token_count"),
        output_tokens=_of(case, "outputTokenCount", "output_token_count"),
        cost_usd=_of(case, "tokenCost", "token_cost"),
        latency_ms=None if seconds is None else 1000.0 * seconds,
        failure=failure,
    )


def _values(case: Mapping[str, Any], place: Place, findings: Findings, verdicts: _Verdicts) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for metric in _of(case, *_METRICS) or []:
        name = str(_of(metric, "name", "metric") or "metric")
        judge = _of(metric, "evaluationModel", "evaluation_model")
        findings.metric(name, Hint("maximize", judge=bool(judge), content={"judge": judge}))
        known = verdicts.setdefault(name, [])
        if name in values:
            findings.wrong(place, f"metric {name!r} is given twice")
        error, reason = metric.get("error"), metric.get("reason")
        try:
            value = measured(metric.get("score"), None if reason is None else str(reason))
        except ValueError as wrong:
            findings.wrong(place, f"{name}: {wrong}")
            continue
        values[name] = Value(failure=str(error), reason=reason) if error and value.value is None else value
        threshold, success = _of(metric, "threshold", "minimumScore", "minimum_score"), metric.get("success")
        if value.value is not None and isinstance(threshold, int | float) and isinstance(success, bool):
            known.append((value.value, float(threshold), success))
    return values


def _hint(name: str, known: list[tuple[float, float, bool]], findings: Findings) -> Hint:
    """Which way is better, by what passed and what did not; where that does not tell, by the metric's name."""
    before = findings.hints[name]
    above = all((value >= threshold) == success for value, threshold, success in known)
    below = all((value <= threshold) == success for value, threshold, success in known)
    less = below and (not above or name.lower().split(" ")[0] in _LESS)
    thresholds = {threshold for _, threshold, _ in known}
    least = thresholds.pop() if len(thresholds) == 1 and above != below else None
    return Hint(
        "minimize" if less else "maximize",
        at_least=None if less else least,
        at_most=least if less else None,
        judge=before.judge,
        content=before.content,
    )


def _of(mapping: Mapping[str, Any], *names: str) -> Any:
    """The value under the first of the names that is there: deepeval writes them in two styles."""
    return next((mapping[name] for name in names if mapping.get(name) is not None), None)
