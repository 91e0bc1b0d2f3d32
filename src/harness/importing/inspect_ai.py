"""Logs of Inspect AI, version 2: `.json`, and `.eval`, which is a zip archive of JSON. One file is one variant.

Documented as EvalLog and EvalSample at https://inspect.aisi.org.uk/reference/inspect_ai.log.html.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.errors import Mistake, Place, UserError
from harness.importing.files import Source, read_mapping
from harness.importing.found import Findings, Found, Hint, System, Value
from harness.importing.reading import Options
from harness.importing.scalars import jsonable, measured, plain
from harness.importing.tidy import SINGLE
from harness.records import Example, Failure, Message, Outcome

VERSION = 2
_HEADERS = ("header.json", "_journal/start.json", "start.json")
"""Where an archive tells what the evaluation is: a finished one, one that was cut off, one of an early version."""
_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
_ATTACHED = re.compile(r"attachment://([0-9a-f]{32})")


def read(sources: Sequence[Source], options: Options) -> Found:
    """Read one log for each variant; the repeats of an example are its epochs."""
    findings = Findings("inspect", counted=False)
    for source in sources:
        with findings.reading(source.place):
            _read_file(source, findings)
    return findings.finish(sources[0].place)


def _read_file(source: Source, findings: Findings) -> None:
    header, samples = _archive(source) if source.path.suffix == ".eval" else _log(source)
    _check(header, source.place)
    variant, model = _variant(header, source, findings), str(header["eval"]["model"])
    count = 0
    for name, sample in samples:
        count += 1
        place = Place(f"{source.path}: {name}")
        with findings.reading(place):
            _read_sample(sample, place, variant, model, findings)
    if not count:
        findings.wrong(source.place, f"has no samples; its status is {header.get('status', 'unknown')!r}")


def _log(source: Source) -> tuple[dict[str, Any], Iterator[tuple[str, Any]]]:
    header = read_mapping(source.path)
    samples = header.pop("samples", None) or []
    return header, ((f"samples[{index}]", sample) for index, sample in enumerate(samples))


def _archive(source: Source) -> tuple[dict[str, Any], Iterator[tuple[str, Any]]]:
    """The header of an archive, and its samples one at a time."""
    try:
        archive = zipfile.ZipFile(source.path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(Mistake(source.place, f"is no .eval archive: {error}")) from None
    names = set(archive.namelist())
    header = next((name for name in _HEADERS if name in names), None)
    if header is None:
        archive.close()
        raise UserError(Mistake(source.place, "is no .eval archive: it holds no header.json and no start.json"))
    found = {**_entry(archive, header, source)}
    if header == "start.json" and "results.json" in names:
        found = {**_entry(archive, "results.json", source), **found}

    def samples() -> Iterator[tuple[str, Any]]:
        with archive:
            for name in archive.namelist():
                if name.startswith("samples/") and name.endswith(".json"):
                    yield name, _entry(archive, name, source)

    return found, samples()


def _entry(archive: zipfile.ZipFile, name: str, source: Source) -> Any:
    place = Place(f"{source.path}: {name}")
    try:
        return json.loads(archive.read(name))
    except NotImplementedError:  # a subclass of RuntimeError, which is raised for what is encrypted
        advice = "write it as JSON: inspect log convert FILE --to json --output-dir DIR"
        raise UserError(Mistake(place, "is packed in a way that Python cannot unpack", advice)) from None
    except (ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(Mistake(place, f"cannot be read: {error}")) from None


def _check(header: Any, place: Place) -> None:
    spec = header.get("eval") if isinstance(header, dict) else None
    if not isinstance(spec, dict) or "model" not in spec:
        raise UserError(Mistake(place, "is no log of Inspect AI: it has no `eval` with a model"))
    if header.get("version") != VERSION:
        found = f"is a log of version {header.get('version')!r}, and version {VERSION} is read"
        raise UserError(Mistake(place, found, "read and write it with a newer Inspect: inspect log convert"))


def _variant(header: Mapping[str, Any], source: Source, findings: Findings) -> str:
    spec = header["eval"]
    findings.version = findings.version or (spec.get("packages") or {}).get("inspect_ai")
    if header.get("status") not in (None, "success"):
        findings.note(f"{source.path.name}: the evaluation ended as {header['status']!r}; what it holds is read")
    asked = {"model": spec["model"], "task": spec.get("task")}
    asked |= {k: v for k, v in (spec.get("model_generate_config") or {}).items() if isinstance(v, str | int | float)}
    asked |= {k: v for k, v in (spec.get("solver_args_passed") or {}).items() if v is not None}
    passed = spec.get("task_args_passed", spec.get("task_args")) or {}
    asked |= {k: v for k, v in passed.items() if v is not None and k not in asked}
    params = {name: value if isinstance(value, str | int | float) else plain(value) for name, value in asked.items()}
    if source.name:
        params = {SINGLE: source.name, **params}
    label = source.name or ", ".join(f"{name}={value}" for name, value in params.items())
    if label in findings.systems:
        found = f"has the same model and arguments as another file: {label}"
        findings.wrong(source.place, found, "write NAME=FILE, so that they can be told apart")
    content = {name: jsonable(spec.get(name)) for name in ("model", "task", "task_args", "model_args", "solver")}
    findings.systems[label] = System(label, params, content)
    for scorer in spec.get("scorers") or []:
        name = str(scorer.get("name"))
        findings.hints.setdefault(name, Hint("maximize", judge="model_graded" in name))
    return label


def _read_sample(sample: Any, place: Place, variant: str, model: str, findings: Findings) -> None:
    if not isinstance(sample, dict) or not {"id", "epoch", "input"} <= set(sample):
        findings.wrong(place, "is no sample: it needs id, epoch and input")
        return
    messages = _messages(sample)
    if not messages:
        findings.wrong(place, "its input has no message of the user")
        return
    target = sample.get("target") or []
    references = tuple(
        text for item in (target if isinstance(target, list) else [target]) if (text := plain(item).strip())
    )
    metadata = jsonable(sample.get("metadata") or {})
    if sample.get("choices"):
        metadata["choices"] = jsonable(sample["choices"])
    key = str(sample["id"])
    findings.example(key, Example(key, messages, references, metadata=metadata), place)
    outcome = _outcome(sample, model)
    values: dict[str, Value] = {}
    for name, score in (sample.get("scores") or {}).items():
        values |= _values(name, score, findings)
    epoch = int(sample["epoch"]) - 1
    findings.cell(place, variant, key, outcome, {} if outcome.failure else values, epoch)


def _messages(sample: Mapping[str, Any]) -> tuple[Message, ...]:
    """The input up to its last user's message; what is no text is left out."""
    given = sample["input"]
    if isinstance(given, str):
        text = _resolved(given, sample)
        return (Message("user", text),) if text.strip() else ()
    found = []
    for item in given if isinstance(given, list) else []:
        text = _resolved(_content(item.get("content")), sample) if isinstance(item, dict) else ""
        if text.strip() and item.get("role") in ("system", "user", "assistant"):
            found.append(Message(item["role"], text))
    last = max((at for at, message in enumerate(found) if message.role == "user"), default=-1)
    return tuple(found[: last + 1])


def _content(content: Any) -> str:
    """The text of a message, whose content is a text or a list of pieces."""
    if isinstance(content, str):
        return content
    pieces = [item.get("text", "") for item in content or [] if isinstance(item, dict) and item.get("type") == "text"]
    return "\n".join(pieces)


def _resolved(text: str, sample: Mapping[str, Any]) -> str:
    attached = sample.get("attachments") or {}
    return _ATTACHED.sub(lambda match: str(attached.get(match[1], match[0])), text)


def _outcome(sample: Mapping[str, Any], model: str) -> Outcome:
    output = sample.get("output") or {}
    choice = next(iter(output.get("choices") or []), None)
    error, limit = sample.get("error"), sample.get("limit")
    answer = _resolved(_content((choice.get("message") or {}).get("content")), sample) if choice else None
    failure = None
    if error:
        failure = Failure("answer", "error", plain(error.get("message") if isinstance(error, dict) else error))
    elif choice is None:
        said = output.get("error") or (f"stopped by the limit of {limit.get('type')}" if limit else "no output")
        failure = Failure("answer", "limit" if limit else "missing", plain(said))
    usage = (sample.get("model_usage") or {}).get(model) or output.get("usage") or {}
    seconds = output.get("time")
    return Outcome(
        "",
        "",
        0,
        answer=None if failure else answer,
        source="cached",
        finish_reason=plain(choice["stop_reason"]) if choice and choice.get("stop_reason") else None,
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        cached_tokens=usage.get("input_tokens_cache_read"),
        reasoning_tokens=usage.get("reasoning_tokens"),
        cost_usd=usage.get("total_cost"),
        latency_ms=1000 * seconds if isinstance(seconds, int | float) else None,
        failure=failure,
    )


def _values(name: str, score: Any, findings: Findings) -> dict[str, Value]:
    """A score's values: one, or one for each of its keys. What is no number is a failure."""
    given = score.get("value") if isinstance(score, dict) else score
    reason = (str(score["explanation"]) if score.get("explanation") else None) if isinstance(score, dict) else None
    parts = {f"{name}/{key}": value for key, value in given.items()} if isinstance(given, dict) else {name: given}
    for part in parts:
        findings.metric(part, findings.hints.get(name, Hint("maximize")))
    return {part: _value(value, reason) for part, value in parts.items()}


def _value(value: Any, reason: str | None) -> Value:
    """As Inspect's value_to_float reads it, but what it would call 0 with a warning is a failure here."""
    if isinstance(value, str):
        known = _LETTERS.get(value, _WORDS.get(value.lower()))
        if known is not None:
            return Value(known, reason)
    try:
        return measured(value, reason)
    except ValueError as error:
        return Value(failure=str(error), reason=reason)
