"""One night of a series: its verdict, its rules, and the examples that broke against the baseline."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, frame
from harness.app.regression import nights
from harness.study.report.texts import cut

EXAMPLES = 20


def show(shown: dict[str, Any]) -> None:
    """One night of a series (`board.trend`): its verdict, its rules, the examples that broke."""
    st.subheader("One night", anchor=False)
    readable = {str(night["number"]): night for night in shown["nights"] if not night["problem"]}
    if not readable:
        return
    newest_first = list(reversed(readable))
    bad = next((str(each["began"]) for each in reversed(shown["episodes"]) if each["began"] is not None), None)
    if bad in newest_first:
        newest_first.remove(bad)
        newest_first.insert(0, bad)
    left, right = st.columns(2)
    with left:
        number = address.picked("Night", newest_first, "night", lambda each: _night_name(readable[each]))
    night = readable[number]
    lines = {str(i): line for i, line in enumerate(shown["lines"])}
    with right:
        chosen = lines[address.picked("By", list(lines), "by", lambda each: line_name(lines[each]))]
    frame.text(night["verdict"], "h-name")
    if night["why"]:
        frame.text("\n".join(f"· {why}" for why in night["why"]), "h-soft")
    if night["gone"]:
        frame.empty("The run of this night was deleted.", "Its means are kept; which examples broke cannot be told.")
        return
    if not shown["baseline"]:
        frame.empty("The baseline was deleted.", "Which examples broke against it cannot be told.")
        frame.link("sweep", "Open this night's run", sweep=str(night["run"]).partition("/")[0])
        return
    with frame.told("What broke"):
        _broken(shown, night, chosen)


def _night_name(night: dict[str, Any]) -> str:
    return f"{night['number']}: {night['time'][:16].replace('T', ' ')}, {'alarm' if night['alarm'] else 'no alarm'}"


def _broken(shown: dict[str, Any], night: dict[str, Any], line: dict[str, Any]) -> None:
    run, baseline = str(night["run"]), shown["baseline"]
    found = nights.broken_in(run, baseline, line["metric"], line["slice"], EXAMPLES)
    for rule in found["rules"]:
        frame.text(f"{'holds' if rule['holds'] else '! BROKEN'}: {rule['told']}", "" if rule["holds"] else "h-name")
    if found["note"]:
        frame.text(f"Its rules cannot be told: {found['note']}", "h-soft")
    settings = ", ".join(str(row["setting"]) for row in found["settings"])
    frame.text(f"Settings that differ from the baseline: {settings or 'none'}.")
    left, right = st.columns(2)
    with left:
        frame.link("compare", "Compare it with the baseline", runs=f"{baseline},{run}")
    with right:
        frame.link("sweep", "Open this night's run", sweep=run.partition("/")[0])
    if not found["rows"]:
        frame.empty("No example lost.", "By this metric each is at least as good as the baseline's mean.")
        return
    st.caption(
        f"{found['lost']:,} examples are below their mean of the baseline by {frame.plain(line_name(line))}, "
        f"here the {len(found['rows'])} that lost most, in this night's first answers. Some of it is what answers vary "
        "by without a change."
    )
    _examples(found["rows"], line["metric"], run, baseline)


def _examples(rows: list[dict[str, Any]], metric: str, run: str, baseline: str) -> None:
    table = []
    for row in rows:
        score = next((each["value"] for each in row["run"]["scores"] if each["metric"] == metric), None)
        table.append(
            {"example": row["example"], "question": cut(row["question"], 500).text}
            | {"this night": score, "baseline's mean": None if score is None else score - row["difference"]}
            | {"difference": row["difference"], "answer": cut(row["answer"] or row["run"]["failure"] or "", 500).text}
            | {"a baseline answer": cut(row["baseline_answer"] or row["baseline"]["failure"] or "", 500).text}
        )
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("this night", "baseline's mean")}
    columns: dict[str, Any] = {**numbers, "difference": st.column_config.NumberColumn(format="%+.3f")}
    event = frame.table(
        pd.DataFrame(table),
        "broken",
        "broken",
        column_config=columns,
        on_select="rerun",
        selection_mode="single-row",
    )
    picked = [rows[i] for i in event.selection.rows if i < len(rows)] or rows[:1]
    (sweep, _, variant), (base, _, other) = run.partition("/"), baseline.partition("/")
    for row in picked:
        name = row["example"]
        with st.container(horizontal=True):
            frame.link("example", f"Open {name} in this night", sweep=sweep, example=name, variants=variant)
            frame.link("example", f"Open {name} in the baseline", sweep=base, example=name, variants=other)


def line_name(line: dict[str, Any]) -> str:
    """A metric, on a slice."""
    return str(line["metric"]) if line["slice"] in ("", "all") else f"{line['metric']} on {line['slice']}"
