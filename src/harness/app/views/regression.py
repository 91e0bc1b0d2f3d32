"""Nights: what each found against the baseline, since when it is bad, and the examples that broke."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, frame
from harness.app.regression import charts, nights, one_night
from harness.study.gate.nights import WINDOWS
from harness.study.report.texts import short

CHARTS = 4
CHART_PX = 300
_SERIES = "_nights_of"
BAND = (
    "Dots: the mean of a night's answers, with the 95% range in which it would fall were the same night asked anew "
    "(the noise of one night, measured on the baseline's replicates; of three for a night that was asked again). "
    "Grey band: the baseline's mean with its own 95% range. Orange dashes: no alarm before a mean of so many nights "
    "is beyond them. Diamond: a night that alarmed, by itself or with those before it. Hollow: it looked bad and was "
    "asked again. A gap: no night."
)


def main() -> None:
    """Draw the page."""
    frame.heading("Regression")
    found: list[dict[str, Any]] = []
    with frame.told("The nights"):
        found = nights.series()
        if not found:
            frame.empty("No night was kept here yet.", "Run one: `harness gate CONFIG --baseline RUN --nightly`.")
            st.caption("What a gate without `--nightly` finds is printed and not kept.")
            return
    if not found:
        return
    by_name = {each["series"]: each for each in found}
    given = st.query_params.get("series")
    if given and given not in by_name:
        st.error(f"There is no series {frame.plain(given[:200])} in this folder of runs. Pick one here.")
    name = address.picked("Series", list(by_name), "series", lambda each: _named(by_name[each]))
    if st.session_state.get(_SERIES, name) != name:
        for key in ("lines", "night", "by"):
            address.anew(key, address=given != name)
    st.session_state[_SERIES] = name
    with frame.told("This series"):
        sections(nights.trend_of(by_name[name]))


def sections(shown: dict[str, Any]) -> None:
    """All of a series, each part for itself."""
    for what, draw in (
        ("What it says", _head),
        ("The trend", _trend),
        ("The nights", _nights),
        ("This night", one_night.show),
    ):
        with frame.told(what):
            draw(shown)


def _named(series: dict[str, Any]) -> str:
    lines = short(", ".join(series["lines"]) or "cannot be read", 80)
    first = min((str(night["time"]) for night in series["nights"] if not night["problem"]), default="an unknown night")
    return f"{lines}: since {first[:10]} ({series['series'][:8]})"


def _head(shown: dict[str, Any]) -> None:
    if shown["baseline"]:
        frame.pieces(
            [("h-soft", "baseline: "), ("h-name", shown["baseline"]), ("h-soft", f"  {short(shown['label'])}")]
        )
    if shown["note"]:
        st.warning(frame.plain(shown["note"][0].upper() + shown["note"][1:] + "."))
    listed = [night for night in shown["nights"] if not night["problem"]]
    if not listed:
        frame.empty("No night of this series can be read.", "Put its files back as they were; the table says which.")
        return
    last = listed[-1]
    place = f" (night {last['of'][0]} of {last['of'][1]} of its quarter)" if last["of"] else ""
    frame.text(f"Last night, {last['time'][:16].replace('T', ' ')} UTC{place}: {last['verdict']}.", "h-big")
    if last["why"]:
        frame.text("\n".join(f"· {why}" for why in last["why"]), "h-soft")
    for episode in reversed(shown["episodes"]):
        frame.text(_episode(shown, episode))
    columns = st.columns(4)
    columns[0].metric("Nights", f"{len(shown['nights']):,}")
    columns[1].metric("Alarms", f"{sum(bool(night['alarm']) for night in listed):,}")
    columns[2].metric("Asked again", f"{sum(bool(night['again']) for night in listed):,}")
    columns[3].metric("Runs deleted", f"{sum(night['gone'] for night in listed):,}")
    doubted = sum(bool(night["why"]) and not night["alarm"] for night in listed)
    if doubted:
        st.caption(
            f"Of {doubted} nights the alarm that was kept is not that of today's scores and rules; see the table."
        )


def _episode(shown: dict[str, Any], episode: dict[str, Any]) -> str:
    first, last = episode["first"], episode["last"]
    which = f"Alarm in night {first}" if first == last else f"Alarm in nights {first} to {last}"
    which += ", still now." if episode["open"] else "."
    if episode["began"] is None:
        return f"! {which} Which night was the first bad one cannot be told."
    line = shown["lines"][episode["line"]]
    where = one_night.line_name(line)
    night = shown["nights"][episode["began"] - 1]
    return f"! {which} First bad night, by {where}: {episode['began']} ({night['time'][:10]}), run {episode['run']}."


def _trend(shown: dict[str, Any]) -> None:
    st.subheader("Trend", anchor=False)
    lines = {str(i): line for i, line in enumerate(shown["lines"])}
    windows = [str(each) for each in WINDOWS if any(each in line["windows"] for line in lines.values())]
    left, right = st.columns([3, 1])
    picked = list(lines)
    with left:
        if len(lines) > 1:
            names = {i: one_night.line_name(line) for i, line in lines.items()}
            picked = address.several("Metrics and slices", list(lines), "lines", CHARTS, names)
    with right:
        window = int(address.picked("Mean of", windows, "window", lambda each: f"{each} night{'s'[: int(each) - 1]}"))
    began = _began(shown)
    columns = st.columns(2) if len(picked) > 1 else [st.container()]
    for place, i in enumerate(picked):
        with columns[place % len(columns)]:
            option = charts.nights(lines[i], shown["nights"], window, began.get(int(i), []))
            key = f"nights-{i}"
            st.echarts_chart(
                option,
                height=CHART_PX,
                key=key,
                on_select=lambda key=key: _clicked(key, shown),
                alt=f"{one_night.line_name(lines[i])} by night, with intervals and the alarm limit",
            )
    measured = [lines[i] for i in picked if lines[i]["margin"] is not None]
    if measured:
        told = ", ".join(f"{one_night.line_name(line)} {line['margin']:g}" for line in measured)
        count = measured[0]["replicates"]
        st.caption(
            f"{BAND} An alarm takes a loss of more than the margin as well, also of the nights with that night's own "
            f"configuration: {frame.plain(told)}. "
            f"The baseline has {count} replicates. Click a dot to choose its night."
        )


def _began(shown: dict[str, Any]) -> dict[int, list[str]]:
    """The times of first bad nights, by line."""
    found: dict[int, list[str]] = {}
    for episode in shown["episodes"]:
        if episode["began"] is not None:
            found.setdefault(episode["line"], []).append(shown["nights"][episode["began"] - 1]["time"])
    return found


def _clicked(key: str, shown: dict[str, Any]) -> None:
    """Make the clicked point's night the chosen one."""
    readable = [night for night in shown["nights"] if not night["problem"]]
    for group in st.session_state[key]["selection"]["selected"]:
        indices = group["data_indices"]
        if indices and indices[0] < len(readable):
            st.session_state["night"] = str(readable[indices[0]]["number"])


def _nights(shown: dict[str, Any]) -> None:
    st.subheader("Nights", anchor=False)
    rows = []
    for at, night in enumerate(shown["nights"]):
        row = {"night": night["number"], "time": night["time"], "verdict": night["verdict"]}
        for line in shown["lines"]:
            point = line["windows"][1][at]
            row |= {
                f"{one_night.line_name(line)} ": point["value"],
                f"{one_night.line_name(line)}, difference": point["difference"],
            }
        row |= {"asked again": bool(night["again"]), "run": night["run"], "run's state": _state(night)}
        rows.append(row | {"why": "; ".join(night["why"])})
    data = pd.DataFrame(rows).iloc[::-1]
    data["time"] = pd.to_datetime(data["time"], errors="coerce", utc=True, format="ISO8601")
    columns: dict[str, Any] = {
        "time": st.column_config.DatetimeColumn("time (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
        "why": st.column_config.TextColumn("why", width="large"),
    }
    for line in shown["lines"]:
        columns[f"{one_night.line_name(line)} "] = st.column_config.NumberColumn(format="%.4f")
        columns[f"{one_night.line_name(line)}, difference"] = st.column_config.NumberColumn(format="%+.4f")
    frame.table(data, "nights-table", f"nights-{shown['series'][:8]}", column_config=columns)
    st.caption(
        "Verdicts are those of the test over nights. Floors, limits and examples that must pass are outside of it: "
        "see one night, below."
    )


def _state(night: dict[str, Any]) -> str:
    if night["problem"]:
        return ""
    return "deleted" if night["gone"] else "there"


main()
