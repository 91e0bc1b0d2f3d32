"""What the page Retrieval shows, against naive recomputation, the stored metrics, and runs with other thresholds."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.board.opening import open_sweep
from harness.study.board.retrieval.alike import least, limits
from harness.study.board.retrieval.coverage import Retrieval
from harness.study.board.retrieval.hits import passages_of
from harness.study.board.retrieval.missed import missed
from harness.study.board.retrieval.recut import By, curve, cut, figures, grid, values
from tests.importing.kept import imported
from tests.study.retrieved import RETRIEVAL, known_rows, made, naive

Run = Callable[..., StoredSweep]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("by", ["characters", "passages"])
def test_figures_are_those_of_the_naive_way(tmp_path: Path, seed: int, by: By) -> None:
    """Overlapping passages and evidence, evidence without a span, passages without a similarity, at any threshold."""
    stored = made(tmp_path, seed)
    known = passages_of(stored)
    rows, examples = known_rows(stored)
    assert known.unknown == stored.outcomes.num_rows - len(rows) > 0
    for at in (None, 0.0, 0.31, 0.62, 0.93, 1.5):
        found = figures(known, at, by)
        assert found == pytest.approx({"threshold": at, **naive(rows, examples, at, by)})
    only = [row for row in rows if row["variant"] in ("v0", "v2")]
    found = figures(known.of_variants(["v2", "v0"]), 0.5, by)
    assert found == pytest.approx({"threshold": 0.5, **naive(only, examples, 0.5, by)})


def test_a_sweep_that_grows_is_read_from_its_journal(tmp_path: Path) -> None:
    """The same figures as from the table that it becomes, read in one batch or in many."""
    growing = figures(passages_of(made(tmp_path / "a", 7, whole=False)), 0.4, "characters")
    assert growing == figures(passages_of(made(tmp_path / "b", 7)), 0.4, "characters")


def test_tables_are_read_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells and passages of later batches are not mixed up with those of the first."""
    from harness.study.board.retrieval import hits

    stored = made(tmp_path, 8)
    before = passages_of(stored)
    monkeypatch.setattr(hits, "_BATCH", 7)
    after = passages_of(stored)
    assert figures(after, 0.3, "characters") == figures(before, 0.3, "characters")
    assert figures(after, 0.3, "passages") == figures(before, 0.3, "passages")
    assert np.array_equal(after.cell, before.cell)


@pytest.mark.parametrize("by", ["characters", "passages"])
def test_values_are_those_of_the_stored_metrics(run: Run, by: By) -> None:
    """Recall and noise of every cell where the metric has a score, and nowhere else."""
    stored = run(RETRIEVAL.replace("by: characters", f"by: {by}"))
    known = passages_of(stored)
    cells = list(zip(known.variant.tolist(), known.example.tolist(), strict=True))
    names = {"span_recall" if by == "characters" else "recall@50": "recall", "retrieval_noise": "noise"}
    for metric, what in names.items():
        scored = [row for row in stored.scores.to_pylist() if row["metric"].startswith(metric)]
        wanted = {(row["variant"], row["example"]): row["value"] for row in scored if row["value"] is not None}
        column = values(known, cut(known, None), by)[what].tolist()
        ours = {
            (known.variants[v], known.examples[e]): value
            for (v, e), value in zip(cells, column, strict=True)
            if not np.isnan(value)
        }
        assert len(wanted) > 20
        assert ours == pytest.approx(wanted)


def test_a_cut_is_the_run_with_that_threshold(run: Run) -> None:
    """The stored passages of the run with threshold 0 that is cut at 0.2 have the figures of the run with 0.2."""
    found = Retrieval(run(RETRIEVAL))
    low = [group for group in found.groups if group.threshold == 0.0]
    high = [group for group in found.groups if group.threshold == 0.2]
    assert len(low) == len(high) == 4
    for one, other in zip(low, high, strict=True):
        known, groups = found.chosen([one.variant])
        ran = figures(found.chosen([other.variant])[0], None, "characters")
        assert figures(known, 0.2, "characters") == {**ran, "threshold": 0.2}
        assert figures(known, None, "characters") != figures(known, 0.2, "characters")
        assert least(groups) == 0.0
    known, groups = found.chosen([low[0].variant, high[0].variant])
    assert least(groups) == 0.2
    assert "0.2, the highest of those chosen" in " ".join(limits(known, groups))
    with pytest.raises(UserError, match="no retrieval is called 'x'"):
        found.chosen(["x"])


def test_the_grid_begins_where_something_is_known_and_ends_where_nothing_is_left(tmp_path: Path) -> None:
    """At the threshold of the run, else below the lowest similarity; the curve falls from all to what cannot be cut."""
    known = passages_of(made(tmp_path, 3))
    assert grid(known, 0.25)[:3] == [0.25, 0.26, 0.27]
    steps = grid(known, None)
    assert steps[0] <= np.nanmin(known.similarity) and steps[-1] > np.nanmax(known.similarity)
    assert len(steps) <= 102
    points = curve(known, steps, "passages")
    assert points[0]["passages"] == figures(known, None, "passages")["passages"]
    assert points[-1]["passages"] * len(known.variant) == pytest.approx(np.isnan(known.similarity).sum())
    assert all(a["passages"] >= b["passages"] for a, b in pairwise(points))
    said = " ".join(limits(known, Retrieval(made(tmp_path / "b", 3)).groups))
    assert "without a similarity cannot be cut" in said
    assert "do not tell the threshold that they were made with" in said


def test_variants_that_retrieve_alike_are_one(run: Run) -> None:
    """Another prompt retrieves nothing else; what the threshold was comes first, the lowest first."""
    axes = "    system_prompt: {short: Be short., long: Be long.}\n    top_k: [1, 3]\n"
    found = Retrieval(run(RETRIEVAL.replace("    top_k: [1, 3]\n", axes)))
    assert [len(group.variants) for group in found.groups] == [2] * 8
    assert [group.threshold for group in found.groups] == [0.0] * 4 + [0.2] * 4
    assert "system_prompt" not in found.settings
    assert found.groups[0].label == "chunk_size 60 · top_k 1 · similarity_threshold 0.0"


def test_coverage_is_the_mean_over_the_variants_of_a_cell(run: Run) -> None:
    """Of a measure of ours and of a stored metric, over two settings and over one, with n."""
    stored = run(RETRIEVAL)
    found = Retrieval(open_sweep(str(stored.folder.path.parent), stored.id, lean=True))
    params = {entry["id"]: entry["params"] for entry in stored.variants}
    scores = [row for row in stored.scores.to_pylist() if row["metric"] == "span_recall" and row["value"] is not None]
    for measure in ("span_recall", "recall of evidence, characters"):
        table = found.coverage(measure, "chunk_size", "top_k")
        assert (table["across"], table["up"], table["uneven"]) == (["60", "120"], ["1", "3"], [])
        for i, j, mean, n in table["cells"]:
            mine = [
                row["value"]
                for row in scores
                if params[row["variant"]]["chunk_size"] == (60, 120)[i] and params[row["variant"]]["top_k"] == (1, 3)[j]
            ]
            assert (mean, n) == (pytest.approx(np.mean(mine)), len(mine))
        line = found.coverage(measure, "top_k", None)
        assert [(i, j, n) for i, j, _, n in line["cells"]] == [(0, 0, 24), (1, 0, 24)]
    assert found.measures[:2] == ["recall of evidence, characters", "recall of evidence, pieces"]
    assert found.measures[-1] == "correct"


def test_settings_below_a_part_are_told_apart_and_what_they_come_with(run: Run) -> None:
    """An axis of whole splitters has their sizes and overlaps as settings; a size that comes with another splitter says
    so; a setting that only one part has is none."""
    splitters = (
        "splitter: {a: {use: recursive, chunk_size: 60, chunk_overlap: 0}, "
        "b: {use: recursive, chunk_size: 60, chunk_overlap: 20}, "
        "c: {use: headings, chunk_size: 120, chunk_overlap: 0}}"
    )
    found = Retrieval(run(RETRIEVAL.replace("chunk_size: [60, 120]", splitters)))
    assert list(found.settings) == ["chunk_size", "chunk_overlap", "splitter", "top_k", "similarity_threshold"]
    table = found.coverage("span_recall", "chunk_size", "chunk_overlap")
    assert [(i, j) for i, j, _, _ in table["cells"]] == [(0, 0), (0, 1), (1, 0)]
    assert table["uneven"] == ["splitter"]


def test_a_sweep_without_retrieval_has_no_variant_here(run: Run) -> None:
    """Nothing fails; there is nothing to cut."""
    config = """
    name: bare
    dataset: datasets/questions.jsonl
    chatbot: {model: local/extractive, user_prompt: "{{ question }}"}
    sweep: {axes: {max_tokens: [10, 20]}}
    metrics: [correct]
    """
    found = Retrieval(run(config))
    assert (found.entries, found.groups, len(found.passages.cell)) == ([], [], 0)
    assert missed(found.passages) == {"pieces": [], "of_pieces": 0, "documents": [], "of_documents": 0}


def test_imported_results_have_evidence_and_no_similarity(tmp_path: Path) -> None:
    """Contexts are documents of their own: pieces can be counted, characters and thresholds cannot."""
    lines = [
        {"user_input": f"q{i}", "response": "a", "reference": "a", "faithfulness": 0.5}
        | {"retrieved_contexts": ["one", f"two {i % 2}"], "reference_contexts": [f"two {i}"]}
        for i in range(3)
    ]
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    found = Retrieval(imported("ragas", file, runs=tmp_path / "runs"))
    assert found.measures == ["recall of evidence, pieces", "noise, passages", "faithfulness"]
    known, groups = found.chosen([found.groups[0].variant])
    assert grid(known, least(groups)) == []
    ran = figures(known, None, "passages")
    assert (ran["recall"], ran["n_recall"], ran["noise"]) == (pytest.approx(2 / 3), 3, pytest.approx(2 / 3))
    assert [row["missed"] for row in missed(found.passages)["pieces"]] == [1]


def test_a_store_elsewhere_is_read_alike(tmp_path: Path) -> None:
    """Object storage has no path that Arrow could open."""
    import fsspec

    stored = made(tmp_path, 5)
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "made"), "/retrieval-elsewhere/made", recursive=True)
    there = StoredSweep(Folder("memory://retrieval-elsewhere/made"))
    assert figures(passages_of(there), 0.4, "passages") == figures(passages_of(stored), 0.4, "passages")


def test_a_run_can_differ_where_something_stood_after_the_threshold(run: Run) -> None:
    """A reranker that keeps a few, merged passages: what is said of a new cut."""
    more = "top_k: 3\n    reranker: {use: lexical, top_n: 2}\n    context: {use: passages, overlaps: merge}"
    found = Retrieval(run(RETRIEVAL.replace("top_k: 3", more, 1)))
    said = " ".join(limits(*found.chosen([found.groups[0].variant])))
    assert "the reranker kept 2 after the threshold" in said
    assert "passages that were merged" in said
