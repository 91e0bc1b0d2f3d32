"""Each distinct piece of work is done once, and the plan knows it beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.store import StoredSweep
from harness.study.summary import summarise
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan
from tests.workspaces import CONFIG, make_workspace

Run = Callable[..., StoredSweep]

WIDE = """
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: local/extractive
  retrieval: {splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}, index: exact}
sweep:
  axes:
    chunk_size: [60, 90, 120]
    chunk_overlap: [0, 20]
    top_k: [1, 3]
    similarity_threshold: [0.0, 0.1, 0.2, 0.3]
    model:
      one: {use: local/extractive, sentences: 1}
      two: {use: local/extractive, sentences: 2}
metrics: [correct, token_f1]
"""


@pytest.fixture
def wide(tmp_path: Path, run: Run) -> tuple[dict[str, Any], Any]:
    """The summary of a run of the wide sweep, and the plan made before it."""
    config = load(make_workspace(tmp_path, WIDE))
    plan = make_plan(config, read_inputs(config))
    return summarise(run(WIDE)), plan


def test_96_variants_make_six_chunkings_and_six_indexes(wide: tuple[dict[str, Any], Any]) -> None:
    """3 sizes x 2 overlaps x 2 top_k x 4 thresholds x 2 readers need 6 chunkings and 6 indexes."""
    summary, plan = wide
    assert (summary["variants"], plan.variants) == (96, 96)
    for stage in ("chunk", "index"):
        assert plan.stages[stage]["distinct"] == 6
        assert summary["stages"][stage]["made"] == 6


def test_retrieval_is_asked_once_for_each_index_and_question(wide: tuple[dict[str, Any], Any]) -> None:
    """`top_k` and the threshold only cut: 6 indexes x 8 questions."""
    summary, plan = wide
    assert plan.stages["retrieve"]["distinct"] == summary["stages"]["retrieve"]["made"] == 48


def test_the_plan_agrees_with_the_run(wide: tuple[dict[str, Any], Any]) -> None:
    """Distinct calls and embeddings are told exactly before the run."""
    summary, plan = wide
    assert plan.exact
    assert summary["calls"]["naive"] == plan.calls["naive"] == 96 * 8
    assert summary["calls"]["made"] == summary["calls"]["distinct"] == plan.calls["distinct"] < 96 * 8
    assert summary["embeddings"]["made"] == summary["embeddings"]["distinct"] == plan.embeddings["distinct"]
    assert summary["embeddings"]["naive"] == plan.embeddings["naive"]


def test_every_distinct_request_has_one_owner(wide: tuple[dict[str, Any], Any], tmp_path: Path) -> None:
    """Each request is asked by exactly one cell; the others are marked as shared and have the same answer."""
    from harness.study.loaded import load as load_sweep

    frame = load_sweep(wide[0]["path"]).outcomes
    owners = frame[~frame["shared"]].groupby("request").size()
    assert (owners == 1).all()
    assert len(owners) == frame["request"].nunique()
    assert (frame.groupby("request")["answer"].nunique() == 1).all()


def test_planning_leaves_no_trace(tmp_path: Path) -> None:
    """A plan writes no file."""
    config = load(make_workspace(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    make_plan(config, read_inputs(config))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_second_run_executes_no_step(run: Run) -> None:
    """What an earlier sweep made is made by no later one."""
    run()
    again = summarise(run())
    assert again["calls"]["made"] == 0
    assert again["calls"]["cached"] == again["calls"]["distinct"] > 0
    assert again["embeddings"]["made"] == 0
    assert all(stage["made"] == 0 for stage in again["stages"].values())


def test_one_more_threshold_makes_no_chunk_embedding_or_index(run: Run) -> None:
    """A threshold only cuts hits that are there."""
    run()
    more = summarise(run(overrides=("similarity_threshold=[0.0, 0.1, 0.2]",)))
    assert more["variants"] == 12
    assert all(stage["made"] == 0 for stage in more["stages"].values())
    assert more["embeddings"]["made"] == 0


def test_one_more_metric_makes_no_answer(run: Run) -> None:
    """Scores read stored answers."""
    run()
    more = summarise(run(CONFIG.replace("span_iou]", "span_iou, exact_match]")))
    assert more["calls"]["made"] == 0
    assert "exact_match" in more["runs"][0]["metrics"]


def test_a_smaller_top_k_later_uses_the_larger_one(run: Run) -> None:
    """Hits asked for the largest `top_k` serve every smaller one."""
    run(overrides=("top_k=[3]",))
    less = summarise(run(overrides=("top_k=[2]",)))
    assert less["stages"]["retrieve"]["made"] == 0


def test_fresh_asks_again_but_still_once(run: Run) -> None:
    """`--fresh` ignores answers of earlier sweeps, not the sharing within this one."""
    first = summarise(run())
    fresh = summarise(run(fresh=True))
    assert fresh["calls"]["made"] == fresh["calls"]["distinct"] == first["calls"]["distinct"]


def test_two_fresh_stores_give_the_same_passages_and_scores(run: Run, tmp_path: Path) -> None:
    """Same in, same out, with Chroma as the index."""
    chroma = CONFIG.replace("index: exact", "index: chroma")
    from harness.study.loaded import Sweep

    a, b = (Sweep(run(chroma, folder=tmp_path / name)) for name in "ab")
    keys = ["variant", "example", "repeat"]
    one, two = (s.outcomes.set_index(keys)[["answer", "passages"]] for s in (a, b))
    assert one.equals(two)
    assert a.scores.equals(b.scores)
