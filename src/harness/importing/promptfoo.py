"""What `promptfoo eval -o results.json` or `promptfoo export` writes: version 3 of its results.

Documented as EvaluateSummaryV3, EvaluateResult and GradingResult in promptfoo's src/types/index.ts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.data.rows import kind
from harness.errors import Mistake, Place, UserError, advice
from harness.importing.files import Source, read_mapping
from harness.importing.found import Findings, Found, System
from harness.importing.grading import graded
from harness.importing.reading import Options
from harness.importing.scalars import jsonable, passages, plain
from harness.records import Example, Failure, Message, Outcome, digest

VERSION = 3
_QUESTIONS = ("question", "query", "user_input", "prompt", "input", "message", "user_message")
_REFERENCES = ("reference", "references", "expected", "expected_answer", "expected_output", "ground_truth", "answer")
_COMPARING = ("equals", "similar", "factuality", "model-graded-factuality", "levenshtein", "rouge-n", "bleu", "meteor")
"""Assertions whose value is a reference answer."""
_ERROR = 2
"""promptfoo's failureReason where no answer came."""
_LONGEST_NAME = 60


def read(sources: Sequence[Source], options: Options) -> Found:
    """Read one results file; each pair of provider and prompt is a variant."""
    if len(sources) != 1:
        found = f"{len(sources)} files: each is an evaluation with variants of its own"
        raise UserError(Mistake(sources[0].place, found, "import one file after the other"))
    source = sources[0]
    root = read_mapping(source.path)
    summary = _summary(root, source.place)
    metadata = root.get("metadata")
    version = metadata.get("promptfooVersion") if isinstance(metadata, dict) else None
    findings = Findings("promptfoo", version)
    findings.origin |= {"evaluation": root.get("evalId"), "created": summary.get("timestamp")}
    reading = _Reading(source.place, summary, options, findings)
    for index, row in enumerate(summary["results"]):
        place = Place(f"{source.path}: results[{index}]")
        if not isinstance(row, dict):
            findings.wrong(place, f"must be an object, found {kind(row)}")
            continue
        with findings.reading(place):
            reading.row(row, place)
    return findings.finish(source.place)


def _summary(root: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The part with version and results: the file itself, or its `results`."""
    summary = root.get("results") if isinstance(root.get("results"), dict) else root
    if not isinstance(summary, dict) or not isinstance(summary.get("results"), list):
        keys = ", ".join(root) or "none"
        raise UserError(Mistake(place, f"is no results file of promptfoo: its keys are {keys}"))
    if summary.get("version") != VERSION:
        found = f"has results of version {summary.get('version')!r}, and version {VERSION} is read"
        raise UserError(Mistake(place, found, "write it anew with a newer promptfoo: promptfoo eval -o results.json"))
    return summary


class _Reading:
    """The walk through the results: names of prompts and tests are made as they are met."""

    def __init__(self, place: Place, summary: Mapping[str, Any], options: Options, findings: Findings) -> None:
        self.place, self.findings, self.question = place, findings, options.question
        given = summary.get("prompts")
        self.prompts: list[Any] = given if isinstance(given, list) else []
        self.variants: dict[Any, str] = {}
        self.names: dict[str, str] = {}

    def row(self, row: Mapping[str, Any], place: Place) -> None:
        variant = self._variant(row)
        test = _mapping(row.get("testCase"))
        given = row.get("vars") if isinstance(row.get("vars"), dict) else test.get("vars")
        variables = dict(_mapping(given))
        name = self._question(variables, place)
        if name is None:
            return
        prompt = _mapping(row.get("prompt"))
        question = plain(variables.pop(name)) if name else plain(prompt.get("raw") or "")
        if not question.strip():
            self.findings.wrong(place, "the question is empty", "name its variable with --question VAR")
            return
        key = digest("promptfoo", given, test.get("assert"), test.get("description"), test.get("metadata"))
        contexts = variables.pop("context", None)
        self.findings.example(key, _example(question, variables, test), place)
        values = {} if _failure(row) else graded(row, place, self.findings)
        self.findings.cell(place, variant, key, _outcome(row, contexts), values)

    def _variant(self, row: Mapping[str, Any]) -> str:
        """The label of the row's provider and prompt."""
        provider, prompt = row.get("provider"), _mapping(row.get("prompt"))
        told = (
            provider if isinstance(provider, str) else _mapping(provider).get("label") or _mapping(provider).get("id")
        )
        index = row.get("promptIdx")
        at = index if isinstance(index, int) and 0 <= index < len(self.prompts) else None
        template = _mapping(self.prompts[at]) if at is not None else prompt
        key = (str(told), template.get("label") or template.get("raw"), index)
        if key not in self.variants:
            params = {"provider": str(told), "prompt": self._prompt(template)}
            taken = [system.params for system in self.findings.systems.values()]
            if params in taken:
                params["prompt"] += f" #{index}"
            label = ", ".join(f"{name}={value}" for name, value in params.items())
            content = {"provider": jsonable(provider), "prompt": template.get("raw")}
            self.findings.systems[label] = System(label, params, content)
            self.variants[key] = label
        return self.variants[key]

    def _prompt(self, template: Mapping[str, Any]) -> str:
        """A short name for a prompt: its label, else its number."""
        text = plain(template.get("label") or template.get("raw") or "prompt")
        if len(text) <= _LONGEST_NAME and "\n" not in text:
            return text
        return self.names.setdefault(text, f"prompt {len(self.names) + 1}")

    def _question(self, variables: Mapping[str, Any], place: Place) -> str | None:
        """The variable that is the question; empty where there are none; None where it cannot be told."""
        if self.question:
            if self.question in variables:
                return self.question
            said = advice(self.question, list(variables), "variables")
            self.findings.wrong(place, f"has no variable {self.question!r}", said)
            return None
        lowered = {name.lower(): name for name in variables}
        likely = [lowered[name] for name in _QUESTIONS if name in lowered]
        if likely or len(variables) <= 1:
            name = likely[0] if likely else next(iter(variables), "")
            self.findings.note(f"the question is the variable {name!r}" if name else "the question is the whole prompt")
            return name
        names = ", ".join(variables)
        self.findings.wrong(place, f"which variable is the question: {names}?", "name it with --question VAR")
        return None


def _example(question: str, variables: dict[str, Any], test: Mapping[str, Any]) -> Example:
    references = []
    for name in [name for name in variables if name.lower() in _REFERENCES]:
        value = variables.pop(name)
        references += [plain(item) for item in (value if isinstance(value, list) else [value])]
    for assertion in test.get("assert") or []:
        value = _mapping(assertion).get("value")
        if _mapping(assertion).get("type") in _COMPARING and isinstance(value, str) and "{{" not in value:
            references.append(value)
    metadata = {**{name: jsonable(value) for name, value in variables.items()}}
    metadata |= {str(name): jsonable(value) for name, value in _mapping(test.get("metadata")).items()}
    if test.get("description"):
        metadata["description"] = str(test["description"])
    whole = tuple(dict.fromkeys(text for text in references if text.strip() and not text.startswith("file://")))
    return Example("", (Message("user", question),), whole, metadata=metadata)


def _failure(row: Mapping[str, Any]) -> Failure | None:
    """Why there is no answer; an answer that an assertion rejects is an answer."""
    response = _mapping(row.get("response"))
    reason = row.get("failureReason")
    said = row.get("error") or response.get("error")
    if reason == _ERROR or (said and response.get("output") is None and not row.get("gradingResult")):
        return Failure("answer", "error", plain(said or "no reason is given"))
    if response.get("output") is None:
        return Failure("answer", "missing", "the response has no output")
    return None


def _outcome(row: Mapping[str, Any], contexts: Any) -> Outcome:
    failure, response = _failure(row), _mapping(row.get("response"))
    usage = _mapping(row.get("tokenUsage")) or _mapping(response.get("tokenUsage"))
    cached = response.get("cached") is True
    cost = _number(response.get("cost"))
    cost = _number(row.get("cost")) or None if cost is None else cost
    given = contexts if isinstance(contexts, list) else [contexts] if contexts else []
    return Outcome(
        "",
        "",
        0,
        passages([plain(item) for item in given]),
        None if failure else plain(response.get("output")),
        source="cached",
        input_tokens=usage.get("prompt") or None,
        output_tokens=usage.get("completion") or None,
        # What came from promptfoo's cache cost nothing and took no time: neither tells what an answer costs.
        cost_usd=None if cached else cost,
        latency_ms=None if cached else _number(row.get("latencyMs")),
        failure=failure,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
