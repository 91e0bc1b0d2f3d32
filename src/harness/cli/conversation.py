"""A conversation at a terminal, for `harness chat`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.chat import print_line, tell_of, tell_passages, told
from harness.errors import HarnessError, UserError

if TYPE_CHECKING:
    from harness.cli.configured import Configured
    from harness.records import Message
    from harness.sweeps.conversing import Said, Talk

INTERRUPTED = 130
_HELP = """/new          begin a new conversation
/passages     show what the last answer was given to read
/save FILE    add the last question, with the turns before it, to a dataset (JSONL)
/quit         end; so does Ctrl-D
Ctrl-C gives up the answer that is being made; at the prompt it ends the conversation."""


class Conversation:
    """Questions that are typed, each asked with the turns before it; answers are shown as they are made."""

    def __init__(self, talk: Talk, found: Configured, *, show_passages: bool, json_: bool) -> None:
        self._talk = talk
        self._found = found
        self._show_passages = show_passages
        self._json = json_
        self._past: list[Message] = []
        self._asked: list[Message] = []
        self._last: Said | None = None

    def hold(self) -> int:
        """Go on until the user ends it; returns the exit code."""
        told("/help tells what can be typed")
        while True:
            try:
                typed = _typed("> ")
            except EOFError:
                click.echo(err=True)
                return 0
            except KeyboardInterrupt:
                click.echo(err=True)
                return INTERRUPTED
            if typed == "/quit":
                return 0
            if typed:
                try:
                    self._do(typed)
                except HarnessError as error:
                    told(str(error))

    def _do(self, typed: str) -> None:
        word, _, rest = typed.partition(" ")
        if not typed.startswith("/"):
            self._ask(typed)
        elif word == "/new":
            self._past, self._asked, self._last = [], [], None
            told("a new conversation")
        elif word == "/passages":
            tell_passages(self._given())
        elif word == "/save":
            self._save(rest.strip())
        else:
            told(_HELP if word == "/help" else f"there is no {word}\n{_HELP}")

    def _ask(self, question: str) -> None:
        from harness.records import Message

        asked = [*self._past, Message("user", question)]
        printed = _Words() if not self._json else None
        try:
            said = self._talk.say(asked, printed)
        except KeyboardInterrupt:
            told("\ngiven up; what its provider charges for it is not known here")
            return
        finally:
            if printed is not None:
                printed.end()
        self._asked, self._last = asked, said
        if said.text is not None and said.text.strip():
            self._past = [*asked, Message("assistant", said.text)]
        if self._json:
            print_line(said, self._found, question, self._talk, self._show_passages)
        tell_of(said, self._talk, self._show_passages and not self._json)

    def _given(self) -> Said:
        if self._last is None:
            raise UserError("nothing was asked yet")
        return self._last

    def _save(self, name: str) -> None:
        from harness.study.board.playground.drafting import append, draft
        from harness.sweeps.provenance import who

        self._given()
        if not name:
            raise UserError("name the file: /save datasets/questions.jsonl")
        try:
            reference = _typed("a good answer (Enter: none): ")
        except (EOFError, KeyboardInterrupt):
            told("\nnothing was saved")
            return
        line = draft(
            self._asked, by=who() or "unknown", references=[reference] if reference else [], run=self._found.run
        )
        count = append(Path(name), line)
        told(f"{name} has {count:,} {'example' if count == 1 else 'examples'} now")


class _Words:
    """Prints an answer as it comes, in the talk's own thread; nothing after it was ended."""

    def __init__(self) -> None:
        self._ended = False
        self._held = ""
        self._any = False

    def __call__(self, words: str) -> None:
        from harness.study.report.texts import visible

        words = self._held + words
        self._held = "\r" if words.endswith("\r") else ""  # half of a line's end, perhaps
        text = visible(words.removesuffix("\r"))
        if text and not self._ended:
            self._any = True
            sys.stdout.write(text)
            sys.stdout.flush()

    def end(self) -> None:
        """Close the answer's last line."""
        self._ended = True
        if self._any:
            click.echo()


def _typed(prompt: str) -> str:
    """A line that the user types; the prompt is never part of what a file gets. Raises EOFError at the end."""
    if sys.stdout.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401  (gives the prompt its line editing and its history)
        return input(prompt).strip()
    click.echo(prompt, nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()
