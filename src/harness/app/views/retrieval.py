"""Retrieval: which settings find the evidence, what a similarity threshold costs, and what is missed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, columns, frame, store
from harness.app.retrieval import charts, retrieved
from harness.study.board.retrieval.alike import Group, least, limits
from harness.study.board.retrieval.coverage import Retrieval
from harness.study.board.retrieval.missed import rows_of
from harness.study.board.retrieval.passages import Passages
from harness.study.board.retrieval.recut import By, figures, grid
from harness.study.report import amounts
from harness.study.report.texts import short

MOST_CELLS = 50_000  # that are cut again at once
LINKS = 3
COUNTS = (
    "lacking",
    "missed",
    "in_part",
    "cells",
    "variants",
    "of_variants",
    "examples",
    "of_examples",
    "pieces",
    "never_found",
    "question",
)
COLUMNS: dict[str, Any] = {
    "lacking": st.column_config.ProgressColumn("lacking, %", format="percent", min_value=0.0, max_value=1.0),
    "missed": columns.count("cells without"),
    "in_part": columns.count("with a part"),
    "cells": columns.count("of cells"),
    "variants": columns.count("variants"),
    "of_variants": columns.count("of variants"),
    "examples": columns.count("examples"),
    "of_examples": columns.count("of examples"),
    "pieces": columns.count("pieces"),
    "never_found": columns.count("never found"),
    "start": columns.count("from character"),
    "end": columns.count("to character"),
    "question": columns.words("question", "of the first example that lacks it", width="large"),
}
THRESHOLDS: dict[str, Any] = {
    "threshold": columns.number("similarity threshold", digits=2),
    "passages": columns.number("passages kept"),
    "n_passages": columns.count("n, cells", "that the passages are counted of"),
    "recall": columns.number("recall of evidence"),
    "n_recall": columns.count("n, recall"),
    "noise": columns.number("noise"),
    "n_noise": columns.count("n, noise"),
    "unanswerable": columns.number("unanswerable, no passage", "share of cells"),
    "n_unanswerable": columns.count("n, unanswerable"),
    "answerable": columns.number("answerable, no passage", "share of cells"),
    "n_answerable": columns.count("n, answerable"),
}
SIDES: tuple[By, ...] = ("characters", "passages")
FIGURES = {
    "passages": ("Passages kept", "on average of a cell"),
    "recall": ("Recall of evidence", "share of the evidence that the passages hold, mean over cells with evidence"),
    "noise": (
        "Noise",
        "share of what was retrieved that is no evidence, mean over cells that have evidence and passages",
    ),
    "unanswerable": ("Unanswerable, no passage", "share without a passage of the cells that should be abstained from"),
    "answerable": ("Answerable, no passage", "share without a passage of the cells that should be answered"),
}


def main() -> None:
    """Draw the page."""
    frame.heading("Retrieval")
    name = address.chosen_sweep(store.sweeps)
    if name is None:
        return
    with frame.told("The retrieval of this sweep"):
        found = retrieved.retrieval_of(name)
        if _nothing(found):
            return
        if found.stored.status == "running":
            st.warning("This sweep is running: the figures are of the cells that are finished, and change.")
        if found.passages.unknown:
            count = amounts.plural(found.passages.unknown, "cell")
            frame.text(f"! {count} failed before anything was retrieved, and are left out.", "h-soft")
        for what, draw in (
            ("Evidence by settings", _coverage),
            ("The threshold", _threshold),
            ("Missed evidence", _misses),
        ):
            with frame.told(what):
                draw(found, name)


def _nothing(found: Retrieval) -> bool:
    """Say what is missing, where there is nothing to look at."""
    imported = bool(found.stored.header.get("imported"))
    if not found.entries and imported:
        frame.empty("These results hold no passages.", "Import a file that has the contexts of each answer.")
    elif not found.entries:
        frame.empty("No variant of this sweep retrieves.", "Give the sweep file a `corpus`, and run it again.")
    elif not len(found.passages.variant):
        frame.empty(
            "No cell has its passages yet.", "Wait until some are finished; look at failures on the page Sweep."
        )
    else:
        return False
    return True


def _coverage(found: Retrieval, name: str) -> None:
    st.subheader("Evidence by settings", anchor=False)
    measures, settings = found.measures, list(dict.fromkeys([*found.axes, *found.settings]))
    if not len(found.passages.pieces.example):
        frame.empty(
            "No example has evidence.", "Give the examples of the dataset `evidence` to see what is found of it."
        )
    if not measures:
        return
    if not settings:
        frame.empty("All variants retrieve with the same settings.", "Sweep `chunk_size` and `chunk_overlap`, say.")
        return
    left, middle, right = st.columns(3)
    with left:
        measure = address.picked("Measure", measures, "measure")
    with middle:
        across = address.picked("Across", settings, "across")
    with right:
        second = [each for each in settings if each != across]
        default = ["chunk_overlap"] if across == "chunk_size" and "chunk_overlap" in found.axes else []
        options = list(dict.fromkeys([*default, "", *second]))
        up = address.picked("Up", options, "up", lambda each: each or "nothing: a line") or None
    table = found.coverage(measure, across, up)
    if not table["cells"]:
        frame.empty("No cell has this measure.", "Choose another.")
        return
    option = charts.coverage(table, across, up, measure)
    st.echarts_chart(option, height=charts.tall(table, up), key="coverage", alt="Evidence by settings")
    st.caption(
        "Mean of the means of the variants with these settings: the other settings are averaged, each variant counts "
        "alike. n counts the cells (one question asked of one variant once) that have the measure."
    )
    if table["uneven"]:
        other = ", ".join(short(each, 40) for each in table["uneven"])
        frame.text(f"! Not all of these have the same other settings ({other}): a difference may be theirs.", "h-soft")
    unit = next((each.get("unit") for each in found.stored.metrics if each["name"] == measure), "")
    config = {
        **{f"{each} ": columns.words(each) for each in (across, up) if each},
        measure: columns.number(f"{measure}, {unit}" if unit else measure, "mean of the means of the variants"),
        "n": columns.count("cells", "that have the measure"),
        "variants": columns.count("variants"),
    }
    frame.table(pd.DataFrame(table["rows"]), "coverage-table", f"{name}-coverage", column_config=config)


def _threshold(found: Retrieval, name: str) -> None:
    st.subheader("Similarity threshold", anchor=False)
    names = {group.variant: group.label for group in found.groups}
    left, right = st.columns([3, 1])
    with left:
        variants = address.several("Retrieval settings (several are pooled)", list(names), "cut", 1, names)
    with right:
        by: By = "passages" if address.picked("Counted in", _sides(found), "by") == "passages" else "characters"
    known, groups = found.chosen(variants)
    if len(known.variant) > MOST_CELLS and len(groups) > 1:
        frame.empty("These are too many cells to cut at once.", f"Choose fewer: at most {MOST_CELLS:,} cells are cut.")
        return
    if not grid(known, least(groups)):
        frame.empty(
            "No stored passage has a similarity, so nothing can be cut.",
            "Retrieve with vectors, or set a `similarity_threshold`: it is measured then.",
        )
        return
    points = retrieved.curve_of(name, tuple(variants), by)
    _recut(known, groups, points, by, name)


def _sides(found: Retrieval) -> list[str]:
    """Characters where any evidence is a span, else passages first."""
    return list(SIDES if len(found.passages.spans.example) else SIDES[::-1])


@st.fragment
def _recut(known: Passages, groups: list[Group], points: list[dict[str, Any]], by: By, name: str) -> None:
    """The slider and what it leaves; moving it draws this part alone, from what was read."""
    with frame.told("The threshold"):
        at = _slider([point["threshold"] for point in points])
        now, ran = figures(known, at, by), figures(known, None, by)
        for column, (key, (label, told)) in zip(st.columns(len(FIGURES)), FIGURES.items(), strict=True):
            column.metric(
                f"{label} (n {now[f'n_{key}']:,})",
                _shown(key, now[key]),
                f"as run: {_shown(key, ran[key])} (n {ran[f'n_{key}']:,})",
                delta_color="off",
                delta_arrow="off",
                help=told,
            )
        left, right = st.columns(2)
        lines = {"recall": "recall of evidence", "noise": f"noise, of {by}"}
        with left:
            _chart(points, lines, "mean over cells, %", at, "recall-noise")
        lines = {"unanswerable": "unanswerable", "answerable": "answerable"}
        with right:
            _chart(points, lines, "cells without a passage, %", at, "abstention")
        frame.text("\n".join(limits(known, groups)), "h-soft")
        with st.expander("Every threshold as a table"):
            frame.table(pd.DataFrame(points), "thresholds", f"{name}-thresholds", column_config=THRESHOLDS)


def _slider(steps: list[float]) -> float:
    """The threshold, kept in the address; at first that of the run."""
    low, high = steps[0], steps[-1]
    before = st.session_state.get("threshold", st.session_state.get("_kept_threshold"))
    if before is None:
        try:
            before = float(st.query_params.get("threshold") or low)
        except ValueError:
            before = low
    wanted = min(max(float(before), low), high) if before == before else low
    if st.session_state.get("threshold") != wanted:  # what is being moved is left alone
        st.session_state["threshold"] = wanted
    found: float = st.slider(
        "Keep passages with a similarity of at least", low, high, step=steps[1] - low, format="%.2f", key="threshold"
    )
    st.session_state["_kept_threshold"] = found
    address.kept("threshold", f"{found:g}")
    return found


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return amounts.NOTHING
    return f"{value:.1f}" if key == "passages" else f"{100 * value:.1f}%"


def _chart(points: list[dict[str, Any]], lines: dict[str, str], title: str, at: float, key: str) -> None:
    there = {each: label for each, label in lines.items() if any(point[each] is not None for point in points)}
    if not there:
        frame.empty(
            f"There is nothing of {' and '.join(lines.values())}.", "No example of this sweep has what it needs."
        )
        return
    option = charts.thresholds(points, there, title, at)
    st.echarts_chart(option, height=340, key=key, alt=" and ".join(there.values()))


def _misses(found: Retrieval, name: str) -> None:
    st.subheader("Evidence that was missed", anchor=False)
    if not len(found.passages.pieces.example):
        frame.empty("No example has evidence.", "Give the examples of the dataset `evidence`.")
        return
    rows = retrieved.misses_of(name)
    if not rows["pieces"]:
        frame.empty("No evidence was missed.", "The passages of every cell hold all of its evidence.")
        return
    st.caption(
        "Lacking: the mean share of the evidence's characters that no passage of a cell holds. A cell is without a "
        "piece of which it has no character. Variants and examples count where any cell lacks something. Never found: "
        "pieces that no cell has anything of."
    )
    st.markdown(f"**By document{_cut(rows, 'documents')}**")
    _table(rows["documents"], "missed-documents", f"{name}-missed-documents")
    st.markdown(f"**Piece by piece{_cut(rows, 'pieces')}.** Tick one to open its examples.")
    asked = {each["id"]: str(each["messages"][-1]["content"]) for each in found.stored.examples}
    pieces = [{**row, "question": short(asked[row["examples_named"][0]], 200)} for row in rows["pieces"]]
    event = _table(pieces, "missed-pieces", f"{name}-missed-pieces", on_select="rerun", selection_mode="multi-row")
    for row in [pieces[i] for i in event.selection.rows if i < len(pieces)][:LINKS] or pieces[:1]:
        place = row["document"] if row["start"] is None else f"{row['document']} {row['start']}-{row['end']}"
        for example in row["examples_named"]:
            words = {"sweep": name, "example": example, "variants": ",".join(row["variants_named"])}
            label = f"{example}: {short(asked[example], 80)} ({place})"
            frame.link("example", label, document=row["document"], **words)


def _cut(rows: dict[str, Any], kind: str) -> str:
    shown, count = len(rows[kind]), rows[f"of_{kind}"]
    return f" (the {shown:,} that lack most, of {count:,})" if shown < count else ""


def _table(rows: list[dict[str, Any]], key: str, name: str, **options: Any) -> Any:
    data = pd.DataFrame(rows_of(rows, COUNTS))
    tall = min(38 + 35 * len(data), 360)
    return frame.table(data, key, name, column_config=COLUMNS, height=tall, **options)


main()
