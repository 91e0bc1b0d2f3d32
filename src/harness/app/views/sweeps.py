"""Sweeps: what was run, how far it is, what came out best, what it cost, who ran which commit."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import frame, store
from harness.study.board.shelf import found

ORDER = ["sweep", "status", "progress", "best", "score", "low", "high", "metric", "variants", "cost_usd"]
ORDER += ["by", "commit", "created", "problem"]
COLUMNS: dict[str, Any] = {
    "sweep": st.column_config.TextColumn("sweep", width="medium", pinned=True),
    "progress": st.column_config.ProgressColumn("cells done", format="percent", min_value=0.0, max_value=1.0),
    "best": st.column_config.TextColumn("best variant", width="large"),
    "score": st.column_config.NumberColumn("score", format="%.3f", help="mean of the objective of the best variant"),
    "low": st.column_config.NumberColumn("from", format="%.3f", help="lower end of the 95% interval"),
    "high": st.column_config.NumberColumn("to", format="%.3f", help="upper end of the 95% interval"),
    "metric": st.column_config.TextColumn("objective"),
    "cost_usd": st.column_config.NumberColumn("cost, USD", format="%.4f"),
    "by": st.column_config.TextColumn("who"),
    "created": st.column_config.DatetimeColumn("started (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
}


def main() -> None:
    """Draw the page."""
    st.header("Sweeps", anchor=False)
    rows = store.sweeps()
    if not rows:
        frame.empty("There is no sweep here yet.", "Run one: `harness sweep CONFIG`, then look again.")
        st.text(f"Folder of runs: {frame.runs()}")
        return
    left, right = st.columns([2, 1])
    text = left.text_input("Search", key="q", bind="query-params", placeholder="words of name, best variant, who…")
    statuses = sorted({str(row["status"]) for row in rows})
    picked = right.multiselect("Status", statuses, key="status", bind="query-params", placeholder="any")
    shown = found(rows, text or "", picked)
    st.caption(f"{len(shown):,} of {len(rows):,} sweeps. Tick one to open it, two or more to compare their best.")
    if not shown:
        frame.empty("No sweep fits.", "Take a word out of the search, or choose another status.")
        return
    data = pd.DataFrame(shown)
    data["created"] = pd.to_datetime(data["created"], errors="coerce", utc=True)
    event = frame.table(
        data,
        "sweeps-table",
        "sweeps",
        column_order=[name for name in ORDER if name != "problem" or data["problem"].any()],
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        height=min(38 + 35 * len(data), 640),
    )
    _open([shown[i]["sweep"] for i in event.selection.rows if i < len(shown)])


def _open(names: list[str]) -> None:
    """Links for the sweeps that are ticked."""
    for name in names:
        frame.link("sweep", f"Open {name}", sweep=name)
    if len(names) > 1:
        frame.link("compare", f"Compare the best of {len(names)} sweeps", runs=",".join(names))


main()
