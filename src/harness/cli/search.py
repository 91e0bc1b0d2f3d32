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
_SMALL = 0.1
_RESCORED = ", with other scores"
_COLUMNS = ["rank", "similarity", "score", "where"]


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
    _show_example(result)
    first: dict[Any, Found] = {}
    for found in result.found:
        _show(found, result, full, first.setdefault(_texts(found), found))
    if result.calls:
        click.echo(f"\nCalls to providers: {result.calls}. Cost: USD {money(result.usd)}.")


def as_json(result: Search) -> dict[str, Any]:
    """The result as plain data."""
    return {
        "question": result.example.question,
        "example": result.example.id if result.of_dataset else None,
        "calls": result.calls,
        "cost_usd": result.usd,
        "variants": [_entry(found, result) for found in result.found],
    }


def _entry(found: Found, result: Search) -> dict[str, Any]:
    context = found.context
    return {
        "variant": found.variant.id,
        "label": found.label,
        "params": dict(found.variant.params),
        "same": [other.id for other in found.others],
        "searched": list(found.searched),
        "exact": found.exact,
        "documents": {"left": result.documents if found.left is None else found.left, "of": result.documents},
        "passages": [
            {"rank": rank, **{name: getattr(p, name) for name in _FIELDS}, "evidence": result.holds_evidence(p)}
            for rank, p in enumerate(context.passages if context else (), 1)
        ],
        "context": context.text if context else None,
        "failure": str(found.failure) if found.failure else None,
        "missed": [{"document": e.document, "start": e.start, "end": e.end} for e in found.missed],
        "given_up": [{"document": c.document, "start": c.start, "end": c.end, "text": c.text} for c in found.given_up],
        "milliseconds": {step: round(value, 3) for step, value in found.milliseconds.items()},
    }


_FIELDS = ("document", "start", "end", "similarity", "score", "text")


def _show_example(result: Search) -> None:
    """The question; of an example also what it comes with."""
    example = result.example
    for message in example.messages[:-1]:
        click.echo(f"{message.role}: {_line(message.content)}")
    click.echo(f"Question: {example.question}")
    for reference in example.references:
        click.echo(f"Reference: {_line(reference)}")
    if example.tags:
        click.echo(f"Tags: {', '.join(example.tags)}")


def _texts(found: Found) -> Any:
    """What two variants have in common whose passages are the same; the id where there are none."""
    passages = found.context.passages if found.context else ()
    return tuple((p.document, p.start, p.end, p.text) for p in passages) or found.variant.id


def _show(found: Found, result: Search, full: bool, first: Found) -> None:
    from harness.sweeps.searching import described

    settings = found.variant.chatbot.retrieval
    assert settings is not None
    click.echo(f"\n{found.variant.id}  {found.label}")
    click.echo(f"  {described(settings)}")
    if found.others:
        more = f" and {len(found.others) - _OTHERS} more" if len(found.others) > _OTHERS else ""
        click.echo(f"  the same for {', '.join(other.id for other in found.others[:_OTHERS])}{more}")
    if found.searched != (result.example.question,):
        for text in found.searched:
            click.echo(f"  searched with: {_line(text)}")
    if found.left is not None:
        click.echo(f"  the filter left {found.left} of {result.documents} documents")
    if first is not found:
        click.echo(f"  the same passages as {first.variant.id}{'' if _scores(first) == _scores(found) else _RESCORED}")
    else:
        _show_passages(found, result, full)
    if not found.exact:
        lost = ", ".join(f"{c.document}:{c.start}-{c.end}" for c in found.given_up) or "nothing"
        click.echo(f"  approximate search; exact search would also find: {lost}")
    click.echo("  " + ", ".join(f"{step} {value:.1f} ms" for step, value in found.milliseconds.items()))


def _show_passages(found: Found, result: Search, full: bool) -> None:
    if found.context is None:
        click.echo(f"  FAILED: {found.failure}")
    elif not found.context.passages:
        click.echo("  nothing was found, or nothing reached the threshold")
    else:
        rows = [
            [str(rank), _score(p.similarity), _score(p.score), f"{p.document}:{p.start}-{p.end}", p.text]
            for rank, p in enumerate(found.context.passages, 1)
        ]
        stars = ["*" if result.holds_evidence(p) else "" for p in found.context.passages]
        if full:
            _show_whole(rows, stars)
        else:
            marks = ["*"] if result.example.evidence else []
            starred = [
                [*row[:4], *([star] if marks else []), _line(row[4])[:_TEXT]]
                for row, star in zip(rows, stars, strict=True)
            ]
            print_table("", [*_COLUMNS, *marks, "text"], starred, right=_COLUMNS[:3])
        if any(stars):
            click.echo("  * holds evidence")
    for evidence in found.missed:
        span = "" if evidence.start is None else f":{evidence.start}-{evidence.end}"
        click.echo(f"  evidence missed: {evidence.document}{span}")


def _show_whole(rows: list[list[str]], stars: list[str]) -> None:
    for (rank, similarity, score, where, text), star in zip(rows, stars, strict=True):
        click.echo(f"  {rank}  similarity {similarity}  score {score}  {where} {star}".rstrip())
        for line in text.splitlines():
            click.echo(f"      {line}".rstrip())


def _scores(found: Found) -> list[tuple[Any, Any]]:
    return [(p.similarity, p.score) for p in found.context.passages] if found.context else []


def _score(value: float | None) -> str:
    """Four digits of what is small: scores of fused ranks lie close together."""
    return f"{value:.4g}" if value is not None and 0 < abs(value) < _SMALL else number(value)


def _line(text: str) -> str:
    return " ".join(text.split())
