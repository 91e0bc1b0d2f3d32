"""The ranking with intervals, and every metric of every variant."""

from __future__ import annotations

from typing import Any

from harness.study.report import progress
from harness.study.report.amounts import finite
from harness.study.report.material import Material


def standings(material: Material) -> dict[str, Any]:
    """`rows`, best first, those without a score last; `metrics` are the names of all metrics.

    Of a sweep that is not `whole`, `clusters` counts those that are in, and there are no intervals and no p.
    `examples_in` counts the examples with a result of any variant.
    """
    ranking = material.ranking
    table = ranking.table
    lost = dict(zip(table["variant"], table["most_lost"], strict=True))
    runs = {run["variant"]: run for run in material.summary["runs"]}
    rows = [
        _row(material, runs[place.variant])
        | {
            "place": material.places[place.variant],
            "score": place.score,
            "low": material.possible(place.low),
            "high": material.possible(place.high),
            "gap": place.gap,
            "p": place.p,
            "in_best_set": place.in_best_set,
            "most_lost": finite(lost[place.variant]),
            "n": place.n,
            "failed": place.failed,
        }
        for place in (ranking.places if material.scored else ())
    ]
    if not material.whole and material.scored:
        out = progress.ruled_out(material)
        rows = [progress.blank(row, out) for row in rows]
    rows += [_row(material, run) | _BLANK for name, run in runs.items() if name not in material.places]
    examples_in, clusters_in = progress.size_of(material)
    return {
        "metric": material.metric["name"],
        "direction": material.direction,
        "unit": material.metric.get("unit") or "",
        "low": material.metric["low"],
        "high": material.metric["high"],
        "axes": list(material.stored.header.get("axes") or next(iter(runs.values()), {"params": {}})["params"]),
        "metrics": [entry["name"] for entry in material.stored.metrics],
        "clusters": clusters_in if not material.whole else ranking.clusters,
        "examples": len(material.stored.examples),
        "examples_in": examples_in,
        "repeats": material.stored.header.get("repeats", 1),
        "whole": material.whole,
        "method": _method(material),
        "interval_method": material.summary["interval_method"],
        "rows": rows,
    }


def _method(material: Material) -> str:
    """How scores became places and intervals."""
    if not material.whole:
        return "means of the cells that are there, without intervals"
    return material.ranking.method if len(material.places) > 1 else "mean; interval by Student's t of cluster sums"


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("place", "score", "low", "high", "gap", "p", "most_lost")),
    "in_best_set": False,
    "n": 0,
}


def _row(material: Material, run: dict[str, Any]) -> dict[str, Any]:
    expense = material.expenses[run["variant"]]
    objective = run["metrics"].get(material.metric["name"], {})
    return {
        "variant": run["variant"],
        "run": run["run"],
        "label": run["label"],
        "params": run["params"],
        "failed": objective.get("failed", 0),
        "usd": expense.usd,
        "latency_ms": expense.latency_ms,
        "answers": expense.n,
        "exact_search": run.get("exact_search", True),
        "metrics": run["metrics"],
    }
