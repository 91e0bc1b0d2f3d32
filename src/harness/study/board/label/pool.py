"""The answers of a sweep in an order that is drawn once and for all: read by columns, so that a million are no burden.

An answer's place comes from a digest of what a person sees of it and the seed. Equal sights have one place, and the
first places of any number are a random sample of the distinct answers, whoever draws it and whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records import digest
from harness.store import Folder, StoredSweep, tables
from harness.store.layout import OUTCOMES_TABLE, SCORES_TABLE
from harness.study.judging.sampling import passages_shown, shown
from harness.study.judging.sights import Sight, sights_of

Keys = NDArray[np.uint64]
_CELL = ("variant", "example", "repeat")
_SPAN = ("document", "start", "end")
_BATCH = 65_536
_REPEATS = np.uint64(20)
"""Bits of a cell's number that are for its repeat."""


@dataclass(frozen=True)
class Item:
    """One answer as a person sees it: neither who gave it nor what a judge thinks of it.

    `shown` has `question`, `history`, `references`, `expected` and, unless they are left out, `passages` (`document`,
    `text`).
    """

    sight: Sight
    shown: dict[str, Any]
    cluster: str


@dataclass(frozen=True)
class Pool:
    """The first answers in the drawn order, and how many distinct ones there are in all."""

    items: list[Item]
    distinct: int


class _Part(StoredSweep):
    """A sweep of which some outcomes are looked at."""

    def __init__(self, folder: Folder, outcomes: Any) -> None:
        super().__init__(folder)
        self.outcomes = outcomes


def pool(
    stored: StoredSweep,
    metric: str | None,
    count: int,
    seed: int = 0,
    passages: bool = True,
    also: Iterable[tuple[str, str]] = (),
) -> Pool:
    """The first `count` distinct answers with a score of the metric (None: all), and those of `also` (example, answer).

    Without `passages`, answers that differ only in them are one.
    """
    import pyarrow as pa

    numbered = _Numbered(stored)
    scored = None if metric is None else _scored(stored, metric, numbered)
    salt = np.uint64(int(digest("pool", stored.id, seed)[:16], 16))
    wanted = _wanted(also)
    first, others, every = _Smallest(count), _Smallest(None), [np.empty(0, np.uint64)]
    for batch in _batches(stored.folder, "outcomes", OUTCOMES_TABLE, [*_CELL, "answer", "passages"]):
        plain = _mixed(_hashed(batch.column("example")), _hashed(batch.column("answer")))
        seen = _mixed(plain, _contexts(batch.column("passages"))) if passages else plain
        there = np.asarray(batch.column("answer").is_valid())
        if scored is not None:
            there &= _among(numbered.cells(batch), scored)
        places = _final(seen + salt)
        first.add(places, np.flatnonzero(there), batch)
        others.add(places, np.flatnonzero(there & _among(plain, wanted)), batch)
        every.append(places[there])
    tables = [each.table for each in (first, others) if each.table is not None]
    items = _items(stored, pa.concat_tables(tables), passages) if tables else []
    return Pool(items, len(_distinct(every)))


class _Smallest:
    """The rows with the smallest places so far, each place once, in their order."""

    def __init__(self, count: int | None) -> None:
        self._count, self._places, self.table = count, np.empty(0, np.uint64), None

    def add(self, places: Keys, rows: NDArray[np.int64], batch: Any) -> None:
        """Look at some rows of a batch."""
        import pyarrow as pa

        new, at = np.unique(places[rows], return_index=True)
        new, at = new[: self._count], rows[at[: self._count]]
        if not len(new):
            return
        piece = pa.Table.from_batches([batch.take(pa.array(at))])
        joined = piece if self.table is None else pa.concat_tables([self.table, piece])
        places, at = np.unique(np.concatenate([self._places, new]), return_index=True)
        self._places, self.table = places[: self._count], joined.take(pa.array(at[: self._count]))


def _items(stored: StoredSweep, outcomes: Any, passages: bool) -> list[Item]:
    found = sights_of(_Part(stored.folder, outcomes))
    cells = zip(*(outcomes.column(name).to_pylist() for name in _CELL), strict=True)
    examples = {entry["id"]: entry for entry in stored.examples}
    texts = stored.texts if passages else {}
    items = []
    for sight in found.of(cells, passages):
        example = examples[sight.example]
        seen = {"passages": passages_shown(found.passages[sight.cells[0]], texts)} if passages else {}
        alone = Sight(sight.example, sight.answer, sight.context)  # its cells would name variants
        items.append(Item(alone, {**shown(example), **seen}, str(example["cluster"])))
    return items


def _batches(folder: Folder, kind: str, table: str, names: list[str]) -> Iterator[Any]:
    """Some columns of a table: from the file where it is local, else, or while it grows, from all of it."""
    import pyarrow.parquet as pq

    if not folder.is_local or not folder.has(table):
        whole = getattr(StoredSweep(folder), kind).select(names)
        yield from whole.combine_chunks().to_batches(max_chunksize=_BATCH)
        return
    name = f"{folder.uri}/{table}"
    with tables.reading(name), pq.ParquetFile(folder.path / table, pre_buffer=False) as file:
        tables.check_columns(file.schema_arrow.names, name, kind)
        paths = [file.schema.column(i).path for i in range(len(file.schema))]
        read = [path for path in paths if path in names or (path.startswith("passages.") and path.endswith(_SPAN))]
        yield from file.iter_batches(batch_size=_BATCH, columns=read, use_threads=False)


class _Numbered:
    """The cells of a sweep by numbers that grow in the order of its tables, so that looking them up is quick."""

    def __init__(self, stored: StoredSweep) -> None:
        self._ids = {"variant": [e["id"] for e in stored.variants], "example": [e["id"] for e in stored.examples]}

    def cells(self, batch: Any) -> Keys:
        """The numbers of a batch's cells."""
        variant, example = (self._codes(batch, name) for name in ("variant", "example"))
        number: Keys = (variant * np.uint64(len(self._ids["example"]) + 1) + example) << _REPEATS
        return number + _whole(batch.column("repeat"))

    def _codes(self, batch: Any, name: str) -> Keys:
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.index_in(batch.column(name), value_set=pa.array(self._ids[name], pa.string()))
        return _whole(pc.fill_null(found, len(self._ids[name])))


def _scored(stored: StoredSweep, metric: str, numbered: _Numbered) -> Keys:
    """The cells with a value of a metric."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [*_CELL, "metric", "value"]
    if stored.passes:
        batches: Iterable[Any] = stored.scores.select(names).to_batches(max_chunksize=_BATCH)
    else:
        batches = _batches(stored.folder, "scores", SCORES_TABLE, names)
    found = [np.empty(0, np.uint64)]
    for batch in batches:
        kept = pc.and_(pc.equal(batch.column("metric"), metric), pc.is_valid(batch.column("value")))
        rows = batch.filter(pc.fill_null(kept, pa.scalar(False)))
        found.append(numbered.cells(rows))
    return _distinct(found)


def _wanted(also: Iterable[tuple[str, str]]) -> Keys:
    import pyarrow as pa

    pairs = list(also)
    examples, answers = (pa.array([pair[i] for pair in pairs], pa.string()) for i in (0, 1))
    return _distinct([_mixed(_hashed(examples), _hashed(answers))])


def _distinct(parts: list[Keys]) -> Keys:
    """The different keys, sorted. (np.unique hashes first, which takes five times as long on a million.)"""
    keys = np.sort(np.concatenate(parts))
    found: Keys = keys[np.concatenate([np.ones(min(1, len(keys)), dtype=np.bool_), keys[1:] != keys[:-1]])]
    return found


def _among(keys: Keys, known: Keys) -> NDArray[np.bool_]:
    """Which keys are in a sorted array. (np.isin would sort both for each batch.)"""
    if not len(known):
        return np.zeros(len(keys), dtype=np.bool_)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys
    return found


def _contexts(passages: Any) -> Keys:
    """A key for each list of passages: documents and spans in their order."""
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(passages), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum(lengths)
    flat = passages.flatten()
    document, start, end = (flat.field(name) for name in _SPAN)
    spans = _mixed(_mixed(_hashed(document), _whole(start)), _whole(end))
    position = np.arange(len(spans)) - np.repeat(ends - lengths, lengths)
    spans = _mixed(spans, position.astype(np.uint64))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(spans, dtype=np.uint64)])
    return _mixed(sums[ends] - sums[ends - lengths], lengths.astype(np.uint64))


def _whole(column: Any) -> Keys:
    import pyarrow.compute as pc

    keys: Keys = pc.fill_null(column, -1).to_numpy(zero_copy_only=False).astype(np.int64).astype(np.uint64)
    return keys


def _hashed(column: Any) -> Keys:
    """A key for each text; each distinct text is read once."""
    from pandas.util import hash_array

    encoded = column.fill_null("").dictionary_encode()
    words = np.array(encoded.dictionary.to_pylist(), dtype=object)
    if not len(words):
        return np.empty(0, np.uint64)
    keys: Keys = hash_array(words, categorize=False)[encoded.indices.to_numpy()]
    return keys


def _mixed(a: Keys, b: Keys) -> Keys:
    mixed: Keys = a * np.uint64(0x9E3779B97F4A7C15) + b
    return _final(mixed)


def _final(keys: Keys) -> Keys:
    """A bijection that spreads keys over all 64 bits (G. L. Steele et al., OOPSLA 2014: SplitMix64's)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
