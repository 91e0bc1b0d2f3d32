"""The Parquet tables of a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.records import Score
from harness.store import journal, shape
from harness.store.layout import FORMAT
from harness.store.rows import OUTCOME_COLUMNS, SCORE_COLUMNS, TEXT_COLUMNS

_SCORED = SCORE_COLUMNS[3:]
"""The columns of a score besides those that name its cell."""
_LATE = ("query_usd", "first_token_ms", "missed", "details")
"""Columns that tables of earlier versions do not have."""


def schemas() -> dict[str, Any]:
    """The Arrow schema of each table: `outcomes`, `scores`, `texts`."""
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    span = [("document", text), ("start", whole), ("end", whole)]
    passage = pa.struct([*span, ("similarity", real), ("score", real)])
    kinds: dict[str, Any] = {
        **dict.fromkeys(("repeat", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"), whole),
        **dict.fromkeys(("attempts", "start", "end"), whole),
        **dict.fromkeys(("cost_usd", "query_usd", "latency_ms", "first_token_ms", "wait_ms", "value"), real),
        "passages": pa.list_(passage),
        "missed": pa.list_(pa.struct(span)),
    }
    metadata = {"harness.format": str(FORMAT)}
    return {
        name: pa.schema([(column, kinds.get(column, text)) for column in columns], metadata=metadata)
        for name, columns in (
            ("outcomes", OUTCOME_COLUMNS),
            ("scores", SCORE_COLUMNS),
            ("texts", TEXT_COLUMNS),
        )
    }


def of_journal(content: bytes | None, order: Mapping[tuple[str, str, int], int] | None = None) -> tuple[Any, Any]:
    """The outcomes and the scores out of a journal's lines, each cell once, its last line; in the given order of cells.

    Arrow reads the JSON, which takes less time than to make Python's objects of it first.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    read = _cells(_read_lines(content or b""))
    outcomes = _columns(read.column("outcome"), "outcomes")
    cells = zip(*(outcomes.column(name).to_pylist() for name in ("variant", "example", "repeat")), strict=True)
    last = {cell: row for row, cell in enumerate(cells)}
    rows = [last[cell] for cell in (sorted(last, key=order.__getitem__) if order else last)]
    chosen = pa.array(rows, type=pa.int64())
    outcomes, lists = outcomes.take(chosen), read.column("scores").combine_chunks().take(chosen)
    parents = pc.list_parent_indices(lists)
    flat = dict(zip(_SCORED, pc.list_flatten(lists).flatten(), strict=True))
    ids = {name: outcomes.column(name).take(parents) for name in ("variant", "example", "repeat")}
    return outcomes, pa.table({**ids, **flat}, schema=schemas()["scores"])


def _read_lines(content: bytes) -> Any:
    """The lines as a table of `outcome` and `scores`. A torn or broken line, or one that is no cell, is passed over."""
    import pyarrow as pa
    import pyarrow.json as reader

    known = schemas()
    schema = pa.schema(
        [
            ("outcome", pa.struct(list(known["outcomes"]))),
            ("scores", pa.list_(pa.struct([known["scores"].field(name) for name in _SCORED]))),
        ]
    )
    parse = reader.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    body = content[content.find(b"\n") + 1 : content.rfind(b"\n") + 1]  # without the header, and a torn last line
    for lines in (body, None):
        found = journal.sound(body, shape.is_cell) if lines is None else lines
        if not found:
            break
        # One block: a line must not be longer than that. Without threads, as in `read`.
        options = reader.ReadOptions(use_threads=False, block_size=min(len(found) + 1, 2**31 - 1))
        try:
            return reader.read_json(pa.BufferReader(found), options, parse)
        except pa.ArrowInvalid:
            if lines is None:
                raise
    return schema.empty_table()


def _cells(lines: Any) -> Any:
    """The lines that name a cell."""
    import pyarrow.compute as pc

    named = pc.is_valid(pc.struct_field(lines.column("outcome"), "variant"))
    return lines if pc.all(named).as_py() is not False else lines.filter(named)


def _columns(structs: Any, kind: str) -> Any:
    import pyarrow as pa

    schema = schemas()[kind]
    if not len(structs):
        return schema.empty_table()
    return pa.table(dict(zip(schema.names, structs.combine_chunks().flatten(), strict=True)), schema=schema)


def texts_table(rows: Sequence[Sequence[Any]]) -> Any:
    """The table of passages' texts from tuples in column order."""
    import pyarrow as pa

    schema = schemas()["texts"]
    columns = list(zip(*rows, strict=True)) or [()] * len(TEXT_COLUMNS)
    return pa.table({f.name: pa.array(c, type=f.type) for f, c in zip(schema, columns, strict=True)}, schema=schema)


def scores_table(scores: Sequence[Score]) -> Any:
    """The table of scores."""
    import pyarrow as pa

    schema = schemas()["scores"]
    columns = {name: [getattr(score, name) for score in scores] for name in SCORE_COLUMNS}
    return pa.table({name: pa.array(columns[name], type=schema.field(name).type) for name in columns}, schema=schema)


def write(path: Path, content: Any) -> None:
    """Write a table so that a reader sees all of it or nothing."""
    import pyarrow.parquet as pq

    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(content, temporary, compression="zstd")
    temporary.replace(path)


def read(content: bytes, file: str, kind: str, columns: Iterable[str] | None = None) -> Any:
    """Read a table of a kind (see `schemas`) from the bytes of a Parquet file, or those of the `columns` that it has.

    Raises UserError, which names the file, where it is no such table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(file):
        # Without threads: those of Arrow's pool can abort a process that ends right after reading.
        opened = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
        known = check_columns(opened.schema_arrow.names, file, kind)
        return opened.read(columns=None if columns is None else [c for c in columns if c in known], use_threads=False)


@contextmanager
def reading(file: str) -> Iterator[None]:
    """Say which file it was where Arrow cannot read one: UserError."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        said = str(error).split("\n")[0][:200]
        raise UserError(f"{file} cannot be read: it is no Parquet table, or a torn one ({said})") from error


def check_columns(names: Sequence[str], file: str, kind: str) -> Sequence[str]:
    """The names of a table's columns, if those of its kind are among them; UserError with what is missing."""
    lacking = [name for name in schemas()[kind].names if name not in names and name not in _LATE]
    if lacking:
        raise UserError(f"{file} is no table of {kind} that this version reads: it lacks {', '.join(lacking)}")
    return names
