"""One question across variants: what each retrieved and answered, how it was scored and why, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from harness.errors import UserError, advice
from harness.store import StoredSweep, tables
from harness.store.layout import OUTCOMES_TABLE
from harness.study.report.texts import Cut, cut

ANSWER = 20_000
"""The most characters of an answer, a message or a reason that are shown."""

_BATCH, _BUFFER = 16_384, 1 << 20


def sheet(stored: StoredSweep, example: str, variants: Sequence[str]) -> dict[str, Any]:
    """The `example` and, for each cell of the variants, a side.

    A side has `variant`, `label`, `repeat`, `answer` (a Cut, or None), `failure`, `passages` with their texts,
    `missed`, `scores` (with `reason`, `failure` and `details`), tokens, latency, cost and `source`. Raises UserError
    where the sweep has no such example.
    """
    entry = next((each for each in stored.examples if each["id"] == example), None)
    if entry is None:
        ids = [each["id"] for each in stored.examples]
        raise UserError(f"{stored.id} has no example {example!r}; {advice(example, ids[:200], 'examples')}")
    labels = {each["id"]: each["label"] for each in stored.variants}
    scores: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in _of(stored.scores, example, variants):
        scores.setdefault((row["variant"], row["repeat"]), []).append(_score(row))
    order = {name: i for i, name in enumerate(variants)}
    rows = sorted(outcomes_of(stored, example, variants), key=lambda row: (order[row["variant"]], row["repeat"]))
    texts = stored.texts
    sides = [
        {
            **{name: row.get(name) for name in _FACTS},
            "label": labels.get(row["variant"], row["variant"]),
            "answer": None if row["answer"] is None else cut(row["answer"], ANSWER),
            "failure": _failure(row),
            "passages": [
                {**p, "text": cut(texts.get((p["document"], p["start"], p["end"])) or "", ANSWER).text}
                for p in row.get("passages") or []
            ],
            "missed": row.get("missed") or [],
            "scores": scores.get((row["variant"], row["repeat"]), []),
        }
        for row in rows
    ]
    messages = [{"role": m["role"], "content": _cut(m["content"])} for m in entry["messages"]]
    references = [_cut(reference) for reference in entry.get("references") or []]
    return {**entry, "messages": messages, "references": references, "sides": sides}


_FACTS: tuple[str, ...] = (
    "variant",
    "repeat",
    "source",
    "finish_reason",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
)
_FACTS += ("reasoning_tokens", "cost_usd", "query_usd", "latency_ms", "first_token_ms", "wait_ms", "attempts")
_FACTS += ("request",)


def outcomes_of(stored: StoredSweep, example: str, variants: Sequence[str]) -> list[dict[str, Any]]:
    """The outcomes of one example. From a table on disk only these rows are kept in memory, and it is read no further
    than the last of them."""
    folder = stored.folder
    if not folder.is_local or not folder.has(OUTCOMES_TABLE):
        return _of(StoredSweep(folder).outcomes, example, variants)
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder.path / OUTCOMES_TABLE
    wanted = (pc.field("example") == example) & pc.field("variant").isin(list(variants))
    with tables.reading(str(path)), pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
        tables.check_columns(file.schema_arrow.names, str(path), "outcomes")
        batches = file.iter_batches(batch_size=_BATCH, use_threads=False, columns=["example", "variant"])
        held = [len(batch.filter(wanted)) for batch in batches]
        needed = max((number for number, count in enumerate(held) if count), default=-1) + 1
        whole = zip(held[:needed], file.iter_batches(batch_size=_BATCH, use_threads=False), strict=False)
        return [row for count, batch in whole if count for row in batch.filter(wanted).to_pylist()]


def _of(table: Any, example: str, variants: Sequence[str]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    mine = table.filter(pc.equal(table.column("example"), example))
    chosen = pc.is_in(mine.column("variant"), value_set=pa.array(list(variants), pa.string()))
    rows: list[dict[str, Any]] = mine.filter(chosen).to_pylist()
    return rows


def _cut(content: Any) -> Cut:
    return cut(str(content), ANSWER)


def _failure(row: dict[str, Any]) -> str | None:
    if row["failure"] is None:
        return None
    return cut(f"{row['failure_stage']}: {row['failure_kind']}: {row['failure']}", ANSWER).text


def _score(row: dict[str, Any]) -> dict[str, Any]:
    """A score with its reason and, as one text each, the opinions of the judges."""
    value = row["value"]
    return {
        "metric": row["metric"],
        "value": None if value is None or value != value else value,
        "reason": cut(row["reason"] or "", ANSWER).text,
        "failure": cut(row["failure"] or "", ANSWER).text,
        "details": _details(row.get("details")),
    }


def _details(text: str | None) -> str:
    """What a value rests on, as indented JSON; as it is where it is none."""
    if not text:
        return ""
    try:
        return cut(orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode(), ANSWER).text
    except orjson.JSONDecodeError:
        return cut(text, ANSWER).text
