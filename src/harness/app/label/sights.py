"""One answer as people see it who label it: what was asked, what is expected, what was retrieved, what was replied."""

from __future__ import annotations

import streamlit as st

from harness.app import frame
from harness.study.board.example.sheet import ANSWER
from harness.study.board.label.pool import Item
from harness.study.report.texts import cut

LONG, LONG_PX = 1200, 380
EXPECTED = {
    "answer": "an answer",
    "abstain": "that it declines, for the knowledge base cannot answer",
    "handoff": "that a human takes over",
}


def conversation(item: Item) -> None:
    """What was said before, and what was asked."""
    for message in [*item.shown["history"], {"role": "user", "content": item.shown["question"]}]:
        with st.chat_message("assistant" if message["role"] == "assistant" else "user"):
            _long(str(message["content"]))


def references(item: Item) -> None:
    """What is expected, and acceptable answers."""
    expected = str(item.shown["expected"])
    frame.pieces([("h-soft", "expected: "), ("", EXPECTED.get(expected, expected))])
    for reference in item.shown["references"]:
        frame.pieces([("h-soft", "reference: "), ("", cut(str(reference), ANSWER).text)])
    if not item.shown["references"]:
        frame.text("There is no reference.", "h-soft")


def answer(item: Item) -> None:
    """The answer that is looked at."""
    with st.container(border=True):
        frame.text("Answer", "h-soft")
        if item.sight.answer.strip():
            _long(item.sight.answer)
        else:
            frame.text("(It is empty.)", "h-soft")


def passages(item: Item) -> None:
    """The passages that the answer was made from, in their order."""
    for i, passage in enumerate(item.shown["passages"], 1):
        found = passage["text"]
        body = cut(found, ANSWER).text if isinstance(found, str) else "[its text is not stored]"
        frame.pieces([("h-name", f"{i}. {passage['document']}\n"), ("", body)])
    if not item.shown["passages"]:
        frame.text("No passage was retrieved.", "h-soft")


def _long(content: str) -> None:
    part = cut(content, ANSWER)
    with st.container(border=False, height=LONG_PX if len(part.text) > LONG else "content"):
        frame.text(part.text)
    if part.note:
        frame.text(f"[{part.note}]", "h-soft")
