"""What the page of one sweep shows: the report's figures, gathered without writing anything."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from harness.store import StoredSweep
from harness.study.choosing.pareto import pareto
from harness.study.expenses import Expense, expenses
from harness.study.judging.cautions import cautions
from harness.study.report import amounts
from harness.study.report.axes import effects_section, front_section
from harness.study.report.contest import contest_of
from harness.study.report.material import Material
from harness.study.report.standings import standings
from harness.study.report.tags import tags_section
from harness.study.report.texts import short
from harness.study.report.verdict import verdict_of
from harness.study.report.work import failures_section
from harness.study.summary import holds, summarise

LARGE = 200_000
"""Cells above which a page does not work out at once what takes seconds."""
_VALUE = 40


class Looked(Material):
    """A sweep that is only looked at: a summary that is not kept is made, and not kept."""

    @cached_property
    def summary(self) -> dict[str, Any]:
        stored = self.stored
        kept = stored.summary
        if kept is not None and kept.get("status") == stored.status == "complete" and holds(kept, stored.folder):
            return {**kept, "judges": cautions(stored)}
        return summarise(stored)

    @cached_property
    def expenses(self) -> dict[str, Expense]:
        kept = {run["variant"]: run.get("expense") for run in self.summary["runs"]}
        if all(kept.values()):
            return {name: Expense(**figures) for name, figures in kept.items() if figures}
        return expenses(self.stored)


def overview(stored: StoredSweep) -> dict[str, Any]:
    """`verdict`, `ranking`, `effects`, `front`, `tags`, `failures` as in a report (see `report.content`).

    `short` has a name of each variant that fits a chart. A section that a sweep has nothing for holds a `note` that
    says why. Of a sweep of more than 200,000 cells the front is that of the means, and `tags` is None: see `tags_of`.
    """
    material = Looked(stored)
    contest = contest_of(material, None)
    large = int(stored.header["cells"]) > LARGE
    return {
        "status": stored.status,
        "name": str(stored.header["name"]),
        "totals": {name: material.summary.get(name) for name in _TOTALS},
        "verdict": verdict_of(material, contest),
        "ranking": standings(material),
        "effects": effects_section(material),
        "front": _front_of_means(material) if large else front_section(material),
        "tags": None if large else tags_section(material, contest),
        "failures": failures_section(material),
        "short": {name: short_name(entry) for name, entry in material.variants.items()},
    }


def tags_of(stored: StoredSweep) -> dict[str, Any]:
    """The ranking and the winner against the baseline by tag."""
    material = Looked(stored)
    return tags_section(material, contest_of(material, None))


def _front_of_means(material: Material) -> dict[str, Any]:
    """As `front_section`, from one row per variant: who is beaten beyond noise is not told."""
    import pandas as pd

    places = material.places
    frame = pd.DataFrame(
        {
            "variant": list(places),
            "quality": [place.score for place in material.ranking.places] if places else [],
            "cost_usd": [material.expenses[name].usd for name in places],
            "latency_ms": [material.expenses[name].latency_ms for name in places],
        }
    )
    known = [name for name in ("cost_usd", "latency_ms") if frame[name].notna().all()]
    if len(frame) < 2 or not known:
        return {"note": "a front needs two variants with scores, and their costs or latencies"}
    up = material.direction == "maximize"
    found = pareto(frame, ["quality"] if up else [], [*known, *([] if up else ["quality"])])
    rows = found.table.astype(object).to_dict("records")
    named = [{**row, "place": places[row["variant"]], "label": material.label(row["variant"])} for row in rows]
    return {
        "note": "",
        "metric": material.metric["name"],
        "objectives": list(found.objectives),
        "rows": named,
        "left_out": ["the front is that of the means: who is beaten beyond noise is in the report"],
    }


_TOTALS = ("cells", "finished_cells", "failed_cells", "calls", "cost_usd", "wall_s")


def short_name(entry: dict[str, Any]) -> str:
    """A variant by its settings' values; by its label where there is no axis."""
    values = (short(amounts.setting(value), _VALUE) for value in (entry.get("params") or {}).values())
    return short(" · ".join(values) or str(entry.get("label") or entry["id"]), 2 * _VALUE)


def ranking_rows(found: dict[str, Any], axes: bool = True) -> list[dict[str, Any]]:
    """The ranking as flat rows for a table: place, score and interval, p, cells, cost, latency, settings, metrics."""
    rows = []
    for row in found["rows"]:
        flat = {name: row[name] for name in ("place", "variant", "score", "low", "high", "p", "in_best_set")}
        flat |= {"n": row["n"], "failed": row["failed"]}
        flat["usd_per_1000"] = None if row["usd"] is None else 1000 * row["usd"]
        flat["latency_ms"] = row["latency_ms"]
        if axes:
            flat |= {f"{name} ": amounts.setting(value) for name, value in row["params"].items()}
        flat |= {f"{name} (mean)": figure.get("mean") for name, figure in row["metrics"].items()}
        rows.append(flat)
    return rows


def heat(found: dict[str, Any], across: str, up: str) -> dict[str, Any]:
    """Mean scores of the variants by two axes, all other settings averaged.

    `across` and `up` are the levels, `cells` are `(column, row, mean, variants)`; a pair of levels that no variant has
    is not there.
    """
    scored = [row for row in found["rows"] if row["score"] is not None]
    columns = levels_of([row["params"].get(across) for row in scored])
    lines = levels_of([row["params"].get(up) for row in scored])
    sums: dict[tuple[int, int], list[float]] = {}
    for row in scored:
        at = (
            columns.index(amounts.setting(row["params"].get(across))),
            lines.index(amounts.setting(row["params"].get(up))),
        )
        sums.setdefault(at, []).append(row["score"])
    cells = [(i, j, float(np.mean(values)), len(values)) for (i, j), values in sorted(sums.items())]
    return {"across": columns, "up": lines, "cells": cells}


def levels_of(values: list[Any]) -> list[str]:
    """The levels of an axis as texts, numbers in their order, others as they come."""
    numbers = all(isinstance(value, int | float) for value in values)
    distinct = sorted(set(values)) if numbers else list(dict.fromkeys(amounts.setting(value) for value in values))
    return list(dict.fromkeys(amounts.setting(value) for value in distinct))


def live_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The variants of a running sweep as rows: mean and interval that hold at every look, and how far each is."""
    rows = []
    for row in found["variants"]:
        low, high = row["interval"]
        state = "leads" if row["variant"] == found["leader"] else "ruled out" if row["ruled_out"] else "open"
        rows.append(
            {"variant": row["variant"], "label": row["label"], "state": state, "score": row["mean"]}
            | {"low": low, "high": high, "n": row["n"], "mean_so_far": row["mean_so_far"]}
            | {"finished": row["finished"], "failed": row["failed"]}
        )
    order = {"leads": 0, "open": 1, "ruled out": 2}
    sign = 1.0 if found["direction"] == "maximize" else -1.0
    rows.sort(
        key=lambda row: (order[str(row["state"])], -sign * (row["score"] or 0.0) if row["score"] is not None else 9e9)
    )
    return rows
