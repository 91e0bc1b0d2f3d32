"""ECharts options. Colours are those of Okabe and Ito, or cividis: told apart by colour-blind people.

What is drawn on the page itself stands out from a light one and a dark one (contrast 3:1 or more).

Names and numbers are data: tooltips are drawn as text on the canvas, never as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.study.report.texts import short, visible

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8A8A8A"
"""The orange is the darker one of the two: the other is lost on white."""
CIVIDIS = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"]
"""For cells, which have their numbers in them."""
LINES = [BLUE, GREY, ORANGE]
"""From the least to the most, for lines on the page."""
TOOLTIP = {"trigger": "item", "renderMode": "richText", "confine": True}
PLATE = {"color": "#fff", "backgroundColor": "rgba(40, 40, 40, 0.8)", "padding": [2, 4], "borderRadius": 3}
PLATE["textBorderWidth"] = 0  # Streamlit puts one of the page's colour around labels: white on white
"""For labels that lines run through; read on light and dark."""
_LABEL = 44
_TITLE = 56
_PHONE = {"maxWidth": 480}
"""What fits below a chart, and where a chart is narrow."""


def below(text: str) -> dict[str, Any]:
    """The title of the horizontal axis below all of a chart: below a narrow grid alone it would be cut off."""
    style = {"fontSize": 12, "fontWeight": "normal"}
    return {"text": visible(short(text, _TITLE)), "right": 8, "bottom": 4, "padding": 0, "textStyle": style}


def above(text: str, gap: int = 15) -> dict[str, Any]:
    """The name of the vertical axis: from the axis to the right, not around it."""
    return {"name": visible(short(text, _TITLE)), "nameTextStyle": {"align": "left"}, "nameGap": gap}


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
        "title": below(title),
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 24, "containLabel": True},
        "xAxis": {"type": "value", "scale": True, "axisLabel": {"hideOverlap": True}},
        **_named(names),
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


def _named(names: Sequence[str]) -> dict[str, Any]:
    """The vertical axis of names, from above. On a phone they are smaller, in two lines, so that more than half of the
    width is left to the grid."""
    label = {"width": 140, "overflow": "break", "fontSize": 10, "lineHeight": 11}
    return {
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [visible(short(name, _LABEL)) for name in names],
            "axisLabel": {"interval": 0, "width": 230, "overflow": "truncate"},
        },
        "media": [{"query": _PHONE, "option": {"yAxis": {"axisLabel": label}}}],
    }


def drawn(shown: int, count: int, what: str) -> str:
    """What a chart leaves out; empty where it has all."""
    return f"The first {shown:,} of {count:,} {what} are drawn; the table has all." if shown < count else ""


def height(rows: int) -> int:
    """Pixels for a chart with that many rows."""
    return 70 + 24 * max(2, rows)


def shares(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each term's share of the variance between variants, in percent."""
    names = ["everything else" if row["term"] == "rest" else str(row["term"]) for row in rows]
    title = "share of the variance between variants, %"
    return {
        "tooltip": TOOLTIP,
        "title": below(title),
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 24, "containLabel": True},
        "xAxis": {"type": "value", "min": 0, "max": 100, "axisLabel": {"hideOverlap": True}},
        **_named(names),
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
        "grid": {"left": 24, "right": 24, "top": 52, "bottom": 40, "containLabel": True},
        "xAxis": {"type": "value", "scale": True, "name": x_title, "nameLocation": "middle", "nameGap": 30},
        "yAxis": {"type": "value", "scale": True, **above(y_title, 28)},
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
    middle = (low + high) / 2
    cells = [
        {
            "value": [i, j, round(mean, 3)],
            "label": {"formatter": f"{mean:.3f}", "color": "#fff" if mean < middle else "#111"},
        }
        for i, j, mean, _ in found["cells"]
    ]
    few = len(found["across"]) <= 12
    return {
        "tooltip": TOOLTIP,
        "grid": {"left": 8, "right": 8, "top": 32, "bottom": 76, "containLabel": True},
        "xAxis": {
            "type": "category",
            "name": visible(short(across, _LABEL)),
            "nameLocation": "middle",
            "nameGap": 28,
            "data": [visible(short(level, 24)) for level in found["across"]],
        },
        "yAxis": {"type": "category", "data": [visible(short(v, 24)) for v in found["up"]], **above(up)},
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
    """A line per variant over its settings, and its score, by which it is coloured.

    On a phone the axes lie one below the other, with their names above them.
    """
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
    dimensions.append({"dim": len(axes), "name": visible(short(metric, 22)), "scale": True})
    return {
        "parallel": {
            "left": 60,
            "right": 110,
            "top": 40,
            "bottom": 24,
            "parallelAxisDefault": {
                "z": 20,
                "axisLabel": PLATE,
                "axisLine": {"lineStyle": {"color": GREY, "width": 1.5}},
                "axisTick": {"lineStyle": {"color": GREY}},
            },
        },
        "parallelAxis": dimensions,
        "media": [{"query": _PHONE, "option": _lying(dimensions)}],
        "visualMap": {
            "dimension": len(axes),
            "min": low,
            "max": high if high > low else low + 1e-9,
            "precision": 3,
            "right": 0,
            "top": "middle",
            "inRange": {"color": LINES},
        },
        "series": [
            {
                "type": "parallel",
                "lineStyle": {"width": 2, "opacity": 0.7},
                "data": [[*(visible(short(row["levels"][name], 22)) for name in axes), row["score"]] for row in rows],
            }
        ],
    }


def parallel_height(axes: int) -> int:
    """Pixels for the lines of that many settings, which on a phone lie one below the other."""
    return max(380, 100 + 56 * (axes + 1))


def _lying(dimensions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is otherwise where there is no room for the axes side by side."""
    plate = {**PLATE, "align": "left", "verticalAlign": "bottom"}
    name = {"nameLocation": "start", "nameGap": 0, "nameTextStyle": plate}
    return {
        "parallel": {"layout": "vertical", "left": 16, "right": 40, "top": 24, "bottom": 64},
        "parallelAxis": [{**each, **name} for each in dimensions],
        "visualMap": {"orient": "horizontal", "right": "auto", "left": "center", "top": "auto", "bottom": 0},
    }
