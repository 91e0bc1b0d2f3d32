"""Chroma within this process: a folder of the workspace, guarded by a lock, since it is one process's at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import UserError

LOCK = "harness.lock"


class Embedded:
    """A store in a folder. Its lock is held until it is closed; the operating system releases that of a dead process.

    Without it nothing is raised, and vectors are lost: two processes that write into one folder leave some that do
    not find themselves.
    """

    body: int | None = None

    def __init__(self, folder: Path, wait_s: float) -> None:
        """Waits up to `wait_s` seconds for another process. Raises UserError."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = _held(folder, wait_s)
        try:
            with self.calls():
                self.client: Any = _client(folder)
        except BaseException:
            self._lock.release()
            raise

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Whatever Chroma raises in the block becomes a UserError that names the folder."""
        from chromadb.errors import ChromaError

        try:
            yield
        except ChromaError as error:
            raise UserError(
                f"the vector store {self._folder}: {error}\n    it can be made again: delete the folder when no sweep "
                "runs; where files are short, raise `ulimit -n` (five for each collection that is open)"
            ) from error

    def close(self) -> None:
        """Release files and lock."""
        try:
            self.client.close()
        finally:
            self._lock.release()


def _held(folder: Path, wait_s: float) -> Any:
    """The lock of the folder, which then says which process holds it."""
    import os

    import filelock

    # Not bound to a thread: another may close what this one opens.
    lock, holder = filelock.FileLock(folder / LOCK, thread_local=False), folder / f"{LOCK}.pid"
    try:
        lock.acquire(timeout=wait_s)
    except filelock.Timeout:
        raise UserError(
            f"the vector store {folder} has been in use by another process{_named(holder)} for {wait_s:g} s\n"
            "    wait for the other sweep to end, or raise the index's timeout_s; sweeps that are to search one corpus "
            "at the same time can share a server: index: {use: chroma, url: …}"
        ) from None
    holder.write_text(str(os.getpid()))
    return lock


def _named(holder: Path) -> str:
    with suppress(OSError):
        return f" (process {holder.read_text()})"
    return ""


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    try:
        return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    except BaseException:
        # Chroma keeps what failed to start, and would give it to the next who opens the folder in this process.
        SharedSystemClient._identifier_to_system.pop(str(folder), None)
        raise
