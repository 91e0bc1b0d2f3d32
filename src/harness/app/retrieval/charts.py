"""ECharts options of the page Retrieval: evidence by settings, and what a similarity threshold would leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.app import charts
from harness.study.report.texts import short, visible

_ACROSS, _UP = 12, 24
"""Columns and rows up to which the numbers are written into a heat map."""


def coverage(found: dict[str, Any], across: str, up: str | None, measure: str) -> dict[str, Any]:
    """Means of a measure with their n: a heat map over two settings, a line over one."""
    if up is None:
        return _line(found, across, measure)
    option = charts.heat(found, across, up, measure)
    series = option["series"][0]
    few = len(found["across"]) <= _ACROSS and len(found["up"]) <= _UP
    series["label"] = {"show": few}
    scale = option["visualMap"]
    middle = (scale["min"] + scale["max"]) / 2
    series["data"] = [
        {
            "value": [i, j, round(mean, 3)],
            "name": f"n {n:,}",
            "label": {
                "formatter": f"{mean:.3f}\nn {n:,}",
                "color": "#fff" if mean < middle else "#111",
                "lineHeight": 15,
            },
        }
        for i, j, mean, n in found["cells"]
    ]
    option["animation"] = False
    return option


def _line(found: dict[str, Any], across: str, measure: str) -> dict[str, Any]:
    """Dots with their n; a line joins those of numbers."""
    few = len(found["across"]) <= _ACROSS
    ordered = all(_number(level) for level in found["across"])
    label = {**charts.PLATE, "show": few, "position": "top", "lineHeight": 15}
    data = [
        {"value": [i, round(mean, 4)], "name": f"n {n:,}", "label": {**label, "formatter": f"{mean:.3f}\nn {n:,}"}}
        for i, _, mean, n in found["cells"]
    ]
    return {
        "animation": False,
        "tooltip": charts.TOOLTIP,
        "grid": {"left": 8, "right": 32, "top": 64, "bottom": 40, "containLabel": True},
        "xAxis": {
            "type": "category",
            "name": visible(short(across, 44)),
            "nameLocation": "middle",
            "nameGap": 28,
            "data": [visible(short(level, 24)) for level in found["across"]],
        },
        "yAxis": {"type": "value", "scale": True, **charts.above(measure)},
        "series": [
            {
                "type": "line",
                "name": visible(measure),
                "data": data,
                "symbol": "circle",
                "symbolSize": 10,
                "itemStyle": {"color": charts.BLUE},
                "lineStyle": {"color": charts.BLUE, "width": 2 if ordered else 0},
            }
        ],
    }


def _number(level: str) -> bool:
    try:
        return float(level) == float(level)
    except ValueError:
        return False


def tall(found: dict[str, Any], up: str | None) -> int:
    """Pixels for a chart of coverage."""
    return 300 if up is None else 160 + 44 * len(found["up"])


def thresholds(points: Sequence[dict[str, Any]], lines: dict[str, str], title: str, at: float) -> dict[str, Any]:
    """Figures by threshold as percentages; `lines` are their names by key. A vertical line is where the slider is.

    The first line is blue and solid, the second orange and dashed.
    """
    looks = ((charts.BLUE, "solid", "circle"), (charts.ORANGE, "dashed", "diamond"))
    mark = {
        "silent": True,
        "symbol": "none",
        "label": {"show": False},
        "lineStyle": {"color": charts.GREY, "width": 2, "type": "solid"},
        "data": [{"xAxis": at}],
    }
    series = [
        {
            "type": "line",
            "name": name,
            "data": [[each["threshold"], None if each[key] is None else round(100 * each[key], 2)] for each in points],
            "connectNulls": False,
            "symbol": symbol,
            "symbolSize": 5,
            "itemStyle": {"color": colour},
            "lineStyle": {"color": colour, "width": 2.5, "type": kind},
        }
        for (key, name), (colour, kind, symbol) in zip(lines.items(), looks, strict=False)
    ]
    if series:
        series[0]["markLine"] = mark
    return {
        "animation": False,
        "tooltip": charts.TOOLTIP,
        "legend": {"top": 0, "left": 0, "itemWidth": 32},
        "grid": {"left": 32, "right": 24, "top": 64, "bottom": 40, "containLabel": True},
        "xAxis": {
            "type": "value",
            "min": points[0]["threshold"],
            "max": points[-1]["threshold"],
            "name": "similarity threshold (cosine)",
            "nameLocation": "middle",
            "nameGap": 30,
        },
        "yAxis": {"type": "value", "min": 0, "max": 100, **charts.above(title)},
        "series": series,
    }
