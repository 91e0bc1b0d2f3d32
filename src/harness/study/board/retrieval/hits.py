"""Reading the stored passages of a sweep, and no other column than they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.records.intervals import union
from harness.store import StoredSweep, tables
from harness.store.layout import OUTCOMES_TABLE
from harness.study.board.retrieval.passages import Passages, Pieces, Real, Whole

_BATCH, _BUFFER = 65_536, 1 << 20
_CELL = ("variant", "example", "request", "failure_kind")


def passages_of(stored: StoredSweep) -> Passages:
    """The stored passages of a sweep. From a table on disk only the columns that are needed are read.

    A variant that has no knowledge base is left out: one without retrieval, of whose cells none has a passage.
    """
    examples = stored.examples
    documents: dict[str, int] = {}
    pieces, spans = _evidence(examples, documents)
    variants = [str(entry["id"]) for entry in stored.variants]
    parts = list(_parts(stored, variants, [str(entry["id"]) for entry in examples], documents))
    before = 0
    for part in parts:
        part["cell"] += before
        before += len(part["variant"])
    joined = {name: np.concatenate([part[name] for part in parts] or [_NONE]) for name in _COLUMNS}
    found = Passages(
        tuple(variants),
        tuple(str(entry["id"]) for entry in examples),
        tuple(documents),
        tuple(str(entry.get("expected") or "answer") for entry in examples),
        pieces,
        spans,
        unknown=sum(part["unknown"] for part in parts),
        **joined,
    )
    filled = np.bincount(found.cell, minlength=len(found.variant)) > 0
    held = {variants[number] for number in np.unique(found.variant[filled])}
    retrieving = [e["id"] for e in stored.variants if e["id"] in held or _retrieval(e)]
    return found if len(retrieving) == len(variants) else found.of_variants(retrieving)


_NONE = np.zeros(0, dtype=np.int64)
_COLUMNS = ("variant", "example", "cell", "document", "start", "end", "similarity")


def _retrieval(entry: Mapping[str, Any]) -> Any:
    return (entry.get("chatbot") or {}).get("retrieval")


def _evidence(examples: Sequence[Mapping[str, Any]], documents: dict[str, int]) -> tuple[Pieces, Pieces]:
    """The pieces of evidence, and their characters where all of an example's are spans; documents get numbers."""
    pieces: list[tuple[int, int, int, int]] = []
    spans: list[tuple[int, int, int, int]] = []
    for number, entry in enumerate(examples):
        given = [(e["document"], e.get("start"), e.get("end")) for e in entry.get("evidence") or []]
        for document, start, end in given:
            place = documents.setdefault(document, len(documents))
            bare = start is None or end is None
            pieces.append((number, place, 0, -1) if bare else (number, place, start, end))
        if all(start is not None and end is not None for _, start, end in given):
            for document, intervals in union(given).items():
                spans += [(number, documents[document], start, end) for start, end in intervals]
    return _columns(pieces), _columns(spans)


def _columns(rows: list[tuple[int, int, int, int]]) -> Pieces:
    return Pieces(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)


def _parts(
    stored: StoredSweep, variants: list[str], examples: list[str], documents: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Cells and passages as numbers, batch by batch."""
    import pyarrow as pa

    known = pa.array(variants, pa.string()), pa.array(examples, pa.string())
    for batch in _batches(stored):
        yield _part(batch, known, documents)


def _batches(stored: StoredSweep) -> Iterator[Any]:
    folder = stored.folder
    if not folder.has(OUTCOMES_TABLE):
        yield from StoredSweep(folder).outcomes.to_batches(max_chunksize=_BATCH)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = folder.path / OUTCOMES_TABLE if folder.is_local else pa.BufferReader(folder.read(OUTCOMES_TABLE))
    name = f"{folder.uri}/{OUTCOMES_TABLE}"
    with tables.reading(name), pq.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER) as file:
        tables.check_columns(file.schema_arrow.names, name, "outcomes")
        leaves = [file.schema.column(i).path for i in range(len(file.schema))]
        wanted = [p for p in leaves if p in _CELL or (p.startswith("passages.") and not p.endswith(".score"))]
        yield from file.iter_batches(batch_size=_BATCH, columns=wanted, use_threads=False)


def _part(batch: Any, known: tuple[Any, Any], documents: dict[str, int]) -> dict[str, Any]:
    import pyarrow.compute as pc

    variant, example = (
        pc.fill_null(pc.index_in(batch.column(name), value_set=ids), -1).to_numpy(zero_copy_only=False).astype(np.int64)
        for name, ids in zip(("variant", "example"), known, strict=True)
    )
    lists = batch.column("passages")
    counts = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False)
    failed = pc.is_valid(batch.column("failure_kind")).to_numpy(zero_copy_only=False)
    unasked = pc.is_null(batch.column("request")).to_numpy(zero_copy_only=False)
    mine = (variant >= 0) & (example >= 0)
    usable = mine & (counts >= 0) & ~((counts == 0) & failed & unasked)
    parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(lists)
    fields = dict(zip((field.name for field in flat.type), flat.flatten(), strict=True))
    kept = usable[parents]
    place = np.cumsum(usable) - 1
    return {
        "variant": variant[usable],
        "example": example[usable],
        "cell": place[parents[kept]],
        "document": _coded(fields["document"], documents)[kept],
        **{name: pc.fill_null(fields[name], 0).to_numpy(zero_copy_only=False)[kept] for name in ("start", "end")},
        "similarity": _similar(fields["similarity"])[kept],
        "unknown": int((mine & ~usable).sum()),
    }


def _coded(column: Any, documents: dict[str, int]) -> Whole:
    """The numbers of documents; new ones are added."""
    import pyarrow.compute as pc

    encoded = pc.fill_null(column, "").dictionary_encode()
    names = encoded.dictionary.to_pylist()
    places = np.array([documents.setdefault(name, len(documents)) for name in names], dtype=np.int64)
    found: Whole = places[encoded.indices.to_numpy(zero_copy_only=False)] if len(encoded) else np.zeros(0, np.int64)
    return found


def _similar(column: Any) -> Real:
    """Similarities; NaN where there is none, or no number."""
    import pyarrow.compute as pc

    found: Real = pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(found), found, np.nan)
