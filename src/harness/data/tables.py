"""The rows of a table: CSV and Parquet, whose cells may hold JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from harness.data.lines import FIELDS, unknown_field
from harness.data.rows import Row, Rows
from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError

_JSON = ("evidence", "messages", "metadata")
_LISTS = ("references", "tags")
_LONGEST_CELL = 2**31 - 1


def read_csv(path: Path) -> Rows:
    """The rows of a CSV file with a header; a row's line is the physical line where it starts.

    An empty cell is not given. `evidence`, `messages` and `metadata` hold JSON. `references` and `tags` hold
    a JSON list when they start with `[`; else `references` is one reference and `tags` are separated by `;`.
    Raises UserError for a file that cannot be read.
    """
    text = read_text(path).removeprefix("\ufeff")
    # The csv module refuses cells above 128 KiB, which a long conversation reaches.
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        return _csv_rows(path, csv.reader(io.StringIO(text, newline=""), strict=True))
    finally:
        csv.field_size_limit(before)


def _csv_rows(path: Path, reader: Any) -> Rows:
    table: _Table | None = None
    mistakes: list[Mistake] = []
    while True:
        place = Place(str(path), reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            mistakes.append(Mistake(place, f"is not CSV: {error}", "a quote may not be closed"))
            break
        if cells is None:
            break
        if cells and table is None:
            table = _Table(cells, place)
            if len(cells) == 1 and table.mistakes:
                break
        elif cells and table is not None:
            table.add(cells, place)
    return (table.rows, table.mistakes + mistakes) if table else ([], mistakes)


class _Table:
    """The rows made so far under a header, and what is wrong with them."""

    def __init__(self, columns: Sequence[str], place: Place) -> None:
        self.columns = columns
        self.rows: list[Row] = []
        self.mistakes = list(_header(columns, place))
        # Named once with the header, not once more in every row.
        self.broken = frozenset({"question"} - set(columns) if "messages" not in columns else ())

    def add(self, cells: Sequence[Any], place: Place) -> None:
        if len(cells) != len(self.columns):
            found = f"has {len(cells)} cells where the header has {len(self.columns)}"
            self.mistakes.append(Mistake(place, found, "quote a cell that holds a comma"))
            return
        fields: dict[str, Any] = {}
        broken = set(self.broken)
        for column, value in zip(self.columns, cells, strict=True):
            if column not in FIELDS:
                continue
            try:
                fields[column] = _cell(column, value) if isinstance(value, str) else value
            except orjson.JSONDecodeError as error:
                advice = 'write it as JSON, such as ["one", "two"]' if column in _LISTS else "write it as JSON"
                self.mistakes.append(Mistake(place, f"{column}: is not JSON: {error.msg}", advice))
                broken.add(column)
        self.rows.append(Row(place.line, fields, frozenset(broken)))


def _header(columns: Sequence[str], place: Place) -> Iterator[Mistake]:
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        yield Mistake(place, "is one column", "separate the columns with commas")
        return
    for index, column in enumerate(columns):
        if column not in FIELDS:
            yield unknown_field(column, place)
        elif column in columns[:index]:
            yield Mistake(place, f"{column}: is a column twice")
    if not {"question", "messages"} & set(columns):
        yield Mistake(place, "has no column for the question", "name one `question` or `messages`")


def _cell(column: str, text: str) -> Any:
    if not text.strip():
        return None
    if column in _JSON or (column in _LISTS and text.lstrip().startswith("[")):
        return orjson.loads(text)
    if column == "tags":
        return [tag.strip() for tag in text.split(";") if tag.strip()]
    return text


def read_parquet(path: Path) -> Rows:
    """The rows of a Parquet file; a row's line is its number, from 1.

    Lists and structs are taken as they are, where a null inside a struct is not given; a text cell is read as
    in CSV.
    Raises UserError for a file that cannot be read.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        # Not read_table: that would add columns for `name=value` in the folders' names.
        with pyarrow.parquet.ParquetFile(path) as file:
            content = file.read()
            items = content.to_pylist(maps_as_pydicts="strict")
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
        raise UserError(Mistake(Place(str(path)), f"cannot be read as Parquet: {error}")) from None
    table = _Table(content.column_names, Place(str(path)))
    for number, item in enumerate(items, start=1):
        table.add([_without_nulls(value) for value in item.values()], Place(str(path), number))
    return table.rows, table.mistakes


def _without_nulls(value: Any) -> Any:
    """A struct has every field of its column in every row: null where the row has none."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
