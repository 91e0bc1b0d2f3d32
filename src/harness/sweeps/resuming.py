"""What earlier processes of a sweep finished and spent."""

from __future__ import annotations

from typing import Any

from harness.records import Reply
from harness.store import Writer
from harness.sweeps.gateway import Answer, Spent
from harness.sweeps.workload import CellId


def before(writer: Writer) -> tuple[dict[CellId, str | None], dict[str, Answer], Spent]:
    """What an earlier process of this sweep finished; failed cells are done again, those not yet judged are judged."""
    done: dict[CellId, str | None] = {}
    known: dict[str, Answer] = {}
    spent = Spent()
    for line in writer.finished_cells():
        row = line["outcome"]
        if row["failure"] is not None:
            continue
        if line.get("whole", True):
            done[row["variant"], row["example"], row["repeat"]] = row["request"]
        if row["source"] != "shared":
            known[row["request"]] = _answer_of(row)
        if row["source"] == "made":
            spent.calls += row["attempts"] or 1
            spent.usd += row["cost_usd"] or 0.0
            spent.unknown = spent.unknown or row["cost_usd"] is None
            spent.tokens += (row["input_tokens"] or 0) + (row["output_tokens"] or 0)
    for line in writer.spent():
        spent.calls += 1
        spent.usd += line["usd"] or 0.0
        spent.unknown = spent.unknown or line["usd"] is None
        spent.tokens += line["tokens"]
    return done, known, spent


def _answer_of(row: dict[str, Any]) -> Answer:
    reply = Reply(
        row["answer"],
        row["input_tokens"],
        row["output_tokens"],
        row["cached_tokens"],
        row["reasoning_tokens"],
        row["finish_reason"],
        latency_ms=row["latency_ms"],
        first_token_ms=row.get("first_token_ms"),
    )
    return Answer(reply, row["source"], row["cost_usd"], row["wait_ms"], row["attempts"])
