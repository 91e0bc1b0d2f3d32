"""The work cache: what was made once is not made again, by any sweep of the workspace.

It lives in `.harness/` and can be deleted: that costs time and money, never truth.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.errors import UserError

_AT_ONCE = 500


class Entry(NamedTuple):
    """A cached result and the id of the sweep that made it."""

    value: bytes
    maker: str


class StageSize(NamedTuple):
    """Entries of one stage: how many, their bytes, when the oldest and the newest were made (seconds since 1970)."""

    stage: str
    entries: int
    size: int
    oldest: float
    newest: float


class Cache(Protocol):
    """Results by key. Keys chain: they hold all that decides the result."""

    def get(self, keys: Sequence[str]) -> dict[str, Entry]:
        """The entries that are there."""

    def put(self, stage: str, entries: Mapping[str, bytes]) -> None:
        """Add results made by this sweep."""


class DiskCache:
    """SQLite in WAL mode: safe for several processes, and a result survives the death of ours once `put` returns."""

    def __init__(self, folder: Path, maker: str) -> None:
        self._maker = maker
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".gitignore").write_text("*\n")
            self._database = sqlite3.connect(folder / "work.sqlite", timeout=60, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"cannot keep the work cache in {folder}: {error}") from error
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS work (key TEXT PRIMARY KEY, stage TEXT, value BLOB, maker TEXT, made REAL)"
            " WITHOUT ROWID"
        )

    def get(self, keys: Sequence[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for start in range(0, len(keys), _AT_ONCE):
            batch = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(batch))
            query = f"SELECT key, value, maker FROM work WHERE key IN ({marks})"
            found.update((key, Entry(value, maker)) for key, value, maker in self._database.execute(query, batch))
        return found

    def makers(self, keys: Sequence[str]) -> dict[str, str]:
        """Who made the entries that are there, without reading their values."""
        found: dict[str, str] = {}
        for start in range(0, len(keys), _AT_ONCE):
            batch = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(batch))
            found.update(self._database.execute(f"SELECT key, maker FROM work WHERE key IN ({marks})", batch))
        return found

    def put(self, stage: str, entries: Mapping[str, bytes]) -> None:
        now = time.time()
        rows = [(key, stage, value, self._maker, now) for key, value in entries.items()]
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT OR REPLACE INTO work VALUES (?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def stages(self) -> list[StageSize]:
        """What the cache holds, stage by stage."""
        query = "SELECT stage, count(*), sum(length(value)), min(made), max(made) FROM work GROUP BY stage ORDER BY 1"
        return [StageSize(*row) for row in self._database.execute(query)]

    def prune(self, before: float | None = None, maker: str | None = None, stage: str | None = None) -> int:
        """Remove entries made before a time (seconds since 1970), by a sweep, of a stage: all that is given must hold.

        Returns how many were removed; the file shrinks.
        """
        wanted = {"made < ?": before, "maker = ?": maker, "stage = ?": stage}
        given = {clause: value for clause, value in wanted.items() if value is not None}
        where = " AND ".join(given) or "1"
        removed = self._database.execute(f"DELETE FROM work WHERE {where}", list(given.values())).rowcount
        self._database.execute("VACUUM")
        return int(removed)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class Overlay:
    """Reads from a cache on disk, if there is one, and keeps what is new in memory: planning leaves no trace."""

    def __init__(self, folder: Path) -> None:
        self._below = DiskCache(folder, "") if (folder / "work.sqlite").exists() else None
        self._added: dict[str, Entry] = {}

    def get(self, keys: Sequence[str]) -> dict[str, Entry]:
        found = {key: self._added[key] for key in keys if key in self._added}
        if self._below is not None:
            found.update(self._below.get([key for key in keys if key not in found]))
        return found

    def makers(self, keys: Sequence[str]) -> dict[str, str]:
        return self._below.makers(keys) if self._below is not None else {}

    def put(self, stage: str, entries: Mapping[str, bytes]) -> None:
        self._added.update({key: Entry(value, "") for key, value in entries.items()})

    def close(self) -> None:
        """Close the file below."""
        if self._below is not None:
            self._below.close()
