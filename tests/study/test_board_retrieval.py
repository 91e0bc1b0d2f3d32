"""What the page Retrieval shows, against naive recomputation, the stored metrics, and runs with other thresholds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.records import Evidence, Example, Failure, Message, Outcome, Passage
from harness.store import Folder, StoredSweep, Writer
from harness.study.board.alike import least, limits
from harness.study.board.missed import missed, rows_of
from harness.study.board.opening import open_sweep
from harness.study.board.passages import passages_of
from harness.study.board.recut import By, curve, cut, figures, grid, values
from harness.study.board.retrieval import Retrieval
from tests.importing.kept import imported
from tests.workspaces import CONFIG

Run = Callable[..., StoredSweep]
METRICS = "span_recall, recall@50, {retrieval_noise: {by: characters}}, correct"
RETRIEVAL = CONFIG.replace("correct, token_f1, answer_match, abstention, recall@3, span_iou", METRICS)


def naive(rows: list[dict[str, Any]], examples: dict[str, Any], at: float | None, by: By) -> dict[str, Any]:
    """The figures in the plainest way: a set of characters for each thing."""
    found: dict[str, list[float]] = {name: [] for name in ("passages", "recall", "noise", "unanswerable", "answerable")}
    for row in rows:
        example = examples[row["example"]]
        left = [p for p in row["passages"] if at is None or p["similarity"] is None or p["similarity"] >= at]
        found["passages"].append(len(left))
        if example["expected"] in ("abstain", "answer"):
            found["unanswerable" if example["expected"] == "abstain" else "answerable"].append(not left)
        evidence = example["evidence"]
        if not evidence:
            continue
        if by == "characters":
            if any(e["start"] is None for e in evidence):
                continue
            wanted = {(e["document"], i) for e in evidence for i in range(e["start"], e["end"])}
            given = [(p["document"], i) for p in left for i in range(p["start"], p["end"])]
            found["recall"].append(len(wanted & set(given)) / len(wanted))
            if given:
                found["noise"].append(1 - len(wanted & set(given)) / len(given))
        else:
            found["recall"].append(np.mean([any(_finds(p, e) for p in left) for e in evidence]))
            if left:
                found["noise"].append(np.mean([not any(_finds(p, e) for e in evidence) for p in left]))
    means = {name: float(np.mean(each)) if each else None for name, each in found.items()}
    return {**means, **{f"n_{name}": len(each) for name, each in found.items()}}


def _finds(passage: dict[str, Any], evidence: dict[str, Any]) -> bool:
    if passage["document"] != evidence["document"]:
        return False
    span = range(*(passage["start"], passage["end"]))
    return evidence["start"] is None or bool(set(span) & set(range(evidence["start"], evidence["end"])))


def made(folder: Path, seed: int, *, whole: bool = True) -> StoredSweep:
    """A sweep of passages, evidence and similarities drawn at random; some cells failed before retrieval."""
    random = np.random.default_rng(seed)

    def spans(count: int, bare: float) -> Iterator[tuple[str, int | None, int | None]]:
        for _ in range(count):
            start, length = (int(each) for each in random.integers(0, 60, 2))
            named = f"d{random.integers(0, 4)}.md"
            yield (named, None, None) if random.random() < bare else (named, start, start + 1 + length)

    examples = [
        Example(
            f"e{i}",
            (Message("user", f"question {i}"),),
            evidence=tuple(Evidence(*span) for span in spans(int(random.integers(0, 4)), 0.1)),
            expected=("answer", "abstain", "handoff")[i % 3],
            cluster=f"c{i}",
        )
        for i in range(30)
    ]
    variants = [{"id": f"v{i}", "label": f"v{i}", "params": {"k": i}, "chatbot": {}} for i in range(3)]
    metric = {"name": "correct", "direction": "maximize", "low": 0.0, "high": 1.0, "identity": {}}
    header = {"id": "made", "name": "made", "created": "2026-01-01T00:00:00+00:00", "metrics": [metric], "repeats": 2}
    header |= {"objective": {"metric": "correct", "direction": "maximize"}, "cells": 180, "seed": 1}
    writer = Writer(folder / "made")
    writer.describe(header, variants, examples, {})
    for variant in ("v0", "v1", "v2"):
        for example in examples:
            for repeat in range(2):
                if random.random() < 0.1:
                    failure = Failure("retrieve", "timeout", "too late")
                    writer.add(Outcome(variant, example.id, repeat, failure=failure), [])
                    continue
                found = tuple(
                    Passage(d, s or 0, e or 9, "", None if random.random() < 0.1 else round(random.random(), 6))
                    for d, s, e in spans(int(random.integers(0, 7)), 0.0)
                )
                failure = Failure("generate", "timeout", "late") if random.random() < 0.1 else None
                writer.add(Outcome(variant, example.id, repeat, found, request="r", failure=failure), [])
    writer.flush()
    if whole:
        writer.end("complete")
    return StoredSweep(Folder(folder / "made"))


def known_rows(stored: StoredSweep) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The outcomes whose retrieval is known, and the examples."""
    rows = [row for row in stored.outcomes.to_pylist() if row["failure"] is None or row["request"] or row["passages"]]
    return rows, {each["id"]: each for each in stored.examples}


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
    from harness.study.board import passages

    stored = made(tmp_path, 8)
    before = passages_of(stored)
    monkeypatch.setattr(passages, "_BATCH", 7)
    after = passages_of(stored)
    for by in ("characters", "passages"):
        assert figures(after, 0.3, by) == figures(before, 0.3, by)  # type: ignore[arg-type]
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
    assert "without a similarity cannot be cut" in " ".join(limits(known, []))


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


def test_missed_evidence_is_that_of_the_outcomes(run: Run) -> None:
    """Where the stored `missed` holds all of a piece; documents and pieces count cells, variants and examples."""
    stored = run(RETRIEVAL)
    rows, examples = known_rows(stored)
    lost = [
        (row["variant"], row["example"], e["document"], e["start"], e["end"])
        for row in rows
        for e in examples[row["example"]]["evidence"]
        if e in row["missed"]
    ]
    assert lost
    found = missed(passages_of(stored))
    assert (
        sum(row["missed"] for row in found["pieces"]) == sum(row["missed"] for row in found["documents"]) == len(lost)
    )
    for row in found["pieces"]:
        mine = [each for each in lost if each[2:] == (row["document"], row["start"], row["end"])]
        assert (row["missed"], row["cells"]) == (len(mine), 8)
        assert (row["variants"], row["of_variants"]) == (len({each[0] for each in mine}), 8)
        assert row["examples_named"] == [mine[0][1]]
        assert set(row["variants_named"]) <= {each[0] for each in mine}
    shares = [row["missed"] / row["cells"] for row in found["pieces"]]
    assert shares == sorted(shares, reverse=True)
    assert list(rows_of(found["documents"], ("missed", "pieces"))[0]) == ["document", "share", "missed", "pieces"]


@pytest.mark.parametrize("seed", range(3))
def test_missed_evidence_is_that_of_the_naive_way(tmp_path: Path, seed: int) -> None:
    """With evidence that examples share, with whole documents, with several pieces in one document."""
    stored = made(tmp_path, seed)
    rows, examples = known_rows(stored)
    asked = [
        (i, row["variant"], (e["document"], e["start"], e["end"]), not any(_finds(p, e) for p in row["passages"]))
        for i, row in enumerate(rows)
        for e in examples[row["example"]]["evidence"]
    ]
    found = missed(passages_of(stored))
    for row in found["pieces"]:
        mine = [each for each in asked if each[2] == (row["document"], row["start"], row["end"])]
        assert row["cells"] == len({each[0] for each in mine})
        assert row["missed"] == len({each[0] for each in mine if each[3]})
    for row in found["documents"]:
        mine = [each for each in asked if each[2][0] == row["document"]]
        assert row["missed"] == len({each[0] for each in mine if each[3]})
        assert row["variants"] == len({each[1] for each in mine if each[3]})
        places = {each[2] for each in mine}
        assert row["pieces"] == len(places)
        assert row["never_found"] == len(places - {each[2] for each in mine if not each[3]})
    assert {row["document"] for row in found["documents"]} == {each[2][0] for each in asked if each[3]}


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
    assert missed(found.passages) == {"documents": [], "pieces": []}


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
