"""Tables that ragas' `EvaluationResult.to_pandas()` gives, as CSV, JSON, JSONL or Parquet: one file a variant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.data.rows import Row
from harness.errors import Place, advice
from harness.importing.files import Source, read_table
from harness.importing.found import Findings, Found, Hint, System, Value
from harness.importing.reading import Options
from harness.importing.scalars import NO_VALUE, document, jsonable, measured, number, parsed, passages, texts
from harness.importing.tidy import SINGLE
from harness.records import Evidence, Example, Failure, Message, Outcome, digest

_BEFORE = {
    "question": "user_input",
    "answer": "response",
    "contexts": "retrieved_contexts",
    "ground_truth": "reference",
}
"""Columns as versions before 0.2 called them."""
_TEXTS = ("user_input", "response", "reference", "retrieved_contexts", "reference_contexts")
_BESIDE = (
    *("retrieved_context_ids", "reference_context_ids", "multi_responses", "rubrics", "rubric", "reference_tool_calls"),
    *("persona_name", "query_style", "query_length", "synthesizer_name", "reference_topics"),
)
_UNJUDGED = (
    *("bleu", "rouge", "chrf", "exact_match", "string_present", "non_llm", "semantic_similarity"),
    *("id_based", "tool_call", "datacompy"),
)
"""Beginnings of the names of metrics that ask no model."""
_LESS = ("noise_sensitivity",)
_ROLES = {"human": "user", "user": "user", "ai": "assistant", "assistant": "assistant", "system": "system"}


def read(sources: Sequence[Source], options: Options) -> Found:
    """Read one file for each variant."""
    findings = Findings("ragas")
    for source in sources:
        if source.title in findings.systems:
            findings.wrong(source.place, f"{source.title!r} is the name of another file, too", "write NAME=FILE")
            continue
        findings.systems[source.title] = System(source.title, {SINGLE: source.title})
        _read_file(source, options, findings)
    return findings.finish(sources[0].place)


def _read_file(source: Source, options: Options, findings: Findings) -> None:
    rows = [Row(row.line, _renamed(row.fields)) for row in read_table(source.path)]
    columns = list(dict.fromkeys(name for row in rows for name in row.fields))
    if "user_input" not in columns:
        found = f"has no column user_input; it has {', '.join(columns) or 'none'}"
        findings.wrong(source.place, found, "write what EvaluationResult.to_pandas() gives")
        return
    metrics = [
        name for name in columns if name not in (*_TEXTS, *_BESIDE) and _is_metric(rows, name, options, findings)
    ]
    if not metrics:
        findings.wrong(source.place, "has no column of scores", advice("", columns, "columns"))
    for name in metrics:
        judge = not name.startswith(_UNJUDGED)
        findings.metric(name, Hint("minimize" if name.startswith(_LESS) else "maximize", judge=judge))
    for row in rows:
        with findings.reading(Place(str(source.path), row.line)):
            _read_row(row, metrics, source, findings)


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name if (new := _BEFORE.get(name)) is None or new in fields else new: value for name, value in fields.items()
    }


def _is_metric(rows: list[Row], name: str, options: Options, findings: Findings) -> bool:
    if name in options.metrics or any(number(row.fields[name]) is not None for row in rows if name in row.fields):
        return True
    findings.note(f"column {name!r} holds no number and was left out")
    return False


def _read_row(row: Row, metrics: list[str], source: Source, findings: Findings) -> None:
    place = Place(str(source.path), row.line)
    before = len(findings.mistakes)
    values: dict[str, Value] = {}
    for name in metrics:
        try:
            values[name] = measured(row.fields[name]) if name in row.fields else Value(failure=NO_VALUE)
        except ValueError as error:
            findings.wrong(place, f"{name}: {error}")
    try:
        messages, said = _conversation(row.fields.get("user_input"))
        example = _example(row.fields, messages)
        contexts = passages(texts(row.fields.get("retrieved_contexts")))
    except ValueError as error:
        findings.wrong(place, str(error), "write lists as JSON, or import JSONL or Parquet")
        return
    if len(findings.mistakes) > before:
        return
    key = digest("question", messages)
    findings.example(key, example, place)
    answer = row.fields.get("response", said)
    failure = None if answer is not None else Failure("answer", "missing", "the file has no response")
    outcome = Outcome("", "", 0, contexts, None if failure else str(answer), source="cached", failure=failure)
    findings.cell(place, source.title, key, outcome, values)


def _example(fields: dict[str, Any], messages: tuple[Message, ...]) -> Example:
    contexts = dict.fromkeys(text for text in texts(fields.get("reference_contexts")) if text.strip())
    evidence = tuple(Evidence(document(text)) for text in contexts)
    references = tuple(text for text in texts(fields.get("reference")) if text.strip())
    metadata = {name: jsonable(parsed(fields[name])) for name in _BESIDE[1:] if name in fields}
    return Example("", messages, references, evidence, metadata=metadata)


def _conversation(given: Any) -> tuple[tuple[Message, ...], str | None]:
    """The conversation up to the last user's message, and what the assistant said after it, if the table has it."""
    found = parsed(given) if isinstance(given, str) and given.lstrip().startswith("[{") else given
    if isinstance(found, str) and found.strip():
        return (Message("user", found),), None
    if not isinstance(found, list) or not found:
        raise ValueError("user_input: is neither a text nor a list of messages")
    messages = []
    for item in found:
        role = _ROLES.get(str(item.get("type") or item.get("role"))) if isinstance(item, dict) else None
        if role in ("user", "assistant", "system") and str(item.get("content") or "").strip():
            messages.append(Message(role, str(item["content"])))  # type: ignore[arg-type]
    last = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
    if last < 0:
        raise ValueError("user_input: has no message of the user")
    after = [message.content for message in messages[last + 1 :] if message.role == "assistant"]
    return tuple(messages[: last + 1]), after[-1] if after else None
