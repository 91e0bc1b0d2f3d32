"""What people are asked about an answer: a metric of the sweep, or a question of their own; the words to reply in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.store import StoredSweep
from harness.study.judging.calibration import counted_as_yes
from harness.study.judging.labels import Label

YES_NO, PARTLY, FIVE = "yes/no", "yes/partly/no", "1 to 5"
OWN_WAYS = (YES_NO, PARTLY, FIVE)
"""How a question of people's own can be replied to."""
_LONGEST = 60
_KEYS = 9
"""The highest level that has a key of its own."""
_WORDS = {
    "correct": "Is the answer right: does it say what a reference says, or decline where nothing can be said?",
    "judged_correct": "Is the answer correct by a reference, in whatever words?",
    "answer_match": "Does the answer say what a reference says?",
    "abstention": "Does the answer decline where it must, and only there?",
    "handoff": "Does the answer hand over to a human where it must, and only there?",
    "refusal": "Does the answer refuse?",
    "groundedness": "Is every claim of the answer supported by the passages?",
    "lexical_groundedness": "Is every claim of the answer supported by the passages?",
    "ragas/faithfulness": "Is every claim of the answer supported by the passages?",
    "citations": "Does every citation support the sentence that it stands in?",
    "goal": "Has the user reached the goal?",
}
_SAID = {
    "criteria": "Does the answer meet the criteria?",
    "rules": "Does the answer keep the rules?",
    "tone": "Is this the tone of the answer?",
    "goal": "Has the user reached the goal?",
}
_UNSEEN = ("preference",)
"""Metrics that compare with another answer, which nobody is shown."""


@dataclass(frozen=True)
class Choice:
    """One reply: its key on the keyboard, its word, its value, and what stands on its button beside the key."""

    key: str
    word: str
    value: float
    label: str


@dataclass(frozen=True)
class Question:
    """What is asked. Values from `at` to `at_most` are a yes; `identity` is None for a question of people's own."""

    name: str
    words: str
    way: str
    choices: tuple[Choice, ...]
    at: float
    at_most: float = math.inf
    identity: Any = None
    judge: bool = False

    @property
    def metric(self) -> str | None:
        """The metric's name; None for a question of people's own."""
        return None if self.identity is None else self.name

    def word(self, value: float) -> str:
        """A value in the question's words; in digits where none has it."""
        said = [choice.word for choice in self.choices if math.isclose(choice.value, value, abs_tol=1e-9)]
        return said[0] if said else f"{value:g}"


def names(stored: StoredSweep, labels: Iterable[Label]) -> list[str]:
    """What can be asked: judges, other metrics with two ends, then people's own questions that are there."""
    entries = [entry for entry in stored.metrics if _can_be_asked(entry)]
    metrics = [entry["name"] for entry in sorted(entries, key=lambda entry: not entry.get("judge"))]
    every = {entry["name"] for entry in stored.metrics}
    return [*metrics, *dict.fromkeys(label.metric for label in labels if label.metric not in every)]


def ways(stored: StoredSweep, name: str, labels: Iterable[Label] = ()) -> list[str]:
    """How a question can be replied to, the usual way first: that of the last label, so that people use the same.

    Raises UserError for a metric that people cannot be asked for.
    """
    given = [label.asked for label in labels if label.metric == name and label.asked]
    entry = _entry(stored, name)
    if entry is None and given:
        return given[:1]  # its values mean nothing on another scale
    known = list(_ways(entry))
    return [*(way for way in given[-1:] if way in known), *(way for way in known if way not in given[-1:])]


def question(stored: StoredSweep, name: str, way: str) -> Question:
    """The question of that name. Raises UserError for a metric that people cannot be asked for, or an unknown way."""
    entry = _entry(stored, name)
    known = _ways(entry)
    if way not in known:
        raise UserError(f"{name}: nobody can reply by {way!r}; ways: {', '.join(known)}")
    if entry is None:
        return Question(checked(name), f"{name}?", way, known[way], 3.0 if way == FIVE else 0.5)
    at, at_most = counted_as_yes(entry)
    judge = bool(entry.get("judge"))
    return Question(name, _words(entry), way, known[way], at, at_most, entry["identity"], judge)


def checked(name: str) -> str:
    """The name of a question of people's own. Raises UserError for one that cannot be."""
    found = " ".join(name.split())
    if not found or len(found) > _LONGEST or not found.isprintable():
        raise UserError(f"a question needs a name of 1 to {_LONGEST} printable characters, found {name[:80]!r}")
    return found


def _entry(stored: StoredSweep, name: str) -> dict[str, Any] | None:
    """The metric of that name; None where there is none. Raises UserError for one that people cannot be asked for."""
    found: dict[str, Any] | None = next((entry for entry in stored.metrics if entry["name"] == name), None)
    if found is not None and not _can_be_asked(found):
        raise UserError(f"{name}: people cannot be asked for it: its values have no two ends, or it needs two answers")
    return found


def _can_be_asked(entry: Mapping[str, Any]) -> bool:
    return entry["low"] is not None and entry["high"] is not None and entry["identity"].get("use") not in _UNSEEN


def _words(entry: Mapping[str, Any]) -> str:
    """The question in words: the judge's own, where it was given some."""
    identity, name = entry["identity"], entry["name"]
    use = str(identity.get("use"))
    words = _WORDS.get(use, f"What should {name if len(name) <= _LONGEST else use} be for this answer?")
    for field, said in _SAID.items():
        given = identity.get(field)
        if given and isinstance(given, str | list | tuple):
            texts = [given] if isinstance(given, str) else [f"{i}. {text}" for i, text in enumerate(given, 1)]
            words = "\n".join([said, *map(str, texts)])
    return words if entry["direction"] == "maximize" else f"{words} (Lower is better.)"


def _ways(entry: Mapping[str, Any] | None) -> dict[str, tuple[Choice, ...]]:
    """The choices by way. The levels of a judge with a scale of its own come first."""
    low, high = (0.0, 1.0) if entry is None else (float(entry["low"] or 0.0), _high(entry))
    five = (1.0, 5.0) if entry is None else (low, high)
    middle = (low + high) / 2
    yes, partly, no = (
        Choice("y", "yes", high, "Yes"),
        Choice("p", "partly", middle, "Partly"),
        Choice("n", "no", low, "No"),
    )
    common = {YES_NO: (yes, no), PARTLY: (yes, partly, no), FIVE: _levels(1, 5, {}, *five)}
    identity = {} if entry is None else entry["identity"]
    levels = _own_levels(identity.get("scale"))
    if levels:
        least, most = min(levels), max(levels)
        own = {f"{least} to {most}": _levels(least, most, levels, low, high)}
        return {**own, **{way: choices for way, choices in common.items() if way not in own}}
    if identity.get("use") == "judged_correct":
        return {way: common[way] for way in (PARTLY, YES_NO, FIVE)}
    return common


def _high(entry: Mapping[str, Any]) -> float:
    return 1.0 if entry["high"] is None else float(entry["high"])


def _own_levels(scale: Any) -> dict[int, str]:
    """The levels of a rubric with what they mean; none where they have no keys of their own."""
    if not isinstance(scale, list | tuple) or not all(
        isinstance(each, list | tuple) and len(each) == 2 for each in scale
    ):
        return {}
    levels = {int(level): str(meaning) for level, meaning in scale}
    return levels if len(levels) > 1 and min(levels) >= 0 and max(levels) <= _KEYS else {}


def _levels(least: int, most: int, meanings: Mapping[int, str], low: float, high: float) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            str(level),
            f"{level}: {meanings[level]}" if meanings.get(level) else str(level),
            low + (high - low) * (level - least) / (most - least),
            meanings.get(level) or f"{level} of {most}",
        )
        for level in range(least, most + 1)
    )
