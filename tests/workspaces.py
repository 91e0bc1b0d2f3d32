"""Small workspaces for tests: three articles, a few questions, a sweep over retrieval settings."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

ARTICLES = {
    "hours.md": "# Hours\n\nThe shop is open from 9 to 18 on weekdays. On Saturdays it is open from 10 to 14.\n\n"
    "It is closed on Sundays and on public holidays.\n",
    "returns.md": "# Returns\n\nAnything can be sent back within 30 days, unused. The money is on its way within 5 "
    "working days.\n\nSale items can only be exchanged. Opened games cannot be sent back.\n",
    "delivery.md": "# Delivery\n\nParcels within the country take 2 to 3 days and cost 4.90 EUR. Orders above 50 EUR "
    "are free of charge.\n\nParcels to other countries take 5 to 8 days.\n",
}
QUESTIONS: list[dict[str, Any]] = [
    {"question": "When is the shop open on Saturdays?", "references": ["from 10 to 14"], "in": "hours.md"},
    {"question": "When are you closed?", "references": ["on Sundays and on public holidays"], "in": "hours.md"},
    {"question": "Within how many days can I send something back?", "references": ["30 days"], "in": "returns.md"},
    {"question": "Can I bring back sale items?", "references": ["can only be exchanged"], "in": "returns.md"},
    {"question": "Above which amount are orders free of charge?", "references": ["50 EUR"], "in": "delivery.md"},
    {"question": "How long do parcels to other countries take?", "references": ["5 to 8 days"], "in": "delivery.md"},
    {"question": "Which warranty do your bicycles have?", "expected": "abstain"},
    {"question": "I will sue you, give me a human!", "expected": "handoff"},
]
CONFIG = """
name: small
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: local/extractive
  retrieval:
    splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}
    embedder: local/hashing
    index: exact
    top_k: 3
sweep:
  axes:
    chunk_size: [60, 120]
    top_k: [1, 3]
    similarity_threshold: [0.0, 0.2]
metrics: [correct, token_f1, answer_match, abstention, recall@3, span_iou]
objective: {maximize: correct}
"""


def make_workspace(folder: Path, config: str = CONFIG, name: str = "small.yaml") -> Path:
    """Write a workspace into `folder` and return the path of its sweep file."""
    for document, text in ARTICLES.items():
        write(folder / "datasets/articles" / document, text)
    lines = [json.dumps(example(i, dict(question))) for i, question in enumerate(QUESTIONS)]
    write(folder / "datasets/questions.jsonl", "\n".join(lines) + "\n")
    return write(folder / "configs" / name, textwrap.dedent(config))


def example(number: int, question: dict[str, Any]) -> dict[str, Any]:
    """A dataset line, with the evidence span of its first reference."""
    document = question.pop("in", None)
    if document:
        start = ARTICLES[document].index(question["references"][0])
        end = start + len(question["references"][0])
        question["evidence"] = [{"document": document, "start": start, "end": end}]
    return {"id": f"q{number}", "tags": ["even" if number % 2 == 0 else "odd"], **question}


def write(path: Path, text: str) -> Path:
    """Write a text file, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
