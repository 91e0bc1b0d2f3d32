"""What an approximate index gives up is measured against exact search; exact search gives up nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.study.loaded import Sweep
from tests.dialects import vector
from tests.loopback import Loopback
from tests.sweeps.chains import config, lines, retrieved, sweep_of
from tests.workspaces import make_workspace

DOCUMENTS, K = 3000, 10
HARD = "{use: chroma, search: approximate, ef_search: 4, ef_construction: 4, max_neighbors: 2}"
TEXTS = {f"d{i:04d}": f"Note number {i}." for i in range(DOCUMENTS)}
QUESTIONS = {f"q{i}": f"Which note is like {i}?" for i in range(25)}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """3000 vectors without structure, in an exact index and in a poor graph."""
    folder = tmp_path_factory.mktemp("neighbours")
    with Loopback() as server:
        embedder = f"{{use: openai/embedding, base_url: '{server.url}/v1', batch_size: 500}}"
        text = config(
            f"index: [exact, chroma, {HARD}], retriever: [dense, bm25]",
            f"embedder: {embedder}, top_k: {K}, index: exact",
            metrics="[index_recall]",
        )
        path = make_workspace(folder, text.replace("datasets/articles", "datasets/notes.jsonl"))
        lines(folder / "datasets/notes.jsonl", [{"id": name, "text": text} for name, text in TEXTS.items()])
        lines(folder / "datasets/questions.jsonl", [{"id": i, "question": q} for i, q in QUESTIONS.items()])
        return sweep_of(path)


def recalls(done: Sweep) -> dict[tuple[str, str], dict[str, float]]:
    """index_recall by index, retriever and example."""
    params = {v["id"]: tuple(v["params"].values()) for v in done.stored.variants}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in done.scores.to_dict("records"):
        assert row["failure"] is None
        found.setdefault(params[row["variant"]], {})[row["example"]] = row["value"]
    return found


def test_it_is_what_numpy_finds(done: Sweep) -> None:
    """The share of the found that are as near as the tenth nearest; below 1 in a poor graph."""
    matrix = np.array([vector(text) for text in TEXTS.values()], dtype=np.float32).astype(np.float64)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    names = list(TEXTS)
    [poor] = [
        values for (index, retriever), values in recalls(done).items() if "approx" in index and retriever == "dense"
    ]
    passages = {key[2]: value for key, value in retrieved(done).items() if "approx" in key[0] and key[1] == "dense"}
    for example, question in QUESTIONS.items():
        asked = np.array(vector(question), dtype=np.float32).astype(np.float64)
        near = np.round(matrix @ (asked / np.linalg.norm(asked)), 6)
        bar = np.sort(near)[-K]
        found = [near[names.index(p["document"])] for p in passages[example]]
        assert poor[example] == pytest.approx(sum(value >= bar for value in found) / K)
    assert 0.0 < np.mean(list(poor.values())) < 0.95


def test_exact_search_gives_up_nothing_and_without_vectors_nobody_measures(done: Sweep) -> None:
    """1 for exact indexes; no value for bm25."""
    for (index, retriever), values in recalls(done).items():
        if retriever == "bm25":
            assert all(value != value or value is None for value in values.values())
        elif "approx" not in index:
            assert set(values.values()) == {1.0}


def test_the_summary_names_the_variants_of_approximate_search(done: Sweep) -> None:
    """Those whose ranking hangs on the graph, and no others."""
    approximate = {
        v["id"]
        for v in done.stored.variants
        if "approx" in v["params"]["index"] and v["params"]["retriever"] == "dense"
    }
    assert done.summary["exact_search"] is False
    assert set(done.summary["approximate"]) == approximate
    assert len(approximate) == 1


def test_exact_search_is_told(tmp_path: Path) -> None:
    """Chroma's default is exact."""
    summary = sweep_of(make_workspace(tmp_path, config("index: [chroma, exact]"))).summary
    assert (summary["exact_search"], summary["approximate"]) == (True, [])
