"""What the page of one sweep shows: the report's figures, gathered without writing anything."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from harness.errors import Mistake
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
_LEAST, _BRIEF = 6, 38
"""Characters that a value of a setting is cut to at most, and those of a name beside a chart."""
_DIGITS = 8
"""Of a commit or a digest."""


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

    `short` names each variant for a table, `brief` for a chart, `units` has the unit of each metric. `origin` is a line
    of where all this comes from, `problems` are sentences on files that are damaged. A section that a sweep has nothing
    for holds a `note` that says why. Of a sweep of more than 200,000 cells the front is that of the means, and `tags`
    is None: see `tags_of`.
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
        "brief": {name: short_name(entry, _BRIEF) for name, entry in material.variants.items()},
        "units": {str(entry["name"]): str(entry.get("unit") or "") for entry in stored.metrics},
        "origin": origin_of(stored.header),
        "problems": [_problem(mistake, stored) for mistake in stored.problems],
    }


def origin_of(header: Mapping[str, Any]) -> str:
    """When a sweep began, who ran which commit on which dataset, in one line; what is not recorded says so."""
    git, dataset = header.get("git") or {}, header.get("dataset") or {}
    commit = f"commit {str(git['commit'])[:_DIGITS]}" if git.get("commit") else "no commit"
    commit += ", with uncommitted changes" if git.get("dirty") else ""
    examples, digest = dataset.get("examples"), str(dataset.get("digest") or "")
    data = [f"dataset {PurePosixPath(str(dataset.get('path') or 'without a name')).name}"]
    data += [amounts.plural(examples, "example")] if isinstance(examples, int) else []
    data += [f"digest {digest[:_DIGITS]}"] if digest else []
    created = amounts.moment(str(header.get("created") or "")) or _UNKNOWN
    began = f"{'Imported' if header.get('imported') else 'Began'} {created}"
    return " · ".join(
        [began, f"by {header['by']}" if header.get("by") else "who is not recorded", commit, ", ".join(data)]
    )


def _problem(mistake: Mistake, stored: StoredSweep) -> str:
    """What is wrong with a file of the sweep's folder, which is not told where on the machine it lies."""
    where = str(mistake.place).removeprefix(f"{stored.folder.uri}/")
    return f"{where}: {mistake.found}: {mistake.advice}"


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


_UNKNOWN = "at a time that was not recorded"
_TOTALS = ("cells", "finished_cells", "failed_cells", "calls", "cost_usd", "wall_s")


def short_name(entry: dict[str, Any], most: int = 2 * _VALUE) -> str:
    """A variant by its settings' values, the longest cut first; by its label where there is no axis."""
    values = [amounts.setting(value) for value in (entry.get("params") or {}).values()]
    for each in range(_VALUE, _LEAST - 1, -1):
        name = " · ".join(short(value, each) for value in values)
        if len(name) <= most:
            break
    return short(name or str(entry.get("label") or entry["id"]), most)


def ranking_rows(found: dict[str, Any], names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The ranking as flat rows for a table: place, short name, score and interval, p, cells, cost, latency, settings,
    metrics, id.

    A setting's name ends with a blank, so that it is no other column's; settings that are all numbers stay such.
    """
    numbers = {axis for axis in found["axes"] if all(_number(row["params"].get(axis)) for row in found["rows"])}
    rows = []
    for row in found["rows"]:
        flat = {"place": row["place"], "name": (names or {}).get(row["variant"], row["label"])}
        flat |= {each: row[each] for each in ("score", "low", "high", "p", "in_best_set", "n", "failed")}
        flat["usd_per_1000"] = None if row["usd"] is None else 1000 * row["usd"]
        flat["latency_ms"] = row["latency_ms"]
        for axis, value in row["params"].items():
            flat[f"{axis} "] = value if axis in numbers else "" if value is None else amounts.setting(value)
        flat |= {f"{metric} (mean)": figure.get("mean") for metric, figure in row["metrics"].items()}
        rows.append(flat | {"variant": row["variant"]})
    return rows


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def front_rows(found: dict[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The front as flat rows for a table: cost for 1,000 answers, variants by their short names, the id last."""
    rows = []
    for row in found["rows"]:
        beaten = row.get("dominated_by")
        flat = {"place": row["place"], "name": names.get(row["variant"], row["label"]), "quality": row["quality"]}
        if "cost_usd" in row:
            flat["usd_per_1000"] = None if row["cost_usd"] is None else 1000 * row["cost_usd"]
        flat |= {each: row[each] for each in ("latency_ms", "on_front", "kept") if each in row}
        rows.append(flat | {"beaten_by": names.get(beaten, beaten) if beaten else "", "variant": row["variant"]})
    return rows


def metric_rows(metrics: dict[str, dict[str, Any]], units: Mapping[str, str]) -> list[dict[str, Any]]:
    """The metrics of one variant as flat rows for a table."""
    order = ("mean", "low", "high", "n", "planned", "answered", "failed", "worst", "best")
    return [
        {"metric": metric, "unit": units.get(metric, "")} | {each: figure[each] for each in order if each in figure}
        for metric, figure in metrics.items()
    ]


def tag_rows(found: dict[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The slices as flat rows for a table: the winner against the baseline, then who is ahead there."""
    order = ("tag", "examples", "clusters", "winner_score", "baseline_score", "difference", "low", "high", "p")
    rows = []
    for row in found["rows"]:
        flat = {each: row[each] for each in (*order, "verdict")}
        flat |= {"ahead_name": names.get(row["ahead"], row["ahead_label"] or ""), "ahead_score": row["ahead_score"]}
        rows.append(flat | {"best_set": row["best_set"], "caution": row["caution"], "ahead": row["ahead"] or ""})
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
            {"label": row["label"], "state": state, "score": row["mean"], "low": low, "high": high, "n": row["n"]}
            | {"mean_so_far": row["mean_so_far"], "finished": row["finished"], "failed": row["failed"]}
            | {"variant": row["variant"]}
        )
    order = {"leads": 0, "open": 1, "ruled out": 2}
    sign = 1.0 if found["direction"] == "maximize" else -1.0
    rows.sort(
        key=lambda row: (order[str(row["state"])], -sign * (row["score"] or 0.0) if row["score"] is not None else 9e9)
    )
    return rows
