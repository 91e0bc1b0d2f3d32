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
from harness.store import journal, tables
from harness.store.folder import Folder, write_json
from harness.store.journal import Journal
from harness.store.layout import PASS, PASSES, SCORES_TABLE, SPENDING, SUMMARY


class Pass(NamedTuple):
    """A pass as it is kept: its id, what it is (with its `metrics`), and its folder."""

    id: str
    header: dict[str, Any]
    folder: Folder


class PassWriter:
    """Writes one pass into a local folder, `runs/<sweep>` or one that is uploaded there in the end."""

    def __init__(self, sweep: Path) -> None:
        self.id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        self.path = sweep / PASSES / self.id
        self._sweep = sweep
        self._spending: Journal | None = None

    def spend(self, line: dict[str, Any]) -> None:
        """Record a paid call: on disk at once."""
        if self._spending is None:
            self.path.mkdir(parents=True, exist_ok=True)
            self._spending = Journal(self.path / SPENDING)
        self._spending.append(line)
        self._spending.flush()

    def finish(self, header: dict[str, Any], scores: Sequence[Score]) -> None:
        """Write all scores, and then the header that makes them count; the sweep's kept figures no longer hold."""
        self.path.mkdir(parents=True, exist_ok=True)
        tables.write(self.path / SCORES_TABLE, tables.scores_table(scores))
        (self._sweep / SUMMARY).unlink(missing_ok=True)
        write_json(self.path / PASS, {"id": self.id, **header})

    def close(self) -> None:
        """Bring to the disk what was spent."""
        if self._spending is not None:
            self._spending.close()


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
    return [line for each in every for line in journal.lines(each.read(SPENDING))]


class Column(NamedTuple):
    """A metric as it is shown: its entry, and which source its scores are in, under which name (0 is the run)."""

    entry: dict[str, Any]
    source: int
    name: str


def columns_of(first: Sequence[dict[str, Any]], passes: Sequence[Pass]) -> list[Column]:
    """The metrics of a sweep and of its passes. A later score of the same name and identity takes the place of one.

    Of the same name but another identity (a changed prompt, another judge) it is a new version: the newest has the
    name, the versions before it are `NAME#1`, `NAME#2`, …, with `superseded` in their entries.
    """
    versions: dict[str, list[Column]] = {}
    for source, entries in enumerate([first, *(each.header["metrics"] for each in passes)]):
        for entry in entries:
            column, known = Column(entry, source, entry["name"]), versions.setdefault(entry["name"], [])
            same = [i for i, other in enumerate(known) if _identity(other.entry) == _identity(entry)]
            for i in same:
                del known[i]
            known.append(column)
    current, before = [], []
    for known in versions.values():
        current.append(known[-1])
        for number, column in enumerate(known[:-1], 1):
            entry = {**column.entry, "name": f"{column.name}#{number}", "superseded": True}
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
