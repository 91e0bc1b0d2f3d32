"""A wide sweep over retrieval, and what its twelve chunkings cost by themselves.

python -m benchmarks.wide [--embedder local/hashing] [--data FOLDER …] [--limit N] [--floors 1] [--profile FILE]

12 chunkings x 4 top_k x 5 thresholds x 3 retrievers, 720 variants. FOLDER holds docs/ and questions.jsonl; the
embedder may be sentence-transformers/FOLDER. Without --data it takes the shipped helpdesk questions. The floor, from a
process of its own in the same run: for each chunking by itself, with nothing kept from one to the next, langchain
splits, the same embedder connection embeds all chunks and questions, and numpy and bm25s search once by each retriever
for the largest top_k.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from harness.config import load
from harness.plugins import make
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep

ROOT = Path(__file__).resolve().parents[1]
SIZES, OVERLAPS = (200, 400, 800, 1600), (0, 50, 100)
TOP_K, THRESHOLDS = (1, 3, 5, 10), (0.0, 0.1, 0.2, 0.3, 0.4)
RETRIEVERS = ("dense", "bm25", "hybrid")
SEPARATORS = ("\n\n", "\n", " ", "")
FUSED, RRF = 50, 60
SWEEP = """
dataset: {questions}
corpus: {documents}
chatbot:
  model: local/extractive
  retrieval: {{splitter: {{use: recursive}}, embedder: "{embedder}", index: exact}}
sweep:
  axes:
    chunk_size: {sizes}
    chunk_overlap: {overlaps}
    top_k: {top_k}
    similarity_threshold: {thresholds}
    retriever: [{retrievers}]
metrics: [span_recall, span_precision, span_iou, recall@5]
"""


def places(folder: Path | None) -> tuple[Path, Path]:
    """The questions and the documents of a data set."""
    helpdesk = ROOT / "datasets/helpdesk"
    return (
        (helpdesk / "questions.jsonl", helpdesk / "articles")
        if folder is None
        else (
            folder / "questions.jsonl",
            folder / "docs",
        )
    )


def texts_of(folder: Path | None, limit: int | None) -> tuple[list[str], list[str]]:
    """Documents and questions, read without harness."""
    questions, documents = places(folder)
    lines = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()][:limit]
    asked = [line["question"] if "question" in line else line["messages"][-1]["content"] for line in lines]
    return [file.read_bytes().decode() for file in sorted(documents.iterdir())], asked


def chunks_of(documents: list[str], size: int, overlap: int) -> list[str]:
    """What langchain makes of all documents."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(list(SEPARATORS), chunk_size=size, chunk_overlap=overlap)
    return [chunk for document in documents for chunk in splitter.split_text(document)]


@dataclass
class Clocked(Progress):
    """Progress that remembers when each stage moved last."""

    last: dict[str, float] = field(default_factory=dict)

    def step(self, stage: str, count: int = 1, *, made: bool) -> None:
        super().step(stage, count, made=made)
        self.last[stage] = time.monotonic()


def sweep(folder: Path | None, embedder: str, limit: int | None, profile: str | None) -> dict[str, Any]:
    """The sweep in a fresh workspace: its summary, and `seconds` by part."""
    questions, documents = places(folder)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "wide.yaml"
        lists = {"sizes": SIZES, "overlaps": OVERLAPS, "top_k": TOP_K, "thresholds": THRESHOLDS}
        written = {key: list(values) for key, values in lists.items()}
        retrievers = ", ".join(RETRIEVERS)
        path.write_text(
            SWEEP.format(questions=questions, documents=documents, embedder=embedder, retrievers=retrievers, **written),
            encoding="utf-8",
        )
        progress = Clocked()
        started = progress.started = time.monotonic()

        def run() -> dict[str, Any]:
            stored = run_sweep(load(path), Options(limit=limit), progress)
            told = summarise(stored, keep=True)
            told["examples"] = len(stored.examples)
            return told

        told = _profiled(run, profile) if profile else run()
        ended = time.monotonic()
    first, asked = progress.asking_since or ended, progress.asked_until or ended
    found = progress.last["retrieve"]
    told["seconds"] = {
        "chunks, vectors, indexes, searches": found - started,
        "similarities, contexts, requests": first - found,
        "answers, scores, journal": asked - first,
        "tables, summary": ended - asked,
        "whole": ended - started,
        "until the first answer": first - started,
    }
    return told


def _profiled(run: Any, file: str) -> Any:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    told = profile.runcall(run)
    with Path(file).open("w") as out:
        for order in ("tottime", "cumulative"):
            pstats.Stats(profile, stream=out).sort_stats(order).print_stats(45)
    return told


def floor(folder: Path | None, embedder: str, limit: int | None) -> dict[str, Any]:
    """Seconds of the bare loop by step, and the distinct texts that it embedded. For a process of its own."""
    logging.getLogger("langchain_text_splitters.base").setLevel(logging.ERROR)
    documents, questions = texts_of(folder, limit)
    spent = dict.fromkeys(("load", "split", "embed", "search"), 0.0)
    distinct: set[str] = set()

    def clock(step: str, started: float) -> float:
        now = time.perf_counter()
        spent[step] += now - started
        return now

    async def all_chunkings() -> None:
        started = time.perf_counter()
        connection = make("embedder", embedder).connect()
        started = clock("load", started)
        for size, overlap in product(SIZES, OVERLAPS):
            chunks = chunks_of(documents, size, overlap)
            started = clock("split", started)
            vectors = (await connection.embed(chunks, "passage")).vectors
            asked = (await connection.embed(questions, "query")).vectors
            started = clock("embed", started)
            _search(chunks, questions, vectors, asked)
            started = clock("search", started)
            distinct.update(chunks)

    asyncio.run(all_chunkings())
    return {"seconds": spent, "distinct": len(distinct) + len(set(questions)), "questions": len(set(questions))}


def _search(chunks: list[str], questions: list[str], vectors: Any, asked: Any) -> None:
    """The best by vectors, by words, and by both, fused by their ranks."""
    import bm25s

    depth = min(FUSED, len(chunks))
    near = asked @ vectors.T
    dense = _best(near, min(max(TOP_K), len(chunks)))
    index = bm25s.BM25()
    index.index(bm25s.tokenize(chunks, show_progress=False), show_progress=False)
    words = bm25s.tokenize(questions, show_progress=False)
    lexical, _ = index.retrieve(words, k=len(dense[0]), show_progress=False)
    wide, _ = index.retrieve(words, k=depth, show_progress=False)
    for one, other in zip(_best(near, depth), wide, strict=True):
        scores: dict[int, float] = {}
        for ranking in (one, other):
            for rank, number in enumerate(ranking.tolist(), start=1):
                scores[number] = scores.get(number, 0.0) + 1 / (RRF + rank)
        sorted(scores, key=scores.__getitem__, reverse=True)[: max(TOP_K)]
    assert lexical.shape == dense.shape


def _best(near: Any, k: int) -> Any:
    part = np.argpartition(-near, k - 1, axis=1)[:, :k] if k < near.shape[1] else np.argsort(-near, axis=1)
    order = np.argsort(-np.take_along_axis(near, part, axis=1), axis=1)
    return np.take_along_axis(part, order, axis=1)


def bare(folder: Path | None, embedder: str, limit: int | None) -> dict[str, Any]:
    """The floor, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.wide", "--floor", "--embedder", embedder]
    command += ["--data", str(folder)] if folder else []
    command += ["--limit", str(limit)] if limit else []
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def checked(told: dict[str, Any], least: dict[str, Any]) -> list[str]:
    """What is not as it must be; nothing, one hopes."""
    made, stages = told["embeddings"], told["stages"]
    chunkings = len(SIZES) * len(OVERLAPS)
    must = {
        "variants": (told["variants"], chunkings * len(TOP_K) * len(THRESHOLDS) * len(RETRIEVERS)),
        "cells filled": (told["finished_cells"] - told["failed_cells"], told["variants"] * told["examples"]),
        "embeddings made": (made["made"], made["distinct"]),
        "embeddings, counted independently": (made["distinct"], least["distinct"]),
        "chunkings made": (stages["chunk"]["made"], chunkings),
        "indexes made": (stages["index"]["made"], chunkings),
        "searches made": (stages["retrieve"]["made"], chunkings * least["questions"] * len(RETRIEVERS)),
    }
    for name, (found, wanted) in must.items():
        print(f"  {name}: {found:,}" + ("" if found == wanted else f", not {wanted:,}"))
    return [name for name, (found, wanted) in must.items() if found != wanted]


def compare(folder: Path | None, chosen: argparse.Namespace) -> list[str]:
    """Run both on one data set, and print their figures."""
    before = bare(folder, chosen.embedder, chosen.limit)
    told = sweep(folder, chosen.embedder, chosen.limit, chosen.profile)
    after = bare(folder, chosen.embedder, chosen.limit) if chosen.floors > 1 else before
    steps = {step: (before["seconds"][step] + after["seconds"][step]) / 2 for step in before["seconds"]}
    least = sum(steps.values())
    print(f"{folder or 'helpdesk'}, {chosen.embedder}: {told['variants']} variants x {told['examples']} questions")
    wrong = checked(told, before)
    naive = told["embeddings"]["naive"]
    print(f"  without sharing: {naive:,} embeddings, {told['stages']['retrieve']['naive']:,} searches")
    print("  floor: " + ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items()) + f" = {least:.2f} s")
    print(f"    (before and after the sweep: {_whole(before):.2f} and {_whole(after):.2f})")
    for part, seconds in told["seconds"].items():
        print(f"  {part}: {seconds:.2f} s, {seconds / least:.2f} x floor")
    return wrong


def _whole(told: dict[str, Any]) -> float:
    return float(sum(told["seconds"].values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", default="local/hashing")
    parser.add_argument("--data", type=Path, nargs="+", default=[None])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--floors", type=int, choices=(1, 2), default=2, help="before the sweep, or also after it")
    parser.add_argument("--profile", help="write what the profiler says of the sweep to this file")
    parser.add_argument("--floor", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.floor:
        print(json.dumps(floor(chosen.data[0], chosen.embedder, chosen.limit)))
        return
    wrong = [problem for folder in chosen.data for problem in compare(folder, chosen)]
    if wrong:
        sys.exit(f"wrong: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
