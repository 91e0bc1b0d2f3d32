"""The cells of a sweep while it grows: each look reads only what the journal has got since the last one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError, advice
from harness.store import StoredSweep, journal
from harness.store.layout import CELLS, OUTCOMES_TABLE

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_SOURCES = ("made", "cached", "shared")


class Growing:
    """What is known of each cell of one sweep, for one metric; arrays of variants x examples x repeats.

    `finished`: all scores are there; `waiting`: answered, but a judge is still to be heard; `failed`: no answer.
    `source` is 1 made, 2 cached, 3 shared, 0 neither; `cost` in USD, NaN where not known; `value` is the score, NaN
    where there is none; `lost` tells the scores that failed. A cell that is done again counts as it was last.
    """

    def __init__(self, stored: StoredSweep, metric: str | None = None) -> None:
        entries = {entry["name"]: entry for entry in stored.header["metrics"]}
        self.name = metric or stored.header["objective"]["metric"]
        if self.name not in entries:
            raise UserError(f"{stored.id} has no metric {self.name!r}; {advice(self.name, list(entries), 'it has')}")
        self.metric: dict[str, Any] = entries[self.name]
        self._stored = stored
        self._variants = [entry["id"] for entry in stored.variants]
        self._examples = [entry["id"] for entry in stored.examples]
        self._read_up_to = 0
        self._compacted = False
        self._empty()

    def _empty(self) -> None:
        self.shape = (len(self._variants), len(self._examples), max(1, int(self._stored.header["repeats"])))
        self.finished, self.waiting, self.failed, self.lost = (np.zeros(self.shape, dtype=bool) for _ in range(4))
        self.source = np.zeros(self.shape, dtype=np.int8)
        self.cost, self.value = np.full(self.shape, np.nan), np.full(self.shape, np.nan)

    def read(self) -> None:
        """Take in what is new."""
        if self._compacted:
            return
        if self._stored.folder.has(OUTCOMES_TABLE):
            whole = StoredSweep(self._stored.folder)
            self._empty()
            self._take(whole.outcomes, whole.scores, None)
            self._compacted = True
            return
        lines = self._new_lines()
        if lines:
            read = _parsed(lines)
            outcomes, scores = _tables(read)
            self._take(outcomes, scores, read.column("whole"))

    def values(self) -> tuple[Floats, Marks]:
        """Scores (examples x variants), the mean over repeats, and which of them are final: all repeats finished.

        Cells without an answer count as the metric's worst value where it has one. NaN where the metric does not apply,
        and where it failed.
        """
        maximize = self.metric["direction"] == "maximize"
        worst = self.metric["low"] if maximize else self.metric["high"]
        known = (
            self.value if worst is None else np.where(self.lost & self.failed & np.isnan(self.value), worst, self.value)
        )
        there = ~np.isnan(known) & self.finished
        with np.errstate(invalid="ignore"):
            means = np.where(there, known, 0.0).sum(axis=2) / there.sum(axis=2)
        final: Marks = np.logical_and.reduce(self.finished, axis=2)
        return means.T, final.T

    def _new_lines(self) -> bytes:
        """The whole lines after those that were read."""
        folder = self._stored.folder
        if folder.is_local:
            try:
                with open(folder.path / CELLS, "rb") as file:
                    file.seek(self._read_up_to)
                    content = file.read()
            except FileNotFoundError:
                return b""
        else:
            content = (folder.read(CELLS) or b"")[self._read_up_to :]
        lines = content[: content.rfind(b"\n") + 1]
        self._read_up_to += len(lines)
        return lines

    def _take(self, outcomes: Any, scores: Any, whole: Any) -> None:
        """Enter rows: those of `outcomes` a cell each, `scores` with `variant`, `example`, `repeat`, `metric`."""
        at = self._places(outcomes)
        ends = np.ones(len(at), dtype=bool)
        if whole is not None:
            ends = whole.fill_null(True).to_numpy(zero_copy_only=False).astype(bool)
        self._set(self.finished, at, ends)
        self._set(self.waiting, at, ~ends)
        self._set(self.failed, at, _valid(outcomes.column("failure_kind")))
        self._set(self.source, at, _codes(outcomes.column("source"), _SOURCES) + 1)
        self._set(self.cost, at, _numbers(outcomes.column("cost_usd")))
        self._set(self.value, at, np.full(len(at), np.nan))
        self._set(self.lost, at, np.zeros(len(at), dtype=bool))
        mine = _codes(scores.column("metric"), (self.name,)) == 0
        places = self._places(scores)[mine]
        values = _numbers(scores.column("value"))[mine]
        self._set(self.value, places, values)
        self._set(self.lost, places, np.isnan(values))

    def _set(self, array: NDArray[Any], at: NDArray[np.int64], values: NDArray[Any]) -> None:
        known = at >= 0
        array.reshape(-1)[at[known]] = values[known]

    def _places(self, table: Any) -> NDArray[np.int64]:
        """The place of each row's cell in the flat arrays, -1 for what is none of this sweep's."""
        variants = _codes(table.column("variant"), self._variants)
        examples = _codes(table.column("example"), self._examples)
        repeats = table.column("repeat").fill_null(-1).to_numpy(zero_copy_only=False)
        good = (variants >= 0) & (examples >= 0) & (repeats >= 0) & (repeats < self.shape[2])
        return np.where(good, (variants * self.shape[1] + examples) * self.shape[2] + repeats, -1)


def _parsed(lines: bytes) -> Any:
    """The lines as a table of `outcome`, `scores` and `whole`, no more than is looked at; broken lines are left out."""
    import pyarrow as pa
    import pyarrow.json as reader

    text, real = pa.string(), pa.float64()
    cell = [("variant", text), ("example", text), ("repeat", pa.int64())]
    outcome = pa.struct([*cell, ("source", text), ("cost_usd", real), ("failure_kind", text)])
    score = pa.list_(pa.struct([("metric", text), ("value", real)]))
    schema = pa.schema([("outcome", outcome), ("scores", score), ("whole", pa.bool_())])
    parse = reader.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    for content in (lines, None):
        found = journal.sound(lines) if content is None else content
        options = reader.ReadOptions(use_threads=False, block_size=min(len(found) + 1, 2**31 - 1))
        try:
            return reader.read_json(pa.BufferReader(found), options, parse)
        except pa.ArrowInvalid:
            if content is None:
                raise
    return schema.empty_table()


def _tables(read: Any) -> tuple[Any, Any]:
    """Outcomes and scores of parsed lines."""
    import pyarrow as pa
    import pyarrow.compute as pc

    outcomes = read.column("outcome").combine_chunks()
    cells = dict(zip([field.name for field in outcomes.type], outcomes.flatten(), strict=True))
    lists = read.column("scores").combine_chunks()
    parents = pc.list_parent_indices(lists)
    flat = dict(zip(("metric", "value"), pc.list_flatten(lists).flatten(), strict=True))
    of_cell = {name: cells[name].take(parents) for name in ("variant", "example", "repeat")}
    return pa.table(cells), pa.table({**of_cell, **flat})


def _codes(column: Any, names: Any) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.fill_null(pc.index_in(column, value_set=pa.array(list(names), pa.string())), -1)
    found: NDArray[np.int64] = places.to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _numbers(column: Any) -> Floats:
    found: Floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return found


def _valid(column: Any) -> Marks:
    found: Marks = column.is_valid().to_numpy(zero_copy_only=False).astype(bool)
    return found
