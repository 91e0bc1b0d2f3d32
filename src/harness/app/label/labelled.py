"""What labels tell once one's own are done: how far people agree, what they differ in, what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from harness.app import frame
from harness.app.label import sights
from harness.study.board.label.labelling import Sample, agreements, disputes
from harness.study.board.label.pool import Item
from harness.study.board.label.questions import Question
from harness.study.judging.labels import Label
from harness.study.judging.prediction_powered import LEAST_LABELS
from harness.study.report import amounts
from harness.study.report.texts import cut, short

Settle = Callable[[Item, float], None]
_CELL = 1000
_FIGURES: dict[str, Any] = {
    "kappa": st.column_config.NumberColumn("kappa", format="%.2f", help="agreement beyond chance: 1 always, 0 none"),
    "low": st.column_config.NumberColumn("from", format="%.2f", help="lower end of the 95% interval"),
    "high": st.column_config.NumberColumn("to", format="%.2f", help="upper end of the 95% interval"),
    "agree": st.column_config.NumberColumn("agree", format="percent", help="share of answers put on the same side"),
    "n": st.column_config.NumberColumn("answers", help="that both labelled"),
}


def agreement(found: Sample, labels: Sequence[Label], asked: Question, invitation: dict[str, str]) -> None:
    """Each two people, and the address for another one."""
    st.subheader("Agreement", anchor=False)
    rows = [
        {"people": " and ".join(pair), **{name: getattr(each, name) for name in (*_FIGURES, "note")}}
        for pair, each in agreements(found, labels, asked)
    ]
    if not rows:
        frame.empty("Nobody else has labelled these answers.", "Send a second person the address below.")
    else:
        frame.table(pd.DataFrame(rows), "agreement", "agreement", column_config=_FIGURES)
        st.caption("Of the answers that you labelled. Intervals count whole clusters of examples.")
    st.caption("The address of the same answers, for another person:")
    st.code(f"{st.context.url or 'label'}?{urlencode(invitation)}", language=None)


def differences(found: Sample, labels: Sequence[Label], asked: Question, settle: Settle) -> None:
    """The answers that people disagree about, and one of them to be settled."""
    rows = disputes(found, labels, asked)
    if not rows:
        return
    st.subheader("What you and others disagree about", anchor=False)
    frame.table(pd.DataFrame([_row(row, found.items[row["id"]], asked) for row in rows]), "disputes", "disagreements")
    names = {row["id"]: row for row in rows}
    still = [name for name, row in names.items() if row["settled"] is None]
    st.caption(
        f"{len(rows) - len(still)} of {len(rows)} are settled: a label that settles stands in place of the others."
    )
    if not still:
        return
    with st.expander("Settle them, one by one"):
        chosen = st.selectbox("Answer", still, key="dispute", format_func=lambda name: _named(found.items[name]))
        item = found.items[chosen]
        sights.conversation(item)
        sights.references(item)
        sights.answer(item)
        said = [f"{person}: {asked.word(value)}" for person, value in names[chosen]["by"].items()]
        frame.text(" · ".join(said))
        frame.text(asked.words, "h-name")
        with st.container(horizontal=True):
            for choice in asked.choices:
                label = frame.plain(short(choice.label, 60))  # no key: one pressed too often must not settle anything
                st.button(label, key=f"settle-{chosen}-{choice.key}", on_click=settle, args=(item, choice.value))


def outlook(sweep: str, asked: Question, record: dict[str, Any] | None, count: int) -> None:
    """What to do with the labels; what is known of the judge."""
    st.subheader("What comes next", anchor=False)
    if asked.metric is None:
        st.markdown("These labels answer a question of your own, which is no metric of this sweep. They are kept:")
        st.code(f"harness labels list {shlex.quote(sweep)}{_runs()}", language=None)
        return
    st.markdown("Compare the scores with the labels of all people, and correct the means:")
    st.code(f"harness calibrate {shlex.quote(sweep)}{_runs()}", language=None)
    if count < LEAST_LABELS:
        st.caption(f"You labelled {count}; with fewer than {LEAST_LABELS} labels nothing is corrected.")
    if record is None:
        st.caption("There is no calibration yet." if asked.judge else "This metric was not compared with people yet.")
        return
    bounds = f"{amounts.number(record.get('low'), 2)} to {amounts.number(record.get('high'), 2)}"
    by = ", ".join(str(each) for each in record.get("by") or [])
    frame.text(
        f"The calibration that counts: kappa {amounts.number(record.get('kappa'), 2)} ({bounds}), "
        f"{record.get('labels')} labels by {by}, {record.get('sweep')}, {record.get('time')}."
    )
    if record["poor"]:
        frame.text(f"! It {record['poor']}.", "h-soft")


def _runs() -> str:
    return "" if frame.runs() == "runs" else f" --runs {shlex.quote(frame.runs())}"


def _row(row: dict[str, Any], item: Item, asked: Question) -> dict[str, Any]:
    settled = "" if row["settled"] is None else asked.word(row["settled"])
    people = {f"{person} ": asked.word(value) for person, value in sorted(row["by"].items())}
    texts = {"question": str(item.shown["question"]), "answer": item.sight.answer}
    return {**{name: cut(each, _CELL).text for name, each in texts.items()}, **people, "settled as": settled}


def _named(item: Item) -> str:
    return short(str(item.shown["question"]), 90)
