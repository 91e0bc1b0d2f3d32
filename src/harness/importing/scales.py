"""How imported metrics are read: as the user says, else as the tool does, else by their names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UserError, advice
from harness.importing.found import Found, Hint

_LESS = frozenset("cost usd latency ms seconds duration tokens error errors hallucination toxicity bias loss".split())
"""Words in the name of a column of which less is better."""
_UNITS = {"ms": "ms", "usd": "USD", "seconds": "s", "tokens": "tokens"}
_RANGE = re.compile(r"(-?[\d.]*(?:e-?\d+)?)\.\.(-?[\d.]*(?:e-?\d+)?)")
_DIRECTIONS = ("maximize", "minimize")


@dataclass(frozen=True)
class Spec:
    """What a user says of a metric: `NAME[:minimize][:low..high][:judge]`; None where nothing is said."""

    name: str
    direction: str | None = None
    ends: tuple[float | None, float | None] | None = None
    judge: bool = False


@dataclass(frozen=True)
class Reading:
    """How a metric is read; `content` is what the tool tells of it besides."""

    direction: str
    low: float | None
    high: float | None
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    judge: bool = False
    content: Mapping[str, Any] = field(default_factory=dict)


def spec_of(text: str) -> Spec:
    """The spec that a text means; a name may have colons itself. Raises UserError for a range that is none."""
    parts = text.split(":")
    direction, ends, judge = None, None, False
    while len(parts) > 1:
        last = parts[-1].strip()
        if last in _DIRECTIONS:
            direction = last
        elif last == "judge":
            judge = True
        elif ".." in last:
            ends = _ends(last, text)
        else:
            break
        parts.pop()
    name = ":".join(parts).strip()
    if not name:
        raise UserError(f"--metric {text!r} names no metric; write NAME, NAME:minimize or NAME:0..10")
    return Spec(name, direction, ends, judge)


def readings(found: Found, specs: Sequence[Spec]) -> tuple[dict[str, Reading], list[str]]:
    """How each metric is read, and a sentence for each kind of guess.

    Raises UserError for a spec of a metric that is not there, and for values outside the range that was given.
    """
    given = {spec.name: spec for spec in specs}
    unknown = [name for name in given if name not in found.metrics]
    if unknown:
        raise UserError(f"there is no metric {unknown[0]!r}; {advice(unknown[0], found.metrics, 'metrics')}")
    values: dict[str, list[float]] = {name: [] for name in found.metrics}
    for cell in found.cells:
        for name, value in cell.values.items():
            if value.value is not None:
                values[name].append(value.value)
    guesses: dict[str, list[str]] = {}
    read = {
        name: _reading(name, values[name], given.get(name), found.hints.get(name, Hint()), guesses)
        for name in found.metrics
    }
    return read, [f"{guess}: {', '.join(names)}" for guess, names in guesses.items()]


def _reading(name: str, values: list[float], spec: Spec | None, hint: Hint, guesses: dict[str, list[str]]) -> Reading:
    spec = spec or Spec(name)
    words = re.split(r"[^a-z]+", name.lower())
    direction = spec.direction or hint.direction
    if direction is None:
        direction = "minimize" if _LESS.intersection(words) else "maximize"
        guesses.setdefault(f"{'less' if direction == 'minimize' else 'more'} is taken to be better of", []).append(name)
    if spec.ends is not None:
        low, high = spec.ends
        _check(name, values, low, high)
    elif hint.low is not None or hint.high is not None:
        low, high = hint.low, hint.high
    else:
        inside = bool(values) and min(values) >= 0 and max(values) <= 1
        low, high = (0.0, 1.0) if inside else (None, None)
        guesses.setdefault(f"taken to {'lie between 0 and 1' if inside else 'have no ends'}", []).append(name)
    unit = next((_UNITS[word] for word in reversed(words) if word in _UNITS), "")
    return Reading(direction, low, high, unit, hint.at_least, hint.at_most, hint.judge or spec.judge, hint.content)


def _ends(text: str, whole: str) -> tuple[float | None, float | None]:
    match = _RANGE.fullmatch(text)
    try:
        low, high = (float(end) if end else None for end in match.groups()) if match else (1.0, 0.0)
    except ValueError:
        low, high = 1.0, 0.0
    if low is not None and high is not None and low >= high:
        raise UserError(f"--metric {whole!r}: {text!r} is no range; write 0..1, 1..5, 0.. or ..100")
    return low, high


def _check(name: str, values: list[float], low: float | None, high: float | None) -> None:
    outside = [v for v in values if (low is not None and v < low) or (high is not None and v > high)]
    if outside:
        ends = f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"
        raise UserError(f"metric {name!r}: {len(outside)} values lie outside {ends}, such as {outside[0]:g}")
