"""The tables of the HTML page: headings, and cells with the value that they are sorted by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harness.study.report import amounts
from harness.study.report.texts import short

ROWS = 30
"""Variants that are shown at once; the rest is folded."""
_AXES = 6
Table = dict[str, Any]


def cell(text: str, value: Any = None) -> dict[str, Any]:
    """A cell. `value` is what it is sorted by where the text would not do; an empty one comes last."""
    return {"text": text, "value": value}


def figure(value: float | None, text: str | None = None) -> dict[str, Any]:
    """A cell with a number."""
    return cell(amounts.number(value) if text is None else text, "" if value is None else value)


def table(title: str, heads: Iterable[str], rows: Sequence[Any], best: Sequence[bool] = ()) -> Table:
    """A table; a heading that begins with `#` is one of numbers, which stand at the right."""
    columns = [{"text": head.removeprefix("#"), "n": head.startswith("#")} for head in heads]
    marks = best or [False] * len(rows)
    return {
        "title": title,
        "heads": columns,
        "rows": [{"cells": cells, "best": mark} for cells, mark in zip(rows, marks, strict=True)],
    }


def ranking_tables(found: dict[str, Any]) -> tuple[Table, Table]:
    """The first variants, and the rest."""
    axes = found["axes"] if 0 < len(found["axes"]) <= _AXES else []
    heads = [
        "#place",
        "run",
        *(axes or ["configuration"]),
        f"#{found['metric']}",
        "#interval",
        "#behind the first",
        "#p",
    ]
    heads += ["#n", "#no score", "#USD per 1,000 answers", "#latency, ms"]
    cells = [_ranking_row(row, axes) for row in found["rows"]]
    best = [row["in_best_set"] for row in found["rows"]]
    unit = f", in {found['unit']}" if found["unit"] else ""
    title = f"Variants by {found['metric']}{unit}"
    first, rest = (table(title, heads, cells[part], best[part]) for part in (slice(ROWS), slice(ROWS, None)))
    return first, rest


def _ranking_row(row: dict[str, Any], axes: list[str]) -> list[dict[str, Any]]:
    settings = [cell(short(amounts.setting(row["params"].get(name)))) for name in axes] or [cell(row["label"])]
    return [
        figure(row["place"], amounts.count(row["place"])),
        cell(row["variant"] + ("" if row["exact_search"] else " ~")),
        *settings,
        figure(row["score"]),
        figure(row["low"], "-" if row["score"] is None else amounts.interval(row["low"], row["high"])),
        figure(row["gap"], amounts.NOTHING if row["place"] in (None, 1) else amounts.number(row["gap"])),
        figure(row["p"], amounts.p_value(row["p"])),
        figure(row["n"], amounts.count(row["n"])),
        figure(row["failed"], amounts.count(row["failed"])),
        figure(row["usd"], amounts.per_thousand(row["usd"])),
        figure(row["latency_ms"]),
    ]


def metrics_table(found: dict[str, Any]) -> Table:
    """Every metric of every variant."""
    rows = []
    for row in found["rows"]:
        means = []
        for name in found["metrics"]:
            each = row["metrics"].get(name) or {"mean": None, "failed": 0}
            failed = f" ({each['failed']:,} failed)" if each["failed"] else ""
            means.append(figure(each["mean"], amounts.number(each["mean"]) + failed))
        rows.append([figure(row["place"], amounts.count(row["place"])), cell(row["label"]), *means])
    return table("Means", ["#place", "configuration", *(f"#{name}" for name in found["metrics"])], rows)


def differences_table(found: dict[str, Any]) -> Table:
    """The differences between the levels of each axis."""
    rows = [
        [
            cell(d["axis"]),
            cell(f"{short(d['level'])} less {short(d['other'])}"),
            figure(d["difference"], amounts.signed(d["difference"])),
            figure(d["low"], amounts.interval(d["low"], d["high"])),
            figure(d["p"], amounts.p_value(d["p"])),
        ]
        for d in found["differences"]
    ]
    return table("Differences between levels", ["axis", "levels", "#difference", "#95% interval", "#p"], rows)


def front_tables(found: dict[str, Any]) -> tuple[Table, Table]:
    """The variants on the front of the means, and the others."""
    names = {"quality": found["metric"], "cost_usd": "USD per 1,000 answers", "latency_ms": "latency, ms"}
    labels = {row["variant"]: row["place"] for row in found["rows"]}
    on_front: list[Any] = []
    others: list[Any] = []
    for row in found["rows"]:
        values = [(row[name] * 1000 if name == "cost_usd" else row[name]) for name in found["objectives"]]
        beaten = row["dominated_by"]
        (on_front if row["on_front"] else others).append(
            [
                figure(row["place"], amounts.count(row["place"])),
                cell(row["label"]),
                *(figure(value) for value in values),
                cell("kept" if row["kept"] else f"beaten by number {labels[beaten]}"),
            ]
        )
    heads = ["#place", "configuration", *(f"#{names[name]}" for name in found["objectives"]), "beyond noise"]
    return table("On the front", heads, on_front), table("Not on the front", heads, others)


def tags_table(found: dict[str, Any]) -> Table:
    """The objective by tag."""
    rows = [
        [
            cell(short(row["tag"]) + (" !" if row["caution"] else "")),
            figure(row["examples"], amounts.count(row["examples"])),
            figure(row["clusters"], amounts.count(row["clusters"])),
            figure(row["failed"], amounts.count(row["failed"])),
            figure(row["n"], amounts.count(row["n"])),
            figure(row["winner_score"]),
            figure(row["baseline_score"]),
            figure(row["difference"], amounts.signed(row["difference"])),
            figure(row["low"], amounts.interval(row["low"], row["high"])),
            figure(row["p"], amounts.p_value(row["p"])),
            cell(row["verdict"]),
            cell(
                "-" if row["ahead"] is None else f"number {row['ahead_place']} ({amounts.number(row['ahead_score'])})"
            ),
            figure(row["best_set"], amounts.count(row["best_set"])),
        ]
        for row in found["rows"]
    ]
    heads = [
        "tag",
        "#examples",
        "#clusters",
        "#failed",
        "#n",
        "#winner",
        "#baseline",
        "#difference",
        "#95% interval",
        "#p",
    ]
    return table(f"{found['metric']} by tag", [*heads, "verdict", "ahead in this tag", "#best set"], rows)


def pairs_table(found: dict[str, Any]) -> Table:
    """Winner and baseline by every metric."""
    rows = []
    for row in found["metrics"]:
        if row.get("note"):
            rows.append([cell(row["metric"]), *(figure(None) for _ in range(6)), cell(row["note"])])
            continue
        low, high = amounts.finite(row["low"]), amounts.finite(row["high"])
        rows.append(
            [
                cell(row["metric"]),
                figure(row["baseline_mean"]),
                figure(row["mean"]),
                figure(row["difference"], amounts.signed(row["difference"])),
                figure(low, amounts.interval(low, high)),
                figure(row["p"], amounts.p_value(row["p"])),
                figure(row["n"], amounts.count(row["n"])),
                cell(row["verdict"]),
            ]
        )
    heads = ["metric", "#baseline", "#winner", "#difference", "#95% interval", "#p", "#n", "verdict"]
    return table("Paired differences, on examples with both scores", heads, rows)


def work_table(found: dict[str, Any]) -> Table:
    """Work that sharing saved."""
    rows = []
    for row in found["rows"]:
        naive, made = row["naive"], row["distinct"]
        saved = None if not naive or made is None else 1 - made / naive
        counts = [figure(row[name], amounts.count(row[name])) for name in ("naive", "distinct", "cached", "made")]
        rows.append([cell(row["work"]), *counts, figure(saved, amounts.share(saved))])
    heads = ["work", "#each variant by itself", "#distinct", "#known from before", "#made", "#saved by sharing"]
    return table("What there was to do", heads, rows)


def about_table(found: list[dict[str, Any]]) -> Table:
    """What each metric is."""
    rows = []
    for m in found:
        ends = [amounts.NOTHING if m[name] is None else f"{m[name]:g}" for name in ("low", "high")]
        bounds = "open" if m["low"] is None and m["high"] is None else f"{ends[0]} to {ends[1]}"
        passing = " and ".join(
            f"{name.replace('_', ' ')} {m[name]:g}" for name in ("at_least", "at_most") if m[name] is not None
        )
        rows.append(
            [
                cell(m["name"] + (" (objective)" if m["objective"] else "")),
                cell(m["about"] or "not described here"),
                cell("higher is better" if m["direction"] == "maximize" else "lower is better"),
                cell(bounds),
                cell(m["unit"] or "none"),
                cell(passing or amounts.NOTHING),
                cell(m["judge"] if m["judged"] else "none"),
                cell(m["prompt_digest"] or amounts.NOTHING),
                cell(m["digest"]),
            ]
        )
    heads = ["metric", "what it measures", "direction", "range", "unit", "passes", "judge", "prompt's digest", "digest"]
    return table("Metrics", heads, rows)
