"""How long the dashboard's pages take on large stores: server time, imports warm, and the memory of the process.

python -m benchmarks.dashboard [sweeps] [variants] [examples]     # 1000 100 10000

The store is written by a process of its own. A page is drawn by Streamlit's tester, in this process;
what it draws is cached afterwards, so each is drawn for the first time but for the one that warms the imports.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from harness.app import frame, settings
from harness.config import load
from harness.records import Evidence, Example, Message
from harness.store import Folder, StoredSweep, Writer, tables
from harness.store.layout import OUTCOMES_TABLE, SCORES_TABLE, TEXTS_TABLE
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep

ROOT = Path(__file__).resolve().parents[1]
SWEEP = """
dataset: {root}/datasets/helpdesk/questions.jsonl
corpus: {root}/datasets/helpdesk/articles
chatbot: {{model: local/extractive, retrieval: {{index: exact}}}}
sweep: {{axes: {{top_k: [1, 2, 3, 4]}}}}
metrics: [correct, answer_match, token_f1, abstention, recall@5, span_iou]
"""
LARGE = "29990101-000000-large"
DOCUMENTS = 200
ANSWER = "The shop is open from 9 to 18 on weekdays. On Saturdays it is open from 10 to 14. "


def write_store(runs: Path, sweeps: int, variants: int, examples: int) -> None:
    """Many small sweeps, all summarised, and a large one."""
    path = runs.parent / "s.yaml"
    path.write_text(SWEEP.format(root=ROOT))
    stored = run_sweep(load(path), Options(limit=20, runs=str(runs)), Progress())
    summarise(stored, keep=True)
    for i in range(sweeps - 1):
        shutil.copytree(stored.folder.path, runs / f"20260101-{i:06d}-s-0000")
    write_large(runs / LARGE, variants, examples)
    summarise(StoredSweep(Folder(runs / LARGE)), keep=True)


def write_large(folder: Path, variants: int, examples: int) -> None:
    """One sweep of variants x examples: answers of 80 to 400 characters, five passages for each out of 10,000, evidence
    in 200 documents.
    """
    import pyarrow as pa

    random = np.random.default_rng(0)
    writer, count = Writer(folder), variants * examples
    metric = {"name": "correct", "direction": "maximize", "low": 0.0, "high": 1.0, "identity": {}}
    header = {
        **{"id": LARGE, "name": "large", "created": "2026-01-01T00:00:00+00:00", "metrics": [metric], "repeats": 1},
        **{"objective": {"metric": "correct", "direction": "maximize"}, "cells": count},
        **{"axes": ["chunk_size", "chunk_overlap"], "corpus": {"digest": "0", "documents": DOCUMENTS}},
        **{"dataset": {}, "git": {}, "seed": 1},
    }
    entries = [entry(i) for i in range(variants)]
    lines = [
        Example(
            f"e{i}",
            (Message("user", "When?"),),
            evidence=(Evidence(f"d{i % DOCUMENTS}.md", at := 100 * (i % 50), at + 150),),
            cluster=f"c{i}",
            tags=("t",),
        )
        for i in range(examples)
    ]
    writer.describe(header, entries, lines, {})
    of_variant, of_example = np.repeat(np.arange(variants), examples), np.tile(np.arange(examples), variants)
    named = {
        "variant": pa.array([f"v{i}" for i in range(variants)]).take(pa.array(of_variant)),
        "example": pa.array([f"e{i}" for i in range(examples)]).take(pa.array(of_example)),
        "repeat": pa.array(np.zeros(count, dtype=np.int64)),
    }
    schemas = tables.schemas()
    answers = pa.array([f"{i} {ANSWER * (1 + i % 5)}" for i in range(5000)]).take(
        pa.array(random.integers(0, 5000, count))
    )
    pool = pa.array([passages(random) for _ in range(20_000)], type=schemas["outcomes"].field("passages").type)
    filled = {
        "answer": answers,
        "passages": pool.take(pa.array((of_variant * 7919 + of_example * 104729) % len(pool))),
        "source": pa.array(["made"] * count),
        "cost_usd": pa.array(0.001 * (1 + of_variant % 7) * random.uniform(0.5, 1.5, count)),
        "latency_ms": pa.array(random.gamma(4.0, 200.0, count)),
        "input_tokens": pa.array(random.integers(100, 900, count)),
        "output_tokens": pa.array(random.integers(10, 90, count)),
    }
    columns = {
        field.name: {**named, **filled}.get(field.name, pa.nulls(count, field.type)) for field in schemas["outcomes"]
    }
    tables.write(folder / OUTCOMES_TABLE, pa.table(columns, schema=schemas["outcomes"]))
    level = 0.3 + 0.5 * of_variant / variants
    value = pa.array((random.random(count) < level).astype(float))
    scores = {
        field.name: {**named, "value": value, "metric": pa.array(["correct"] * count)}.get(
            field.name, pa.nulls(count, field.type)
        )
        for field in schemas["scores"]
    }
    tables.write(folder / SCORES_TABLE, pa.table(scores, schema=schemas["scores"]))
    texts = [(f"d{i}.md", s, s + 400, ANSWER * 5) for i in range(DOCUMENTS) for s in range(0, 5000, 100)]
    tables.write(folder / TEXTS_TABLE, tables.texts_table(texts))
    for journal in ("cells.jsonl", "texts.jsonl"):
        (folder / journal).unlink(missing_ok=True)
    writer.end("complete")


def entry(number: int) -> dict[str, Any]:
    """A variant, with the retrieval that its settings come to."""
    size, overlap = 200 + 50 * (number % 10), 10 * (number // 10)
    splitter = {"use": "recursive", "chunk_size": size, "chunk_overlap": overlap}
    retrieval = {"splitter": splitter, "embedder": "local/hashing", "index": "chroma", "retriever": "dense", "top_k": 5}
    return {
        **{"id": f"v{number}", "label": f"chunk_size={size}, chunk_overlap={overlap}"},
        **{"params": {"chunk_size": size, "chunk_overlap": overlap}},
        **{"chatbot": {"model": "local/extractive", "retrieval": {**retrieval, "similarity_threshold": 0.1}}},
    }


def passages(random: np.random.Generator) -> list[dict[str, Any]]:
    """Five passages, the nearest first."""
    near = np.sort(random.uniform(0.1, 0.9, 5))[::-1]
    found = []
    for similarity in near:
        document, start = f"d{random.integers(DOCUMENTS)}.md", int(random.integers(50)) * 100
        similar = round(float(similarity), 6)
        found.append(
            {"document": document, "start": start, "end": start + 400, "similarity": similar, "score": similar}
        )
    return found


def drawn(page: str, **query: str) -> float:
    """Seconds that a page takes, all of it."""
    test = AppTest.from_file(str(Path(frame.__file__).with_name("main.py")), default_timeout=600)
    if page != "sweeps":
        test.run().switch_page(f"views/{page}.py")
    for word, value in query.items():
        test.query_params[word] = value
    started = time.perf_counter()
    test.run()
    seconds = time.perf_counter() - started
    assert not test.exception and not test.error, [each.value for each in (*test.exception, *test.error)]
    return seconds


def memory() -> float:
    """The most memory that this process had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    sweeps, variants, examples = (int(text) for text in (sys.argv[1:4] or ("1000", "100", "10000")))
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        runs.mkdir()
        command = [sys.executable, "-m", "benchmarks.dashboard", "--write", str(runs)]
        subprocess.run([*command, str(sweeps), str(variants), str(examples)], check=True)
        size = sum(file.stat().st_size for file in (runs / LARGE).iterdir() if file.is_file()) / 1e6
        print(f"{sweeps} sweeps; one of {variants} x {examples} cells, {size:.0f} MB on disk")
        small = Path(folder) / "small"
        shutil.copytree(runs / "20260101-000000-s-0000", small / "s")
        os.environ[settings.RUNS] = str(small)
        for page in ("sweeps", "sweep", "example", "retrieval", "label"):
            drawn(page)
        os.environ[settings.RUNS] = str(runs)
        print(f"all sweeps: {drawn('sweeps'):.2f} s; memory so far {memory():.2f} GB")
        print(f"overview: {drawn('sweep', sweep=LARGE):.2f} s (again {drawn('sweep', sweep=LARGE):.2f} s)")
        print(f"memory so far {memory():.2f} GB")
        print(f"example: {drawn('example', sweep=LARGE, example='e77'):.2f} s, another: ", end="")
        print(f"{drawn('example', sweep=LARGE, example='e4321'):.2f} s; memory {memory():.2f} GB")
        for page in ("retrieval", "label"):
            print(f"{page}: {drawn(page, sweep=LARGE):.2f} s (again {drawn(page, sweep=LARGE):.2f} s)", end="; ")
            print(f"memory {memory():.2f} GB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write_store(Path(sys.argv[2]), *(int(text) for text in sys.argv[3:6]))
    else:
        main()
