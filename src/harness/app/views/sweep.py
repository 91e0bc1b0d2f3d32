"""One sweep: the verdict, the ranking, cost and latency, what each axis does, tags; live while it runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, charts, columns, frame, store
from harness.app.sweep import axes, watched
from harness.study.board.overview import front_rows, metric_rows, ranking_rows, tag_rows
from harness.study.report import amounts

SHOWN = 30  # variants in the chart of the ranking; the table has all
PROBLEMS = 5  # that are told one by one
TITLES = {"cost_usd": "cost of 1,000 answers, USD", "latency_ms": "latency of an answer, ms"}
TONES = {"good": "✓", "doubt": "!", "plain": "·"}


def main() -> None:
    """Draw the page."""
    name = address.chosen_sweep(store.sweeps)
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
        ("Effects", axes.effects),
        ("Settings together", axes.together),
        ("Tags", _tags),
        ("Failures", _failures),
    ):
        with frame.told(what):
            draw(found, name)


def _head(found: dict[str, Any]) -> None:
    totals = found["totals"]
    frame.heading(found["name"])
    frame.text(found["origin"], "h-soft")
    if found["status"] != "complete":
        st.warning(f"This sweep is {frame.plain(found['status'])}: {watched.ADVICE.get(found['status'], '')}")
    if problems := found["problems"]:
        more = [f"and {len(problems) - PROBLEMS:,} more"] if len(problems) > PROBLEMS else []
        said = "; ".join(frame.plain(each) for each in [*problems[:PROBLEMS], *more])
        st.warning(f"Some files of this sweep are damaged, and what is shown may lack a part. {said}.")
    frame.text(found["verdict"]["headline"], "h-big")
    for sentence in found["verdict"]["sentences"]:
        frame.text(f"{TONES.get(sentence['tone'], '·')} {sentence['text']}")
    places = st.columns(4)
    places[0].metric("Cells finished", f"{totals['finished_cells'] or 0:,} of {totals['cells'] or 0:,}")
    places[1].metric("Cells failed", amounts.count(totals["failed_cells"]))
    places[2].metric("Calls made", amounts.count((totals["calls"] or {}).get("made")))
    places[3].metric("Cost, USD", amounts.money(totals["cost_usd"]))


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
    names = [f"{row['place']}. {found['brief'][row['variant']]}" for row in shown]
    option = charts.intervals(shown, title, names, [row["in_best_set"] for row in shown])
    st.echarts_chart(option, height=charts.height(len(shown)), key="ranking-chart", alt="Scores with intervals")
    told = ["Intervals hold for all variants at once."] if ranking["whole"] else []
    told += [
        "Filled: the best set. Hollow: worse than the first beyond noise.",
        charts.drawn(len(shown), len(scored), "variants"),
    ]
    st.caption(" ".join(told))
    rows = pd.DataFrame(ranking_rows(ranking, found["short"]))
    config = _ranking_columns(rows, ranking, found["units"])
    frame.table(rows, "ranking-table", f"{name}-ranking", column_config=config)


def _ranking_columns(rows: pd.DataFrame, ranking: dict[str, Any], units: dict[str, str]) -> dict[str, Any]:
    every = "for all variants at once"
    config: dict[str, Any] = {
        **columns.variant(),
        "place": columns.count("place"),
        "score": columns.number(f"{ranking['metric']}, {ranking['unit'] or 'mean'}"),
        "low": columns.number("from", f"lower end of the interval, which holds {every}"),
        "high": columns.number("to", f"upper end of the interval, which holds {every}"),
        "p": columns.number("p", "of the difference from the first, Holm-corrected"),
        "in_best_set": columns.tick("best set", "cannot be told from the first"),
        "n": columns.count("cells scored"),
        "failed": columns.count("cells failed"),
        "usd_per_1000": columns.number(TITLES["cost_usd"]),
        "latency_ms": columns.number(TITLES["latency_ms"]),
    }
    for metric in ranking["metrics"]:
        config[f"{metric} (mean)"] = columns.number(columns.united(metric, units))
    for axis in (str(each) for each in rows if str(each).endswith(" ")):
        numbers = rows[axis].dtype.kind in "if"
        config[axis] = columns.value(axis.strip()) if numbers else columns.words(axis.strip())
    return config


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
    beyond = "beyond noise, in all that is weighed"
    config: dict[str, Any] = {
        **columns.variant(),
        "place": columns.count("place"),
        "quality": columns.number(f"{front['metric']}, {found['ranking']['unit'] or 'mean'}"),
        "usd_per_1000": columns.number(TITLES["cost_usd"]),
        "latency_ms": columns.number(TITLES["latency_ms"]),
        "on_front": columns.tick("on the front", "by the means nothing is better in all"),
        "kept": columns.tick("not beaten", f"nothing beats it {beyond}"),
        "beaten_by": columns.words("beaten by", f"what beats it {beyond}"),
    }
    rows = pd.DataFrame(front_rows(front, found["short"]))
    frame.table(rows, "front-table", f"{name}-front", column_config=config)


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
    picked = address.picked("Variant", list(rows), "variant", lambda each: found["short"].get(each, each))
    row = rows[picked]
    frame.text(row["label"])
    _metrics(row["metrics"], found, f"{name}-{picked}-metrics")
    first = next(iter(rows))
    other = first if first != picked else next((each for each in rows if each != picked), None)
    with st.container(horizontal=True):
        frame.link("example", "Its answers, question by question", sweep=name, variants=picked)
        if other:
            frame.link("compare", "Compare it with the best", runs=f"{name}/{other},{name}/{picked}")
        frame.link("registry", "Promote it", run=f"{name}/{picked}")


def _metrics(metrics: dict[str, Any], found: dict[str, Any], file: str) -> None:
    if not metrics:
        return
    if found["status"] != "complete":  # of a part of the cells, in no random order, no interval holds
        metrics = {name: {**figure, "low": None, "high": None} for name, figure in metrics.items()}
    alone = "holds for this mean alone"
    config: dict[str, Any] = {
        "mean": columns.number("mean"),
        "low": columns.number("from", f"lower end of the 95% interval, which {alone}"),
        "high": columns.number("to", f"upper end of the 95% interval, which {alone}"),
        "n": columns.count("cells scored"),
        "planned": columns.count("cells planned"),
        "answered": columns.count("cells answered"),
        "failed": columns.count("cells failed"),
        "worst": columns.number("at worst", "the mean were every failed cell as bad as can be"),
        "best": columns.number("at best", "the mean were every failed cell as good as can be"),
    }
    rows = pd.DataFrame(metric_rows(metrics, found["units"]))
    frame.table(rows, "variant-metrics", file, column_config=config)
    wider = " Those of the ranking hold for all variants at once, and are wider." if found["ranking"]["whole"] else ""
    st.caption(f"Each of these intervals (95%) holds for its one mean alone.{wider}")


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
    metric = tags["metric"]
    config: dict[str, Any] = {
        "tag": columns.words("tag"),
        "examples": columns.count("examples"),
        "clusters": columns.count("clusters"),
        "winner_score": columns.number("the winner's mean", f"of {metric}; the winner is the first of the ranking"),
        "baseline_score": columns.number("the baseline's mean", f"of {metric}"),
        "difference": columns.difference("difference", "the winner less the baseline"),
        "low": columns.difference("from", "lower end of the difference's 95% interval"),
        "high": columns.difference("to", "upper end of the difference's 95% interval"),
        "p": columns.number("p", "of the difference, Holm-corrected over the tags"),
        "verdict": columns.words("verdict", "on the winner against the baseline"),
        "ahead_name": columns.words("ahead in this tag"),
        "ahead_score": columns.number("its mean", "of the variant that is ahead in this tag"),
        "best_set": columns.count("best set, variants", "how many cannot be told from the one ahead"),
        "caution": columns.words("caution"),
        "ahead": columns.words("id of the one ahead"),
    }
    rows = pd.DataFrame(tag_rows(tags, found["short"]))
    frame.table(rows, "tags", f"{name}-tags", column_config=config)
    if tags["left_out"]:
        st.caption(f"The {len(rows):,} tags of most examples, of {tags['looked_at']:,}.")
    frame.text(tags["method"], "h-soft")


def _failures(found: dict[str, Any], name: str) -> None:
    failures = found["failures"]
    rows = [{"what": row["kind"], **_counted(row)} for row in failures["kinds"]]
    rows += [{"what": f"score {row['metric']}", **_counted(row)} for row in failures["metrics"]]
    if rows:
        st.subheader("Failures", anchor=False)
        config = {
            "what": columns.words("what failed"),
            "cells": columns.count("cells"),
            "messages": columns.words("messages", "the first of them", width="large"),
        }
        frame.table(pd.DataFrame(rows), "failures", f"{name}-failures", column_config=config)


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    return {"cells": row["cells"], "messages": " | ".join(row["messages"])}


main()
