"""ECharts options. Colours are those of Okabe and Ito, or cividis: told apart by colour-blind people.

Names and numbers are data: tooltips are drawn as text on the canvas, never as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.study.report.texts import short, visible

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8A8A8A"
CIVIDIS = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"]
TOOLTIP = {"trigger": "item", "renderMode": "richText", "confine": True}
PLATE = {"color": "#fff", "backgroundColor": "rgba(40, 40, 40, 0.8)", "padding": [2, 4], "borderRadius": 3}
"""For labels that lines run through; read on light and dark."""
_LABEL = 44


def intervals(rows: Sequence[dict[str, Any]], title: str, names: Sequence[str], sure: Sequence[bool]) -> dict[str, Any]:
    """Means with intervals, the first row on top; `sure` rows are filled dots, the others hollow."""
    lines: list[Any] = []
    for i, row in enumerate(rows):
        if row["low"] is not None and row["high"] is not None:
            lines += [[row["low"], i], [row["high"], i], ["-", "-"]]
    dots = [
        {
            "name": visible(name),
            "value": [row["score"], i],
            "itemStyle": {"color": BLUE if filled else "transparent", "borderColor": BLUE, "borderWidth": 2},
        }
        for i, (row, name, filled) in enumerate(zip(rows, names, sure, strict=True))
        if row["score"] is not None
    ]
    return {
        "tooltip": TOOLTIP,
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 32, "containLabel": True},
        "xAxis": {"type": "value", "scale": True, "name": title, "nameLocation": "middle", "nameGap": 28},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [visible(short(name, _LABEL)) for name in names],
            "axisLabel": {"interval": 0, "width": 230, "overflow": "truncate"},
        },
        "series": [
            {
                "type": "line",
                "name": "interval",
                "data": lines,
                "symbol": "rect",
                "symbolSize": [2, 10],
                "lineStyle": {"color": GREY, "width": 2},
                "itemStyle": {"color": GREY},
                "silent": True,
            },
            {"type": "scatter", "name": title, "data": dots, "symbolSize": 11, "z": 5},
        ],
    }


def height(rows: int) -> int:
    """Pixels for a chart with that many rows."""
    return 70 + 24 * max(2, rows)


def shares(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each term's share of the variance between variants, in percent."""
    names = ["everything else" if row["term"] == "rest" else str(row["term"]) for row in rows]
    title = "share of the variance between variants, %"
    return {
        "tooltip": TOOLTIP,
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 32, "containLabel": True},
        "xAxis": {"type": "value", "min": 0, "max": 100, "name": title, "nameLocation": "middle", "nameGap": 28},
        "yAxis": {"type": "category", "inverse": True, "data": [visible(short(name, _LABEL)) for name in names]},
        "series": [
            {
                "type": "bar",
                "name": title,
                "itemStyle": {"color": BLUE},
                "data": [None if row["share"] is None else round(100 * row["share"], 1) for row in rows],
            }
        ],
    }


def front(rows: Sequence[dict[str, Any]], objective: str, x_title: str, y_title: str) -> dict[str, Any]:
    """Quality against cost (for 1,000 answers) or latency; a click selects a variant.

    On the front: blue diamonds with their place. Others: hollow circles.
    """
    factor = 1000 if objective == "cost_usd" else 1
    points = [
        {
            "name": visible(f"{row['place']}. {short(str(row['label']), 60)}"),
            "value": [None if row[objective] is None else row[objective] * factor, row["quality"]],
            "symbol": "diamond" if row["on_front"] else "circle",
            "symbolSize": 16 if row["on_front"] else 10,
            "itemStyle": {
                "color": BLUE if row["on_front"] else "transparent",
                "borderColor": BLUE if row["on_front"] else GREY,
                "borderWidth": 2,
            },
            "label": {"show": row["on_front"], "formatter": str(row["place"]), "position": "top"},
        }
        for row in rows
    ]
    return {
        "tooltip": TOOLTIP,
        "grid": {"left": 24, "right": 24, "top": 32, "bottom": 40, "containLabel": True},
        "xAxis": {"type": "value", "scale": True, "name": x_title, "nameLocation": "middle", "nameGap": 30},
        "yAxis": {"type": "value", "scale": True, "name": y_title},
        "series": [
            {
                "type": "scatter",
                "name": y_title,
                "data": points,
                "selectedMode": "single",
                "select": {"itemStyle": {"borderColor": ORANGE, "borderWidth": 4}},
            }
        ],
    }


def heat(found: dict[str, Any], across: str, up: str, metric: str) -> dict[str, Any]:
    """A heat map of mean scores over two axes, with the means written in."""
    values = [cell[2] for cell in found["cells"]]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    cells = [{"value": [i, j, round(mean, 3)]} for i, j, mean, _ in found["cells"]]
    few = len(found["across"]) <= 12
    return {
        "tooltip": TOOLTIP,
        "grid": {"left": 8, "right": 8, "top": 32, "bottom": 76, "containLabel": True},
        "xAxis": {
            "type": "category",
            "name": visible(across),
            "nameLocation": "middle",
            "nameGap": 28,
            "data": [visible(short(level, 24)) for level in found["across"]],
        },
        "yAxis": {"type": "category", "name": visible(up), "data": [visible(short(v, 24)) for v in found["up"]]},
        "visualMap": {
            "min": low,
            "max": high if high > low else low + 1e-9,
            "calculable": False,
            "precision": 3,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "text": [f"{high:.3g}", f"{low:.3g}"],
            "inRange": {"color": CIVIDIS},
        },
        "series": [{"type": "heatmap", "name": visible(metric), "data": cells, "label": {"show": few}}],
    }


def parallel(
    rows: Sequence[dict[str, Any]], axes: Sequence[str], levels: dict[str, list[str]], metric: str
) -> dict[str, Any]:
    """A line per variant over its settings, and its score, by which it is coloured."""
    scores = [row["score"] for row in rows]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    dimensions: list[dict[str, Any]] = [
        {
            "dim": i,
            "name": visible(short(name, 22)),
            "type": "category",
            "data": [visible(short(v, 22)) for v in levels[name]],
        }
        for i, name in enumerate(axes)
    ]
    dimensions.append({"dim": len(axes), "name": visible(metric), "scale": True})
    return {
        "parallel": {
            "left": 60,
            "right": 110,
            "top": 40,
            "bottom": 24,
            "parallelAxisDefault": {"z": 20, "axisLabel": PLATE},
        },
        "parallelAxis": dimensions,
        "visualMap": {
            "dimension": len(axes),
            "min": low,
            "max": high if high > low else low + 1e-9,
            "precision": 3,
            "right": 0,
            "top": "middle",
            "inRange": {"color": CIVIDIS[1:]},
        },
        "series": [
            {
                "type": "parallel",
                "lineStyle": {"width": 2, "opacity": 0.7},
                "data": [[*(visible(short(row["levels"][name], 22)) for name in axes), row["score"]] for row in rows],
            }
        ],
    }
