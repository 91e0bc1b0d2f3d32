"""A sweep that runs: looked at again and again, in its own part of the page, so that nobody loses their place."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import charts, columns, frame, store
from harness.study.board.overview import live_rows, origin_of, short_name
from harness.study.live import Watch
from harness.study.report import amounts

EVERY_S = 2.0
ADVICE = {
    "interrupted": "what was paid for is kept; the same command carries it on.",
    "incomplete": "too many cells failed, or the budget was spent; the failures are below.",
    "failed": "it ended before its time; the figures are of a part.",
}
_SHOWN = 30


def follow(name: str) -> None:
    """Show the sweep's figures, anew every two seconds until it ends."""
    st.fragment(_look, run_every=EVERY_S)(name)


def _look(name: str) -> None:
    with frame.told("The running sweep"):
        found = _watch(name).look()
        if found["status"] != "running":
            st.session_state.pop("_watch", None)
            st.rerun()
        _draw(found, name)


def _watch(name: str) -> Watch:
    """This session's look at the sweep; each look reads only what is new."""
    kept: tuple[str, Watch] | None = st.session_state.get("_watch")
    if kept is None or kept[0] != name:
        kept = (name, Watch(store.fresh(name)))
        st.session_state["_watch"] = kept
    return kept[1]


def _draw(found: dict[str, Any], name: str) -> None:
    cells = found["cells"]
    frame.heading(f"{name} is running")
    frame.text(origin_of(store.opened(name, lean=True).header), "h-soft")
    share = cells["finished"] / cells["planned"] if cells["planned"] else 0.0
    st.progress(min(1.0, share), text=f"{cells['finished']:,} of {cells['planned']:,} cells finished")
    places = st.columns(5)
    places[0].metric("Cells failed", f"{cells['failed']:,}")
    places[1].metric("Waiting for a judge", f"{cells['waiting']:,}")
    places[2].metric("Calls made", f"{found['calls']['made'] + found['calls']['judge_made']:,}")
    places[3].metric("Cost, USD", amounts.money(found["cost_usd"]))
    places[4].metric("Time left", _duration(found["seconds_left"]))
    short = {entry["id"]: short_name(entry) for entry in store.opened(name, lean=True).variants}
    rows = [{"name": short.get(row["variant"], row["label"]), **row} for row in live_rows(found)]
    scored = [row for row in rows if row["score"] is not None]
    shown = scored[:_SHOWN]
    if not shown:
        frame.empty("No score counts yet.", "Clusters of examples count in a drawn order; wait for the first.")
    else:
        names = [f"{row['name']} ({row['state']})" for row in shown]
        better = "higher is better" if found["direction"] == "maximize" else "lower is better"
        sure = [row["state"] != "ruled out" for row in shown]
        option = charts.intervals(shown, f"mean {found['metric']} ({better})", names, sure)
        st.echarts_chart(option, height=charts.height(len(shown)), key="live-chart", alt="Scores with intervals")
        level = 100 * (1 - found["alpha"])
        cut = charts.drawn(len(shown), len(scored), "variants")
        st.caption(
            f"Intervals hold at every look together ({level:.0f}%): look as often as you like. Hollow: ruled out. {cut}"
        )
    listed = pd.DataFrame(rows).drop(columns="label", errors="ignore")
    frame.table(listed, "live-table", f"{name}-live", column_config=_columns(found))


def _columns(found: dict[str, Any]) -> dict[str, Any]:
    looks = "interval, which holds at every look together"
    return {
        **columns.variant(),
        "state": columns.words("state"),
        "score": columns.number(f"{found['metric']}, mean", "of the clusters that count so far"),
        "low": columns.number("from", f"lower end of the {looks}"),
        "high": columns.number("to", f"upper end of the {looks}"),
        "n": columns.count("scores", "that count so far"),
        "mean_so_far": columns.number("mean so far", "of all cells that are finished"),
        "finished": columns.count("cells finished"),
        "failed": columns.count("cells failed"),
    }


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
