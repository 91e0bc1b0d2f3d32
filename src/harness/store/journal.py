"""Append-only JSON lines: written with one system call each time, read kindly when the last line is torn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from harness.store.layout import FORMAT

_FLUSH_AFTER_S = 0.05


class Journal:
    """A file of JSON lines, open for appending by its one writer.

    Lines reach the operating system within 50 ms of the next `append` or `flush`; a killed process loses no more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _cut_torn_tail(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._waiting: list[bytes] = []
        self._flushed = time.monotonic()
        if os.fstat(self._file).st_size == 0:
            self.append({"format": FORMAT})
            self.flush()

    def append(self, line: Any) -> None:
        """Add one line."""
        self._waiting.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY))
        if time.monotonic() - self._flushed > _FLUSH_AFTER_S:
            self.flush()

    def flush(self) -> None:
        """Hand all lines to the operating system."""
        if self._waiting:
            content = memoryview(b"".join(self._waiting))
            self._waiting.clear()
            while content:
                content = content[os.write(self._file, content) :]
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush, bring to the disk, close."""
        self.flush()
        os.fsync(self._file)
        os.close(self._file)


def lines(content: bytes | None, fits: Callable[[Any], bool] | None = None) -> Iterator[Any]:
    """The lines of a journal without its header; a torn or broken line, or one that does not fit, is passed over."""
    for _, line in numbered(content):
        if fits is None or fits(line):
            yield line


def numbered(content: bytes | None) -> Iterator[tuple[int, Any]]:
    """The lines as `lines` has them, with their numbers in the file."""
    for number, raw in enumerate((content or b"").split(b"\n"), 1):
        if not raw:
            continue
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if not _is_header(line):
            yield number, line


def broken(content: bytes | None, *, growing: bool, fits: Callable[[Any], bool] | None = None) -> list[int]:
    """The numbers of the lines that `lines` passes over.

    What follows the last line break does not count while a file is `growing`: a killed writer leaves it, and cuts it
    off when it goes on.
    """
    every = (content or b"").split(b"\n")
    sound = {number for number, line in numbered(content) if fits is None or fits(line)}
    looked = every[:-1] if growing else every
    return [n for n, raw in enumerate(looked, 1) if raw and n not in sound and not _holds_header(raw)]


def sound(content: bytes, fits: Callable[[Any], bool] | None = None) -> bytes:
    """The lines that are whole JSON, and fit."""
    kept = []
    for raw in content.split(b"\n"):
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if fits is None or fits(line):
            kept.append(raw)
    return b"\n".join([*kept, b""]) if kept else b""


def _is_header(line: Any) -> bool:
    return isinstance(line, dict) and set(line) == {"format"}


def _holds_header(raw: bytes) -> bool:
    try:
        return _is_header(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return False


def write(path: Path, rows: list[Any]) -> None:
    """Write a whole file of JSON lines, atomically."""
    from harness.store.folder import write_atomically

    content = [orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) for row in [{"format": FORMAT}, *rows]]
    write_atomically(path, b"\n".join(content) + b"\n")


def _cut_torn_tail(path: Path) -> None:
    """Remove what a killed writer left of its last line, so that the next line starts on its own."""
    try:
        with open(path, "r+b") as file:
            content = file.read()
            end = content.rfind(b"\n") + 1
            if end < len(content):
                file.truncate(end)
    except FileNotFoundError:
        return
