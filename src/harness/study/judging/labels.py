"""What people found in the answers of a sweep: lines of a file, checked, and matched to the answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.data.rows import Row, json_lines, kind
from harness.errors import Mistake, Place, UserError, advice
from harness.store import StoredSweep
from harness.store.layout import LABELS
from harness.study.judging.sights import Cell, Sight, Sights, sights_of

FIELDS = (
    *("id", "example", "variant", "repeat", "metric", "value", "by", "note", "answer", "context", "weight"),
    *("adjudicated", "sweep", "time", "asked"),
)
SHOWN = ("question", "history", "references", "expected", "passages", "scale")
"""Fields of a sample that are there to be read, and are not kept."""


@dataclass(frozen=True)
class Label:
    """What one person found in one answer: a value on the metric's scale.

    `context` names the passages that were shown, empty where none were. `weight` is 1 over the answer's relative
    chance of being drawn, None for one that was not drawn at random from this sweep. An `adjudicated` label settles the
    others. `time` is when it was given (UTC, ISO 8601) and `asked` in which words (`yes/no`), empty where nobody said.
    """

    example: str
    answer: str
    metric: str
    value: float
    by: str
    note: str = ""
    context: str = ""
    weight: float | None = None
    adjudicated: bool = False
    time: str = ""
    asked: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line that is kept."""
        return asdict(self)


@dataclass(frozen=True)
class Settled:
    """The label of an answer: the mean of its people's last ones, or the adjudicated one. `by` holds them by person."""

    value: float
    by: Mapping[str, float]
    weight: float | None


def read_labels(
    path: Path, stored: StoredSweep, by: str = "", metric: str = "", strict: bool = True, only: bool = False
) -> tuple[list[Label], int]:
    """The labels of a file, and how many of its lines hold none for this sweep.

    These are the ones left blank (`value` null) and, unless `strict`, those with the `answer` of another sweep that
    nobody gave in this one, and those to a question of people's own (`asked`) that is no metric of this one. `by` and
    `metric` stand in where a line has none; with `only` a line of another metric is wrong. Raises UserError with every
    line that is wrong, and why; what is wrong with many of them alike is said once.
    """
    rows, mistakes = json_lines(path)
    reader = _Reader(str(path), stored, by, metric, strict, only)
    found = [reader.read(row) for row in rows if set(row.fields) != {"format"}]
    mistakes += reader.mistakes
    if mistakes:
        raise UserError(_once(sorted(mistakes, key=lambda mistake: mistake.place.line)))
    labels = [label for label in found if label is not None]
    return labels, len(found) - len(labels)


def labels_of(stored: StoredSweep) -> list[Label]:
    """The labels that the run folder holds, oldest first; fields of later versions are passed over."""
    return labels_in(stored.labels)


def labels_in(lines: Iterable[Mapping[str, Any]]) -> list[Label]:
    """The labels of lines as they are kept. Raises UserError for a line that lacks what a label has."""
    names = Label.__dataclass_fields__
    try:
        return [Label(**{k: v for k, v in line.items() if k in names}) for line in lines]
    except TypeError as error:
        raise UserError(f"{LABELS}/: a line there is no label ({error}); take its file away") from error


def with_draws(labels: Iterable[Label], others: Iterable[Label]) -> list[Label]:
    """The labels, those without a weight with that of another label of the same answer over the same passages.

    An answer that was drawn at random stays so for whatever else it is labelled.
    """
    weights = {(each.example, each.answer, each.context): each.weight for each in others if each.weight is not None}
    return [
        label if label.weight is not None else replace(label, weight=weights.get(key))
        for label in labels
        for key in [(label.example, label.answer, label.context)]
    ]


def settle(labels: Iterable[Label], sights: Sequence[Sight]) -> dict[str, Settled]:
    """The label of each sight that has one, by its id. Labels given without passages hold whatever they were."""
    groups: dict[tuple[str, str, str], dict[str, Label]] = {}
    for label in labels:
        key = (label.example, label.answer, label.context)
        groups.setdefault(key, {})["" if label.adjudicated else label.by] = label
    found = {}
    for sight in sights:
        contexts = dict.fromkeys((sight.context, ""))
        people: dict[str, Label] = {}
        for context in contexts:
            people = {**groups.get((sight.example, sight.answer, context), {}), **people}
        if people:
            found[sight.id] = _settled(people)
    return found


def _settled(people: Mapping[str, Label]) -> Settled:
    by = {name: label.value for name, label in people.items() if name}
    last = people.get("")
    value = last.value if last else math.fsum(by.values()) / len(by)
    weights = [label.weight for label in people.values() if label.weight is not None]
    return Settled(value, by, math.fsum(weights) / len(weights) if weights else None)


def _once(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Equal mistakes as one, at the first of their lines, which names the others."""
    alike: dict[tuple[str, str], list[Mistake]] = {}
    for mistake in mistakes:
        alike.setdefault((mistake.found, mistake.advice), []).append(mistake)
    return [
        first if not others else replace(first, found=f"{first.found} (also in {_lines(others)})")
        for first, *others in alike.values()
    ]


def _lines(mistakes: Sequence[Mistake]) -> str:
    """Their lines in words, those that follow each other as a range."""
    spans: list[list[int]] = []
    for line in sorted({mistake.place.line for mistake in mistakes}):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    words = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans)
    return f"line {words}" if words.isdigit() else f"lines {words}"


class _Reader:
    """Reads the lines of one file against one sweep, and collects what is wrong."""

    def __init__(self, file: str, stored: StoredSweep, by: str, metric: str, strict: bool, only: bool) -> None:
        self._file, self._by, self._metric, self._strict, self._only = file, by, metric, strict, only
        self._sweep = stored.id
        self._metrics = {entry["name"]: entry for entry in stored.metrics}
        self._examples = {entry["id"] for entry in stored.examples}
        self._sights: Sights = sights_of(stored)
        self._ids = self._sights.by_id()
        self._answers = {(sight.example, sight.answer): sight for sight in self._sights.plain}
        self.mistakes: list[Mistake] = []

    def read(self, row: Row) -> Label | None:
        """The label of a line; None for one that is blank or wrong."""
        place, fields = Place(self._file, row.line), row.fields
        before = len(self.mistakes)
        for name in fields:
            if name not in (*FIELDS, *SHOWN):
                self._wrong(place, f"unknown field {name!r}", advice(name, FIELDS))
        if fields.get("value", 0) is None or (
            not self._strict and (self._is_elsewhere(fields) or self._is_own(fields))
        ):
            return None
        target = self._target(place, fields)
        metric = self._metric_of(place, fields)
        value = self._value(place, fields, metric)
        by = fields.get("by") or self._by
        if not isinstance(by, str) or not by:
            self._wrong(place, "by: nobody is named", 'name yourself with --by, or write "by": "a name" into the lines')
        weight = fields.get("weight")
        if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float) or weight <= 0):
            self._wrong(place, f"weight: must be a number above 0, found {weight!r}", "leave it as the sample has it")
        if len(self.mistakes) > before or target is None or metric is None or value is None:
            return None
        weight = weight if fields.get("sweep") == self._sweep else None
        note, time, asked = (str(fields.get(name) or "") for name in ("note", "time", "asked"))
        settles = bool(fields.get("adjudicated"))
        return Label(*target[:2], metric["name"], value, by, note, target[2], weight, settles, time, asked)

    def _wrong(self, place: Place, found: str, advice: str = "") -> None:
        self.mistakes.append(Mistake(place, found, advice))

    def _is_elsewhere(self, fields: Mapping[str, Any]) -> bool:
        """Whether a line is about an answer that this sweep has not."""
        if fields.get("id") in self._ids or not isinstance(fields.get("answer"), str):
            return False
        return "id" in fields or (fields.get("example"), fields["answer"]) not in self._answers

    def _is_own(self, fields: Mapping[str, Any]) -> bool:
        """Whether a line answers a question of people's own, which is no metric here."""
        return bool(fields.get("asked")) and fields.get("metric") not in (None, "", *self._metrics)

    def _target(self, place: Place, fields: Mapping[str, Any]) -> tuple[str, str, str] | None:
        """Example, answer and context that a line is about."""
        if fields.get("id"):
            sight = self._ids.get(str(fields["id"]))
            if sight is None:
                self._wrong(place, f"id: this sweep has no answer {fields['id']!r}", "was the sample of another sweep?")
                return None
            return sight.example, sight.answer, sight.context
        example = fields.get("example")
        if example not in self._examples:
            self._wrong(place, f"example: this sweep has no example {example!r}", "take the ids of `harness show`")
            return None
        answer, context = fields.get("answer"), str(fields.get("context") or "")
        if isinstance(answer, str):
            if (example, answer) not in self._answers:
                self._wrong(place, f"answer: no variant gave this answer to {example!r}", "was it copied whole?")
                return None
            return str(example), answer, context
        if not fields.get("variant"):
            self._wrong(place, "names no answer", "give `id`, or `example` with `variant` or with `answer`")
            return None
        cell: Cell = (str(fields["variant"]), str(example), fields.get("repeat") or 0)
        sight = self._sights.of_cell.get(cell)
        if sight is None:
            self._wrong(
                place, f"variant: {cell[0]!r} has no answer to {example!r}, repeat {cell[2]}", "see its answers"
            )
            return None
        return sight.example, sight.answer, sight.context

    def _metric_of(self, place: Place, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        name = str(fields.get("metric") or self._metric)
        if not name:
            names = ", ".join(self._metrics)
            self._wrong(place, "metric: none is named", f"name one with --metric, or in the lines: {names}")
            return None
        if self._only and name != self._metric:
            what = f"metric: the line is about {name!r}, and --metric says {self._metric!r}"
            self._wrong(place, what, 'leave out --metric, or change "metric" in the lines')
            return None
        metric = self._metrics.get(name)
        if metric is None:
            self._wrong(place, f"metric: the sweep has no metric {name!r}", advice(name, list(self._metrics)))
        return metric

    def _value(self, place: Place, fields: Mapping[str, Any], metric: Mapping[str, Any] | None) -> float | None:
        """The value as a number: true and false are the ends of the scale."""
        value = fields.get("value")
        low, high = (None, None) if metric is None else (metric["low"], metric["high"])
        if isinstance(value, bool):
            ends = (0.0 if low is None else low, 1.0 if high is None else high)
            return float(ends[value])
        if not isinstance(value, int | float) or not math.isfinite(value):
            what = "is missing" if "value" not in fields else f"must be a number, true or false, found {kind(value)}"
            self._wrong(place, f"value: {what}", "write null for an answer that nobody looked at")
            return None
        if (low is not None and value < low) or (high is not None and value > high):
            ends_text = f"from {'any' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'}"
            self._wrong(place, f"value: {value:g} is not on the scale", f"the metric's values go {ends_text}")
            return None
        return float(value)
