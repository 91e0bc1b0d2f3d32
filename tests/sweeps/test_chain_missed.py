"""Evidence that was missed: what no passage covers, in the frame and in every export."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.study.exporting import export
from harness.study.loaded import Sweep
from tests.sweeps.chains import config, lines, spans, sweep_of
from tests.workspaces import ARTICLES, make_workspace

EVIDENCE: dict[str, list[dict[str, Any]]] = {
    "span": [{"document": "delivery.md", "start": 12, "end": 150}],
    "two": [{"document": "hours.md", "start": 9, "end": 40}, {"document": "hours.md", "start": 30, "end": 90}],
    "whole": [{"document": "returns.md"}, {"document": "hours.md"}],
    "none": [],
}


@pytest.fixture
def done(tmp_path: Path) -> Sweep:
    """A sweep that finds one, two or all chunks, with spans and whole documents as evidence."""
    path = make_workspace(tmp_path, config("top_k: [1, 2, 50]", "splitter: {use: recursive, chunk_size: 50}"))
    rows = [{"id": id_, "question": "When is the shop open?", "evidence": e} for id_, e in EVIDENCE.items()]
    lines(tmp_path / "datasets/questions.jsonl", rows)
    return sweep_of(path)


def missed(row: Any) -> list[tuple[str, int | None, int | None]]:
    """What a cell missed."""
    return [(e["document"], e["start"], e["end"]) for e in row["missed"]]


def test_what_no_passage_covers_is_missed(done: Sweep) -> None:
    """Of spans the characters that are left, of documents alone those of which nothing was found."""
    partly = 0
    for row in done.outcomes.to_dict("records"):
        given, found = spans(row["passages"]), missed(row)
        wanted = EVIDENCE[row["example"]]
        characters = {(e["document"], i) for e in wanted if "start" in e for i in range(e["start"], e["end"])}
        covered = {(document, i) for document, start, end in given for i in range(start, end)}
        left = {(doc, i) for doc, start, end in found if start is not None and end for i in range(start, end)}
        assert left == characters - covered
        partly += 0 < len(left) < len(characters)
        documents = {e["document"] for e in wanted if "start" not in e}
        assert {doc for doc, start, _ in found if start is None} == documents - {document for document, *_ in given}
        assert all(end is None for _, start, end in found if start is None)
        lengths = [end - start for _, start, end in found if start is not None and end is not None]
        assert sum(lengths) == len(left)  # nothing is told twice
    assert partly > 0


def test_missed_pieces_are_as_few_as_can_be(done: Sweep) -> None:
    """Overlapping evidence of which nothing is found is one piece."""
    variant = next(v["id"] for v in done.stored.variants if v["params"]["top_k"] == 1)
    rows = {r["example"]: r for r in done.outcomes.to_dict("records") if r["variant"] == variant}
    assert "delivery.md" not in {p["document"] for p in rows["span"]["passages"]}
    assert missed(rows["span"]) == [("delivery.md", 12, 150)]
    assert missed(rows["none"]) == []
    all_found = next(v["id"] for v in done.stored.variants if v["params"]["top_k"] == 50)
    whole = next(r for r in done.outcomes.to_dict("records") if (r["variant"], r["example"]) == (all_found, "whole"))
    assert missed(whole) == []
    assert len(ARTICLES) == 3


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_exports_hold_it(done: Sweep, tmp_path: Path, form: str) -> None:
    """As JSON text in CSV, as lists elsewhere; the same content in all."""
    export(done, form, tmp_path / "out")
    file = tmp_path / "out" / f"outcomes.{form}"
    rows: list[Any]
    if form == "csv":
        with file.open(encoding="utf-8") as text:
            rows = [{**row, "missed": json.loads(row["missed"])} for row in csv.DictReader(text)]
    elif form == "jsonl":
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    else:
        rows = pd.read_parquet(file).to_dict("records")
    wanted = {(r["variant"], r["example"]): missed(r) for r in done.outcomes.to_dict("records")}
    assert {(r["variant"], r["example"]): missed(r) for r in rows} == wanted
    assert any(start is None for pieces in wanted.values() for _, start, _ in pieces)
    assert any(start is not None for pieces in wanted.values() for _, start, _ in pieces)
