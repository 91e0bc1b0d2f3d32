"""Files that are only ever added, each once, under a name of its own: any number of writers, no lock.

The names begin with the time of writing, so that they sort by it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from harness.errors import UserError
from harness.store import journal
from harness.store.folder import Folder, check_format, write_atomically
from harness.store.layout import FORMAT


def add_lines(folder: Folder, lines: Iterable[dict[str, Any]]) -> str:
    """Add a file of JSON lines, the format number first; returns its name. Raises UserError where that fails."""
    content = b"".join(orjson.dumps(line) + b"\n" for line in [{"format": FORMAT}, *lines])
    return _add(folder, content, ".jsonl")


def add_json(folder: Folder, content: dict[str, Any]) -> str:
    """Add a JSON file; returns its name. Raises UserError where that fails."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return _add(folder, orjson.dumps({"format": FORMAT, **content}, option=options), ".json")


def all_lines(folder: Folder) -> list[dict[str, Any]]:
    """The lines of all files, oldest first. Raises UserError when a newer version wrote one."""
    return [line for name in names(folder, ".jsonl") for line in lines_of(folder, name)]


def lines_of(folder: Folder, name: str) -> list[dict[str, Any]]:
    """The lines of one file. Raises UserError when a newer version wrote it."""
    content = _checked(folder.read(name) or b"", f"{folder.uri}/{name}")
    return [line for line in journal.lines(content) if isinstance(line, dict)]


def names(folder: Folder, suffix: str) -> list[str]:
    """Names of the files inside, oldest first; none when the folder does not exist."""
    try:
        if folder.is_local:
            with os.scandir(folder.path) as entries:
                found = [entry.name for entry in entries if entry.is_file()]
        else:
            import fsspec

            system, root = fsspec.core.url_to_fs(folder.uri)
            system.invalidate_cache()
            found = [entry["name"].rsplit("/", 1)[-1] for entry in system.ls(root, detail=True)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in found if name.endswith(suffix) and not name.startswith("."))


def _add(folder: Folder, content: bytes, suffix: str) -> str:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(8)}{suffix}"
    try:
        if folder.is_local:
            folder.path.mkdir(parents=True, exist_ok=True)
            write_atomically(folder.path / name, content)
        else:
            import fsspec

            system, root = fsspec.core.url_to_fs(folder.uri)
            system.makedirs(root, exist_ok=True)
            system.pipe_file(f"{root}/{name}", content)
    except OSError as error:
        raise UserError(f"cannot write to {folder.uri}: {error.strerror or error}") from error
    return name


def _checked(content: bytes, file: str) -> bytes:
    try:
        head = orjson.loads(content.split(b"\n", 1)[0] or b"{}")
    except orjson.JSONDecodeError:
        return content
    if isinstance(head, dict):
        check_format(head, file)
    return content
