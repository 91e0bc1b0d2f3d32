"""What is wrong with a line is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.data import read_dataset

from . import written
from .complaints import mistakes


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"questoin": "A?"}, ["unknown field 'questoin'|did you mean 'question'", "has no question"]),
        ({"question": "A?", "answer": "b"}, ["unknown field 'answer'|belongs into `metadata`"]),
        ({}, ["has no question"]),
        ({"question": "A?", "messages": [{"role": "user", "content": "A?"}]}, ["both question and messages"]),
        ({"question": " \n"}, ["question: is empty"]),
        ({"question": 5}, ["question: must be text, found a number"]),
        ({"question": "A?", "id": 7}, ["id: must be text, found a number"]),
        ({"question": "A?", "id": ""}, ["id: is empty"]),
        ({"question": "A?", "cluster": ["x"]}, ["cluster: must be text, found a list"]),
        ({"question": "A?", "tags": "x"}, ["tags: must be a list of texts, found text"]),
        ({"question": "A?", "tags": ["x", 1]}, [r"tags\[1\]: must be text, found a number"]),
        (
            {"question": "A?", "references": {"a": "b"}},
            ["references: must be a list of texts, found a mapping"],
        ),
        ({"question": "A?", "references": ""}, [r"references\[0\]: is empty"]),
        ({"question": "A?", "metadata": []}, ["metadata: must be a mapping, found a list"]),
        ({"question": "A?", "expected": "abstains"}, ["expected: is 'abstains'|did you mean 'abstain'"]),
        ({"question": "A?", "expected": ["answer"]}, ["expected: is"]),
        ({"messages": []}, ["messages: must be a list of messages"]),
        ({"messages": ["A?"]}, [r"messages\[0\]: must be a mapping, found text"]),
        ({"messages": [{"role": "bot", "content": "A?"}]}, [r"messages\[0\]: role is 'bot'|system, user"]),
        ({"messages": [{"role": "user", "content": ""}]}, [r"messages\[0\]: content is empty"]),
        ({"messages": [{"role": "user", "text": "A?"}]}, ["unknown field 'text'", "content must be text"]),
        (
            {"messages": [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B"}]},
            ["the last one is the assistant's|end with the user"],
        ),
        ({"question": "", "expected": "no", "tags": 1}, ["question: is empty", "expected: is 'no'", "tags:"]),
    ],
)
def test_named_problems(fields: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    """Every problem of a line is a mistake of its own: what was found, then advice; nothing else is said."""
    found = mistakes(written.jsonl(tmp_path / "d.jsonl", [fields]))
    assert len(found) == len(said), found
    for mistake, words in zip(found, said, strict=True):
        what, _, advice = words.partition("|")
        assert re.search(what, mistake.found), mistake
        assert advice in mistake.advice, mistake


def test_same_id(tmp_path: Path) -> None:
    """An id used again is named with the line of its first use, even where that line is bad itself."""
    path = written.jsonl(
        tmp_path / "d.jsonl", [{"id": "a"}, {"id": "b", "question": "B?"}, {"id": "a", "question": "C?"}]
    )
    found = mistakes(path)
    assert [(m.place.line, m.found) for m in found][1] == (3, "id 'a' is already that of line 1")


def test_default_ids(tmp_path: Path) -> None:
    """Identical lines get numbered ids, and never the id that another line was given."""
    path = tmp_path / "d.jsonl"
    (first,) = read_dataset(written.jsonl(path, [{"question": "A?"}])).examples
    assert re.fullmatch("[0-9a-f]{12}", first.id)
    same = [{"question": "A?"}] * 3
    found = read_dataset(written.jsonl(path, [*same, {"question": "B?", "id": f"{first.id}-2"}])).examples
    assert [e.id for e in found] == [first.id, f"{first.id}-3", f"{first.id}-4", f"{first.id}-2"]


def test_default_cluster(tmp_path: Path) -> None:
    """The cluster is the one given, else the first evidence document, else the example itself."""
    path = written.jsonl(
        tmp_path / "d.jsonl",
        [
            {"id": "a", "question": "A?", "evidence": [{"document": "x.md"}, {"document": "y.md"}]},
            {"id": "b", "question": "B?", "evidence": [{"document": "x.md"}], "cluster": "mine"},
            {"id": "c", "question": "C?"},
        ],
    )
    assert [e.cluster for e in read_dataset(path).examples] == ["x.md", "mine", "c"]


def test_digest_knows_order_and_ids(tmp_path: Path) -> None:
    """The digest changes with the order of the lines and with an id."""
    variants = (["a", "b"], ["b", "a"], ["a", "c"])
    path = tmp_path / "d.jsonl"
    digests = {
        read_dataset(written.jsonl(path, [{"id": i, "question": "Q?", "cluster": "c"} for i in v])).digest
        for v in variants
    }
    assert len(digests) == 3
