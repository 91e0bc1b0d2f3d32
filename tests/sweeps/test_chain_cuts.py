"""What is cut: a smaller `top_k` gives the beginning of what a larger one gives; the threshold is a cosine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.sweeps.chains import config, hashed, retrieved, spans, sweep
from tests.workspaces import QUESTIONS

RETRIEVERS = ["dense", "bm25", "hybrid", "mmr"]
QUERIES = {f"q{i}": question["question"] for i, question in enumerate(QUESTIONS)}


@pytest.mark.parametrize("index", ["exact", "chroma"])
def test_a_smaller_top_k_gives_the_beginning_of_a_larger_one(tmp_path: Path, index: str) -> None:
    """For every retriever and example, in one sweep and in a sweep of its own."""
    axes = "retriever: [dense, bm25, hybrid, mmr], top_k: [1, 2, 5]"
    found = retrieved(sweep(tmp_path, config(axes, f"index: {index}")))
    alone = retrieved(sweep(tmp_path / "alone", config(axes, f"index: {index}"), "top_k=[2]"))
    for retriever in RETRIEVERS:
        for example in QUERIES:
            five = spans(found[retriever, 5, example])
            assert spans(found[retriever, 1, example]) == five[:1]
            assert spans(found[retriever, 2, example]) == spans(alone[retriever, 2, example]) == five[:2]


def test_the_threshold_is_the_cosine_of_question_and_passage_for_every_retriever(tmp_path: Path) -> None:
    """Each similarity is what numpy makes of the vectors, and what is kept is all that reaches the threshold."""
    axes = "retriever: [dense, bm25, hybrid, mmr], similarity_threshold: [-1.0, 0.15, 0.3]"
    found = retrieved(sweep(tmp_path, config(axes, "top_k: 6")))
    dropped = 0
    for retriever in RETRIEVERS:
        for example, question in QUERIES.items():
            every = found[retriever, -1.0, example]
            if not every:
                assert retriever == "bm25"
                continue
            near = hashed([p["text"] for p in every]) @ hashed([question], "query")[0]
            assert [p["similarity"] for p in every] == pytest.approx(near.tolist(), abs=1e-6)
            for threshold in (0.15, 0.3):
                kept = found[retriever, threshold, example]
                assert kept == [p for p in every if p["similarity"] >= threshold]
                dropped += len(every) - len(kept)
    assert dropped > 50


def test_a_threshold_of_another_embedder_is_measured_by_that_one(tmp_path: Path) -> None:
    """bm25 ranks alike, each embedder measures its own similarities."""
    axes = "embedder: [local/hashing, {use: local/hashing, dimensions: 64}]"
    found = sweep(tmp_path, config(axes, "retriever: bm25, similarity_threshold: -1"))
    cells = found.outcomes.groupby("example")["passages"].apply(list)
    pairs = [(a, b) for wide, narrow in cells for a, b in zip(wide, narrow, strict=True)]
    assert pairs
    assert all((a["start"], a["score"]) == (b["start"], b["score"]) for a, b in pairs)
    assert not np.allclose([a["similarity"] for a, _ in pairs], [b["similarity"] for _, b in pairs], atol=1e-3)
