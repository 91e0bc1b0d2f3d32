"""Examples written down in each format, so that reading them back can be compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from harness.records import Example

COLUMNS = ("id", "messages", "references", "evidence", "expected", "tags", "metadata", "cluster")

Lines = Sequence[dict[str, Any]]

_TYPES = {
    "messages": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})),
    "references": pa.list_(pa.string()),
    "tags": pa.list_(pa.string()),
    "evidence": pa.list_(pa.struct({"document": pa.string(), "start": pa.int64(), "end": pa.int64()})),
}


def line(example: Example) -> dict[str, Any]:
    """An example as a line that leaves nothing to a default."""
    fields = asdict(example)
    return json.loads(json.dumps({column: fields[column] for column in COLUMNS}))  # type: ignore[no-any-return]


def jsonl(path: Path, lines: Lines) -> Path:
    """One JSON object per line, text beyond ASCII as it is."""
    path.write_text("".join(json.dumps(fields, ensure_ascii=False) + "\n" for fields in lines), "utf-8")
    return path


def csv_table(path: Path, lines: Lines) -> Path:
    """A header and rows; what is no text is JSON."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        columns = list(dict.fromkeys(column for fields in lines for column in fields))
        writer.writerow(columns)
        for fields in lines:
            cells = (fields.get(column, "") for column in columns)
            writer.writerow(cell if isinstance(cell, str) else json.dumps(cell) for cell in cells)
    return path


def parquet(path: Path, lines: Lines) -> Path:
    """Native lists and structs; metadata as JSON text, which alone keeps its nulls."""
    columns = list(dict.fromkeys(column for fields in lines for column in fields))
    arrays = {}
    for column in columns:
        values = [fields.get(column) for fields in lines]
        if column == "metadata":
            values = [None if value is None else json.dumps(value) for value in values]
        arrays[column] = pa.array(values, _TYPES.get(column, pa.string()))
    pq.write_table(pa.table(arrays), path)
    return path


def yaml_list(path: Path, lines: Lines) -> Path:
    """A list of mappings."""
    path.write_text(yaml.safe_dump(list(lines), sort_keys=False), "utf-8")
    return path


WRITERS = {".jsonl": jsonl, ".csv": csv_table, ".parquet": parquet, ".yaml": yaml_list}
