"""The work cache: what was made once is not made again, by any sweep of the workspace.

It lives in `.harness/` and can be deleted: that costs time and money, never truth.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from harness.errors import UserError

WORK_FILE = "work.sqlite"
_AT_ONCE = 500
_FLUSH_S = 0.05
_VERSION = 3
_TABLES = """
CREATE TABLE IF NOT EXISTS work (
    key TEXT PRIMARY KEY, stage TEXT, value BLOB, maker TEXT, made REAL, provider TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (
    maker TEXT, stage TEXT, provider TEXT, hits INTEGER, PRIMARY KEY (maker, stage, provider)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, maker TEXT) WITHOUT ROWID;
DROP TABLE IF EXISTS makers;
CREATE TABLE makers (maker TEXT PRIMARY KEY, beat BLOB) WITHOUT ROWID;
"""


class Entry(NamedTuple):
    """A cached result and the id of the sweep that made it."""

    value: bytes
    maker: str


class StageSize(NamedTuple):
    """Entries of a stage and provider: how many, their bytes, when the oldest and the newest were made (seconds since
    1970), and how often a sweep used one that another had made."""

    stage: str
    provider: str
    entries: int
    size: int
    oldest: float
    newest: float
    hits: int


class Cache(Protocol):
    """Results by key. Keys chain: they hold all that decides the result."""

    def get(self, keys: Sequence[str], *, only_own: bool = False) -> dict[str, Entry]:
        """The entries that are there; `only_own` leaves out those of other sweeps."""

    def makers(self, keys: Sequence[str]) -> dict[str, str]:
        """Who made the entries that are there."""

    def put(self, stage: str, entries: Mapping[str, bytes], provider: str = "") -> None:
        """Add results made by this sweep."""

    def drop(self, keys: Sequence[str]) -> None:
        """Remove results, whoever made them."""

    def close(self) -> None:
        """Release what it holds; what was put is kept as far as it is to be kept."""


def connect(folder: Path) -> sqlite3.Connection:
    """Open the file, in WAL mode: safe for several processes. Raises UserError where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        # One thread at a time uses it, under the cache's lock.
        database = sqlite3.connect(folder / WORK_FILE, timeout=60, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        if database.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
            _upgrade(database)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"cannot keep the work cache in {folder}: {error}") from error
    return database


def _upgrade(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    columns = [row[1] for row in database.execute("PRAGMA table_info(work)")]
    if columns and "provider" not in columns:
        database.execute("ALTER TABLE work ADD COLUMN provider TEXT NOT NULL DEFAULT ''")
    for statement in filter(str.strip, _TABLES.split(";")):
        database.execute(statement)
    database.execute(f"PRAGMA user_version={_VERSION}")
    database.execute("COMMIT")


class DiskCache:
    """SQLite, with group commit: what is put is there at once, and survives the death of our process 50 ms later."""

    def __init__(self, folder: Path, maker: str) -> None:
        self._maker = maker
        self._folder = folder
        self._database = connect(folder)
        self._lock = threading.Lock()
        # Of its own, so that who puts something does not wait for what is being written.
        self._database_lock = threading.Lock()
        self._waiting: dict[str, tuple[str, bytes, float, str]] = {}
        self._hits: Counter[tuple[str, str]] = Counter()
        self._error: UserError | None = None
        self._more = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def get(self, keys: Sequence[str], *, only_own: bool = False) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        with self._lock:
            for key in keys:
                if key in self._waiting:
                    found[key] = Entry(self._waiting[key][1], self._maker)
        with self._database_lock:
            for key, value, maker, stage, provider in self._rows("key, value, maker, stage, provider", keys):
                if maker == self._maker or not only_own:
                    found.setdefault(key, Entry(value, maker))
                    if self._maker and maker != self._maker:
                        self._hits[stage, provider] += 1
        if self._hits:
            self._wake()
        return found

    def makers(self, keys: Sequence[str]) -> dict[str, str]:
        """Who made the entries that are there, without reading their values."""
        with self._lock:
            found = {key: self._maker for key in keys if key in self._waiting}
        with self._database_lock:
            return {**dict(self._rows("key, maker", keys)), **found}

    def put(self, stage: str, entries: Mapping[str, bytes], provider: str = "") -> None:
        """Add results. Raises UserError when earlier ones could not be written."""
        if self._error is not None:
            raise self._error
        if not entries:
            return
        now = time.time()
        with self._lock:
            self._waiting.update((key, (stage, value, now, provider)) for key, value in entries.items())
        self._wake()

    def drop(self, keys: Sequence[str]) -> None:
        with self._database_lock:
            with self._lock:
                for key in keys:
                    self._waiting.pop(key, None)
            for batch in batches(keys):
                marks = ",".join("?" * len(batch))
                self._database.execute(f"DELETE FROM work WHERE key IN ({marks})", batch)

    def flush(self) -> None:
        """Hand all that was put to the operating system. Raises UserError when that is not possible."""
        with self._database_lock:
            with self._lock:
                written = dict(self._waiting)
            if not written and not self._hits:
                return
            rows = [
                (key, stage, value, self._maker, made, provider)
                for key, (stage, value, made, provider) in written.items()
            ]
            hits = [(self._maker, stage, provider, count) for (stage, provider), count in self._hits.items()]
            self._commit(rows, hits)
            self._hits.clear()
            with self._lock:
                for key, entry in written.items():
                    if self._waiting.get(key) is entry:
                        del self._waiting[key]

    def _commit(self, rows: Sequence[Any], hits: Sequence[Any]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR REPLACE INTO work VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._database.executemany(
                "INSERT INTO uses VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET hits = hits + excluded.hits", hits
            )
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise UserError(
                f"cannot write the work cache {self._folder / WORK_FILE}: {error}; "
                "make room or mend the disk, and run the same command to go on"
            ) from error

    def stages(self) -> list[StageSize]:
        """What the cache holds and what it was good for, by stage and provider."""
        query = (
            "SELECT w.*, coalesce("
            "(SELECT sum(hits) FROM uses u WHERE (u.stage, u.provider) = (w.stage, w.provider)), 0)"
            " FROM (SELECT stage, provider, count(*), sum(length(value)), min(made), max(made) FROM work"
            " GROUP BY stage, provider) w ORDER BY 1, 2"
        )
        return [StageSize(*row) for row in self._database.execute(query)]

    def prune(
        self,
        before: float | None = None,
        maker: str | None = None,
        stage: str | None = None,
        provider: str | None = None,
    ) -> int:
        """Remove entries made before a time (seconds since 1970), by a sweep, of a stage, of a provider's: all that is
        given must hold.

        Returns how many were removed; the file shrinks.
        """
        wanted = {"made < ?": before, "maker = ?": maker, "stage = ?": stage, "provider = ?": provider}
        given = {clause: value for clause, value in wanted.items() if value is not None}
        where = " AND ".join(given) or "1"
        removed = self._database.execute(f"DELETE FROM work WHERE {where}", list(given.values())).rowcount
        self._database.execute("VACUUM")
        return int(removed)

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._closed.set()
        self._more.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()
        self._database.close()

    def _rows(self, columns: str, keys: Sequence[str]) -> Iterator[Any]:
        for batch in batches(keys):
            marks = ",".join("?" * len(batch))
            yield from self._database.execute(f"SELECT {columns} FROM work WHERE key IN ({marks})", batch)

    def _wake(self) -> None:
        """Have it written soon; the thread is started by the first thing to write."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_flushing, name="harness-cache", daemon=True)
            self._thread.start()
        if not self._more.is_set():
            self._more.set()

    def _keep_flushing(self) -> None:
        while not self._closed.is_set():
            self._more.wait()
            self._more.clear()
            self._closed.wait(_FLUSH_S)
            try:
                self.flush()
            except UserError as error:
                self._error = error
                return


class Overlay:
    """Reads from a cache on disk, if there is one, and keeps what is new in memory: planning leaves no trace.

    Of what is new, the latest `most` entries are kept (None: all).
    """

    def __init__(self, folder: Path, most: int | None = None) -> None:
        self._below = DiskCache(folder, "") if (folder / WORK_FILE).exists() else None
        self._added: dict[str, Entry] = {}
        self._most = most

    def get(self, keys: Sequence[str], *, only_own: bool = False) -> dict[str, Entry]:
        found = {key: self._added[key] for key in keys if key in self._added}
        if self._below is not None:
            found.update(self._below.get([key for key in keys if key not in found], only_own=only_own))
        return found

    def makers(self, keys: Sequence[str]) -> dict[str, str]:
        return self._below.makers(keys) if self._below is not None else {}

    def put(self, stage: str, entries: Mapping[str, bytes], provider: str = "") -> None:
        self._added.update({key: Entry(value, "") for key, value in entries.items()})
        if self._most is not None:
            for key in list(islice(self._added, max(0, len(self._added) - self._most))):
                del self._added[key]

    def drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._added.pop(key, None)

    def close(self) -> None:
        """Close the file below."""
        if self._below is not None:
            self._below.close()


def batches(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in lists that one query takes."""
    rest = iter(keys)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
