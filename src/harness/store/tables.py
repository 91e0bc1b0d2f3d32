"""The Parquet tables of a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from harness.store.layout import FORMAT
from harness.store.rows import OUTCOME_COLUMNS, SCORE_COLUMNS, TEXT_COLUMNS

_NOTHING = dict.fromkeys(OUTCOME_COLUMNS)
"""What a journal of an older version may lack."""


def schemas() -> dict[str, Any]:
    """The Arrow schema of each table: `outcomes`, `scores`, `texts`."""
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    passage = pa.struct([("document", text), ("start", whole), ("end", whole), ("similarity", real)])
    kinds: dict[str, Any] = {
        **dict.fromkeys(("repeat", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"), whole),
        **dict.fromkeys(("attempts", "start", "end"), whole),
        **dict.fromkeys(("cost_usd", "latency_ms", "first_token_ms", "wait_ms", "value"), real),
        "passages": pa.list_(passage),
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


def table(kind: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    """A table of one kind from its columns."""
    import pyarrow as pa

    schema = schemas()[kind]
    return pa.table({f.name: pa.array(columns[f.name], type=f.type) for f in schema}, schema=schema)


def outcomes_table(rows: list[dict[str, Any]]) -> Any:
    """The outcomes table from journal rows."""
    values = zip(*map(itemgetter(*OUTCOME_COLUMNS), ({**_NOTHING, **row} for row in rows)), strict=True)
    columns: dict[str, Any] = dict(zip(OUTCOME_COLUMNS, values, strict=True)) if rows else dict.fromkeys(_NOTHING, ())
    columns["passages"] = [
        [{"document": d, "start": s, "end": e, "similarity": v} for d, s, e, v in passages]
        for passages in columns["passages"]
    ]
    return table("outcomes", columns)


def rows_table(kind: str, rows: Sequence[Sequence[Any]]) -> Any:
    """The scores or the texts table from tuples in column order."""
    names = SCORE_COLUMNS if kind == "scores" else TEXT_COLUMNS
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return table(kind, dict(zip(names, columns, strict=True)))


def write(path: Path, content: Any) -> None:
    """Write a table so that a reader sees all of it or nothing."""
    import pyarrow.parquet as pq

    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(content, temporary, compression="zstd")
    temporary.replace(path)


def read(content: bytes) -> Any:
    """Read a table from the bytes of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Without threads: those of Arrow's pool can abort a process that ends right after reading.
    return pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)
