"""`harness chat`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import configured as configured_room
from harness.cli import options

if TYPE_CHECKING:
    from harness.cli.configured import Configured
    from harness.records import Message
    from harness.sweeps.conversing import Responder, Said, Talk

FAILED = 3
_READ_AT_ONCE = 64 << 20
"""So many bytes of a run are read before the first question, to see whether they are what they were."""


@click.command("chat")
@click.argument("name", metavar="RUN|ALIAS")
@click.option("--show-passages", is_flag=True, help="Show after each answer what it was given to read.")
@click.option("--conversation", is_flag=True, help="Lines of a pipe are one conversation, not one each.")
@click.option("--fresh", is_flag=True, help="Ask again what is known already.")
@click.option("--budget-usd", type=click.FloatRange(min=0), metavar="X", help="Spend at most this; needs known prices.")
@configured_room.changed
@options.runs_uri
@configured_room.workspace
@click.option("--json", "json_", is_flag=True, help="Print one JSON document per answer, a line each, on stdout.")
def command(
    name: str,
    show_passages: bool,
    conversation: bool,
    fresh: bool,
    budget_usd: float | None,
    changed: bool,
    runs_uri: str | None,
    workspace: Path | None,
    json_: bool,
) -> int:
    """Talk to a configuration as it was evaluated: an alias of the registry, a version (@v3), or SWEEP/VARIANT.

    At a terminal it is one conversation, and /help tells what can be typed. From a pipe each line is a question and a
    conversation of its own. Answers go to stdout, all else to stderr. Nothing that is said is kept on disk, but for
    what /save writes.
    """
    from harness.config import Budget
    from harness.sweeps.conversing import Responder, Talk

    found = configured_room.configured(name, runs_uri, workspace, changed)
    responder = Responder(found.config, evaluated=found.evaluated, fresh=fresh, budget=Budget(usd=budget_usd))
    _introduce(found, responder)
    doubts = configured_room.doubts(found, runs_uri, _READ_AT_ONCE)
    if doubts is not None:
        told(f"note: {doubts}")
    talk = Talk(responder)
    try:
        if sys.stdin.isatty():
            from harness.cli.conversation import Conversation

            return Conversation(talk, found, show_passages=show_passages, json_=json_).hold()
        return _answer_all(talk, found, sys.stdin, conversation, show_passages, json_)
    finally:
        talk.close()


def _introduce(found: Configured, responder: Responder) -> None:
    """Say what is talked to, how good it was found to be, and what a question costs."""
    from harness.plugins import name
    from harness.study.board.playground.candidates import evidence_of

    evidence = evidence_of(found.proven)
    version = f"version {found.version.number}, " if found.version is not None else ""
    told(f"{found.name}: {version}run {found.run}  {found.label}", strong=True)
    unsure = "" if found.evaluated is not None else "; it has changed since, and the score does not hold for it"
    told(f"{evidence.found}{unsure}")
    models = ", ".join(dict.fromkeys(name(part) for part in responder.parts if not part.local))
    told(f"asks {models or 'local models only'}; {evidence.price(responder.is_free)}")


def _answer_all(
    talk: Talk, found: Configured, lines: Iterable[str], conversation: bool, show_passages: bool, json_: bool
) -> int:
    """Answer one line after the other; what fails is told, and ends in an exit code."""
    from harness.records import Message

    past: list[Message] = []
    failed = asked = 0
    for line in lines:
        question = line.strip()
        if not question:
            continue
        asked += 1
        said = talk.say([*past, Message("user", question)])
        failed += said.text is None
        show(said, found, question, talk, show_passages, json_)
        if conversation and said.text and said.text.strip():
            past += [Message("user", question), Message("assistant", said.text)]
    if failed:
        told(f"{failed} of {asked} questions have no answer")
    return FAILED if failed else 0


def show(said: Said, found: Configured, question: str, talk: Talk, passages: bool, json_: bool) -> None:
    """Print an answer, and what is to know about it."""
    from harness.study.report.texts import visible

    if json_:
        print_line(said, found, question, talk, passages)
    elif said.text is not None:
        click.echo(f"{visible(said.text)}\n")
    tell_of(said, talk, passages and not json_)


def print_line(said: Said, found: Configured, question: str, talk: Talk, passages: bool) -> None:
    """One JSON document in a line of plain ASCII: no terminal can be fooled by it."""
    content: dict[str, Any] = {
        "question": question,
        **said.as_json(),
        "run": found.run,
        "version": found.version.number if found.version is not None else None,
        "spent_usd": None if talk.responder.spent.unknown else talk.responder.spent.usd,
    }
    if not passages:
        for each in content["passages"]:
            del each["text"]
    click.echo(json.dumps(content, allow_nan=False))


def tell_of(said: Said, talk: Talk, passages: bool) -> None:
    """The soft line after an answer: time, tokens, cost, the sum so far; before it the passages, or the failure."""
    from harness.study.board.playground.candidates import facts, money

    if passages:
        tell_passages(said)
    if said.answer.failure is not None:
        told(f"no answer: {said.answer.failure}")
    spent = talk.responder.spent
    also = " and calls without a known price" if spent.unknown else ""
    paid = "" if talk.responder.is_free else f" · paid so far USD {money(spent.usd)}{also}"
    told(facts(said.as_json()) + paid)


def tell_passages(said: Said) -> None:
    """What the answer was given to read, best first."""
    from harness.study.report import amounts

    if not said.context.passages:
        told("no passage was retrieved")
    for i, passage in enumerate(said.context.passages, 1):
        place = f"{passage.document} {passage.start}-{passage.end}"
        told(f"[{i}] {place}  similarity {amounts.number(passage.similarity)}\n    {passage.text}")


def told(text: str, *, strong: bool = False) -> None:
    """A line beside the answers, on stderr; soft where both streams are terminals. Texts of others do nothing there."""
    from harness.study.report.texts import visible

    text = visible(text)
    if sys.stdout.isatty() and sys.stderr.isatty():
        text = click.style(text, bold=True) if strong else click.style(text, dim=True)
    click.echo(text, err=True)
