"""A ledger: numbered files, each created once and never changed, each with a digest of itself and of the one before.

A number is had by creating its file where there is none, which one writer alone can do; the others read again and take
the next. On a disk that is a hard link to a file that is written already. In object storage it is the store's own
condition (`mode="create"` of fsspec: S3, Google Cloud Storage, Azure); what was written is read back as well.
"""

from __future__ import annotations

import errno
import inspect
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from harness.errors import UserError
from harness.records import digest
from harness.store import additions
from harness.store.folder import Folder, check_format
from harness.store.layout import FORMAT

Entry = dict[str, Any]
_NAME = re.compile(r"\d{6,}\.json")
_TRIES, _PAUSE_S = 2000, 0.005
_RESTORE = "put the files back as they were written (from a backup, or the store's earlier versions)"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_WITHOUT_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_one_thread = threading.Lock()
"""fsspec's storage in memory looks and writes in two actions; between threads the lock makes them one."""


class Ledger:
    """The ledger in a folder. Every entry has `format`, `number` (from 1 on), `before`, `nonce` and `digest`."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def entries(self) -> list[Entry]:
        """All entries by number; none where there is no folder.

        Raises UserError where one is missing, was changed after it was written, or comes from a newer version.
        """
        names = sorted((n for n in additions.names(self.folder, ".json") if _NAME.fullmatch(n)), key=_number)
        found: list[Entry] = []
        for name, content in zip(names, self._read(names), strict=True):
            found.append(self._checked(name, content, found))
        return found

    def append(self, make: Callable[[list[Entry]], Entry]) -> Entry:
        """Add what `make` makes of the entries so far; it is called anew where another writer was quicker.

        Raises UserError where nothing can be written, and whatever `make` raises.
        """
        for _ in range(_TRIES):
            known = self.entries()
            entry = _sealed(known, make(known))
            if self._create(f"{len(known) + 1:06}.json", orjson.dumps(entry, option=_OPTIONS)):
                return entry
            time.sleep(_PAUSE_S)
        raise UserError(f"{self.folder.uri}: the next number is always taken; is another program writing there?")

    def _checked(self, name: str, content: bytes, before: list[Entry]) -> Entry:
        file, expected = f"{self.folder.uri}/{name}", len(before) + 1
        if _number(name) != expected:
            raise UserError(f"{self.folder.uri}: {expected:06}.json is missing, {name} is there; {_RESTORE}")
        try:
            entry = orjson.loads(content)
        except orjson.JSONDecodeError:
            entry = None
        if not isinstance(entry, dict):
            raise UserError(f"{file} is no JSON mapping any more: it was changed after it was written; {_RESTORE}")
        check_format(entry, file)
        told = _digest(entry)
        if entry.get("digest") == told and entry.get("number") != expected:
            raise UserError(f"{file} holds entry {entry.get('number')}: it was put in another's place; {_RESTORE}")
        if entry.get("digest") != told:
            found = f"its digest says {entry.get('digest')}, its content gives {told}"
            raise UserError(f"{file} was changed after it was written ({found}); {_RESTORE}")
        if entry.get("before") != (before[-1]["digest"] if before else None):
            raise UserError(
                f"{file} does not follow on {expected - 1:06}.json: one of the two was replaced; {_RESTORE}"
            )
        return entry

    def _read(self, names: list[str]) -> list[bytes]:
        if self.folder.is_local or not names:
            return [self.folder.read(name) or b"" for name in names]
        import fsspec

        system, root = fsspec.core.url_to_fs(self.folder.uri)
        found = system.cat([f"{root}/{name}" for name in names])  # all at once, where the store can
        by_name = {path.rsplit("/", 1)[-1]: bytes(content) for path, content in found.items()}
        return [by_name[name] for name in names]

    def _create(self, name: str, content: bytes) -> bool:
        """Create a file with its whole content; False where there is one of that name."""
        try:
            if self.folder.is_local:
                self.folder.path.mkdir(parents=True, exist_ok=True)
                return _create_locally(self.folder.path / name, content)
            return self._create_remotely(name, content)
        except OSError as error:
            raise UserError(f"cannot write to {self.folder.uri}: {error.strerror or error}") from error

    def _create_remotely(self, name: str, content: bytes) -> bool:
        import fsspec

        system, root = fsspec.core.url_to_fs(self.folder.uri)
        if "mode" not in inspect.signature(getattr(system, "_pipe_file", system.pipe_file)).parameters:
            todo = "upgrade it, or keep the registry elsewhere"
            raise UserError(f"{self.folder.uri}: {type(system).__module__} cannot create a file only once; {todo}")
        with _one_thread:
            try:
                system.makedirs(root, exist_ok=True)
                system.pipe_file(f"{root}/{name}", content, mode="create")
            except OSError as error:  # stores have words of their own for a condition that failed
                if self.folder.read(name) is None and not _is_conflict(error):
                    raise
        # after a lost reply the store may refuse what it has of us: what counts is whose content is there
        return self.folder.read(name) == content


def _create_locally(path: Path, content: bytes) -> bool:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        return _create_without_links(path, content)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return True


def _create_without_links(path: Path, content: bytes) -> bool:
    """For file systems without hard links; a reader may meet the file before it is whole."""
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _is_conflict(error: OSError) -> bool:
    """Whether the store says that another writer is at the same name, or that it is busy."""
    return error.errno == errno.EBUSY or "ConditionalRequestConflict" in str(error)


def _sealed(known: list[Entry], made: Entry) -> Entry:
    """The entry as a reader will find it: numbered, like no other, with the digests."""
    before = known[-1]["digest"] if known else None
    content = {"format": FORMAT, "number": len(known) + 1, "before": before, "nonce": secrets.token_hex(8), **made}
    entry: Entry = orjson.loads(orjson.dumps(content, option=_OPTIONS))
    return {**entry, "digest": _digest(entry)}


def _digest(entry: Entry) -> str:
    return digest("ledger", {name: value for name, value in entry.items() if name != "digest"})


def _number(name: str) -> int:
    return int(name.removesuffix(".json"))
