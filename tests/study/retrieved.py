"""Sweeps of passages and evidence, and the figures of their retrieval worked out in the plainest way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.records import Evidence, Example, Failure, Message, Outcome, Passage
from harness.store import Folder, StoredSweep, Writer
from harness.study.board.retrieval.recut import By
from tests.workspaces import CONFIG

METRICS = "span_recall, recall@50, {retrieval_noise: {by: characters}}, correct"
RETRIEVAL = CONFIG.replace("correct, token_f1, answer_match, abstention, recall@3, span_iou", METRICS)


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
                    lost = Failure("retrieve", "timeout", "too late")
                    writer.add(Outcome(variant, example.id, repeat, failure=lost), [])
                    continue
                found = tuple(
                    Passage(d, s or 0, e or 9, "", None if random.random() < 0.1 else round(random.random(), 6))
                    for d, s, e in spans(int(random.integers(0, 7)), 0.0)
                )
                late = Failure("generate", "timeout", "late") if random.random() < 0.1 else None
                writer.add(Outcome(variant, example.id, repeat, found, request="r", failure=late), [])
    writer.flush()
    if whole:
        writer.end("complete")
    return StoredSweep(Folder(folder / "made"))


def known_rows(stored: StoredSweep) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The outcomes whose retrieval is known, and the examples."""
    rows = [row for row in stored.outcomes.to_pylist() if row["failure"] is None or row["request"] or row["passages"]]
    return rows, {each["id"]: each for each in stored.examples}


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
            found["recall"].append(_mean([any(finds(p, e) for p in left) for e in evidence]))
            if left:
                found["noise"].append(_mean([not any(finds(p, e) for e in evidence) for p in left]))
    means = {name: _mean(each) if each else None for name, each in found.items()}
    return {**means, **{f"n_{name}": len(each) for name, each in found.items()}}


def finds(passage: dict[str, Any], evidence: dict[str, Any]) -> bool:
    """Whether they share a character, or the document that alone was asked for."""
    if passage["document"] != evidence["document"]:
        return False
    span = range(passage["start"], passage["end"])
    return evidence["start"] is None or bool(set(span) & set(range(evidence["start"], evidence["end"])))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
