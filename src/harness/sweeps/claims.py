"""Who is asking for what: two processes that want the same answer at the same time pay for one.

A claim is a row in the work cache's file. It ends with the process that made it, however that ends.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

import orjson

from harness.store.status import heartbeat, is_alive
from harness.sweeps.cache import batches, connect

_BEAT_S = 5.0


class Claims:
    """The claims of one sweep."""

    def __init__(self, folder: Path, maker: str) -> None:
        self._maker = maker
        self._database = connect(folder)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        with self._lock:
            self._database.execute("DELETE FROM claims WHERE maker = ?", [maker])
        self._beat()
        threading.Thread(target=self._keep_beating, name="harness-claims", daemon=True).start()

    def take(self, keys: Collection[str]) -> set[str]:
        """Claim what nobody else claims; returns what is ours to make. It may have been made meanwhile: look again."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            mine: set[str] = set()
            dead = [maker for maker in self._others() if not self._lives(maker)]
            self._database.executemany("DELETE FROM claims WHERE maker = ?", [[maker] for maker in dead])
            for batch in batches(keys):
                marks = ",".join("?" * len(batch))
                taken = self._database.execute(
                    f"SELECT key FROM claims WHERE key IN ({marks}) AND maker <> ?", [*batch, self._maker]
                )
                free = set(batch) - {key for (key,) in taken}
                self._database.executemany(
                    "INSERT OR REPLACE INTO claims VALUES (?, ?)", [(key, self._maker) for key in free]
                )
                mine |= free
            self._database.execute("COMMIT")
        return mine

    def drop(self, keys: Iterable[str]) -> None:
        """Give up claims, so that another process may try."""
        with self._lock:
            for batch in batches(keys):
                marks = ",".join("?" * len(batch))
                self._database.execute(
                    f"DELETE FROM claims WHERE maker = ? AND key IN ({marks})", [self._maker, *batch]
                )

    def close(self) -> None:
        """Give up all claims."""
        self._ended.set()
        with self._lock:
            self._database.execute("DELETE FROM claims WHERE maker = ?", [self._maker])
            self._database.execute("DELETE FROM makers WHERE maker = ?", [self._maker])
            self._database.close()

    def _others(self) -> list[str]:
        found = self._database.execute("SELECT DISTINCT maker FROM claims WHERE maker <> ?", [self._maker])
        return [maker for (maker,) in found]

    def _lives(self, maker: str) -> bool:
        row = self._database.execute("SELECT beat FROM makers WHERE maker = ?", [maker]).fetchone()
        return row is not None and is_alive(orjson.loads(row[0]))

    def _beat(self) -> None:
        with self._lock:
            row = (self._maker, orjson.dumps(heartbeat()))
            self._database.execute("INSERT OR REPLACE INTO makers VALUES (?, ?)", row)

    def _keep_beating(self) -> None:
        while not self._ended.wait(_BEAT_S):
            try:
                self._beat()
            except sqlite3.Error:  # closed meanwhile, or a full disk, of which the cache tells
                return
