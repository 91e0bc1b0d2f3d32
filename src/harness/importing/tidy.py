"""Tables with a row for each answer: columns for the variant, the example, the answer, its cost, and the metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.data.evidence import Sources
from harness.data.lines import FIELDS, read_line
from harness.data.rows import Row
from harness.errors import Place, advice
from harness.importing import exported
from harness.importing.files import Source, read_table
from harness.importing.found import Findings, Found, System, Value
from harness.importing.reading import Options
from harness.importing.scalars import measured, number, parsed, passages, plain, setting, texts
from harness.records import Example, Failure, Outcome, digest

VARIANT = "variant"
SINGLE = "config"
"""The name of the one setting of variants that have only a name."""
_ALIASES = {"example": "id", "reference": "references"}
_NUMBERS = ("latency_ms", "cost_usd")
_COUNTS = ("input_tokens", "output_tokens", "repeat")
_OWN = (*FIELDS, *_ALIASES, *_NUMBERS, *_COUNTS, "answer", "contexts", "failure")
_REASON = "_reason"


def read(sources: Sequence[Source], options: Options) -> Found:
    """Read tables, one after the other; a folder is what `harness export` wrote."""
    folders = [source for source in sources if source.path.is_dir()]
    if folders:
        return exported.read(sources)
    findings = Findings("csv", counted=False)
    for source in sources:
        _Table(source, read_table(source.path), options, findings).read()
    return findings.finish(sources[0].place)


class _Table:
    """One file, its columns understood. NaN in a column that is no metric is what pandas writes for nothing."""

    def __init__(self, source: Source, rows: list[Row], options: Options, findings: Findings) -> None:
        self.source, self.findings = source, findings
        own = {*_OWN, *options.variant, VARIANT} - {*options.metrics}
        self.rows = [
            row._replace(fields={k: v for k, v in row.fields.items() if k not in own or v == v}) for row in rows
        ]
        self.columns = list(dict.fromkeys(name for row in self.rows for name in row.fields))
        self.variant = options.variant or ((VARIANT,) if VARIANT in self.columns else ())
        self.has_answers = "answer" in self.columns
        self.metrics = self._metrics(options.metrics)

    def read(self) -> None:
        missing = [name for name in self.variant if name not in self.columns]
        if missing:
            self.findings.wrong(
                self.source.place, f"has no column {missing[0]!r}", advice(missing[0], self.columns, "columns")
            )
            return
        if not self.has_answers:
            self.findings.note("the file has no column `answer`: only what was scored elsewhere can be compared")
        for row in self.rows:
            self._row(row)

    def _metrics(self, named: tuple[str, ...]) -> list[str]:
        """The columns that are metrics: those that were named, and all others that hold a number somewhere."""
        found = []
        for name in self.columns:
            if name in (*_OWN, *self.variant) and name not in named:
                continue
            if name.endswith(_REASON) and name.removesuffix(_REASON) in self.columns:
                continue
            if name in named or any(number(row.fields[name]) is not None for row in self.rows if name in row.fields):
                found.append(name)
            else:
                self.findings.note(f"column {name!r} holds no number and was left out")
        for name in found:
            self.findings.metric(name)
        return found

    def _row(self, row: Row) -> None:
        place = Place(str(self.source.path), row.line)
        before = len(self.findings.mistakes)
        variant = self._variant(row, place)
        example = self._example(row, place)
        values = {name: value for name in self.metrics if (value := self._value(row, name, place)) is not None}
        outcome, repeat = self._outcome(row, values, place)
        if len(self.findings.mistakes) == before and variant and example:
            self.findings.cell(place, variant, example, outcome, values, repeat)

    def _variant(self, row: Row, place: Place) -> str:
        if not self.variant:
            params: dict[str, Any] = {SINGLE: self.source.title}
            label = self.source.title
        else:
            lacking = [name for name in self.variant if name not in row.fields]
            if len(lacking) == len(self.variant):
                self.findings.wrong(place, f"{self.variant[0]}: is empty", "every row belongs to a variant")
                return ""
            params = {name: setting(row.fields.get(name)) for name in self.variant}
            label = ", ".join(f"{name}={value}" for name, value in params.items())
            if tuple(params) == (VARIANT,):
                label = str(row.fields[VARIANT])
                params = {SINGLE: label}
        self.findings.systems.setdefault(label, System(label, params))
        return label

    def _example(self, row: Row, place: Place) -> str:
        """The key of the row's example, which is kept; empty where it cannot be told."""
        fields = {_ALIASES.get(name, name): value for name, value in row.fields.items()}
        fields = {name: value for name, value in fields.items() if name in FIELDS}
        for name in ("id", "cluster"):
            if name in fields:
                fields[name] = str(fields[name])
        try:
            for name in ("messages", "evidence", "metadata"):
                if name in fields:
                    fields[name] = parsed(fields[name])
            if "references" in fields:
                fields["references"] = texts(fields["references"])
            if "tags" in fields:
                fields["tags"] = _tags(fields["tags"])
        except ValueError as error:
            self.findings.wrong(place, f"{name}: {error}", "write it as JSON")
            return ""
        asked = "question" in fields or "messages" in fields
        if not asked and "id" not in fields:
            self.findings.wrong(place, "names no example", "give it a column `example`, `question`, or both")
            return ""
        if not asked:
            self.findings.example(fields["id"], None, place)
            return str(fields["id"])
        made = read_line(Row(row.line, fields), str(self.source.path), Sources(None))
        if not isinstance(made, Example):
            self.findings.mistakes += made
            return ""
        key = made.id or digest("question", made.messages)
        self.findings.example(key, made, place)
        return key

    def _value(self, row: Row, name: str, place: Place) -> Value | None:
        if name not in row.fields:
            return None
        reason = row.fields.get(f"{name}{_REASON}")
        try:
            return measured(row.fields[name], None if reason is None else str(reason))
        except ValueError as error:
            self.findings.wrong(
                place, f"{name}: {error}", "a metric's cell is a number, or empty where it does not apply"
            )
            return None

    def _outcome(self, row: Row, values: dict[str, Value], place: Place) -> tuple[Outcome, int | None]:
        fields: dict[str, Any] = {name: self._number(row, name, place) for name in _NUMBERS}
        counts = {name: self._count(row, name, place) for name in _COUNTS}
        repeat = counts.pop("repeat")
        answer = row.fields.get("answer")
        said = row.fields.get("failure")
        failure = Failure("answer", "imported", str(said)) if said is not None else None
        if failure is None and self.has_answers and answer is None:
            if values:
                answer = ""  # it was scored, so it was there
            else:
                failure = Failure("answer", "missing", "the file has neither answer nor score")
        try:
            found = passages(texts(parsed(row.fields.get("contexts"))))
        except ValueError as error:
            self.findings.wrong(place, f"contexts: {error}", 'write ["one", "two"]')
            found = ()
        text = None if answer is None or failure is not None else plain(answer)
        fields |= counts
        return Outcome("", "", 0, found, text, source="cached", failure=failure, **fields), repeat

    def _number(self, row: Row, name: str, place: Place) -> float | None:
        given = row.fields.get(name)
        found = number(given) if given is not None else None
        if given is not None and (found is None or found < 0 or math.isinf(found)):
            self.findings.wrong(place, f"{name}: {str(given)[:60]!r} is no number from 0 on")
        return None if found is None or math.isnan(found) else found

    def _count(self, row: Row, name: str, place: Place) -> int | None:
        found = self._number(row, name, place)
        if found is not None and found != int(found):
            self.findings.wrong(place, f"{name}: {found:g} is no whole number")
        return None if found is None else int(found)


def _tags(value: Any) -> list[str]:
    """Tags as a list, as JSON, or separated by `;`."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [tag.strip() for tag in value.split(";") if tag.strip()]
    return texts(value)
