"""CSV: each row a document."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from harness.data.documents.entry import Entry
from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError
from harness.records import Document

_LONGEST_CELL = 2**31 - 1


def csv_documents(path: Path, name: str) -> list[Entry]:
    """The rows of a CSV file with a header; a row's line is the physical line where it starts.

    A document's id is its cell `id`, else `NAME#ROW`, with rows counted from 1. Its text is the cell `text`, all other
    cells being metadata; without such a column it is a line `column: value` for every cell but `id`. An empty cell is
    not given.
    Raises UserError for a file that cannot be read, or whose header is wrong.
    """
    text = read_text(path).removeprefix("\ufeff")
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        return list(_entries(path, name, csv.reader(io.StringIO(text, newline=""), strict=True)))
    finally:
        csv.field_size_limit(before)


def _entries(path: Path, name: str, reader: Any) -> Iterator[Entry]:
    columns: list[str] | None = None
    rows = count(1)
    while True:
        place = Place(str(path), reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            mistake = Mistake(place, f"is not CSV: {error}", "a quote may not be closed")
            yield Entry(place, "", mistakes=(mistake,))
            return
        if cells is None:
            return
        if cells and columns is None:
            columns = _header(cells, place)
        elif cells and columns is not None:
            yield _entry(columns, cells, place, f"{name}#{next(rows)}")


def _header(columns: list[str], place: Place) -> list[str]:
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        raise UserError(Mistake(place, "is one column", "separate the columns with commas"))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise UserError(
            [Mistake(place, f"{column or 'a column without a name'}: is a column twice") for column in twice]
        )
    return columns


def _entry(columns: Sequence[str], cells: Sequence[str], place: Place, default: str) -> Entry:
    if len(cells) != len(columns):
        found = f"has {len(cells)} cells where the header has {len(columns)}"
        return Entry(place, default, mistakes=(Mistake(place, found, "quote a cell that holds a comma"),))
    fields = {column: cell for column, cell in zip(columns, cells, strict=True) if cell.strip()}
    name = fields.pop("id", default)
    if "text" in columns:
        text, metadata = fields.pop("text", ""), fields
    else:
        text, metadata = "\n".join(f"{column}: {cell}" for column, cell in fields.items()), {}
    if not text:
        found = "text: is empty" if "text" in columns else "is empty"
        return Entry(place, name, mistakes=(Mistake(place, found, "fill it, or take the row out"),))
    return Entry(place, name, Document(name, text, metadata))
