"""The development data, which is kept beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import describe, read_corpus, read_dataset, select

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the development data is not beside the project")


@pytest.mark.parametrize(
    ("name", "corpus", "documents", "examples", "abstain"),
    [
        ("squad2_dev", "docs", 12, 300, 100),
        ("mtrag_un", "passages.jsonl", 995, 54, None),
        ("awsdocs", "docs", 136, 100, 0),
    ],
)
def test_as_its_readme_says(name: str, corpus: str, documents: int, examples: int, abstain: int | None) -> None:
    """Each set reads without a mistake, evidence checked, and has the counts that its README states."""
    knowledge = read_corpus(corpus, DATA / name)
    dataset = read_dataset(DATA / name / "questions.jsonl", knowledge)
    assert (len(knowledge.documents), len(dataset.examples)) == (documents, examples)
    if abstain is not None:
        assert describe(dataset, knowledge)["expected"].get("abstain", 0) == abstain


def test_spans_hold_the_references() -> None:
    """In SQuAD the first reference is the text of the evidence, so offsets count what they should."""
    knowledge = read_corpus("docs", DATA / "squad2_dev")
    dataset = read_dataset(DATA / "squad2_dev" / "questions.jsonl", knowledge)
    for example in select(dataset, None, "expected == 'answer'", 0).examples:
        (item,) = example.evidence
        assert knowledge.by_id[item.document].text[item.start : item.end] == example.references[0]


def test_conversations() -> None:
    """All multi-turn questions are follow-ups that end with the user's turn."""
    dataset = read_dataset(DATA / "mtrag_un" / "questions.jsonl")
    assert describe(dataset)["follow_ups"] == 54
    assert all(example.messages[-1].role == "user" for example in dataset.examples)
