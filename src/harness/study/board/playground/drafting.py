"""A question that came up in a conversation, made into a line of a dataset and kept."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from harness.data import read_dataset
from harness.data.evidence import Sources
from harness.data.lines import read_line
from harness.data.rows import Row
from harness.errors import UserError
from harness.records import Example, Message

DATASETS = "datasets"
"""The folder of a workspace that the dashboard may add examples in."""
_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*\.jsonl")
_MOST = 500


def draft(
    messages: Sequence[Message],
    *,
    by: str,
    expected: str = "answer",
    references: Sequence[str] = (),
    tags: Sequence[str] = (),
    run: str = "",
) -> dict[str, Any]:
    """The line: the conversation that ends with the question, what a good answer is, who added it, when, from where.

    Raises UserError with everything that a dataset would refuse.
    """
    if not by.strip():
        raise UserError("say who adds the example: its line keeps the name")
    line: dict[str, Any] = {}
    if len(messages) == 1:
        line["question"] = messages[0].content
    else:
        line["messages"] = [{"role": each.role, "content": each.content} for each in messages]
    if references:
        line["references"] = list(references)
    if expected != "answer":
        line["expected"] = expected
    if tags:
        line["tags"] = list(dict.fromkeys(tags))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line["metadata"] = {"added_by": by.strip(), "added": now, **({"run": run} if run else {})}
    _read(line)
    return line


def as_line(line: Mapping[str, Any]) -> bytes:
    """The line as it stands in a JSONL file, with its end. Raises UserError for a text that is no Unicode."""
    try:
        return orjson.dumps(dict(line)) + b"\n"
    except orjson.JSONEncodeError as error:
        raise UserError(f"the example holds what JSON cannot hold: {error}") from error


def append(file: Path, line: Mapping[str, Any]) -> int:
    """Add the line to a dataset, or begin one; returns how many examples it has then.

    Raises UserError where the file is no sound JSONL dataset, asks the same already, or cannot be written; it is as it
    was then.
    """
    if file.suffix.lower() not in (".jsonl", ".ndjson"):
        raise UserError(f"{file}: examples are added to JSONL files; name one that ends with .jsonl")
    example = _read(line)
    before = read_dataset(file).examples if _holds_lines(file) else ()
    same = next((each.id for each in before if each.messages == example.messages), None)
    if same is not None:
        raise UserError(f"{file}: the example {same} asks the same already; nothing was added")
    _write(file, as_line(line))
    return len(read_dataset(file).examples)


def _write(file: Path, content: bytes) -> None:
    """One write at the end of the file, so that two who add at once do not mix; blank lines do not matter."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(handle).st_size
            ended = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
            os.write(handle, content if ended else b"\n" + content)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror or error}") from error


def datasets_in(workspace: Path) -> list[str]:
    """The JSONL files below `datasets/` of a workspace, as paths relative to it, sorted; at most 500."""
    top = workspace / DATASETS
    found = (file for file in sorted(top.rglob("*.jsonl")) if file.is_file())
    names = (file.relative_to(top).as_posix() for file in found if _inside(top, file))
    return [name for name, _ in zip(names, range(_MOST), strict=False)]


def file_in(workspace: Path, name: str) -> Path:
    """The dataset that a name means below `datasets/` of a workspace, there or to be made; no file outside it.

    Raises UserError for any other name.
    """
    top = workspace / DATASETS
    file = top / name
    if not _NAME.fullmatch(name) or not _inside(top, file):
        raise UserError(
            f"{name!r} names no dataset below {DATASETS}/: use letters, digits, `-`, `_`, `.` and `/`, "
            "and .jsonl at the end"
        )
    return file


def _inside(top: Path, file: Path) -> bool:
    """Whether a file is below a folder, whatever links there are on the way."""
    return file.resolve().is_relative_to(top.resolve())


def _holds_lines(file: Path) -> bool:
    return file.exists() and (file.is_dir() or file.stat().st_size > 0)


def _read(line: Mapping[str, Any]) -> Example:
    found = read_line(Row(1, dict(line)), "the new example", Sources(None))
    if isinstance(found, Example):
        return found
    raise UserError(found)
