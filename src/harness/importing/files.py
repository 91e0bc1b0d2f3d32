"""The files that another tool wrote: tables and JSON documents."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.data.rows import Row, kind
from harness.data.textfile import beside, read_text
from harness.errors import Mistake, Place, UserError
from harness.importing.refusals import refusal

_LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True)
class Source:
    """A file or folder to import; `name` is what the user calls it, empty where nothing was said."""

    path: Path
    name: str = ""

    @property
    def title(self) -> str:
        """Its name, else the file's without the extension."""
        return self.name or self.path.stem

    @property
    def place(self) -> Place:
        """The file as a whole."""
        return Place(str(self.path))

    def digest(self) -> str:
        """SHA-256 of the content, of a folder's files in the order of their names."""
        found = hashlib.sha256()
        files = sorted(p for p in self.path.iterdir() if p.is_file()) if self.path.is_dir() else [self.path]
        for file in files:
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    found.update(block)
        return found.hexdigest()


def source_of(text: str) -> Source:
    """The source that `FILE` or `NAME=FILE` means. Raises UserError when there is no such file."""
    name, sign, rest = text.partition("=")
    named = sign and not Path(text).exists()
    source = Source(Path(rest), name.strip()) if named else Source(Path(text))
    if not source.path.exists():
        hint = beside(source.path)
        raise UserError(Mistake(source.place, "there is no such file", hint or "write FILE, or NAME=FILE"))
    return source


def read_json(path: Path) -> Any:
    """The JSON of a file; NaN and infinities, which Python's tools write, are read as such.

    Raises UserError with the line for what is no JSON.
    """
    try:
        return json.loads(read_text(path).removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise UserError(Mistake(Place(str(path), error.lineno, error.colno), f"is not JSON: {error.msg}")) from None
    except RecursionError:
        raise UserError(Mistake(Place(str(path)), "is nested too deeply to be results")) from None


def read_mapping(path: Path) -> dict[str, Any]:
    """The JSON object of a file. Raises UserError for anything else."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise UserError(Mistake(Place(str(path)), f"must be a JSON object, found {kind(found)}"))
    return found


def read_table(path: Path) -> list[Row]:
    """The rows of a table: CSV, TSV, JSONL, JSON (a list of objects) or Parquet, by the file's extension.

    A row's line is where it starts; of JSON and Parquet its number from 1. Cells of CSV are text, and not given where
    empty. Raises UserError with every row that cannot be read.
    """
    reader = TABLES.get(path.suffix.lower())
    if path.is_dir() or reader is None:
        what = "is a folder" if path.is_dir() else f"unknown extension {path.suffix!r}"
        raise UserError(Mistake(Place(str(path)), what, f"a table is one file: {', '.join(TABLES)}"))
    mistakes: list[Mistake] = []
    rows = reader(path, mistakes)
    if mistakes:
        raise refusal(mistakes)
    return rows


def _csv(path: Path, mistakes: list[Mistake]) -> list[Row]:
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        content = io.StringIO(read_text(path).removeprefix("\ufeff"), newline="")
        return _cells(path, csv.reader(content, delimiter=delimiter, strict=True), mistakes)
    finally:
        csv.field_size_limit(before)


def _cells(path: Path, reader: Any, mistakes: list[Mistake]) -> list[Row]:
    rows: list[Row] = []
    header: list[str] | None = None
    while True:
        place = Place(str(path), reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            mistakes.append(Mistake(place, f"is no table: {error}", "a quote may not be closed"))
            return rows
        if cells is None:
            return rows
        if not cells:
            continue
        if header is None:
            header = [name.strip() for name in cells]
            mistakes += _doubled(header, place)
        elif len(cells) != len(header):
            found = f"has {len(cells)} cells where the header has {len(header)}"
            mistakes.append(Mistake(place, found, "quote a cell that holds the delimiter"))
        else:
            given = {name: cell for name, cell in zip(header, cells, strict=True) if name and cell.strip()}
            rows.append(Row(place.line, given))


def _doubled(header: list[str], place: Place) -> list[Mistake]:
    names = dict.fromkeys(name for name in header if name and header.count(name) > 1)
    return [Mistake(place, f"{name}: is a column twice", "keep one of them") for name in names]


def _json_lines(path: Path, mistakes: list[Mistake]) -> list[Row]:
    rows = []
    for line, text in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            value = _loads(text)
        except json.JSONDecodeError as error:
            mistakes.append(Mistake(Place(str(path), line, error.colno), f"is not JSON: {error.msg}"))
            continue
        rows += _row(path, line, value, mistakes)
    return rows


def _loads(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN, which orjson refuses and Python writes
        return json.loads(text)


def _json_list(path: Path, mistakes: list[Mistake]) -> list[Row]:
    found = read_json(path)
    if not isinstance(found, list):
        mistakes.append(Mistake(Place(str(path)), f"must be a list of objects, found {kind(found)}"))
        return []
    return [row for line, value in enumerate(found, start=1) for row in _row(path, line, value, mistakes)]


def _row(path: Path, line: int, value: Any, mistakes: list[Mistake]) -> list[Row]:
    if not isinstance(value, dict):
        mistakes.append(Mistake(Place(str(path), line), f"must be a JSON object, found {kind(value)}"))
        return []
    return [Row(line, {name: cell for name, cell in value.items() if cell is not None})]


def _parquet(path: Path, mistakes: list[Mistake]) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            items = file.read(use_threads=False).to_pylist(maps_as_pydicts="strict")
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
        mistakes.append(Mistake(Place(str(path)), f"cannot be read as Parquet: {error}"))
        return []
    given = [{name: value for name, value in item.items() if value is not None} for item in items]
    return [Row(line, fields) for line, fields in enumerate(given, start=1)]


TABLES: dict[str, Callable[[Path, list[Mistake]], list[Row]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_list,
    ".parquet": _parquet,
}
