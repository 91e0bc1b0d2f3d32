"""What the files of a run folder must hold, checked where they are read, so that what is missing is named by file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.errors import Mistake, Place, UserError
from harness.store import journal

Fits = Callable[[Any], bool]

_CELL = (("variant", str), ("example", str), ("repeat", int))
_HEADER: dict[str, type] = {"name": object, "created": object, "cells": int, "metrics": list, "objective": dict}
VARIANT = ("id", "label", "params", "chatbot")
EXAMPLE = ("id", "messages", "cluster")


def checked_header(header: dict[str, Any], file: str) -> dict[str, Any]:
    """The header, if it has what every sweep has; UserError with the fields that it lacks, or that are of another kind.

    `name`, `created`, `cells`, `metrics` (each with `name` and `identity`), `objective` (`metric` and `direction`).
    """
    found = {name: header.get(name) for name in _HEADER}
    wrong = [name for name, kind in _HEADER.items() if found[name] is None or not isinstance(found[name], kind)]
    if "metrics" not in wrong and not all(_has(entry, ("name", "identity")) for entry in header["metrics"]):
        wrong.append("metrics")
    if "objective" not in wrong and not _has(header["objective"], ("metric", "direction")):
        wrong.append("objective")
    if wrong:
        raise UserError(f"{file} lacks what a sweep has, or has it in another shape: {', '.join(wrong)}")
    return header


def entries(content: bytes | None, file: str, needed: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of a file that describes a sweep. A line that is no JSON is passed over (see `problems`).

    Raises UserError with each line that lacks a needed field.
    """
    found, mistakes = [], []
    for number, line in journal.numbered(content):
        lacking = [name for name in needed if not isinstance(line, dict) or name not in line]
        if lacking:
            mistakes.append(Mistake(Place(file, number), f"this line has no {', no '.join(lacking)}"))
        found.append(line)
    if mistakes:
        raise UserError(mistakes)
    return found


def is_cell(line: Any) -> bool:
    """Whether a line of the journal holds a cell."""
    if not _has(line, ("outcome", "scores")) or not isinstance(line["outcome"], dict):
        return False
    return isinstance(line["scores"], list) and all(isinstance(line["outcome"].get(n), kind) for n, kind in _CELL)


def is_text(line: Any) -> bool:
    """Whether a line holds a passage's document, start, end and text."""
    return isinstance(line, list) and [type(each) for each in line] == [str, int, int, str]


def is_spending(line: Any) -> bool:
    """Whether a line holds a paid call."""
    return _has(line, ("stage", "usd", "tokens"))


def _has(entry: Any, names: Sequence[str]) -> bool:
    return isinstance(entry, dict) and all(name in entry for name in names)
