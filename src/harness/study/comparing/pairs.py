"""Two runs side by side: every metric, every slice, what was set otherwise, and the examples that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.errors import UserError, advice
from harness.store import StoredSweep
from harness.study.choosing.bestset import holm
from harness.study.choosing.matrix import Matrix, matrices
from harness.study.comparing.changed import Run, changed
from harness.study.comparing.comparison import Comparison, compare
from harness.study.judging.cautions import cautions

__all__ = ["Run", "compare_many", "compare_runs", "correct", "settings_between"]

_ALL = "all"
_MEASURED = "measured by other settings or another judge in the two: the difference may be theirs"
"""The slice that holds every example."""


def compare_many(
    runs: Sequence[Run], baseline: Run, only: list[str], slices: bool, count: int = 0, metric: str | None = None
) -> list[dict[str, Any]]:
    """How each of `runs` differs from `baseline`, as of `compare_runs`, with p-values corrected for all of it.

    The rows over all examples are corrected among themselves, and the rows of slices among themselves; `families` tells
    how many there are of each.
    """
    pairs = [compare_runs(run, baseline, only, slices, count, metric) for run in runs]
    rows = [row for pair in pairs for row in pair["metrics"] if "p" in row]
    whole, parts = [r for r in rows if r["slice"] == _ALL], [r for r in rows if r["slice"] != _ALL]
    for family in (whole, parts):
        correct(family)
    return [{**pair, "families": {"all": len(whole), "slices": len(parts)}} for pair in pairs]


def correct(rows: Sequence[dict[str, Any]], alpha: float = 0.05) -> None:
    """Put Holm's correction over all rows into `p_corrected`, and what it leaves of each claim into `verdict` and
    `sentence`."""
    found = holm(np.array([row["p"] for row in rows], dtype=float)) if rows else np.zeros(0)
    for row, p in zip(rows, found, strict=True):
        row["p_corrected"] = float(p)
        if p > alpha and row["p"] <= alpha:
            row["verdict"] = f"{row['verdict']} alone, not among {len(rows)}"
            corrected = f"corrected for {len(rows):,} rows no difference can be claimed (p = {p:.2g})"
            row["sentence"] = f"{corrected}; alone {row['sentence']}"


def compare_runs(
    run: Run, baseline: Run, only: list[str], slices: bool, changed: int, metric: str | None = None
) -> dict[str, Any]:
    """How `run` differs from `baseline` on the examples that both have.

    Cells without an answer count as the worst score where the metric's range has such an end; answers that could not be
    scored are left out. `wins` and `losses` are in the metric's own direction. `changed` is how many examples to show,
    by `metric` (by default the objective). Raises UserError when the two share no example or no metric.
    """
    (stored, variant), (base, base_variant) = run, baseline
    here, there = matrices(stored), matrices(base) if base is not stored else matrices(stored)
    names = [name for name in here if name in there and (not only or name in only)]
    if not names:
        known = sorted(set(here) & set(there))
        raise UserError(f"the runs share no such metric; {advice(only[0] if only else '', known, 'shared metrics')}")
    examples = _shared(stored, base)
    entries, theirs = ({m["name"]: m for m in side.metrics} for side in (stored, base))
    rows = []
    for name in names:
        both = _both(here[name], variant["id"], there[name], base_variant["id"], entries[name])
        for label, chosen in _slices(examples, slices).items():
            rows.append(_row(entries[name], label, both.of(chosen), [e["cluster"] for e in chosen]))
            if entries[name]["identity"] != theirs[name]["identity"]:
                rows[-1]["caution"] = "; ".join(filter(None, (_MEASURED, rows[-1].get("caution"))))
    return {
        "run": f"{stored.id}/{variant['id']}",
        "label": variant["label"],
        "baseline": f"{base.id}/{base_variant['id']}",
        "baseline_label": base_variant["label"],
        "examples": len(examples),
        "method": Comparison.method,
        "judges": {name: said for name, said in {**cautions(base), **cautions(stored)}.items() if name in names},
        "settings": settings_between(base_variant, variant),
        "metrics": rows,
        "changed": _changed(run, baseline, here, there, names, examples, changed, metric),
    }


def settings_between(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of two variants' chatbots that differ: `setting` (a path), `before`, `after`; None: not set."""
    one, other = _flat(before.get("chatbot") or {}), _flat(after.get("chatbot") or {})
    return [
        {"setting": path, "before": one.get(path), "after": other.get(path)}
        for path in dict.fromkeys([*one, *other])
        if one.get(path) != other.get(path)
    ]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    found: dict[str, Any] = {}
    for key, below in value.items():
        found |= _flat(below, f"{path}.{key}" if path else key)
    return found


def _shared(stored: StoredSweep, base: StoredSweep) -> list[dict[str, Any]]:
    """The examples of both sweeps: same id and same content."""
    other = {e["id"]: e for e in base.examples}
    shared = [e for e in stored.examples if other.get(e["id"]) == e]
    if not shared:
        raise UserError(f"{stored.id} and {base.id} share no example: paired comparison needs the same questions")
    return shared


def _slices(examples: list[dict[str, Any]], wanted: bool) -> dict[str, list[dict[str, Any]]]:
    found = {_ALL: examples}
    if wanted:
        for tag in sorted({tag for e in examples for tag in e["tags"]} - {_ALL}):
            found[tag] = [e for e in examples if tag in e["tags"]]
    return found


class _Both:
    """The scores of two runs by example."""

    def __init__(self, columns: list[dict[str, float]]) -> None:
        self._columns = columns

    def of(self, examples: Sequence[dict[str, Any]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The scores of both for some examples, NaN where there is none."""
        here, there = (np.array([column[e["id"]] for e in examples], dtype=float) for column in self._columns)
        return here, there


def _both(here: Matrix, variant: str, there: Matrix, base_variant: str, entry: dict[str, Any]) -> _Both:
    worst = entry["low"] if entry["direction"] == "maximize" else entry["high"]
    columns = []
    for matrix, name in ((here, variant), (there, base_variant)):
        values = matrix.filled(worst)[:, matrix.variants.index(name)]
        columns.append(dict(zip(matrix.examples, values, strict=True)))
    return _Both(columns)


def _row(entry: dict[str, Any], label: str, values: tuple[Any, Any], clusters: list[str]) -> dict[str, Any]:
    here, there = values
    metric = entry["name"]
    paired = ~(np.isnan(here) | np.isnan(there))
    if not paired.any():
        return {"metric": metric, "slice": label, "n": 0, "note": "no example has both scores"}
    low, high = entry["low"], entry["high"]
    most = high - low if low is not None and high is not None else np.inf
    found = compare(here, there, clusters)
    found = replace(found, low=max(found.low, -most), high=min(found.high, most))
    up = entry["direction"] == "maximize"
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
        "wins": found.wins if up else found.losses,
        "losses": found.losses if up else found.wins,
        "ties": found.ties,
        "verdict": _verdict(found, entry["direction"]),
        "sentence": found.sentence(first="the run", second="the baseline"),
        "method": found.method,
        "caution": found.caution,
    }


def _verdict(found: Comparison, direction: str) -> str:
    if not found.claims_difference:
        return "no difference can be claimed"
    return "better" if (found.difference > 0) == (direction == "maximize") else "worse"


def _changed(
    run: Run,
    baseline: Run,
    here: dict[str, Matrix],
    there: dict[str, Matrix],
    names: list[str],
    examples: list[dict[str, Any]],
    count: int,
    metric: str | None,
) -> list[dict[str, Any]]:
    """The examples that changed most by one metric: the one that was asked for, else the objective, else the first."""
    if not count:
        return []
    (stored, variant), (_, base_variant) = run, baseline
    objective = metric or stored.header["objective"]["metric"]
    chosen = objective if objective in names else names[0]
    entry = next(m for m in stored.metrics if m["name"] == chosen)
    first, second = _both(here[chosen], variant["id"], there[chosen], base_variant["id"], entry).of(examples)
    return changed(examples, (first, second), chosen, entry["direction"], run, baseline, count)
