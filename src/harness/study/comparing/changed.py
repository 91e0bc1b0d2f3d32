"""The examples whose score changed between two runs: what each answered, over which passages, and why it scored so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.store import StoredSweep

Run = tuple[StoredSweep, dict[str, Any]]
"""A sweep and the entry of one of its variants."""


def changed(
    examples: Sequence[dict[str, Any]],
    differences: NDArray[np.float64],
    metric: str,
    direction: str,
    run: Run,
    baseline: Run,
    count: int,
) -> list[dict[str, Any]]:
    """The examples with a difference (run less baseline, NaN: none), worst first, at most `count`.

    Each has `example`, `question`, `tags`, `metric`, `difference`, and for both sides (`run`, `baseline`) the `answer`,
    or the `failure` in its place, the `passages`, and the `scores` with their reasons. Of several repeats, the first.
    """
    sign = 1.0 if direction == "maximize" else -1.0
    moved = [i for i in range(len(examples)) if differences[i] == differences[i] and differences[i] != 0]
    moved.sort(key=lambda i: (sign * differences[i], examples[i]["id"]))
    chosen = moved[:count]
    wanted = [examples[i]["id"] for i in chosen]
    here, there = _sides(run, wanted), _sides(baseline, wanted)
    return [
        {
            "example": examples[i]["id"],
            "question": examples[i]["messages"][-1]["content"],
            "tags": list(examples[i]["tags"]),
            "metric": metric,
            "difference": float(differences[i]),
            "answer": here[examples[i]["id"]]["answer"],
            "baseline_answer": there[examples[i]["id"]]["answer"],
            "run": here[examples[i]["id"]],
            "baseline": there[examples[i]["id"]],
        }
        for i in chosen
    ]


def _sides(run: Run, examples: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What a run has of some examples, by example."""
    stored, variant = run
    found: dict[str, dict[str, Any]] = {
        name: {"answer": None, "failure": None, "passages": [], "scores": []} for name in examples
    }
    texts = stored.texts
    for row in _rows(stored.outcomes, variant["id"], examples):
        failure = f"{row['failure_stage']}: {row['failure']}" if row["failure"] is not None else None
        passages = [{**p, "text": texts.get((p["document"], p["start"], p["end"]))} for p in row["passages"] or []]
        found[row["example"]] |= {"answer": row["answer"], "failure": failure, "passages": passages}
    for row in _rows(stored.scores, variant["id"], examples):
        kept = {name: row[name] for name in ("metric", "value", "reason", "failure")}
        found[row["example"]]["scores"].append(kept)
    return found


def _rows(table: Any, variant: str, examples: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a variant for some examples, those of the first repeat of each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mine = pc.and_(
        pc.equal(table.column("variant"), variant),
        pc.is_in(table.column("example"), value_set=pa.array(list(examples), pa.string())),
    )
    rows: list[dict[str, Any]] = table.filter(mine).to_pylist()
    first: dict[str, int] = {}
    for row in rows:
        first[row["example"]] = min(first.get(row["example"], row["repeat"]), row["repeat"])
    return [row for row in rows if row["repeat"] == first[row["example"]]]
