"""Two runs side by side: every metric, every slice, and the examples that changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.errors import UserError, advice
from harness.store import StoredSweep
from harness.study.comparison import Comparison, compare
from harness.study.matrix import Matrix, matrices

Run = tuple[StoredSweep, dict[str, Any]]
_NO_SLICE = "all"


def compare_runs(run: Run, baseline: Run, only: list[str], slices: bool, changed: int) -> dict[str, Any]:
    """How `run` differs from `baseline` on the examples that both have.

    Raises UserError when the two share no example or no metric.
    """
    (stored, variant), (base, base_variant) = run, baseline
    here, there = matrices(stored), matrices(base) if base is not stored else matrices(stored)
    names = [name for name in here if name in there and (not only or name in only)]
    if not names:
        known = sorted(set(here) & set(there))
        raise UserError(f"the runs share no such metric; {advice(only[0] if only else '', known, 'shared metrics')}")
    examples = _shared(stored, base)
    directions = {m["name"]: m["direction"] for m in stored.metrics}
    rows = []
    for name in names:
        for label, chosen in _slices(examples, slices).items():
            values = _pair(here[name], variant["id"], there[name], base_variant["id"], chosen)
            rows.append(_row(name, label, values, [e["cluster"] for e in chosen], directions[name]))
    objective = stored.header["objective"]["metric"]
    metric = objective if objective in names else names[0]
    pair = (here[metric], variant["id"], there[metric], base_variant["id"])
    return {
        "run": f"{stored.id}/{variant['id']}",
        "label": variant["label"],
        "baseline": f"{base.id}/{base_variant['id']}",
        "baseline_label": base_variant["label"],
        "examples": len(examples),
        "method": Comparison.method,
        "metrics": rows,
        "changed": _changed(pair, examples, run, baseline, directions[metric], changed),
    }


def _shared(stored: StoredSweep, base: StoredSweep) -> list[dict[str, Any]]:
    """The examples of both sweeps: same id and same content."""
    other = {e["id"]: e for e in base.examples}
    shared = [e for e in stored.examples if other.get(e["id"]) == e]
    if not shared:
        raise UserError(f"{stored.id} and {base.id} share no example: paired comparison needs the same questions")
    return shared


def _slices(examples: list[dict[str, Any]], wanted: bool) -> dict[str, list[dict[str, Any]]]:
    found = {_NO_SLICE: examples}
    if wanted:
        for tag in sorted({tag for e in examples for tag in e["tags"]}):
            found[tag] = [e for e in examples if tag in e["tags"]]
    return found


def _pair(
    matrix: Matrix, variant: str, other: Matrix, other_variant: str, examples: list[dict[str, Any]]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    ids = [e["id"] for e in examples]
    columns = []
    for source, name in ((matrix, variant), (other, other_variant)):
        at = {example: i for i, example in enumerate(source.examples)}
        columns.append(source.column(name)[[at[i] for i in ids]])
    return columns[0], columns[1]


def _row(metric: str, label: str, values: tuple[Any, Any], clusters: list[str], direction: str) -> dict[str, Any]:
    here, there = values
    paired = ~(np.isnan(here) | np.isnan(there))
    if not paired.any():
        return {"metric": metric, "slice": label, "n": 0, "note": "no example has both scores"}
    found = compare(here, there, clusters)
    return {
        "metric": metric,
        "slice": label,
        "mean": float(here[paired].mean()),
        "baseline_mean": float(there[paired].mean()),
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.n,
        "clusters": found.clusters,
        "dropped": found.dropped,
        "detectable": found.detectable,
        "wins": found.wins,
        "losses": found.losses,
        "ties": found.ties,
        "verdict": _verdict(found, direction),
        "caution": found.caution,
    }


def _verdict(found: Comparison, direction: str) -> str:
    if not found.claims_difference:
        return "no difference can be claimed"
    return "better" if (found.difference > 0) == (direction == "maximize") else "worse"


def _changed(
    pair: tuple[Matrix, str, Matrix, str],
    examples: list[dict[str, Any]],
    run: Run,
    baseline: Run,
    direction: str,
    count: int,
) -> list[dict[str, Any]]:
    """The examples whose score changed most, worst first."""
    here, there = _pair(*pair, examples)
    sign = 1.0 if direction == "maximize" else -1.0
    differences = here - there
    order = sorted(
        (i for i in range(len(examples)) if differences[i] == differences[i] and differences[i] != 0),
        key=lambda i: (sign * differences[i], examples[i]["id"]),
    )
    answers, before = _answers(run), _answers(baseline)
    return [
        {
            "example": examples[i]["id"],
            "question": examples[i]["messages"][-1]["content"],
            "metric": pair[0].metric,
            "difference": float(differences[i]),
            "answer": answers.get(examples[i]["id"]),
            "baseline_answer": before.get(examples[i]["id"]),
        }
        for i in order[:count]
    ]


def _answers(run: Run) -> dict[str, str | None]:
    stored, variant = run
    columns = stored.outcomes.select(["variant", "example", "repeat", "answer"]).to_pylist()
    rows = [row for row in columns if row["variant"] == variant["id"]]
    return {row["example"]: row["answer"] for row in sorted(rows, key=lambda row: -row["repeat"])}
