"""A good question of a conversation, kept as an example: to download, or in a dataset of the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from harness.app import frame
from harness.app.playground.asking import Asked
from harness.errors import HarnessError
from harness.records import EXPECTATIONS, Message
from harness.study.board.playground import drafting
from harness.study.board.playground.candidates import history
from harness.study.report.texts import short, visible

NEW = "a new file …"


def keep(past: Sequence[Asked], names: Mapping[str, str], workspace: Path, refused: str) -> None:
    """The form. `names` are the configurations by key, of which the first has the `workspace`."""
    if not past:
        return
    with st.expander("Keep a question as an example of a dataset", icon=":material/bookmark_add:"):
        told = st.session_state.pop("_kept_example", None)
        if told:
            st.success(told)
        at = _which(past)
        messages, run = _messages(past, at, names)
        left, right = st.columns(2)
        references = left.text_area("Good answers, one a line", key=f"keep-references-{at}", height=96)
        expected = right.selectbox("A good reply is to", EXPECTATIONS, key=f"keep-expected-{at}")
        tags = right.text_input("Tags, with commas between", key=f"keep-tags-{at}")
        by = left.text_input("Added by", frame.identity(), disabled=bool(frame.identity()), key="keep-by")
        given: dict[str, Any] = {
            "by": by,
            "expected": expected or "answer",
            "references": [line.strip() for line in references.splitlines() if line.strip()],
            "tags": [tag.strip() for tag in tags.split(",") if tag.strip()],
            "run": run,
        }
        if not by.strip():
            st.caption("Say who adds it: the line keeps the name, and the time.")
            return
        try:
            line = drafting.draft(messages, **given)
            _download(line)
            if refused:
                st.caption(f"It can be downloaded, not added: {refused}.")
            else:
                _add(line, workspace)
        except HarnessError as error:
            st.error(frame.plain(str(error)))


def _which(past: Sequence[Asked]) -> int:
    numbers = list(range(len(past)))
    named = [f"{i + 1}. {short(visible(each.turn.question), 80)}" for i, each in enumerate(past)]
    key = f"keep-which-{len(past)}"  # with every turn a new one: the last question is the one that is meant
    found = st.selectbox("Question", numbers, index=len(past) - 1, format_func=named.__getitem__, key=key)
    return len(past) - 1 if found is None else int(found)


def _messages(past: Sequence[Asked], at: int, names: Mapping[str, str]) -> tuple[list[Message], str]:
    """The conversation that ends with the question, and the run whose answers are in it."""
    question = [Message("user", past[at].turn.question)]
    turns = [each.turn for each in past[:at]]
    ways = {"alone": "alone"} | {key: f"after the turns before, as {frame.plain(names[key])} answered" for key in names}
    known = [key for key in ways if key == "alone" or history(turns, key)]
    if len(known) == 1:
        return question, ""
    way = st.radio("It is asked", known, format_func=ways.__getitem__, key=f"keep-way-{at}")
    return (question, "") if way in (None, "alone") else ([*history(turns, way), *question], way)


def _download(line: Mapping[str, Any]) -> None:
    st.download_button(
        "Download the line",
        data=drafting.as_line(line),
        file_name="example.jsonl",
        mime="application/jsonl",
        on_click="ignore",
        key="keep-download",
        icon=":material/download:",
    )


def _add(line: Mapping[str, Any], workspace: Path) -> None:
    files = drafting.datasets_in(workspace)
    name = st.selectbox("Dataset", [*files, NEW], format_func=visible, key="keep-file")
    if name == NEW or name is None:
        name = st.text_input("Its name", "playground.jsonl", key="keep-name")
    st.caption(
        "A gate compares runs on the same questions: where one uses this dataset, run its baseline anew, too, or it "
        "ends with exit code 2."
    )
    if st.button("Add it", key="keep-add", type="primary"):
        file = drafting.file_in(workspace, name)
        count = drafting.append(file, line)
        noun = "example" if count == 1 else "examples"
        st.session_state["_kept_example"] = (
            f"{frame.plain(f'{drafting.DATASETS}/{name}')} has {count:,} {noun} now; "
            f"`harness data validate {drafting.DATASETS}/{name}` checks it."
        )
        st.rerun()
