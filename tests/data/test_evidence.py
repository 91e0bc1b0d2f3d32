"""Evidence, in itself and against the knowledge base."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.data import read_dataset
from harness.records import Corpus, Document

from . import written
from .complaints import mistakes

CORPUS = Corpus((Document("cancel.md", "To cancel, write us."), Document("plans.md", "Plans.")))


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("cancel.md", "must be a mapping, found text"),
        ({"start": 1, "end": 2}, "document must be the id of a document, found nothing"),
        ({"document": "cancel.md", "stop": 2}, "unknown field 'stop'"),
        ({"document": "cancel.md", "start": 2}, "start without end"),
        ({"document": "cancel.md", "end": 2}, "end without start"),
        ({"document": "cancel.md", "start": 1.0, "end": 2}, "start must be a whole number, found 1.0"),
        (
            {"document": "cancel.md", "start": 0, "end": True},
            "end must be a whole number, found true or false",
        ),
        ({"document": "cancel.md", "start": -1, "end": 2}, "start .* are no span"),
        ({"document": "cancel.md", "start": 2, "end": 2}, "start .* are no span"),
        ({"document": "cancel.md", "text": "cancel"}, "text without start and end"),
        (
            {"document": "cancel.md", "start": 3, "end": 9, "text": "Cancel"},
            "the document has 'cancel' there",
        ),
        ({"document": "cancel.md", "start": 3, "end": 21}, r"end 21 is behind the end .* \(20 characters\)"),
        ({"document": "cancle.md"}, "there is no document 'cancle.md'"),
    ],
)
def test_evidence(item: Any, said: str, tmp_path: Path) -> None:
    """Evidence is checked in itself and against the corpus."""
    path = written.jsonl(tmp_path / "d.jsonl", [{"question": "A?", "evidence": [item]}])
    (found,) = mistakes(path, CORPUS)
    assert re.search(rf"evidence\[0\]: {said}", found.found), found


def test_good_evidence(tmp_path: Path) -> None:
    """A span up to the last character, with the text that stands there, is right; so is a whole document."""
    items = [
        {"document": "cancel.md", "start": 3, "end": 20, "text": "cancel, write us."},
        {"document": "plans.md"},
    ]
    path = written.jsonl(tmp_path / "d.jsonl", [{"question": "A?", "evidence": items}])
    (example,) = read_dataset(path, CORPUS).examples
    assert [(e.document, e.start, e.end) for e in example.evidence] == [
        ("cancel.md", 3, 20),
        ("plans.md", None, None),
    ]


def test_evidence_without_corpus(tmp_path: Path) -> None:
    """Without a corpus, no document is unknown and no span too long."""
    item = {"document": "any.md", "start": 5, "end": 999, "text": "any"}
    path = written.jsonl(tmp_path / "d.jsonl", [{"question": "A?", "evidence": [item]}])
    assert read_dataset(path).examples[0].evidence[0].end == 999


def test_nearest_document(tmp_path: Path) -> None:
    """A document that does not exist is named with the one that was probably meant."""
    path = written.jsonl(tmp_path / "d.jsonl", [{"question": "A?", "evidence": [{"document": "cancle.md"}]}])
    assert mistakes(path, CORPUS)[0].advice == "did you mean 'cancel.md'?"
