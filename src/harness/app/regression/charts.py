"""The chart of nights: a point for each with its interval, the baseline's band, the limit of the test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from harness.app.charts import BLUE, GREY, ORANGE, PLATE, TOOLTIP, above
from harness.study.board.regression.nightly import moment
from harness.study.report.texts import visible

NEVER_S = 36 * 3600
"""Nights further apart are not joined: between them one is missing."""
_BAND = {"color": "rgba(138, 138, 138, 0.28)"}
_WIDE_PX = 400
_DAY_MS = 24 * 3600 * 1000
_MANY = 40
"""Nights above which points are small, so that they do not hide each other."""


def nights(line: dict[str, Any], listed: Sequence[dict[str, Any]], window: int, began: Sequence[str]) -> dict[str, Any]:
    """A line of `board.trend` by time, of the means of `window` nights; `began`: times of first bad nights.

    Where several nights are of one day they stand side by side, each with its number and time: by time they would hide
    each other, and their ticks would read alike.
    Alarms are orange diamonds, nights that were asked again hollow. A click selects a night.
    """
    points = line["windows"].get(window, [])
    shown = [
        (night, point) for night, point in zip(listed, points, strict=True) if night["time"] and not night["problem"]
    ]
    small = len(shown) > _MANY
    places = _places([night for night, _ in shown])
    dots, joined, bars, limits = _drawn(shown, small, places)
    name = "mean" if window == 1 else f"mean of {window} nights"
    title = visible(line["metric"] if line["slice"] in ("", "all") else f"{line['metric']} on {line['slice']}")
    series: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "name": name,
            "data": dots,
            "z": 6,
            "selectedMode": "single",
            "select": {"itemStyle": {"borderColor": GREY, "borderWidth": 4}},
        },
        {"type": "line", "name": "nights", "data": joined, "symbol": "none", "silent": True, "z": 4}
        | {"lineStyle": {"color": BLUE, "width": 1.5}},
        {"type": "line", "name": "interval", "data": bars, "symbol": "rect", "symbolSize": [3 if small else 8, 1.5]}
        | {"lineStyle": {"color": GREY, "width": 1.5}, "itemStyle": {"color": GREY}, "silent": True, "z": 3},
        {"type": "scatter", "name": "alarm limit", "data": limits, "symbol": "rect", "silent": True, "z": 2}
        | {"symbolSize": [max(3, min(24, _WIDE_PX // max(1, len(limits)))), 3], "itemStyle": {"color": ORANGE}},
    ]
    series[1] |= _marks(line, [places[night["number"]] for night, _ in shown if night["time"] in began])
    return {
        "useUTC": True,
        "animation": False,
        "tooltip": TOOLTIP,
        "grid": {"left": 8, "right": 24, "top": 44, "bottom": 34, "containLabel": True},
        "xAxis": _across(list(places.values()), [night["time"] for night, _ in shown]),
        "yAxis": {"type": "value", "scale": True, **above(f"{title}, {line['unit'] or name}")},
        "series": series,
    }


def _places(shown: Sequence[dict[str, Any]]) -> dict[int, str]:
    """Where each night stands, by its number: at its time; side by side where nights share a day."""
    told = {night["number"]: _utc(night["time"]) for night in shown}
    if len({each[:10] for each in told.values()}) == len(shown):
        return {night["number"]: night["time"] for night in shown}
    return {number: f"{number}\n{each[5:16]}" for number, each in told.items()}


def _utc(time: str) -> str:
    found = moment(time)
    return time.replace("T", " ") if found is None else f"{found.astimezone(UTC):%Y-%m-%d %H:%M}"


def _across(places: list[str], times: list[str]) -> dict[str, Any]:
    """The axis of nights: by time with a tick a day at most, or side by side."""
    if places == times:
        return {
            **{"type": "time", "name": "night (UTC)", "nameLocation": "middle", "nameGap": 26},
            "axisLabel": {"hideOverlap": True, "formatter": "{yyyy}-{MM}-{dd}"},
            **{"minInterval": _DAY_MS, "boundaryGap": ["4%", "4%"]},
        }
    return {
        **{"type": "category", "name": "night, and when (UTC)", "nameLocation": "middle", "nameGap": 44},
        "data": places,
        "axisLabel": {"hideOverlap": True, "lineHeight": 15},
    }


def _drawn(
    shown: Sequence[tuple[dict[str, Any], dict[str, Any]]], small: bool, places: dict[int, str]
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Points, the line that joins neighbours, bars and limits; a gap where a night is missing."""
    dots: list[Any] = []
    joined: list[Any] = []
    bars: list[Any] = []
    limits: list[Any] = []
    before = None
    for night, point in shown:
        at, now = places[night["number"]], moment(night["time"])
        if before is not None and now is not None and (now - before).total_seconds() > NEVER_S:
            joined.append([at, None])
        before = now or before
        joined.append([at, point["value"]])
        if point["limit"] is not None:
            limits.append([at, point["limit"]])
        dots.append(_dot(night, at, point, small))
        if point["low"] is not None:
            bars += [[at, point["low"]], [at, point["high"]], [at, None]]
    return dots, joined, bars, limits


def _dot(night: dict[str, Any], at: str, point: dict[str, Any], small: bool) -> dict[str, Any]:
    colour = ORANGE if point["alarm"] else BLUE
    return {
        "name": f"night {night['number']}: {night['verdict']}",
        "value": [at, point["value"]],
        "symbol": "diamond" if point["alarm"] else "circle",
        "symbolSize": (15 if point["alarm"] else 9) - (4 if small else 0),
        "itemStyle": {
            "color": "transparent" if night["again"] and not point["alarm"] else colour,
            "borderColor": colour,
            "borderWidth": 2,
        },
    }


def _marks(line: dict[str, Any], began: Sequence[str]) -> dict[str, Any]:
    """The baseline's band and mean, what its margin leaves, and where losses began."""
    lines: list[dict[str, Any]] = [
        {"xAxis": at, "lineStyle": {"color": ORANGE, "type": "solid", "width": 1.5}}
        | {"label": {"formatter": "first bad night", "position": "end", **PLATE}}
        for at in began
    ]
    if line["mean"] is None:
        return {"markLine": {"symbol": "none", "silent": True, "precision": 6, "data": lines}} if lines else {}
    lines.append(
        {"yAxis": line["mean"], "lineStyle": {"color": GREY, "type": "solid", "width": 1.5}}
        | {"label": {"formatter": "baseline", "position": "insideStartTop", **PLATE}}
    )
    low, high = line["band"]
    return {
        "markLine": {"symbol": "none", "silent": True, "precision": 6, "data": lines},
        "markArea": {"silent": True, "itemStyle": _BAND, "data": [[{"yAxis": low}, {"yAxis": high}]]},
    }
