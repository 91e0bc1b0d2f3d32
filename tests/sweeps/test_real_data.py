"""A wide sweep over real questions; its scores computed again, independently, from the exported tables."""

from __future__ import annotations

import json
import math
import re
import string
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.config import load
from harness.study.exporting import export
from harness.study.loaded import Sweep
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import write

CONFIG = """
dataset: {folder}/questions.jsonl
corpus: {folder}/docs
chatbot:
  model: local/extractive
  retrieval:
    splitter: {{use: recursive, chunk_size: 400, chunk_overlap: 0}}
    index: exact
sweep:
  axes:
    chunk_size: [300, 600, 1200]
    chunk_overlap: [0, 60]
    top_k: [2, 5]
    similarity_threshold: [0.0, 0.2]
    model: {{one: {{use: local/extractive, sentences: 1}}, two: {{use: local/extractive, sentences: 2}}}}
metrics:
  [answer_match, exact_match, token_f1, recall@3, precision@3, mrr, ndcg@3, span_recall, span_precision, span_iou]
objective: {{maximize: token_f1}}
"""


def words(text: str) -> list[str]:
    """SQuAD's normalisation, written anew."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def f1(answer: str, reference: str) -> float:
    """SQuAD's F1, written anew."""
    said, wanted = words(answer), words(reference)
    common = sum((Counter(said) & Counter(wanted)).values())
    return 2 * common / (len(said) + len(wanted)) if common else 0.0


def characters(spans: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
    """Every character of some spans."""
    return {(document, i) for document, start, end in spans for i in range(start, end)}


def expected(metric: str, row: Any) -> float:
    """A metric by its definition, as slowly as you like."""
    passages = [(p["document"], p["start"], p["end"]) for p in row.passages]
    evidence = [(e["document"], e["start"], e["end"]) for e in row.evidence]
    touches = [[p[0] == e[0] and p[1] < e[2] and e[1] < p[2] for e in evidence] for p in passages]
    wanted, given = characters(evidence), characters(passages)
    answer = row.answer
    if metric == "answer_match":
        return float(any(f" {' '.join(words(r))} " in f" {' '.join(words(answer))} " for r in row.references))
    if metric == "exact_match":
        return float(any(words(r) == words(answer) for r in row.references))
    if metric == "token_f1":
        return max(f1(answer, r) for r in row.references)
    if metric == "recall@3":
        return sum(any(t[i] for t in touches[:3]) for i in range(len(evidence))) / len(evidence)
    if metric == "precision@3":
        return sum(any(t) for t in touches[:3]) / 3
    if metric == "mrr":
        return next((1 / rank for rank, t in enumerate(touches, 1) if any(t)), 0.0)
    if metric == "ndcg@3":
        seen: set[int] = set()
        gain = 0.0
        for rank, t in enumerate(touches[:3], 1):
            new = {i for i, hit in enumerate(t) if hit} - seen
            gain += 1 / math.log2(rank + 1) if new else 0.0
            seen |= new
        return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(3, len(evidence)) + 1))
    both, lengths = len(wanted & given), sum(end - start for _, start, end in passages)
    missed = len(wanted - given)
    bottom = {"span_recall": len(wanted), "span_precision": lengths, "span_iou": lengths + missed}[metric]
    return both / bottom if bottom else 0.0


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, Path]:
    """48 variants on every fourth question of SQuAD 2.0's development part."""
    data = Path(__file__).resolve().parents[3] / "shared" / "data" / "squad2_dev"
    if not data.is_dir():
        pytest.skip("the shared evaluation data is not here")
    folder = tmp_path_factory.mktemp("squad")
    lines = (data / "questions.jsonl").read_text().splitlines()[::4]
    (folder / "data").mkdir()
    (folder / "data/docs").symlink_to(data / "docs")
    write(folder / "data/questions.jsonl", "\n".join(lines) + "\n")
    path = write(folder / "sweep.yaml", CONFIG.format(folder="data"))
    return Sweep(run_sweep(load(path), Options(), Progress())), folder


def test_scores_computed_again_agree_to_1e_9(sweep: tuple[Sweep, Path]) -> None:
    """Every score of 48 variants, from the exported answers and passages alone."""
    loaded, folder = sweep
    files = {file.stem: file for file in export(loaded, "jsonl", folder / "out")}
    frames = {name: pd.DataFrame([json.loads(row) for row in file.open()]) for name, file in files.items()}
    assert len(frames["variants"]) == 48
    cells = frames["outcomes"].drop(columns=["failure"]).merge(frames["examples"], on="example")
    rows = frames["scores"].merge(cells, on=["variant", "example", "repeat"])
    assert len(rows) == len(frames["scores"]) > 20_000
    for row in rows.itertuples():
        assert row.value == pytest.approx(expected(str(row.metric), row), abs=1e-9)


def test_every_passage_is_what_the_document_holds(sweep: tuple[Sweep, Path]) -> None:
    """`document[start:end]` is the passage's text, for every passage of every cell."""
    loaded, folder = sweep
    texts = {file.name: file.read_text() for file in (folder / "data/docs").iterdir()}
    for passages in loaded.outcomes["passages"]:
        for p in passages:
            assert texts[p["document"]][p["start"] : p["end"]] == p["text"]


def test_the_means_are_the_exported_scores(sweep: tuple[Sweep, Path]) -> None:
    """Figures agree with pandas over the scores."""
    loaded, _ = sweep
    means = loaded.scores.groupby(["variant", "metric"])["value"].mean()
    for entry in loaded.summary["runs"]:
        for name, figure in entry["metrics"].items():
            assert figure["mean"] == pytest.approx(means[entry["variant"], name], abs=1e-9)
