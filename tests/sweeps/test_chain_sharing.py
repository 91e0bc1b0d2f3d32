"""Each distinct step of a retrieval is made once, and the plan says so before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.plugins import make
from harness.study.loaded import Sweep
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import Plan, make_plan
from tests.sweeps.chains import config, made, sweep, sweep_of
from tests.workspaces import ARTICLES, QUESTIONS, make_workspace

SIZES, RETRIEVERS = (60, 120), ("dense", "bm25", "hybrid")
AXES = "chunk_size: [60, 120], top_k: [1, 3], similarity_threshold: [null, 0.0, 0.2], retriever: [dense, bm25, hybrid]"
GRID = config(AXES)


@pytest.fixture
def grid(tmp_path: Path) -> tuple[Plan, Sweep]:
    """The plan of the grid, and the sweep."""
    before = load(make_workspace(tmp_path, GRID))
    return make_plan(before, read_inputs(before)), sweep(tmp_path, GRID)


def texts_to_embed() -> int:
    """Distinct chunks of both sizes, and distinct questions, as the splitter alone cuts them."""
    chunks = set()
    for size in SIZES:
        splitter = make("splitter", {"use": "recursive", "chunk_size": size, "chunk_overlap": 10})
        for text in ARTICLES.values():
            chunks |= {text[start:end] for start, end in splitter.split(text)}
    return len(chunks) + len({question["question"] for question in QUESTIONS})


def test_retrieval_is_asked_once_for_each_chunking_question_and_retriever(grid: tuple[Plan, Sweep]) -> None:
    """36 variants x 8 questions come to 2 x 8 x 3 retrievals."""
    plan, done = grid
    wanted = len(SIZES) * len(QUESTIONS) * len(RETRIEVERS)
    stage = done.summary["stages"]["retrieve"]
    assert (stage["distinct"], stage["made"], plan.stages["retrieve"]["distinct"]) == (wanted, wanted, wanted)
    assert stage["naive"] == 36 * len(QUESTIONS)


def test_as_much_is_embedded_as_there_are_distinct_texts(grid: tuple[Plan, Sweep]) -> None:
    """Chunks and questions, each once for all retrievers and thresholds."""
    plan, done = grid
    embeddings = done.summary["embeddings"]
    assert embeddings["made"] == embeddings["distinct"] == plan.embeddings["distinct"] == texts_to_embed()


def test_the_plan_agrees_with_the_sweep_on_every_count(grid: tuple[Plan, Sweep]) -> None:
    """Naive and distinct, of every stage."""
    plan, done = grid
    summary = done.summary
    assert plan.exact
    assert {s: (e["naive"], e["distinct"]) for s, e in summary["stages"].items()} == {
        s: (e["naive"], e["distinct"]) for s, e in plan.stages.items()
    }
    assert plan.calls["distinct"] == summary["calls"]["distinct"] == summary["calls"]["made"]
    assert plan.embeddings["naive"] == summary["embeddings"]["naive"]


def test_a_second_run_makes_nothing(grid: tuple[Plan, Sweep], tmp_path: Path) -> None:
    """No stage, no vector, no answer."""
    again = sweep(tmp_path, GRID)
    assert set(made(again.summary).values()) == {0}
    assert again.id != grid[1].id


@pytest.mark.parametrize(
    "more",
    [
        "top_k=[1, 2, 3]",
        "similarity_threshold=[null, 0.0, 0.1, 0.2]",
        "chatbot.retrieval.reranker=lexical",
        "chatbot.retrieval.context={use: passages, passage_order: best_last, citations: true}",
    ],
)
def test_what_cuts_orders_or_writes_makes_no_retrieval(grid: tuple[Plan, Sweep], tmp_path: Path, more: str) -> None:
    """One more top_k, a threshold, a reranker, a context: nothing is cut, embedded, indexed or retrieved."""
    done = made(sweep(tmp_path, GRID, more).summary)
    assert (done["chunk"], done["embed"], done["index"], done["retrieve"]) == (0, 0, 0, 0)


def test_a_larger_top_k_is_retrieved_anew_from_the_same_vectors(grid: tuple[Plan, Sweep], tmp_path: Path) -> None:
    """What is asked deeper than before is asked, and nothing else."""
    done = made(sweep(tmp_path, GRID, "top_k=[1, 4]").summary)
    assert done["retrieve"] == grid[1].summary["stages"]["retrieve"]["distinct"]
    assert (done["chunk"], done["embed"]) == (0, 0)


def test_bm25_without_a_threshold_embeds_nothing(tmp_path: Path) -> None:
    """No vector, no index; nobody measured a similarity."""
    done = sweep(tmp_path, config("top_k: [1, 3]", "retriever: bm25"))
    counts = done.summary["embeddings"]
    assert (counts["naive"], counts["distinct"], counts["made"]) == (0, 0, 0)
    assert done.summary["stages"]["index"]["distinct"] == 0
    given: list[Any] = [p for passages in done.outcomes["passages"] for p in passages]
    assert given
    assert {p["similarity"] for p in given} == {None}
    assert all(p["score"] > 0 for p in given)


def test_different_embedders_share_bm25(tmp_path: Path) -> None:
    """What no vector is asked for hangs on no embedder."""
    axes = "embedder: [local/hashing, {use: local/hashing, dimensions: 64}], retriever: [bm25, dense]"
    stage = sweep(tmp_path, config(axes)).summary["stages"]["retrieve"]
    assert stage["made"] == 3 * len(QUESTIONS)


def test_what_is_counted_does_not_hang_on_what_other_sweeps_kept(tmp_path: Path) -> None:
    """Deeper hits of an earlier sweep change neither how many texts differ nor how many are embedded."""
    text = config("similarity_threshold: [0.1, 0.2]", "retriever: bm25")
    fresh = sweep_of(make_workspace(tmp_path / "fresh", text), "top_k=1").summary
    warm = make_workspace(tmp_path / "warm", text)
    sweep_of(warm, "top_k=6")
    assert sweep_of(warm, "top_k=1").summary["embeddings"]["distinct"] == fresh["embeddings"]["distinct"]
