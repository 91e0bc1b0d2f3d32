"""How long the report of a wide sweep takes, and how large it is.

python -m benchmarks.report [examples]

96 variants on the helpdesk questions, asked again as often as it takes to have 300 (the default). The floor, in the
same run: reading the sweep's tables, and parsing its examples and variants. Seconds are of the processor.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.config import load
from harness.store import Folder, StoredSweep
from harness.study.report.content import content_of
from harness.study.report.html import html
from harness.study.report.markdown import markdown
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep

ROOT = Path(__file__).resolve().parents[1]
SWEEP = """
dataset: questions.jsonl
corpus: {root}/datasets/helpdesk/articles
chatbot: {{model: local/extractive, retrieval: {{index: exact}}}}
sweep:
  axes:
    chunk_size: [200, 400, 800]
    top_k: [1, 2, 4, 8]
    similarity_threshold: [0.0, 0.1, 0.2, 0.3]
    model: {{one: {{use: local/extractive, sentences: 1}}, three: {{use: local/extractive, sentences: 3}}}}
metrics: [correct, answer_match, token_f1, abstention, handoff, recall@4, mrr, span_recall, span_iou, answer_tokens]
"""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time, and what came out."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def read(folder: Folder) -> StoredSweep:
    """The floor: everything that a report reads."""
    stored = StoredSweep(folder)
    for part in (stored.header, stored.variants, stored.examples, stored.outcomes, stored.scores, stored.texts):
        assert part
    return stored


def make(folder: Path, examples: int) -> StoredSweep:
    """The sweep, with each question as often as it takes."""
    lines = [json.loads(line) for line in (ROOT / "datasets/helpdesk/questions.jsonl").read_text().splitlines()]
    rows = [{**lines[i % len(lines)], "id": f"q{i}", "cluster": f"c{i % 150}"} for i in range(examples)]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    path = folder / "wide.yaml"
    path.write_text(SWEEP.format(root=ROOT))
    stored = run_sweep(load(path), Options(), Progress())
    summarise(stored, keep=True)
    return stored


def main() -> None:
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), examples)
        timed(lambda: html(content_of(StoredSweep(made.folder))))  # imports
        floor, _ = timed(lambda: read(made.folder))
        gathering, content = timed(lambda: content_of(StoredSweep(made.folder)))
        rendering, page = timed(lambda: html(content))
        brief, text = timed(lambda: markdown(content))
        print(f"{len(made.variants)} variants x {examples} examples, {made.scores.num_rows:,} scores")
        print(f"floor (reading the tables): {floor:.2f} s")
        for name, seconds in (("content", gathering), ("HTML", rendering), ("Markdown", brief)):
            print(f"{name}: {seconds:.2f} s ({seconds / floor:.1f} x floor)")
        print(f"HTML: {len(page.encode()) / 1e6:.2f} MB; Markdown: {len(text.encode()) / 1e3:.0f} kB")
        started = time.perf_counter()
        html(content_of(StoredSweep(made.folder)))
        print(f"all of it on the clock: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
