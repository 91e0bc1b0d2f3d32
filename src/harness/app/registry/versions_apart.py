"""Two versions of the registry side by side: settings, prompts by word, data, scores."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import frame
from harness.study.report import amounts
from harness.study.report.texts import cut

CLASSES = {"same": "", "removed": "h-miss", "added": "h-hit"}
PAIRED: dict[str, Any] = {
    "baseline_mean": st.column_config.NumberColumn("before", format="%.3f"),
    "mean": st.column_config.NumberColumn("after", format="%.3f"),
    "difference": st.column_config.NumberColumn("difference", format="%+.3f"),
    "low": st.column_config.NumberColumn("from", format="%+.3f", help="lower end of the 95% interval"),
    "high": st.column_config.NumberColumn("to", format="%+.3f", help="upper end of the 95% interval"),
    "p_corrected": st.column_config.NumberColumn("p, corrected", format="%.3f", help="Holm's, over all rows"),
}
_AROUND = 300
"""Characters of unchanged text that are shown beside a change."""
_MOST = 20_000


def show(found: dict[str, Any], key: str) -> None:
    """What `harness.study.registry.difference.difference` found."""
    _settings(found, key)
    for noun, data in found["data"].items():
        if not data["same"]:
            frame.text(f"! {noun}: digest {data['before'] or 'none'} → {data['after'] or 'none'}")
    with frame.told("The scores"):
        _scores(found, key)


def _settings(found: dict[str, Any], key: str) -> None:
    rows = [
        {"setting": row["setting"], "before": amounts.setting(row["before"]), "after": amounts.setting(row["after"])}
        for row in found["settings"]
    ]
    if rows:
        frame.table(pd.DataFrame(rows), f"apart-{key}", f"versions-{key}-settings")
    for row in found["prompts"]:
        frame.text(row["setting"], "h-name")
        with st.container(border=True):
            frame.pieces(_words(row["words"]))
    if found["prompts"]:
        st.caption("Blue, underlined: added. Orange, dashed: removed.")
    if not rows and not found["prompts"]:
        frame.empty("No setting differs.", "The two versions have the same configuration.")


def _words(words: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pieces with their class; of a long unchanged text, its ends."""
    shown = []
    for kind, text in words:
        if kind == "same" and len(text) > 3 * _AROUND:
            shown += [("", text[:_AROUND]), ("h-gap", " … "), ("", text[-_AROUND:])]
        else:
            shown.append((CLASSES[kind], cut(text, _MOST).text))
    return shown


def _scores(found: dict[str, Any], key: str) -> None:
    pair = found["compared"]
    if pair is not None:
        frame.text("Paired differences, on the examples of both", "h-name")
        names = ("metric", *PAIRED, "verdict", "wins", "losses", "ties", "n", "note")
        rows = [{name: row.get(name) for name in names} for row in pair["metrics"]]
        frame.table(pd.DataFrame(rows), f"paired-{key}", f"versions-{key}-scores", column_config=PAIRED)
        frame.text(f"{pair['method']}; p corrected by Holm over {pair['families']['all']:,} rows", "h-soft")
        frame.link("compare", "Compare the two runs", runs=f"{found['before']['run']},{found['after']['run']}")
        return
    frame.text(f"Scores as promoted, each on its own: {found['note']}", "h-name")
    rows = [
        {"metric": row["metric"]}
        | {
            f"{side}, {name}": (row[side] or {}).get(name)
            for side in ("before", "after")
            for name in ("mean", "low", "high")
        }
        for row in found["scores"]
    ]
    frame.table(pd.DataFrame(rows), f"apart-scores-{key}", f"versions-{key}-scores")
