"""What charts are drawn with: colours, names of axes, places of nights."""

from __future__ import annotations

from typing import Any

import pytest

from harness.app import charts
from harness.app.regression import charts as charts_nights

PAGES = {"light": "#ffffff", "dark": "#0e1117"}
LONG = "a metric with a name that nobody can say in one breath, however deep it is"


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def night(number: int, time: str) -> dict[str, Any]:
    """A quiet night."""
    return {"number": number, "time": time, "problem": "", "verdict": "no alarm", "again": False}


def drawn(times: list[str], began: tuple[str, ...] = ()) -> dict[str, Any]:
    """The chart of nights at these times."""
    point = {"value": 0.5, "low": 0.4, "high": 0.6, "limit": 0.3, "alarm": False}
    line = {"metric": "correct", "slice": "all", "unit": "", "mean": 0.5, "band": (0.45, 0.55)}
    line["windows"] = {1: [point] * len(times)}
    return charts_nights.nights(line, [night(i + 1, time) for i, time in enumerate(times)], 1, began)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_what_is_drawn_on_the_page_stands_out_from_it(page: str) -> None:
    """At least 3:1, which WCAG asks of graphics, light and dark."""
    for colour in {charts.BLUE, charts.ORANGE, charts.GREY, *charts.LINES}:
        assert contrast(colour, page) >= 3, colour


def test_lines_of_variants_and_their_labels_can_be_read() -> None:
    """No label has a border of the page's colour, lines have colours that stand out, on a phone names lie above."""
    rows = [{"levels": {"top_k": "1"}, "score": 0.2}, {"levels": {"top_k": "3"}, "score": 0.7}]
    option = charts.parallel(rows, ["top_k"], {"top_k": ["1", "3"]}, LONG)
    assert option["parallel"]["parallelAxisDefault"]["axisLabel"]["textBorderWidth"] == 0
    assert option["visualMap"]["inRange"]["color"] == charts.LINES
    [phone] = option["media"]
    assert phone["option"]["parallel"]["layout"] == "vertical"
    assert [axis["dim"] for axis in phone["option"]["parallelAxis"]] == [0, 1]
    assert all(len(axis["name"]) <= 22 for axis in option["parallelAxis"])


def test_names_of_axes_are_not_cut_off() -> None:
    """Those of vertical axes begin at the axis, those below a chart have all of its width; long ones end in dots."""
    row = {"score": 0.5, "low": 0.4, "high": 0.6, "share": 0.5, "term": "top_k"}
    for option in (charts.intervals([row], LONG, ["one"], [True]), charts.shares([row])):
        assert "name" not in option["xAxis"]
        assert len(option["title"]["text"]) <= 56
    point = {"place": 1, "label": "one", "quality": 0.5, "latency_ms": 3.0, "on_front": True}
    found = {"across": ["1"], "up": ["2"], "cells": [(0, 0, 0.5, 1)]}
    for option in (charts.front([point], "latency_ms", "ms", LONG), charts.heat(found, LONG, LONG, "correct")):
        assert option["yAxis"]["nameTextStyle"]["align"] == "left"
        assert option["yAxis"]["name"].endswith("…")


def test_nights_of_days_of_their_own_stand_by_time() -> None:
    """No two ticks are of one day."""
    option = drawn(["2026-03-01T02:30:00+00:00", "2026-03-02T02:30:00+00:00"])
    assert (option["xAxis"]["type"], option["xAxis"]["minInterval"]) == ("time", 86_400_000)
    assert option["series"][0]["data"][0]["value"][0] == "2026-03-01T02:30:00+00:00"


def test_nights_of_one_day_are_told_apart() -> None:
    """Each by its number and time (UTC), even where they began in the same second; marks stand at their nights."""
    times = ["2026-03-01T02:30:00+00:00", "2026-03-01T05:30:00+02:00", "2026-03-02T02:30:00+00:00"]
    option = drawn([*times, times[-1]], began=(times[1],))
    assert option["xAxis"]["data"] == ["1\n03-01 02:30", "2\n03-01 03:30", "3\n03-02 02:30", "4\n03-02 02:30"]
    assert [dot["value"][0] for dot in option["series"][0]["data"]] == option["xAxis"]["data"]
    assert [mark["xAxis"] for mark in option["series"][1]["markLine"]["data"] if "xAxis" in mark] == ["2\n03-01 03:30"]
