"""One sweep: the verdict, the ranking, cost and latency, what each axis does, tags; live while it runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import charts, frame, store, watched
from harness.study.board.overview import heat, levels_of, ranking_rows
from harness.study.report import amounts

SHOWN = 30  # variants in the chart of the ranking; the table has all
TITLES = {"cost_usd": "cost of 1,000 answers, USD", "latency_ms": "latency of an answer, ms"}
TONES = {"good": "✓", "doubt": "!", "plain": "·"}


def main() -> None:
    """Draw the page."""
    name = frame.chosen_sweep(store.sweeps)
    if name is None:
        return
    with frame.told("This sweep"):
        if store.opened(name, lean=True).status == "running":
            watched.follow(name)
            return
        found = store.overview_of(name)
        _head(found)
        sections(found, name)


def sections(found: dict[str, Any], name: str) -> None:
    """All of a sweep that has ended, each part for itself."""
    for what, draw in (
        ("The ranking", _ranking),
        ("Cost and latency", _front),
        ("The variant", _variant),
        ("Effects", _effects),
        ("Settings together", _together),
        ("Tags", _tags),
        ("Failures", _failures),
    ):
        with frame.told(what):
            draw(found, name)


def _head(found: dict[str, Any]) -> None:
    totals = found["totals"]
    frame.heading(found["name"])
    if found["status"] != "complete":
        st.warning(f"This sweep is {frame.plain(found['status'])}: {watched.ADVICE.get(found['status'], '')}")
    frame.text(found["verdict"]["headline"], "h-big")
    for sentence in found["verdict"]["sentences"]:
        frame.text(f"{TONES.get(sentence['tone'], '·')} {sentence['text']}")
    columns = st.columns(4)
    columns[0].metric("Cells finished", f"{totals['finished_cells'] or 0:,} of {totals['cells'] or 0:,}")
    columns[1].metric("Cells failed", amounts.count(totals["failed_cells"]))
    columns[2].metric("Calls made", amounts.count((totals["calls"] or {}).get("made")))
    columns[3].metric("Cost, USD", amounts.money(totals["cost_usd"]))


def _ranking(found: dict[str, Any], name: str) -> None:
    st.subheader("Ranking", anchor=False)
    ranking = found["ranking"]
    scored = [row for row in ranking["rows"] if row["score"] is not None]
    if not scored:
        frame.empty("No variant has a score.", "Look at the failures below; run the sweep again when they are mended.")
        return
    better = "higher is better" if ranking["direction"] == "maximize" else "lower is better"
    title = f"{ranking['metric']}, {ranking['unit'] or 'mean'} ({better})"
    shown = scored[:SHOWN]
    names = [f"{row['place']}. {found['short'][row['variant']]}" for row in shown]
    option = charts.intervals(shown, title, names, [row["in_best_set"] for row in shown])
    st.echarts_chart(option, height=charts.height(len(shown)), key="ranking-chart", alt="Scores with intervals")
    st.caption(
        "Intervals hold for all variants at once. Filled: the best set. Hollow: worse than the first beyond noise."
    )
    rows = pd.DataFrame(ranking_rows(ranking))
    columns: dict[str, Any] = {
        "score": st.column_config.NumberColumn("score", format="%.3f"),
        "low": st.column_config.NumberColumn("from", format="%.3f"),
        "high": st.column_config.NumberColumn("to", format="%.3f"),
        "p": st.column_config.NumberColumn("p", format="%.3f", help="of the difference from the first, Holm-corrected"),
        "in_best_set": st.column_config.CheckboxColumn("best set"),
        "usd_per_1000": st.column_config.NumberColumn("USD per 1,000 answers", format="%.3f"),
        "latency_ms": st.column_config.NumberColumn("latency, ms", format="%.1f"),
    }
    frame.table(rows, "ranking-table", f"{name}-ranking", column_config=columns)


def _front(found: dict[str, Any], name: str) -> None:
    st.subheader("Quality against cost and latency", anchor=False)
    front = found["front"]
    if front["note"]:
        frame.empty("There is no front to show.", f"The reason: {frame.plain(front['note'])}.")
        return
    objectives = [each for each in front["objectives"] if each != "quality"]
    for column, objective in zip(st.columns(len(objectives)), objectives, strict=True):
        option = charts.front(front["rows"], objective, TITLES[objective], found["ranking"]["metric"])
        key = f"front-{objective}"
        with column:
            st.echarts_chart(
                option,
                height=360,
                key=key,
                on_select=lambda key=key: _clicked(key, front["rows"]),
                alt=TITLES[objective],
            )
    st.caption(
        "Diamonds with their place in the ranking: nothing is better in all. Click a point to select its variant."
    )
    if front["left_out"]:
        frame.text("; ".join(front["left_out"]), "h-soft")
    rows = pd.DataFrame(front["rows"])
    frame.table(rows[[each for each in rows.columns if each != "label"]], "front-table", f"{name}-front")


def _clicked(key: str, rows: list[dict[str, Any]]) -> None:
    """Make the clicked point's variant the chosen one."""
    groups = st.session_state[key]["selection"]["selected"]
    indices = groups[0]["data_indices"] if groups else []
    if indices and indices[0] < len(rows):
        st.session_state["variant"] = rows[indices[0]]["variant"]


def _variant(found: dict[str, Any], name: str) -> None:
    st.subheader("One variant", anchor=False)
    rows = {row["variant"]: row for row in found["ranking"]["rows"]}
    if not rows:
        frame.empty("This sweep has no variants.", "Look at the sweep file.")
        return
    picked = frame.picked("Variant", list(rows), "variant", lambda each: found["short"].get(each, each))
    row = rows[picked]
    frame.text(row["label"])
    metrics = pd.DataFrame([{"metric": metric, **_flat(figure)} for metric, figure in row["metrics"].items()])
    if len(metrics):
        frame.table(metrics, "variant-metrics", f"{name}-{picked}-metrics")
    first = next(iter(rows))
    other = first if first != picked else next((each for each in rows if each != picked), None)
    with st.container(horizontal=True):
        frame.link("example", "Its answers, question by question", sweep=name, variants=picked)
        if other:
            frame.link("compare", "Compare it with the best", runs=f"{name}/{other},{name}/{picked}")
        frame.link("registry", "Promote it", run=f"{name}/{picked}")


def _flat(figure: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figure.items() if not isinstance(value, dict)}


def _effects(found: dict[str, Any], name: str) -> None:
    st.subheader("What each axis does", anchor=False)
    effects = found["effects"]
    if effects["note"]:
        frame.empty("There are no effects to show.", f"The reason: {frame.plain(effects['note'])}.")
        return
    shares = effects["shares"]
    st.echarts_chart(charts.shares(shares), height=charts.height(len(shares)), key="shares", alt="Shares of variance")
    levels = [{**row, "score": row["mean"]} for row in effects["levels"]][:60]
    names = [f"{row['axis']}: {row['level']}" for row in levels]
    option = charts.intervals(levels, f"mean {effects['metric']}", names, [True] * len(levels))
    st.echarts_chart(option, height=charts.height(len(levels)), key="levels", alt="Means of levels with intervals")
    st.caption("Marginal means with 95% intervals, the other axes averaged.")
    for caution in effects["cautions"]:
        frame.text(f"! {caution}", "h-soft")
    if effects["differences"]:
        with st.expander("Differences between levels"):
            frame.table(pd.DataFrame(effects["differences"]), "differences", f"{name}-effects")


def _together(found: dict[str, Any], name: str) -> None:
    ranking = found["ranking"]
    axes = [axis for axis in ranking["axes"] if _varies(ranking, axis)]
    scored = [row for row in ranking["rows"] if row["score"] is not None]
    if not axes or len(scored) < 2:
        return
    st.subheader("Settings together", anchor=False)
    if len(axes) > 1:
        left, right = st.columns(2)
        with left:
            across = frame.picked("Across", axes, "x")
        with right:
            up = frame.picked("Up", [axis for axis in axes if axis != across], "y")
        table = heat(ranking, across, up)
        option = charts.heat(table, across, up, ranking["metric"])
        st.echarts_chart(option, height=160 + 34 * len(table["up"]), key="heat", alt="Heat map of two settings")
        st.caption(f"Mean {frame.plain(ranking['metric'])} of the variants with both settings, the others averaged.")
    levels = {axis: levels_of([row["params"].get(axis) for row in scored]) for axis in axes}
    lines = [
        {"levels": {axis: amounts.setting(row["params"].get(axis)) for axis in axes}, "score": row["score"]}
        for row in scored
    ]
    st.echarts_chart(
        charts.parallel(lines, axes, levels, ranking["metric"]), height=380, key="parallel", alt="Variants"
    )
    st.caption("A line is a variant; its colour is its score.")


def _varies(ranking: dict[str, Any], axis: str) -> bool:
    return len({amounts.setting(row["params"].get(axis)) for row in ranking["rows"]}) > 1


def _tags(found: dict[str, Any], name: str) -> None:
    st.subheader("By tag", anchor=False)
    if found["tags"] is None and not st.toggle("Work out the slices", key="slices", bind="query-params"):
        st.caption("This sweep is large: its slices take some seconds.")
        return
    tags = store.slices_of(name) if found["tags"] is None else found["tags"]
    if tags["note"]:
        frame.empty(
            "There are no slices to show.", f"The reason: {frame.plain(tags['note'])}. Tags come with the dataset."
        )
        return
    rows = pd.DataFrame(tags["rows"])
    order = ["tag", "examples", "clusters", "winner_score", "baseline_score", "difference", "low", "high", "p"]
    order += ["verdict", "ahead_label", "ahead_score", "best_set", "caution"]
    frame.table(rows[[each for each in order if each in rows]], "tags", f"{name}-tags")
    frame.text(tags["method"], "h-soft")


def _failures(found: dict[str, Any], name: str) -> None:
    failures = found["failures"]
    rows = [{"what": row["kind"], **_counted(row)} for row in failures["kinds"]]
    rows += [{"what": f"score {row['metric']}", **_counted(row)} for row in failures["metrics"]]
    if rows:
        st.subheader("Failures", anchor=False)
        frame.table(pd.DataFrame(rows), "failures", f"{name}-failures")


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    return {"cells": row["cells"], "messages": " | ".join(row["messages"])}


main()
