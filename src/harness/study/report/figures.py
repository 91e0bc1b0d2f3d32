"""The charts of the HTML page, from a report's content."""

from __future__ import annotations

from typing import Any

from harness.study.report import amounts, charts
from harness.study.report.charts import Point, Scale
from harness.study.report.tables import ROWS
from harness.study.report.texts import short

Chart = dict[str, Any]


def ranking_chart(found: dict[str, Any]) -> Chart:
    """The first variants with their intervals."""
    shown = [row for row in found["rows"][:ROWS] if row["score"] is not None]
    scale = charts.scale_over(row[name] for row in shown for name in ("score", "low", "high"))
    direction = "higher is better" if found["direction"] == "maximize" else "lower is better"
    unit = f", {found['unit']}" if found["unit"] else ""
    rows = [_row(scale, f"{row['place']}. {_name(row)}", row, row["score"], row["in_best_set"]) for row in shown]
    more = len(found["rows"]) - len(shown)
    are = "is" if more == 1 else "are"
    rest = f" {amounts.plural(more, 'more variant')} {are} in the tables." if more else ""
    caption = f"{found['metric']}{_marks(found)}.{rest}"
    return {"rows": rows, "axis": charts.axis(scale, f"{found['metric']} ({direction}{unit})"), "caption": caption}


def _marks(found: dict[str, Any]) -> str:
    """What the marks of the ranking's chart mean."""
    if not found["whole"]:
        return " of what is there, without intervals. Hollow: known to be worse"
    if len(found["rows"]) == 1:
        return " with its interval"
    return (
        " with intervals that hold for all variants at once. Filled: the best set. "
        "Hollow: worse than the first beyond noise"
    )


def shares_chart(found: dict[str, Any]) -> Chart:
    """Each term's share of the variance between variants."""
    scale = Scale(0.0, 100.0, (0.0, 25.0, 50.0, 75.0, 100.0))
    rows = []
    for row in found["shares"]:
        name = "everything else" if row["term"] == "rest" else row["term"]
        told = amounts.share(row["share"])
        if row["p"] is not None:
            told += f" (p {amounts.p_value(row['p'])})".replace("(p <", "(p < ")
        rows.append(
            {"name": name, "svg": charts.bar_row(scale, 100 * (row["share"] or 0.0), f"{name}: {told}"), "told": told}
        )
    caption = (
        "Share of the variance between the variants' true means, the noise of finitely many examples taken out; "
        "p is that of the term's doing nothing. It is no share of the variance between examples."
    )
    return {"rows": rows, "axis": charts.axis(scale, "share of the variance between variants, %"), "caption": caption}


def level_charts(found: dict[str, Any], unit: str) -> list[Chart]:
    """The marginal means of each axis, all on one scale."""
    scale = charts.scale_over(row[name] for row in found["levels"] for name in ("mean", "low", "high"))
    names = dict.fromkeys(row["axis"] for row in found["levels"])
    title = f"mean {found['metric']}" + (f", {unit}" if unit else "")
    made = []
    for axis in names:
        levels = [row for row in found["levels"] if row["axis"] == axis and row["mean"] is not None]
        more = max(0, len(levels) - ROWS)
        made.append(
            {
                "name": axis,
                "rows": [_row(scale, short(row["level"], 60), row, row["mean"], True) for row in levels[:ROWS]],
                "axis": charts.axis(scale, title),
                "caption": f"{amounts.plural(more, 'more level')}: see --json." if more else "",
            }
        )
    return made


def front_charts(found: dict[str, Any], unit: str) -> list[dict[str, Any]]:
    """Quality against each of the other objectives."""
    titles = {"cost_usd": "cost of 1,000 answers, USD", "latency_ms": "latency of an answer, ms"}
    y_title = found["metric"] + (f", {unit}" if unit else "")
    made = []
    for name in (each for each in found["objectives"] if each != "quality"):
        points = [
            Point(
                row[name] * (1000 if name == "cost_usd" else 1),
                row["quality"],
                f"{row['place']}. {row['label']}: {amounts.number(row['quality'])}, "
                f"{titles[name]} {amounts.number(row[name] * (1000 if name == 'cost_usd' else 1))}",
                str(row["place"]) if row["on_front"] else "",
            )
            for row in found["rows"]
        ]
        caption = f"{found['metric']} against {titles[name]}. Filled, with its place in the ranking: on the front."
        made.append({"svg": charts.scatter(points, titles[name], y_title, caption), "caption": caption})
    return made


def tags_chart(found: dict[str, Any]) -> Chart:
    """The winner less the baseline in each tag."""
    shown = [row for row in found["rows"] if row["difference"] is not None]
    scale = charts.scale_over((row[name] for row in shown for name in ("difference", "low", "high")), zero=True)
    rows = [
        _row(
            scale,
            f"{short(row['tag'], 40)} (n = {row['n']:,})",
            row,
            row["difference"],
            row["verdict"] in ("better", "worse"),
        )
        for row in shown
    ]
    caption = (
        "The winner less the baseline on the examples of each tag; 95% intervals, not corrected for the count of tags. "
        "Filled: a difference can be claimed after Holm's correction over the tags."
    )
    return {"rows": rows, "axis": charts.axis(scale, f"difference in {found['metric']}"), "caption": caption}


def _row(scale: Scale, name: str, row: dict[str, Any], value: float, filled: bool) -> dict[str, Any]:
    told = f"{amounts.number(value)} ({amounts.interval(row['low'], row['high'])})"
    svg = charts.interval_row(scale, value, row["low"], row["high"], f"{name}: {told}", "sure" if filled else "open")
    return {"name": name, "svg": svg, "told": told}


def _name(row: dict[str, Any]) -> str:
    """A variant by its settings' values, which are short; by its label where there is no axis."""
    return short(" · ".join(short(amounts.setting(v), 40) for v in row["params"].values()) or row["label"])
