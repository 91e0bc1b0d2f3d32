"""What was found in another tool's files: variants, examples, cells and their values, before they are a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harness.errors import Mistake, Place
from harness.importing.refusals import refusal
from harness.records import Example, Message, Outcome


@dataclass(frozen=True, slots=True)
class Value:
    """What an answer was found to be worth, or the failure in its place."""

    value: float | None = None
    reason: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class System:
    """A configuration that was tried elsewhere: its name, its settings by name, and whatever else the tool tells."""

    label: str
    params: Mapping[str, Any]
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hint:
    """How the tool itself reads a metric; None where it does not say."""

    direction: str | None = None
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    judge: bool = False
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer: `variant` and `example` are keys of `Found`; the outcome does not know its own names yet."""

    place: Place
    variant: str
    example: str
    outcome: Outcome
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Found:
    """All that was read. Metrics stand in the order in which they were met; `notes` are sentences for the user."""

    tool: str
    version: str | None
    systems: Mapping[str, System]
    examples: Mapping[str, Example]
    cells: list[Cell]
    metrics: tuple[str, ...]
    hints: Mapping[str, Hint]
    notes: tuple[str, ...]
    origin: Mapping[str, Any] = field(default_factory=dict)


_DECIDING = ("references", "evidence")
_BESIDE = ("tags", "metadata", "cluster")


class Findings:
    """Collects what a reader meets, and what is wrong with it; `finish` gives all of the one or raises all the other.

    A cell without a repeat number gets the next free one, unless `counted` is false: then it is met twice.
    """

    def __init__(self, tool: str, version: str | None = None, *, counted: bool = True) -> None:
        self.tool, self.version = tool, version
        self.systems: dict[str, System] = {}
        self.hints: dict[str, Hint] = {}
        self.origin: dict[str, Any] = {}
        self.mistakes: list[Mistake] = []
        self._counted = counted
        self._examples: dict[str, Example | None] = {}
        self._cells: dict[tuple[str, str, int], Cell] = {}
        self._next: dict[tuple[str, str], int] = {}
        self._metrics: dict[str, None] = {}
        self._notes: dict[str, None] = {}

    def wrong(self, place: Place, found: str, advice: str = "") -> None:
        """Keep a mistake."""
        self.mistakes.append(Mistake(place, found, advice))

    @contextmanager
    def reading(self, place: Place) -> Iterator[None]:
        """Around one entry of a file: what stands where something else is expected becomes a mistake of that entry."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.wrong(place, f"is not as {self.tool} writes it ({type(error).__name__}: {error})")

    def note(self, sentence: str) -> None:
        """Keep a sentence for the user, once."""
        self._notes.setdefault(sentence)

    def metric(self, name: str, hint: Hint | None = None) -> None:
        """Keep a metric's place, and how the tool reads it."""
        self._metrics.setdefault(name)
        if hint is not None:
            self.hints.setdefault(name, hint)

    def example(self, key: str, example: Example | None, place: Place) -> None:
        """Keep an example, which may be met again; None where only its key is known so far.

        Raises ValueError for metadata that are no mapping.
        """
        if example is not None and not isinstance(example.metadata, dict):
            raise ValueError(f"metadata must be a mapping, found {str(example.metadata)[:60]!r}")
        known = self._examples.setdefault(key, example)
        if example is None or known is example:
            return
        if known is None:
            self._examples[key] = example
        elif known.messages != example.messages:
            self.wrong(place, f"example {key!r} has another question than before", "give it an id of its own")
        else:
            self._examples[key] = self._merged(key, known, example, place)

    def cell(
        self,
        place: Place,
        variant: str,
        example: str,
        outcome: Outcome,
        values: Mapping[str, Value],
        repeat: int | None = None,
    ) -> None:
        """Keep an answer and its values; `repeat` counts from 0. Raises ValueError for figures that are none."""
        _check(outcome)
        pair = (variant, example)
        number = repeat if repeat is not None else self._next.get(pair, 0) if self._counted else 0
        self._next[pair] = number + 1
        if (*pair, number) in self._cells:
            before = self._cells[*pair, number].place
            found = f"variant {variant!r} and example {example!r} were met before, in {before}"
            self.wrong(place, found, "give each row a number in a column `repeat`, or the variants different names")
            return
        for name in values:
            self.metric(name)
        self._cells[*pair, number] = Cell(place, variant, example, replace(outcome, repeat=number), values)

    def finish(self, place: Place) -> Found:
        """All that was found. Raises UserError with what was wrong, or where there is no cell."""
        if self.mistakes:
            raise refusal(self.mistakes)
        if not self._cells:
            raise refusal([Mistake(place, "holds no results")])
        examples = {key: example or _nameless(key) for key, example in self._examples.items()}
        bare = sum(example is None for example in self._examples.values())
        if bare:
            self.note(f"{bare} examples have no question in the file: their ids stand in its place")
        return Found(
            self.tool,
            self.version,
            self.systems,
            examples,
            list(self._cells.values()),
            tuple(self._metrics),
            self.hints,
            tuple(self._notes),
            self.origin,
        )

    def _merged(self, key: str, known: Example, other: Example, place: Place) -> Example:
        """Both of them; what only one tells is taken from it."""
        changes: dict[str, Any] = {}
        for name in (*_DECIDING, *_BESIDE):
            here, there = getattr(known, name), getattr(other, name)
            if there and not here:
                changes[name] = there
            elif there and here != there:
                if name in _DECIDING:
                    self.wrong(place, f"example {key!r} has other {name} than before", "give it an id of its own")
                else:
                    self.note(f"{name} differ between results of the same example: the first are kept")
        if known.expected != other.expected:
            self.wrong(place, f"example {key!r} expects {other.expected!r}, before it was {known.expected!r}")
        return replace(known, **changes) if changes else known


def _nameless(key: str) -> Example:
    return Example(key, (Message("user", key),))


_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "attempts")
_FIGURES = ("cost_usd", "query_usd", "latency_ms", "first_token_ms", "wait_ms")


def _check(outcome: Outcome) -> None:
    """Counts are whole and figures finite, neither below 0, or they are not known."""
    for name in (*_COUNTS, *_FIGURES):
        value = getattr(outcome, name)
        kinds = (int,) if name in _COUNTS else (int, float)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < math.inf):
            what = "whole number" if name in _COUNTS else "number"
            raise ValueError(f"{name} must be a {what} from 0 on, found {str(value)[:60]!r}")
