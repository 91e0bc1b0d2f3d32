"""`harness search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.output import money, number, print_json, print_table
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.sweeps.searching import Found, Search

_TEXT = 90
_OTHERS = 3


@click.command("search")
@options.config_path
@click.argument("question", required=False)
@click.option(
    "--example", "example", help="An example of the dataset in place of a question, with the turns before it."
)
@click.option("--variant", "variants", multiple=True, help="Only variants whose id begins so. Repeatable.")
@options.settings
@click.option("--full", is_flag=True, help="Whole passages, not their beginnings.")
@options.as_json
def command(
    config: Path,
    question: str | None,
    example: str | None,
    variants: tuple[str, ...],
    overrides: tuple[str, ...],
    full: bool,
    json_: bool,
) -> None:
    """Show what each variant of CONFIG would retrieve for QUESTION: passages, scores, spans, times.

    Variants that retrieve the same way are shown once. No answer is asked for. What is missing of vectors and indexes
    is made, as a sweep would, and kept for it; a remote embedder is paid for that.
    """
    from harness.config import load
    from harness.sweeps.searching import search

    if (question is None) == (example is None):
        raise UserError('give either a question, or --example ID: harness search CONFIG "a question"')
    if question is not None and not question.strip():
        raise UserError("the question is empty")
    result = search(load(config, overrides), question, example, variants)
    if json_:
        print_json(as_json(result))
        return
    click.echo(f"Question: {result.example.question}")
    for found in result.found:
        _show(found, result.example, full)
    if result.calls:
        click.echo(f"\nCalls to providers: {result.calls}. Cost: USD {money(result.usd)}.")


def as_json(result: Search) -> dict[str, Any]:
    """The result as plain data."""
    return {
        "question": result.example.question,
        "example": result.example.id,
        "calls": result.calls,
        "cost_usd": result.usd,
        "variants": [_entry(found) for found in result.found],
    }


def _entry(found: Found) -> dict[str, Any]:
    context = found.context
    return {
        "variant": found.variant.id,
        "label": found.label,
        "params": dict(found.variant.params),
        "same": [other.id for other in found.others],
        "searched": list(found.searched),
        "exact": found.exact,
        "passages": [
            {"rank": rank, **{name: getattr(p, name) for name in _FIELDS}} for rank, p in enumerate(context.passages, 1)
        ]
        if context
        else [],
        "context": context.text if context else None,
        "failure": str(found.failure) if found.failure else None,
        "missed": [{"document": e.document, "start": e.start, "end": e.end} for e in found.missed],
        "given_up": [{"document": c.document, "start": c.start, "end": c.end, "text": c.text} for c in found.given_up],
        "milliseconds": {step: round(value, 3) for step, value in found.milliseconds.items()},
    }


_FIELDS = ("document", "start", "end", "similarity", "score", "text")


def _show(found: Found, example: Any, full: bool) -> None:
    from harness.sweeps.searching import described

    settings = found.variant.chatbot.retrieval
    assert settings is not None
    click.echo(f"\n{found.variant.id}  {found.label}")
    click.echo(f"  {described(settings)}")
    if found.others:
        more = f" and {len(found.others) - _OTHERS} more" if len(found.others) > _OTHERS else ""
        click.echo(f"  the same for {', '.join(other.id for other in found.others[:_OTHERS])}{more}")
    if found.searched != (example.question,):
        for text in found.searched:
            click.echo(f"  searched with: {text}")
    if found.context is None:
        click.echo(f"  FAILED: {found.failure}")
    elif not found.context.passages:
        click.echo("  nothing was found, or nothing reached the threshold")
    else:
        rows = [
            [str(rank), number(p.similarity), number(p.score), f"{p.document}:{p.start}-{p.end}", _text(p.text, full)]
            for rank, p in enumerate(found.context.passages, 1)
        ]
        print_table("", ["rank", "similarity", "score", "where", "text"], rows, right=["rank", "similarity", "score"])
    for evidence in found.missed:
        span = "" if evidence.start is None else f":{evidence.start}-{evidence.end}"
        click.echo(f"  evidence missed: {evidence.document}{span}")
    if not found.exact:
        lost = ", ".join(f"{c.document}:{c.start}-{c.end}" for c in found.given_up) or "nothing"
        click.echo(f"  approximate search; exact search would also find: {lost}")
    click.echo("  " + ", ".join(f"{step} {value:.1f} ms" for step, value in found.milliseconds.items()))


def _text(text: str, full: bool) -> str:
    return text if full else " ".join(text.split())[:_TEXT]
