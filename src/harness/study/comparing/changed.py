"""The examples whose score changed between two runs: what each answered, over which passages, and why it scored so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.store import StoredSweep

Floats = NDArray[np.float64]
Sides = dict[str, dict[str, Any]]
Run = tuple[StoredSweep, dict[str, Any]]
"""A sweep and the entry of one of its variants."""


def changed(
    examples: Sequence[dict[str, Any]],
    means: tuple[Floats, Floats],
    metric: str,
    direction: str,
    run: Run,
    baseline: Run,
    count: int,
) -> list[dict[str, Any]]:
    """The examples whose mean scores differ, worst first, equals in the order given, at most `count`; `means` are the
    run's and the baseline's.

    Each has `example`, `question`, `tags`, `metric`, `difference` (run less baseline), and for both sides (`run`,
    `baseline`) the `answer`, or the `failure` in its place, the `passages`, and the `scores` with their reasons. Of
    several `repeats` it is the one (`repeat`) that is farthest from the other side's mean.
    """
    differences = means[0] - means[1]
    sign = 1.0 if direction == "maximize" else -1.0
    moved = [i for i in range(len(examples)) if differences[i] == differences[i] and differences[i] != 0]
    moved.sort(key=lambda i: sign * differences[i])
    chosen = moved[:count]
    wanted = [examples[i]["id"] for i in chosen]
    here_by, there_by = ({examples[i]["id"]: float(side[i]) for i in chosen} for side in means)
    here = _sides(run, wanted, metric, direction, there_by)
    there = _sides(baseline, wanted, metric, direction, here_by)
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


def _sides(run: Run, examples: Sequence[str], metric: str, direction: str, others: Mapping[str, float]) -> Sides:
    """What a run has of some examples, by example; of several repeats, the one farthest from the other run's mean."""
    stored, variant = run
    entry = next(m for m in stored.metrics if m["name"] == metric)
    worst = entry["low"] if direction == "maximize" else entry["high"]
    scores = _rows(stored.scores, variant["id"], examples)
    values = {
        (row["example"], row["repeat"]): worst if row["value"] is None else row["value"]
        for row in scores
        if row["metric"] == metric
    }
    outcomes = {(row["example"], row["repeat"]): row for row in _rows(stored.outcomes, variant["id"], examples)}
    found: Sides = {}
    for name in examples:
        repeats = sorted(repeat for example, repeat in outcomes if example == name)
        known = {r: v for r in repeats if (v := values.get((name, r))) is not None}
        at = max(known, key=lambda r: (abs(known[r] - others.get(name, 0.0)), -r)) if known else min(repeats, default=0)
        found[name] = _side(outcomes.get((name, at)), stored.texts) | {
            "repeat": at,
            "repeats": len(repeats),
            "scores": [
                {key: row[key] for key in ("metric", "value", "reason", "failure")}
                for row in scores
                if row["example"] == name and row["repeat"] == at
            ],
        }
    return found


def _side(row: Mapping[str, Any] | None, texts: Mapping[Any, str]) -> dict[str, Any]:
    if row is None:
        return {"answer": None, "failure": None, "passages": []}
    failure = f"{row['failure_stage']}: {row['failure']}" if row["failure"] is not None else None
    passages = [{**p, "text": texts.get((p["document"], p["start"], p["end"]))} for p in row["passages"] or []]
    return {"answer": row["answer"], "failure": failure, "passages": passages}


def _rows(table: Any, variant: str, examples: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a variant for some examples."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mine = pc.and_(
        pc.equal(table.column("variant"), variant),
        pc.is_in(table.column("example"), value_set=pa.array(list(examples), pa.string())),
    )
    rows: list[dict[str, Any]] = table.filter(mine).to_pylist()
    return rows
