"""The axes of a sweep: what each does to the objective, and how they go together."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, charts, columns, frame
from harness.study.board.overview import heat, levels_of
from harness.study.report import amounts

LEVELS = 60  # in their chart; the table has all


def effects(found: dict[str, Any], name: str) -> None:
    """What each axis does to the objective."""
    st.subheader("What each axis does", anchor=False)
    told = found["effects"]
    if told["note"]:
        frame.empty("There are no effects to show.", f"The reason: {frame.plain(told['note'])}.")
        return
    unit = found["ranking"]["unit"] or "mean"
    shares = told["shares"]
    st.echarts_chart(charts.shares(shares), height=charts.height(len(shares)), key="shares", alt="Shares of variance")
    levels = [{**row, "score": row["mean"]} for row in told["levels"]]
    shown = levels[:LEVELS]
    names = [f"{row['axis']}: {row['level']}" for row in shown]
    option = charts.intervals(shown, f"{told['metric']}, {unit}", names, [True] * len(shown))
    st.echarts_chart(option, height=charts.height(len(shown)), key="levels", alt="Means of levels with intervals")
    cut = charts.drawn(len(shown), len(levels), "levels")
    st.caption(f"Marginal means with 95% intervals, the other axes averaged. {cut}")
    for caution in told["cautions"]:
        frame.text(f"! {caution}", "h-soft")
    config = {
        "level": columns.words("level"),
        "other": columns.words("less this level"),
        "variants": columns.count("variants"),
        "mean": columns.number(f"{told['metric']}, {unit}"),
        "low": columns.number("from", "lower end of the 95% interval"),
        "high": columns.number("to", "upper end of the 95% interval"),
        "difference": columns.difference("difference", "of the level's mean, less that of the other level"),
        "p": columns.number("p", "of the difference, Holm-corrected"),
    }
    with st.expander("Levels as a table"):
        frame.table(pd.DataFrame(told["levels"]), "levels-table", f"{name}-levels", column_config=config)
    if told["differences"]:
        with st.expander("Differences between levels"):
            _differences(told, config, f"{name}-effects")


def _differences(told: dict[str, Any], config: dict[str, Any], file: str) -> None:
    rows = pd.DataFrame(told["differences"])
    signed = {"low": columns.difference("from"), "high": columns.difference("to")}
    frame.table(rows, "differences", file, column_config={**config, **signed})
    if told["differences_left_out"]:
        st.caption(f"{amounts.plural(told['differences_left_out'], 'difference')} of greater p left out.")


def together(found: dict[str, Any], name: str) -> None:
    """Two axes as a heat map, and all side by side."""
    ranking = found["ranking"]
    axes = [axis for axis in ranking["axes"] if _varies(ranking, axis)]
    scored = [row for row in ranking["rows"] if row["score"] is not None]
    if not axes or len(scored) < 2:
        return
    st.subheader("Settings together", anchor=False)
    if len(axes) > 1:
        left, right = st.columns(2)
        with left:
            across = address.picked("Across", axes, "x")
        with right:
            up = address.picked("Up", [axis for axis in axes if axis != across], "y")
        table = heat(ranking, across, up)
        option = charts.heat(table, across, up, ranking["metric"])
        st.echarts_chart(option, height=160 + 34 * len(table["up"]), key="heat", alt="Heat map of two settings")
        st.caption(f"Mean {frame.plain(ranking['metric'])} of the variants with both settings, the others averaged.")
    levels = {axis: levels_of([row["params"].get(axis) for row in scored]) for axis in axes}
    lines = [
        {"levels": {axis: amounts.setting(row["params"].get(axis)) for axis in axes}, "score": row["score"]}
        for row in scored
    ]
    option = charts.parallel(lines, axes, levels, ranking["metric"])
    st.echarts_chart(option, height=charts.parallel_height(len(axes)), key="parallel", alt="Variants")
    st.caption("A line is a variant; its colour is its score: from blue, the least, over grey to orange, the most.")


def _varies(ranking: dict[str, Any], axis: str) -> bool:
    return len({amounts.setting(row["params"].get(axis)) for row in ranking["rows"]}) > 1
