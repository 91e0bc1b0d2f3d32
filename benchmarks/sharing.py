"""What sharing saves, and what running it again costs: 96 variants over the shipped helpdesk questions.

python benchmarks/sharing.py [examples]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.config import load
from harness.plugins import make
from harness.records import Request
from harness.study.summary import summarise
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep

ROOT = Path(__file__).resolve().parents[1]
SWEEP = """
dataset: {root}/datasets/helpdesk/questions.jsonl
corpus: {root}/datasets/helpdesk/articles
chatbot:
  model: local/extractive
  retrieval: {{splitter: {{use: recursive, chunk_size: 400, chunk_overlap: 40}}}}
sweep:
  axes:
    chunk_size: [200, 400, 800]
    chunk_overlap: [0, 40]
    top_k: [2, 5]
    similarity_threshold: [0.0, 0.1, 0.2, 0.3]
    model: {{one: {{use: local/extractive, sentences: 1}}, two: {{use: local/extractive, sentences: 2}}}}
metrics: [correct, answer_match, token_f1, abstention, recall@5, span_iou]
objective: {{maximize: correct}}
"""


def run(path: Path, limit: int, *overrides: str) -> dict[str, Any]:
    """One sweep, timed."""
    started = time.perf_counter()
    stored = run_sweep(load(path, overrides), Options(limit=limit), Progress())
    return {**summarise(stored, keep=True), "seconds": time.perf_counter() - started}


def floor(path: Path, limit: int) -> float:
    """The same distinct splitting, embedding and reading, in a bare loop: no index, no record, no score."""
    config = load(path)
    inputs = read_inputs(config, limit)
    assert inputs.corpus is not None
    started = time.perf_counter()
    splitters = {v.chatbot.retrieval.splitter for v in config.variants if v.chatbot.retrieval}
    texts = {d.text[s:e] for p in splitters for d in inputs.corpus.documents for s, e in p.split(d.text)}
    asyncio.run(make("embedder", "local/hashing").connect().embed(sorted(texts), "passage"))
    connection = make("model", "local/extractive").connect()
    passages = tuple(sorted(texts)[:5])

    async def read() -> None:
        for example in inputs.dataset.examples:
            for _ in range(DISTINCT_PER_EXAMPLE):
                await connection.complete(Request(example.messages, {}, example.question, passages))

    asyncio.run(read())
    return time.perf_counter() - started


DISTINCT_PER_EXAMPLE = 48


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wide.yaml"
        path.write_text(SWEEP.format(root=ROOT))
        started = time.perf_counter()
        config = load(path)
        plan = make_plan(config, read_inputs(config, limit))
        planned = time.perf_counter() - started
        least = floor(path, limit)
        first = run(path, limit)
        again = run(path, limit)
        threshold = run(path, limit, "similarity_threshold=[0.0, 0.1, 0.2, 0.3, 0.4]")
        print(f"96 variants x {limit} examples = {first['cells']} cells")
        for stage in ("chunk", "index", "retrieve"):
            entry = first["stages"][stage]
            print(f"{stage}: naive {entry['naive']}, planned {plan.stages[stage]['distinct']}, made {entry['made']}")
        print(f"embeddings: naive {first['embeddings']['naive']}, made {first['embeddings']['made']}")
        calls = first["calls"]
        print(f"answers: naive {calls['naive']}, planned {plan.calls['distinct']}, made {calls['made']}")
        print(f"share of answers: {calls['made'] / calls['naive']:.1%}")
        print(f"floor (bare loop over the distinct work): {least:.2f} s")
        print(f"plan: {planned:.2f} s ({planned / least:.1f} x floor)")
        print(f"first run: {first['seconds']:.2f} s ({first['seconds'] / least:.1f} x floor)")
        print(f"again: {again['seconds']:.2f} s, made {again['calls']['made']} answers")
        print(f"one threshold more: {threshold['seconds']:.2f} s, made {threshold['calls']['made']} answers,")
        print(f"  {threshold['embeddings']['made']} embeddings, {threshold['stages']['index']['made']} indexes")


if __name__ == "__main__":
    main()
