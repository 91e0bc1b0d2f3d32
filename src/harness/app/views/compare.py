"""Two runs or more, each against the first."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, frame, store
from harness.study.board.overview import short_name
from harness.study.board.versus import MOST, answers_of, best_of, rows_of, settings_of
from harness.study.report import amounts
from harness.study.report.texts import cut, short

EXAMPLES = 20
COLUMNS: dict[str, Any] = {
    "mean": st.column_config.NumberColumn("mean", format="%.3f"),
    "baseline_mean": st.column_config.NumberColumn("baseline's mean", format="%.3f"),
    "difference": st.column_config.NumberColumn("difference", format="%+.3f"),
    "low": st.column_config.NumberColumn("from", format="%+.3f"),
    "high": st.column_config.NumberColumn("to", format="%+.3f"),
    "p_corrected": st.column_config.NumberColumn("p, corrected", format="%.3f", help="Holm's, over all rows"),
    "p": st.column_config.NumberColumn("p", format="%.3f"),
    "detectable": st.column_config.NumberColumn("detectable", format="%.3f"),
}


def main() -> None:
    """Draw the page."""
    frame.heading("Compare")
    rows = store.sweeps()
    if not rows:
        frame.empty("There is no sweep here yet.", "Run one: `harness sweep CONFIG`, then look again.")
        return
    names = _given()
    _chosen(names)
    with st.expander("Add a run", expanded=len(names) < 2):
        _add([row["sweep"] for row in rows], names)
    if len(names) < 2:
        frame.empty("A comparison needs two runs.", "Add them above, or tick two sweeps on the page of all sweeps.")
        return
    with frame.told("This comparison"):
        pairs = store.compared(tuple(names), EXAMPLES)
        for pair in pairs:
            _pair(pair, several=len(pairs) > 1)
        _figures(pairs)
        for pair in pairs:
            with frame.told("The settings"):
                _settings(pair, several=len(pairs) > 1)
        for pair in pairs:
            with frame.told("The examples"):
                _examples(pair, several=len(pairs) > 1)


def _given() -> list[str]:
    """The runs of the address; a sweep alone means its best run."""
    found = []
    for text in (st.query_params.get("runs") or "").split(","):
        if text and "/" not in text:
            with frame.told("A run"):
                text = f"{text}/{best_of(store.opened(text, lean=True))}"
        if "/" in text and text not in found:
            found.append(text)
    return found[:MOST]


def _set(names: list[str]) -> None:
    address.kept("runs", ",".join(names) or None)


def _chosen(names: list[str]) -> None:
    for i, name in enumerate(names):
        with st.container(horizontal=True, vertical_alignment="center"):
            frame.text(("baseline: " if i == 0 else "run: ") + name)
            if i:
                st.button(
                    "Make baseline", key=f"base-{name}", on_click=_set, args=([name, *names[:i], *names[i + 1 :]],)
                )
            st.button("Take out", key=f"out-{name}", on_click=_set, args=([*names[:i], *names[i + 1 :]],))


def _add(sweeps: list[str], names: list[str]) -> None:
    left, right = st.columns(2)
    name = left.selectbox("Sweep", sweeps, key="add-sweep")
    with frame.told("This sweep"):
        entries = {each["id"]: each for each in store.opened(name, lean=True).variants}
        variant = right.selectbox(
            "Variant", list(entries), key="add-variant", format_func=lambda each: short_name(entries[each])
        )
        if variant:
            st.button("Add", on_click=_set, args=([*names, f"{name}/{variant}"],), disabled=len(names) >= MOST)


def _pair(pair: dict[str, Any], several: bool) -> None:
    rows = [each for each in pair["metrics"] if each["slice"] == "all" and "sentence" in each]
    objective = next((each["metric"] for each in pair["changed"]), None)
    row = next((each for each in rows if each["metric"] == objective), rows[0] if rows else None)
    if several or row is None:
        frame.text(short(str(pair["label"]), 120), "h-name")
    if row is not None:
        frame.text(f"{row['metric']}: {row['sentence']}.", "h-big")
        columns = st.columns(4)
        columns[0].metric("Wins", row["wins"])
        columns[1].metric("Losses", row["losses"])
        columns[2].metric("Ties", row["ties"])
        columns[3].metric("Shared examples", pair["examples"])
    for name, said in (pair.get("judges") or {}).items():
        frame.text(f"! Judge of {name}: {'; '.join(said)}.", "h-soft")


def _figures(pairs: list[dict[str, Any]]) -> None:
    st.subheader("Paired differences", anchor=False)
    frame.table(pd.DataFrame(rows_of(pairs, slices=False)), "figures", "comparison", column_config=COLUMNS)
    frame.text(f"{pairs[0]['method']}; p corrected by Holm over {pairs[0]['families']['all']:,} rows", "h-soft")
    st.subheader("By slice", anchor=False)
    rows = rows_of(pairs, slices=True)
    if rows:
        frame.table(pd.DataFrame(rows), "slices", "comparison-slices", column_config=COLUMNS)
    else:
        frame.empty("No example has a tag.", "Give the examples of the dataset `tags`.")


def _settings(pair: dict[str, Any], several: bool) -> None:
    st.subheader("Settings that differ", anchor=False)
    if several:
        frame.text(pair["run"], "h-name")
    frame.text(f"{short(pair['baseline_label'], 120)}  →  {short(pair['label'], 120)}", "h-soft")
    rows = settings_of(pair)
    if not rows:
        frame.empty("No setting differs.", "The two runs are of the same configuration.")
        return
    plain = [{name: row[name] for name in ("setting", "before", "after")} for row in rows]
    frame.table(pd.DataFrame(plain), f"settings-{pair['run']}", "settings")
    for row in rows:
        if row["pieces"]:
            frame.text(row["setting"], "h-name")
            _beside(row["pieces"])


def _beside(sides: Any, titles: tuple[str, str] = ("baseline", "run")) -> None:
    """Two texts beside each other, with the words that only one has."""
    for column, title, parts in zip(st.columns(2), titles, sides, strict=True):
        with column, st.container(border=True):
            frame.text(title, "h-soft")
            frame.pieces([("h-own" if own else "", part) for own, part in parts])


def _examples(pair: dict[str, Any], several: bool) -> None:
    st.subheader("Examples that changed, worst first", anchor=False)
    if several:
        frame.text(pair["run"], "h-name")
    rows = pair["changed"]
    if not rows:
        frame.empty("No example has another score.", "Look at other metrics in the table above.")
        return
    st.caption(_how_many(pair, rows))
    table = [
        {name: row[name] for name in ("example", "metric", "difference", "question")}
        | {"tags": ", ".join(row["tags"]), "baseline answer": row["baseline_answer"], "answer": row["answer"]}
        for row in rows
    ]
    for each in table:
        each |= {name: cut(str(each[name] or ""), 1000).text for name in ("question", "baseline answer", "answer")}
    frame.table(pd.DataFrame(table), f"changed-{pair['run']}", "changed")
    for row in rows:
        with st.expander(f"{row['difference']:+.3f}  {frame.plain(short(row['question'], 90))}"):
            _example(pair, row)


def _how_many(pair: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """How many changed by the metric, and which of them are here."""
    metric = rows[0]["metric"]
    row = next(each for each in pair["metrics"] if each["metric"] == metric and each["slice"] == "all")
    lost, gained = row["losses"], row["wins"]
    here = "" if len(rows) == lost + gained else f" Here are the {len(rows):,} that lost most or gained least."
    back = " To see what gained most, make this run the baseline." if here and gained else ""
    return f"By {frame.plain(metric)} {lost:,} examples lost and {gained:,} gained.{here}{back}"


def _example(pair: dict[str, Any], row: dict[str, Any]) -> None:
    frame.text(cut(row["question"], 2000).text)
    sides = answers_of(row)
    for name in ("baseline", "run"):
        if sides[name]["failure"]:
            sides[name]["pieces"] = [(True, f"failed: {sides[name]['failure']}")]
    titles = sides["baseline"]["title"], sides["run"]["title"]
    _beside((sides["baseline"]["pieces"], sides["run"]["pieces"]), titles)
    for column, name in zip(st.columns(2), ("baseline", "run"), strict=True):
        with column:
            said = [f"{each['metric']} {amounts.number(each['value'])}" for each in sides[name]["scores"]]
            frame.text(" · ".join(said) + (f" [{sides[name]['note']}]" if sides[name]["note"] else ""), "h-soft")
    (sweep, _, one), (base, _, other) = pair["run"].partition("/"), pair["baseline"].partition("/")
    variants = f"{other},{one}" if base == sweep else one
    frame.link("example", "Open this example", sweep=sweep, example=row["example"], variants=variants)


main()
