"""How long listing takes when there are many sweeps.

python benchmarks/listing.py [sweeps]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import orjson
import pandas as pd

import harness
from harness.config import load
from harness.study.listing import find_rows
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


def cpu(work: object) -> float:
    """Seconds of processor time."""
    started = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - started


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.yaml"
        path.write_text(SWEEP.format(root=ROOT))
        stored = run_sweep(load(path), Options(limit=20), Progress())
        summarise(stored, keep=True)
        source = stored.folder.path
        for i in range(count - 1):
            shutil.copytree(source, source.with_name(f"20260101-{i:06d}-s-0000"))
        runs = str(source.parent)
        files = list(source.parent.glob("*/summary.json"))
        pd.DataFrame({"a": [1]})
        least = cpu(lambda: [orjson.loads(file.read_bytes()) for file in files])
        frame = cpu(lambda: harness.runs(runs))
        filtered = cpu(lambda: find_rows(runs, "top_k == 2 and token_f1 > 0.0", "-token_f1", 50))
        newest = cpu(lambda: find_rows(runs, limit=50))
        print(f"{len(files)} sweeps, {4 * len(files)} runs")
        print(f"floor (reading and parsing the summaries): {least:.3f} s CPU")
        for name, seconds in (("harness.runs", frame), ("filter and sort", filtered), ("newest 50", newest)):
            print(f"{name}: {seconds:.3f} s CPU ({seconds / least:.2f} x floor)")


if __name__ == "__main__":
    main()
