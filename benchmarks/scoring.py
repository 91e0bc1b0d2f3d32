"""`harness score` on 10,000 stored outcomes with deterministic metrics, beside a bare loop over the same answers.

python benchmarks/scoring.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIG = """
name: many
dataset: {root}/datasets/helpdesk/questions.jsonl
corpus: {root}/datasets/helpdesk/articles
chatbot:
  model: local/extractive
  retrieval: {{splitter: {{use: recursive, chunk_size: 400, chunk_overlap: 0}}, index: exact}}
sweep:
  axes:
    chunk_size: [200, 300, 400, 600, 800]
    top_k: [1, 2, 4, 8]
    similarity_threshold: [0.0, 0.1]
metrics: [correct]
"""
FLOOR = """
import sys, time
import pyarrow.parquet as pq
from harness.plugins import load_built_ins, make
from harness.records import Case
from harness.store import Folder, StoredSweep
from harness.store.outcomes import examples_of, outcomes_of
load_built_ins()
stored = StoredSweep(Folder(sys.argv[1]))
metric = make("metric", sys.argv[2])
examples, known = examples_of(stored), {}
cases = [Case(examples[o.example], o.answer or "", o.passages) for o in outcomes_of(stored)]
began = time.process_time()
for case in cases:
    if metric.applies(case.example):
        key = (case.example.id, case.answer)
        if key not in known:
            known[key] = metric.score(case)
print(time.process_time() - began)
"""


def run(*arguments: str, cwd: Path) -> tuple[float, float]:
    """Seconds of the wall and of the processor that a command takes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "harness", *arguments], cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        (workspace / "many.yaml").write_text(CONFIG.format(root=ROOT))
        run("sweep", "many.yaml", "--quiet", cwd=workspace)
        [sweep] = (workspace / "runs").iterdir()
        outcomes = 40 * 265
        print(f"{outcomes} outcomes")
        for metric in ("contains", "rougeL", "chrf"):
            floor = subprocess.run(
                [sys.executable, "-c", FLOOR, str(sweep), metric], check=True, capture_output=True, text=True
            )
            wall, cpu = run("score", "latest", "--metric", metric, "--quiet", cwd=workspace)
            again, _ = run("score", "latest", "--metric", metric, "--quiet", cwd=workspace)
            print(
                f"{metric:9} {wall:5.1f} s ({cpu:.1f} s CPU), again {again:.1f} s; "
                f"the metric alone on distinct answers {float(floor.stdout):.2f} s CPU"
            )


if __name__ == "__main__":
    main()
