"""What `harness export` wrote: a folder with the tables variants, outcomes, scores and examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.data.evidence import Sources
from harness.data.lines import FIELDS, read_line
from harness.data.rows import Row
from harness.errors import Mistake, Place, UserError
from harness.importing.files import Source, read_table
from harness.importing.found import Findings, Found, System, Value
from harness.importing.scalars import NO_VALUE, number, parsed, setting
from harness.records import Example, Failure, Outcome, Passage

_NEEDED = {
    "variants": ("variant",),
    "examples": ("example", "messages"),
    "outcomes": ("variant", "example", "repeat"),
    "scores": ("variant", "example", "repeat", "metric"),
}
_KINDS = ("parquet", "jsonl", "csv")
_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "attempts")
_FIGURES = ("cost_usd", "query_usd", "latency_ms", "first_token_ms", "wait_ms")
_CellId = tuple[str, str, int]


def read(sources: Sequence[Source]) -> Found:
    """Read one exported sweep. Raises UserError for another folder, and for more than one."""
    if len(sources) != 1:
        raise UserError(Mistake(sources[0].place, "an exported sweep is imported alone", "name one folder"))
    source = sources[0]
    tables = {name: _table(source, name) for name in _NEEDED}
    findings = Findings("harness", counted=False)
    findings.origin["exported"] = True
    for row, _ in _each(findings, tables["variants"]):
        given = {name: value for name, value in row.fields.items() if name not in ("variant", "run", "label")}
        params = {name: setting(value) for name, value in given.items()}
        findings.systems[str(row.fields["variant"])] = System(str(row.fields.get("label", "base")), params)
    for row, place in _each(findings, tables["examples"]):
        with findings.reading(place):
            _example(findings, row, place)
    values: dict[_CellId, dict[str, Value]] = {}
    for row, _ in _each(findings, tables["scores"]):
        values.setdefault(_cell_of(row), {})[str(row.fields["metric"])] = _value(row)
    for row, place in _each(findings, tables["outcomes"]):
        cell = _cell_of(row)
        if cell[0] not in findings.systems:
            findings.wrong(place, f"variant {cell[0]!r} is not among the variants")
        with findings.reading(place):
            findings.cell(place, cell[0], cell[1], _outcome(row), values.get(cell, {}), cell[2])
    return findings.finish(source.place)


def _table(source: Source, name: str) -> tuple[str, list[Row]]:
    for kind in _KINDS:
        file = source.path / f"{name}.{kind}"
        if file.exists():
            return str(file), read_table(file)
    found = f"has no table {name}.csv, .jsonl or .parquet"
    raise UserError(Mistake(source.place, found, "a folder is imported that `harness export` wrote, or name the files"))


def _each(findings: Findings, table: tuple[str, list[Row]]) -> Iterator[tuple[Row, Place]]:
    """The rows of a table with their places; those that lack a column of the table's kind are mistakes."""
    file, rows = table
    needed = _NEEDED[Path(file).stem]
    for row in rows:
        place = Place(file, row.line)
        missing = [name for name in needed if name not in row.fields]
        if missing:
            findings.wrong(place, f"{missing[0]}: is not given")
        elif "repeat" in needed and not str(row.fields["repeat"]).isdecimal():
            findings.wrong(place, f"repeat: {row.fields['repeat']!r} is no whole number")
        else:
            yield row, place


def _cell_of(row: Row) -> _CellId:
    return str(row.fields["variant"]), str(row.fields["example"]), int(row.fields["repeat"])


def _example(findings: Findings, row: Row, place: Place) -> None:
    fields = {name: parsed(value) for name, value in row.fields.items() if name in FIELDS and name != "question"}
    fields |= {name: str(row.fields[name]) for name in ("cluster",) if name in row.fields}
    fields["id"] = str(row.fields["example"])
    fields["evidence"] = [_without_nulls(item) for item in fields.get("evidence") or []]
    made = read_line(Row(row.line, fields), place.file, Sources(None))
    if isinstance(made, Example):
        findings.example(made.id, made, place)
    else:
        findings.mistakes += made


def _without_nulls(item: Any) -> Any:
    return {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else item


def _value(row: Row) -> Value:
    found = number(row.fields.get("value", ""))
    failure, reason = row.fields.get("failure"), row.fields.get("reason")
    if found is None or found != found:
        return Value(failure=str(failure or NO_VALUE), reason=reason)
    return Value(found, reason)


def _outcome(row: Row) -> Outcome:
    given = row.fields
    failure = None
    if given.get("failure_kind") is not None:
        failure = Failure(*(str(given.get(name, "")) for name in ("failure_stage", "failure_kind", "failure")))
    counts = {name: int(float(given[name])) for name in _COUNTS if given.get(name) is not None}
    figures = {name: float(given[name]) for name in _FIGURES if given.get(name) is not None}
    passages = tuple(
        Passage(p["document"], p["start"], p["end"], p.get("text") or "", p.get("similarity"), p.get("score"))
        for p in parsed(given.get("passages")) or []
    )
    answer = None if failure else str(given.get("answer", ""))
    finish = given.get("finish_reason")
    whole: dict[str, Any] = {**counts, **figures}
    return Outcome("", "", 0, passages, answer, source="cached", finish_reason=finish, failure=failure, **whole)
