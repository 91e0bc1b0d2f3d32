"""One question across variants."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from harness.app import address, frame, store
from harness.store import StoredSweep
from harness.study.board.example.prompt import prompt_of
from harness.study.board.example.sheet import sheet
from harness.study.board.example.source import documents_of, marked
from harness.study.board.overview import short_name
from harness.study.report import amounts
from harness.study.report.texts import short

AT_ONCE = 3
LONG, LONG_PX = 2000, 420
CLASSES = {"hit": "h-hit", "missed": "h-miss", "noise": "h-noise", "gap": "h-gap", "": ""}


def main() -> None:
    """Draw the page."""
    frame.heading("Example")
    name = address.chosen_sweep(store.sweeps)
    if name is None:
        return
    with frame.told("This example"):
        stored = store.opened(name, lean=True)
        examples = {each["id"]: each for each in stored.examples}
        names = {each["id"]: short_name(each) for each in stored.variants}
        if not examples or not names:
            frame.empty("This sweep has no examples yet.", "Wait until it has begun, or pick another.")
            return
        left, right = st.columns(2)
        with left:
            example = _chosen(examples)
        with right:
            variants = address.several("Variants", list(names), "variants", AT_ONCE, names)
        found = sheet(stored, example, variants)
        _question(found)
        _sides(found, stored)
        _scores(found, f"{name}-{example}")
        _source(found, stored.texts)
        _facts(found, f"{name}-{example}")


def _chosen(examples: dict[str, dict[str, Any]]) -> str:
    """The example, with a button to the one before and the one after it in the dataset."""
    ids = list(examples)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        example = address.picked("Example", ids, "example", lambda each: _asked(examples[each]))
        place = ids.index(example)
        for label, step in (("Previous", -1), ("Next", 1)):
            there = 0 <= place + step < len(ids)
            to = ids[place + step] if there else example
            st.button(label, key=label.lower(), on_click=_go, args=(to,), disabled=not there)
    frame.text(f"example {place + 1:,} of {len(ids):,}", "h-soft")
    return example


def _go(example: str) -> None:
    """Choose an example; the address follows when the page is drawn."""
    st.session_state["example"] = example


def _asked(entry: dict[str, Any]) -> str:
    return f"{entry['id']}: {short(str(entry['messages'][-1]['content']), 80)}"


def _question(found: dict[str, Any]) -> None:
    st.subheader("Conversation", anchor=False)
    for message in found["messages"]:
        with st.chat_message("assistant" if message["role"] == "assistant" else "user"):
            frame.text(message["content"].text)
            _note(message["content"].note)
    parts = [("h-soft", f"expected: {found.get('expected', 'answer')}   ")]
    parts += [("h-soft", f"#{tag}   ") for tag in found.get("tags") or []]
    frame.pieces(parts)
    for reference in found["references"]:
        frame.pieces([("h-soft", "reference: "), ("", reference.text)])


def _sides(found: dict[str, Any], stored: StoredSweep) -> None:
    st.subheader("Answers", anchor=False)
    if not found["sides"]:
        frame.empty("No cell of this example is finished.", "Wait for it, or choose other variants.")
        return
    for start in range(0, len(found["sides"]), AT_ONCE):
        sides = found["sides"][start : start + AT_ONCE]
        for column, side in zip(st.columns(len(sides)), sides, strict=True):
            with column, st.container(border=True):
                _side(side)
                _prompt(stored, found["id"], side)


def _side(side: dict[str, Any]) -> None:
    frame.text(short(str(side["label"]), 120) + (f" (repeat {side['repeat']})" if side["repeat"] else ""), "h-name")
    if side["failure"]:
        frame.pieces([("h-miss", f"failed: {side['failure']}")])
    elif side["answer"] is None:
        frame.text("no answer", "h-soft")
    else:
        with st.container(border=False, height=LONG_PX if len(side["answer"].text) > LONG else "content"):
            frame.text(side["answer"].text)
        _note(side["answer"].note)
    facts = [f"{amounts.number(side['latency_ms'], 1)} ms", f"USD {amounts.money(side['cost_usd'])}"]
    facts.append(f"{amounts.count(side['input_tokens'])} + {amounts.count(side['output_tokens'])} tokens")
    frame.text(" · ".join(facts), "h-soft")
    with st.expander(amounts.plural(len(side["passages"]), "passage")):
        for i, passage in enumerate(side["passages"], 1):
            scored = f"similarity {amounts.number(passage['similarity'])}, score {amounts.number(passage['score'])}"
            place = f"{passage['document']} {passage['start']}-{passage['end']}"
            frame.pieces([("h-name", f"{i}. {place}"), ("h-soft", f"  {scored}\n"), ("", passage["text"])])
        if not side["passages"]:
            frame.text("none was retrieved", "h-soft")


def _prompt(stored: StoredSweep, example: str, side: dict[str, Any]) -> None:
    """What the model was told, put together when it is asked for."""
    key = f"prompt-{side['variant']}-{side['repeat']}"
    with (box := st.expander("What the model was told", key=key, on_change="rerun")), frame.told("The prompt"):
        if not box.open:
            return
        found = prompt_of(stored, example, side)
        frame.text(found.note, "h-soft")
        for role, content in found.messages:
            frame.text(role, "h-name")
            with st.container(border=False, height=LONG_PX if len(content.text) > LONG else "content"):
                frame.text(content.text)
            _note(content.note)


def _note(note: str) -> None:
    if note:
        frame.text(f"[{note}]", "h-soft")


def _scores(found: dict[str, Any], name: str) -> None:
    st.subheader("Scores", anchor=False)
    rows = [
        {"variant": side["variant"], "repeat": side["repeat"], **score}
        for side in found["sides"]
        for score in side["scores"]
    ]
    if not rows:
        frame.empty("No score yet.", "No metric applies here, or the judges are still to be heard.")
        return
    frame.table(
        pd.DataFrame(rows), "scores", f"{name}-scores", column_order=[each for each in rows[0] if each != "details"]
    )
    for i, row in enumerate(rows):
        if row["details"]:
            with st.expander(f"What score {i + 1} rests on"):
                frame.text(f"{row['metric']} of {row['variant']}", "h-name")
                frame.text(row["details"])


def _source(found: dict[str, Any], texts: Any) -> None:
    st.subheader("Evidence in the source", anchor=False)
    evidence = found.get("evidence") or []
    documents = documents_of(evidence, found["sides"])
    if not documents:
        frame.empty("There is no evidence and no passage.", "Give the example `evidence`, or retrieve documents.")
        return
    left, right = st.columns(2)
    with left:
        document = address.picked("Document", documents, "document")
    sides = {f"{side['variant']}/{side['repeat']}": side for side in found["sides"]}
    if not sides:
        return
    with right:
        of = address.picked("Passages of", list(sides), "of", lambda each: _named(sides[each]))
    marks = (("h-hit", "evidence retrieved"), ("h-miss", "evidence missed"), ("h-noise", "retrieved, no evidence"))
    frame.pieces([part for mark in marks for part in (mark, ("", "   "))])
    parts = marked(texts, document, evidence, sides[of]["passages"])
    if not parts:
        frame.text("Nothing of this document was retrieved or asked for here.", "h-soft")
    with st.container(border=True):
        frame.pieces([(CLASSES[kind], part) for kind, part in parts], "source document")


def _named(side: dict[str, Any]) -> str:
    return short(str(side["label"]), 80) + (f" (repeat {side['repeat']})" if side["repeat"] else "")


def _facts(found: dict[str, Any], name: str) -> None:
    st.subheader("Tokens, latency, cost, request", anchor=False)
    if not found["sides"]:
        return
    dropped = ("label", "answer", "failure", "passages", "missed", "scores")
    rows = [{key: value for key, value in side.items() if key not in dropped} for side in found["sides"]]
    columns: dict[str, Any] = {
        "cost_usd": st.column_config.NumberColumn("cost, USD", format="%.6f"),
        "query_usd": st.column_config.NumberColumn("queries, USD", format="%.6f"),
        "latency_ms": st.column_config.NumberColumn("latency, ms", format="%.1f"),
        "first_token_ms": st.column_config.NumberColumn("first token, ms", format="%.1f"),
        "wait_ms": st.column_config.NumberColumn("waited, ms", format="%.1f"),
    }
    frame.table(pd.DataFrame(rows), "facts", f"{name}-facts", column_config=columns)


main()
