"""Rows of a run folder as records again: the way back from columns to outcomes and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.records import Evidence, Example, Failure, Message, Outcome, Passage
from harness.store.reader import StoredSweep
from harness.store.rows import SAME_COLUMNS

_AT_ONCE = 4096
Texts = Mapping[tuple[str, int, int], str]


def outcomes_of(stored: StoredSweep) -> Iterator[Outcome]:
    """The outcomes of a sweep in the order of its table. Equal lists of passages are one object."""
    texts = stored.texts
    known: dict[Any, tuple[Passage, ...]] = {}
    for batch in stored.outcomes.to_batches(max_chunksize=_AT_ONCE):
        for row in batch.to_pylist():
            yield _outcome(row, texts, known)


def _outcome(row: Mapping[str, Any], texts: Texts, known: dict[Any, tuple[Passage, ...]]) -> Outcome:
    found = row.get("passages") or []
    key = tuple((p["document"], p["start"], p["end"], p["similarity"], p.get("score")) for p in found)
    if key not in known:
        known[key] = tuple(Passage(d, s, e, texts.get((d, s, e), ""), near, score) for d, s, e, near, score in key)
    kind = row.get("failure_kind")
    failure = Failure(row["failure_stage"], kind, row["failure"]) if kind is not None else None
    missed = tuple(Evidence(e["document"], e["start"], e["end"]) for e in row.get("missed") or [])
    same = {name: row[name] for name in SAME_COLUMNS if name in row}
    return Outcome(**same, passages=known[key], missed=missed, failure=failure)


def examples_of(stored: StoredSweep) -> dict[str, Example]:
    """The examples of a sweep by id."""
    return {row["id"]: example_of(row) for row in stored.examples}


def example_of(row: Mapping[str, Any]) -> Example:
    """An example from its line."""
    return Example(
        row["id"],
        tuple(Message(m["role"], m["content"]) for m in row["messages"]),
        tuple(row["references"]),
        tuple(Evidence(e["document"], e["start"], e["end"]) for e in row["evidence"]),
        row["expected"],
        tuple(row["tags"]),
        row["metadata"],
        row["cluster"],
    )
