"""Sweeps: what was run, how far it is, what came out best, what it cost, who ran which commit."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, frame, store
from harness.app.regression import nights
from harness.study.board.shelf import found

ORDER = ["sweep", "status", "night", "progress", "best", "score", "low", "high", "n", "metric", "variants", "cost_usd"]
ORDER += ["by", "commit", "created", "problem"]
NIGHTS = {"any": "all sweeps", "only": "nights", "none": "not nights"}
COLUMNS: dict[str, Any] = {
    "sweep": st.column_config.TextColumn("sweep", width=300, pinned=True),
    "progress": st.column_config.ProgressColumn("cells done", format="percent", min_value=0.0, max_value=1.0),
    "night": st.column_config.TextColumn("night", width=90, help="asked first in a night of a gate: what came of it"),
    "best": st.column_config.TextColumn("best variant", width="large"),
    "score": st.column_config.NumberColumn("score", format="%.3f", help="of several, less the luck of being chosen"),
    "low": st.column_config.NumberColumn("from", format="%.3f", help="lower end of the 95% interval"),
    "high": st.column_config.NumberColumn("to", format="%.3f", help="upper end of the 95% interval"),
    "n": st.column_config.NumberColumn("cells scored", format="localized"),
    "metric": st.column_config.TextColumn("objective"),
    "cost_usd": st.column_config.NumberColumn("cost, USD", format="%.4f"),
    "by": st.column_config.TextColumn("who"),
    "created": st.column_config.DatetimeColumn("started (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
}


def main() -> None:
    """Draw the page."""
    frame.heading("Sweeps")
    rows = store.sweeps()
    if not rows:
        frame.empty("There is no sweep here yet.", "Run one: `harness sweep CONFIG`, then look again.")
        st.text(f"Folder of runs: {frame.runs()}")
        return
    marks: dict[str, dict[str, Any]] = {}
    with frame.told("Which of them are nights"):
        marks = nights.sweeps()
    left, right, *more = st.columns([2, 1, 1] if marks else [2, 1])
    text = left.text_input("Search", key="q", bind="query-params", placeholder="words of name, best variant, who…")
    statuses = sorted({str(row["status"]) for row in rows})
    picked = right.multiselect("Status", statuses, key="status", bind="query-params", placeholder="any")
    shown = found(rows, text or "", picked)
    for place in more:
        with place:
            shown = _of_nights(shown, marks)
    st.caption(f"{len(shown):,} of {len(rows):,} sweeps. Tick one to open it, two or more to compare their best.")
    if not shown:
        frame.empty("No sweep fits.", "Take a word out of the search, or choose another status.")
        return
    above = st.container()
    data = pd.DataFrame(shown)
    data["created"] = pd.to_datetime(data["created"], errors="coerce", utc=True)
    event = frame.table(
        data,
        "sweeps-table",
        "sweeps",
        column_order=[name for name in ORDER if name in data and (name != "problem" or data["problem"].any())],
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        height=min(38 + 35 * len(data), 640),
    )
    with above:
        _open([shown[i]["sweep"] for i in event.selection.rows if i < len(shown)], marks)


def _of_nights(rows: list[dict[str, Any]], marks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, with what came of a night, that are wanted."""
    wanted = address.picked("Nights", list(NIGHTS), "nights", lambda each: NIGHTS[each])
    told = {name: "alarm" if mark["alarm"] else "no alarm" for name, mark in marks.items()}
    listed = [{**row, "night": told.get(row["sweep"], "")} for row in rows]
    return [row for row in listed if wanted == "any" or bool(row["night"]) == (wanted == "only")]


def _open(names: list[str], marks: dict[str, dict[str, Any]]) -> None:
    """Links for the sweeps that are ticked."""
    for name in names:
        with st.container(horizontal=True):
            frame.link("sweep", f"Open {name}", sweep=name)
            if name in marks:
                mark = marks[name]
                frame.link("regression", "Its night among the others", series=mark["series"], night=str(mark["number"]))
    if len(names) > 1:
        frame.link("compare", f"Compare the best of {len(names)} sweeps", runs=",".join(names))


main()
