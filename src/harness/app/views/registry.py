"""The registry: what each alias names, since when, by which evidence; versions, differences, changes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, frame
from harness.app.registry import evidence, promoting, registered, versions_apart
from harness.study.board.versions import weight_of
from harness.study.registry.record import CHANGED, GONE, THERE
from harness.study.report import amounts
from harness.study.report.texts import cut, short, visible

HEAVY = 100_000_000  # bytes of a run above which its files are read only when somebody asks for it
ENDS = {"low": "from", "high": "to"}
TIME = st.column_config.DatetimeColumn("time (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC")
ADVICE = {
    THERE: "its files are as they were when it was promoted",
    CHANGED: "its files are not as they were when it was promoted",
    GONE: "its run is no longer in this folder; the version keeps all that is shown here",
}


def main() -> None:
    """Draw the page."""
    frame.heading("Registry")
    promoting.done()
    found: dict[str, Any] | None = None
    with frame.told("The registry"):
        found = registered.shown()
    if found is None:
        frame.empty("Nothing is shown of a registry with a changed file.", "Put it back as it was, then look again.")
        return
    if not found["versions"]:
        frame.empty(
            "Nothing was promoted here yet.",
            "Promote a run below, or: `harness promote SWEEP/VARIANT --as production --reason TEXT`.",
        )
    for what, draw in (
        ("What aliases name", _now),
        ("The change", promoting.change),
        ("The history", _history),
        ("The versions", _versions),
        ("The difference", _difference),
    ):
        with frame.told(what):
            draw(found)


def _now(found: dict[str, Any]) -> None:
    aliases = found["aliases"]
    for start in range(0, len(aliases), 2):
        row = aliases[start : start + 2]
        columns = st.columns(2) if len(aliases) > 1 else [st.container()]
        for column, alias in zip(columns, row, strict=False):
            with column, st.container(border=True):
                _alias(alias)


def _alias(alias: dict[str, Any]) -> None:
    told = alias["evidence"]
    frame.pieces([("h-big", alias["alias"]), ("", f"  is version {told['version']}")])
    frame.text(short(told["label"], 300), "h-name")
    frame.pieces([("h-soft", "run "), ("", told["run"])])
    frame.pieces([("h-name", evidence.score(told)), ("h-soft", f"  {evidence.counted(told)}")])
    verb = "rolled back to" if alias["action"] == "rollback" else "promoted"
    frame.text(
        f"{verb} {amounts.moment(alias['since'])} by {alias['by'] or 'unknown'}: {cut(alias['reason'], 1000).text}"
    )
    for objection in alias["overruled"]:
        frame.text(f"! overruled: {objection}")
    evidence.listed(told)
    with frame.told("The state of its run"):
        _state(told)
    frame.link("sweep", "Open its sweep", sweep=told["sweep"], variant=told["run"].partition("/")[2])


def _state(told: dict[str, Any]) -> None:
    bytes_ = weight_of(frame.runs(), told["sweep"])
    key = f"state-{told['version']}"
    if (bytes_ is None or bytes_ > HEAVY) and not st.toggle("Read the run's files, to see if they changed", key=key):
        return
    found = registered.state_of(told["version"], told["sweep"])
    files = f" ({', '.join(found['files'])})" if found["files"] else ""
    mark = "✓" if found["state"] == THERE else "!"
    frame.text(f"{mark} {found['state']}: {ADVICE[found['state']]}{files}")


def _history(found: dict[str, Any]) -> None:
    if not found["history"]:
        return
    st.subheader("History", anchor=False)
    aliases = ["all", *dict.fromkeys(change["alias"] for change in found["history"])]
    wanted = address.picked("Alias", aliases, "alias", lambda each: "all aliases" if each == "all" else each)
    rows = [
        {"entry": change["number"], "time": change["time"], "alias": change["alias"], "action": change["action"]}
        | {"version": change["version"], "before": change["before"], "by": change["by"], "reason": change["reason"]}
        | {"overruled": "; ".join(change["overruled"])}
        for change in reversed(found["history"])
        if wanted in ("all", change["alias"])
    ]
    data = pd.DataFrame(rows)
    data["before"] = data["before"].astype("Int64")
    columns: dict[str, Any] = {"overruled": st.column_config.TextColumn("overruled", width="large"), "time": TIME}
    data["time"] = pd.to_datetime(data["time"], errors="coerce", utc=True)
    frame.table(data, "history", "registry-history", column_config=columns)


def _versions(found: dict[str, Any]) -> None:
    if not found["versions"]:
        return
    st.subheader("Versions", anchor=False)
    names = ("version", "label", "metric", "mean", "low", "high", "n", "failed", "promoted", "by", "run", "commit")
    rows = [
        {"aliases": ", ".join(each["aliases"]), **{name: each[name] for name in names}}
        for each in reversed(found["versions"])
    ]
    order = ["version", "aliases", *names[1:]]
    numbers: dict[str, Any] = {
        "promoted": st.column_config.DatetimeColumn("promoted (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
        "n": st.column_config.NumberColumn("cells scored"),
        "mean": st.column_config.NumberColumn("score", format="%.3f"),
        "low": st.column_config.NumberColumn("from", format="%.3f", help="lower end of the 95% interval"),
        "high": st.column_config.NumberColumn("to", format="%.3f", help="upper end of the 95% interval"),
    }
    data = pd.DataFrame(rows)[order]
    data["promoted"] = pd.to_datetime(data["promoted"], errors="coerce", utc=True)
    frame.table(data, "versions", "registry-versions", column_config=numbers)
    by_number = {str(each["version"]): each for each in reversed(found["versions"])}
    number = address.picked("One version in full", list(by_number), "version", lambda each: _name(by_number[each]))
    _one(by_number[number])


def _name(told: dict[str, Any]) -> str:
    return f"version {told['version']}: {short(told['label'], 80)}"


def _one(told: dict[str, Any]) -> None:
    number = told["version"]
    found = registered.in_full(number)
    record = found["record"]
    frame.text(
        f"promoted {amounts.moment(told['promoted'])} by {told['by'] or 'unknown'}: {cut(told['reason'], 1000).text}"
    )
    evidence.listed(told)
    with frame.told("The state of its run"):
        if not told["aliases"]:
            _state(told)
    names = ("mean", "low", "high", "planned", "answered", "n", "failed", "worst", "best")
    rows = [
        {"metric": name, **{each: figure.get(each) for each in names}}
        for name, figure in record["scores"].items()
        if figure
    ]
    columns: dict[str, Any] = {name: st.column_config.NumberColumn(format="%.3f") for name in ("mean", "worst", "best")}
    columns |= {"n": st.column_config.NumberColumn("scored")}
    columns |= {name: st.column_config.NumberColumn(told, format="%.3f") for name, told in ENDS.items()}
    frame.table(pd.DataFrame(rows), "version-scores", f"version-{number}-scores", column_config=columns)
    st.caption("Scores as they were promoted, with 95% intervals; worst and best are what failures could make of them.")
    with st.expander("The sweep file that runs it", expanded=True):
        st.code(visible(cut(found["yaml"], 50_000).text), language="yaml", height=360)
        st.download_button(
            "Download YAML",
            data=found["yaml"].encode("utf-8", "replace"),
            file_name=f"version-{number}.yaml",
            mime="application/yaml",
            key="yaml",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
        )
    with st.expander("Where it comes from"):
        facts = {"run": record["run"], "dataset": record["dataset"], "corpus": record["corpus"], **record["origin"]}
        facts |= {"files of the run, digests": record["files"], "digest of this entry": found["digest"]}
        rows = [{"what": name, "value": amounts.setting(value)} for name, value in facts.items()]
        frame.table(pd.DataFrame(rows), "facts", f"version-{number}-origin")


def _difference(found: dict[str, Any]) -> None:
    by_number = {str(each["version"]): each for each in found["versions"]}
    if len(by_number) < 2:
        return
    st.subheader("Difference", anchor=False)
    numbers = list(reversed(by_number))
    left, right = st.columns(2)
    with right:
        after = address.picked("To", numbers, "to", lambda each: _name(by_number[each]))
    with left:
        others = [each for each in numbers if each != after]
        before = address.picked("From", others, "from", lambda each: _name(by_number[each]))
    sweeps = (by_number[before]["sweep"], by_number[after]["sweep"])
    told = registered.between(int(before), int(after), sweeps)
    versions_apart.show(told, f"{before}-{after}")


main()
