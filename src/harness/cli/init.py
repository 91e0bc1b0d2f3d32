"""`harness init`."""

from __future__ import annotations

from pathlib import Path

import click

ARTICLES = {
    "opening-hours.md": "# Opening hours\n\nThe shop is open from 9 to 18 on weekdays and from 10 to 14 on Saturdays. "
    "It is closed on Sundays and public holidays.\n",
    "returns.md": "# Returns\n\nAnything can be sent back within 30 days, unused and in its box. The money is on its "
    "way within 5 working days of the parcel's arrival. Sale items can only be exchanged.\n",
    "delivery.md": "# Delivery\n\nParcels within the country take 2 to 3 working days and cost 4.90 EUR; orders above "
    "50 EUR are free. Parcels to other countries of the EU take 5 to 8 working days.\n",
}
QUESTIONS = """\
{"id": "hours-saturday", "question": "When do you open on Saturdays?", "references": ["from 10 to 14"]}
{"id": "returns-days", "question": "How long can I send something back?", "references": ["within 30 days"]}
{"id": "returns-sale", "question": "Can I return a sale item?", "references": ["can only be exchanged"]}
{"id": "delivery-free", "question": "From which amount is delivery free?", "references": ["above 50 EUR"]}
{"id": "delivery-eu", "question": "How long does a parcel to France take?", "references": ["5 to 8 working days"]}
{"id": "gift-cards", "question": "Do you sell gift cards?", "expected": "abstain"}
"""
SWEEP = """\
# Which chunk size and threshold answer our questions best? Runs offline: harness sweep configs/first.yaml
name: first
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: local/extractive              # then: openai/gpt-4o-mini, anthropic/claude-haiku-4-5, ollama_chat/llama3.2
  retrieval:
    splitter: {use: recursive, chunk_size: 200, chunk_overlap: 20}
    embedder: local/hashing
    top_k: 3
sweep:
  axes:
    chunk_size: [100, 200]
    similarity_threshold: [0.0, 0.1, 0.2]
metrics: [correct, answer_match, token_f1, abstention]
objective: {maximize: correct}
"""


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def command(folder: Path) -> None:
    """Make a workspace in FOLDER (here by default): a small knowledge base, questions, and a sweep that runs at once.

    Files that are already there are left alone.
    """
    files = {
        "configs/first.yaml": SWEEP,
        "datasets/questions.jsonl": QUESTIONS,
        **{f"datasets/articles/{name}": text for name, text in ARTICLES.items()},
        ".gitignore": ".harness/\nruns/\n",
    }
    for name, text in files.items():
        path = folder / name
        kept = path.exists()
        if not kept:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        click.echo(f"{'kept' if kept else 'made'} {path}")
    (folder / "runs").mkdir(exist_ok=True)
    where = "" if folder == Path() else f"cd {folder} && "
    click.echo(f"\nNow run: {where}harness sweep configs/first.yaml")
