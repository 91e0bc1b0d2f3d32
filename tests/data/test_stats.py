"""The description of a dataset."""

from __future__ import annotations

import json

from harness.data import Dataset, describe
from harness.records import Corpus, Document, Evidence, Example, Message

CORPUS = Corpus((Document("a.md", "To cancel,\nwrite us."), Document("b.md", "Plans."), Document("c.md", "None.")))


def example(name: str, question: str, **others: object) -> Example:
    """An example with one question."""
    return Example(name, (Message("user", question),), cluster=others.pop("cluster", name), **others)  # type: ignore[arg-type]


DATASET = Dataset(
    "d.jsonl",
    (
        example(
            "1",
            "How?",
            references=("Write us", "no"),
            evidence=(Evidence("a.md", 3, 20),),
            tags=("x", "y"),
            cluster="a.md",
        ),
        example("2", " how? ", references=("gone",), evidence=(Evidence("b.md"),), tags=("x", "x"), cluster="b.md"),
        example("3", "What is it?", references=("cancel, write",), evidence=(Evidence("a.md"),), cluster="a.md"),
        example("4", "Who?", expected="abstain"),
        example("5", "Where?"),
        Example(
            "6",
            (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "How?")),
            expected="handoff",
            cluster="6",
        ),
    ),
)


def test_counts() -> None:
    """Every figure is that of the examples, counted by hand."""
    found = describe(DATASET, CORPUS)
    assert found["examples"] == 6
    assert found["expected"] == {"answer": 4, "abstain": 1, "handoff": 1}
    assert found["tags"] == {"x": 2, "y": 1}
    assert found["follow_ups"] == 1
    assert found["references"] == {"with": 3, "without": 3, "total": 4, "not_in_evidence": 1}
    assert found["evidence"] == {"with": 3, "without": 3, "total": 3, "spans": 1}
    assert found["question_length"] == {"min": 4, "q25": 4, "median": 5, "q75": 6, "max": 11}
    assert found["clusters"] == {"number": 5, "largest": "a.md", "size": 2}
    assert found["duplicates"] == [["1", "2"]]
    assert found["corpus"] == {"documents": 3, "characters": 31, "without_evidence": 1, "such_as": ["c.md"]}


def test_json() -> None:
    """The description survives JSON unchanged."""
    found = describe(DATASET, CORPUS)
    assert json.loads(json.dumps(found)) == found


def test_warnings() -> None:
    """Few clusters, a large one, strange references, duplicates and bare examples are warned of."""
    said = " / ".join(describe(DATASET, CORPUS)["warnings"])
    for words in (
        "5 clusters",
        "cluster 'a.md' holds 2 of 6",
        "1 examples have no reference",
        "2 examples ask",
        "1 examples expect an answer",
    ):
        assert words in said, words


def test_no_warning() -> None:
    """A dataset of thirty answered questions on thirty subjects gives no warning, and needs no corpus."""
    good = Dataset("d", tuple(example(str(n), f"Question {n}?", references=("x",)) for n in range(30)))
    found = describe(good)
    assert (found["warnings"], found["corpus"], found["references"]["not_in_evidence"]) == ([], None, None)
