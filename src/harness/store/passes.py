"""Scores that were added to a sweep after it was run: `scores/<id>/` for each pass, written once and never changed.

A pass counts as soon as its header is there, which is written last; what it spent counts at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.records import Score, digest
from harness.store import journal, shape, tables
from harness.store.folder import Folder, write_json
from harness.store.journal import Journal
from harness.store.layout import BEGUN, PASS, PASSES, SCORES_TABLE, SPENDING
from harness.store.status import heartbeat, is_alive


class Pass(NamedTuple):
    """A pass as it is kept: its id, what it is (with its `metrics`), and its folder."""

    id: str
    header: dict[str, Any]
    folder: Folder


class PassWriter:
    """Writes one pass into a local folder, `runs/<sweep>` or one that is uploaded there in the end.

    A pass of the same `key` that was begun and not finished, by a process that is no more, is carried on: what it paid
    for is known by its id.
    """

    def __init__(self, sweep: Path, key: str) -> None:
        self._sweep = sweep
        self._key = key
        self.id = self._unfinished() or f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        self.path = sweep / PASSES / self.id
        self._spending: Journal | None = None

    def _unfinished(self) -> str | None:
        folder = Folder(self._sweep / PASSES)
        for name in reversed(folder.children()):
            begun = None if (folder / name).has(PASS) else (folder / name).read_json(BEGUN)
            if begun is not None and begun.get("key") == self._key and not is_alive(begun):
                return name
        return None

    def spend(self, line: dict[str, Any]) -> None:
        """Record a paid call: on disk at once."""
        if self._spending is None:
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.path / BEGUN, {"key": self._key, **heartbeat()})
            self._spending = Journal(self.path / SPENDING)
        self._spending.append(line)
        self._spending.flush()

    def finish(self, header: dict[str, Any], scores: Sequence[Score]) -> None:
        """Write all scores, and then the header that makes them count."""
        self.path.mkdir(parents=True, exist_ok=True)
        tables.write(self.path / SCORES_TABLE, tables.scores_table(scores))
        write_json(self.path / PASS, {"id": self.id, **header})
        (self.path / BEGUN).unlink(missing_ok=True)

    def close(self) -> None:
        """Bring to the disk what was spent."""
        if self._spending is not None:
            self._spending.close()


def pass_ids(folder: Folder) -> list[str]:
    """Ids of the finished passes of a sweep's folder, oldest first."""
    every = (folder / PASSES).children() if not folder.is_local or (folder.path / PASSES).is_dir() else []
    return [name for name in every if (folder / PASSES / name).has(PASS)]


def passes_of(folder: Folder) -> list[Pass]:
    """The finished passes of a sweep's folder, oldest first."""
    found = []
    for name in (folder / PASSES).children():
        header = (folder / PASSES / name).read_json(PASS)
        if header is not None:
            found.append(Pass(name, header, folder / PASSES / name))
    return found


def spending_of(folder: Folder) -> list[dict[str, Any]]:
    """What all passes spent, finished or not."""
    every = [folder / PASSES / name for name in (folder / PASSES).children()]
    return [line for each in every for line in journal.lines(each.read(SPENDING), shape.is_spending)]


class Column(NamedTuple):
    """A metric as it is shown: its entry, and which source its scores are in, under which name (0 is the run)."""

    entry: dict[str, Any]
    source: int
    name: str


def columns_of(first: Sequence[dict[str, Any]], passes: Sequence[Pass]) -> list[Column]:
    """The metrics of a sweep and of its passes. A later score of the same name and identity takes the place of one.

    Of the same name but another identity (a changed prompt, another judge) it is another version. The newest scores
    have the name; the other versions are `NAME#1`, `NAME#2`, …, numbered as they first came, with `superseded` in their
    entries.
    """
    versions: dict[str, dict[str, Column]] = {}
    newest: dict[str, str] = {}
    for source, entries in enumerate([first, *(each.header["metrics"] for each in passes)]):
        for entry in entries:
            identity = _identity(entry)
            versions.setdefault(entry["name"], {})[identity] = Column(entry, source, entry["name"])
            newest[entry["name"]] = identity
    current, before = [], []
    for name, known in versions.items():
        current.append(known[newest[name]])
        for number, (identity, column) in enumerate(known.items(), 1):
            if identity != newest[name]:
                entry = {**column.entry, "name": f"{name}#{number}", "superseded": True}
                before.append(column._replace(entry=entry))
    return [*current, *before]


def merged(columns: Sequence[Column], sources: Sequence[Any]) -> Any:
    """The scores of all columns in one table; a source is the table of the run or of a pass."""
    import pyarrow as pa

    chosen = []
    for number, table in enumerate(sources):
        names = {column.name: column.entry["name"] for column in columns if column.source == number}
        chosen.append(_renamed(table, names))
    return pa.concat_tables(chosen) if len(chosen) > 1 else chosen[0]


def _renamed(table: Any, names: dict[str, str]) -> Any:
    """The rows whose metric is named, under its new name, with the columns of today."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = table["metric"].combine_chunks().dictionary_encode()
    renamed = pa.array([names.get(name) for name in encoded.dictionary.to_pylist()], type=pa.string())
    metric = renamed.take(encoded.indices)
    schema = tables.schemas()["scores"]
    columns = [
        metric if field.name == "metric" else _column(table, field.name, field.type, len(metric)) for field in schema
    ]
    return pa.table(columns, schema=schema).filter(pc.is_valid(metric))


def _column(table: Any, name: str, kind: Any, length: int) -> Any:
    import pyarrow as pa

    return table[name] if name in table.column_names else pa.nulls(length, kind)


def _identity(entry: dict[str, Any]) -> str:
    return digest(entry["identity"])
