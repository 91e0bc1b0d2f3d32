"""`harness chat`: from pipes and at a terminal, in processes of its own."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.data import read_dataset
from harness.store import Folder, StoredSweep
from harness.study.registry import promote
from harness.study.registry.record import record_of
from tests.loopback import Loopback
from tests.sweeps.test_conversing import hosted, swept
from tests.workspaces import QUESTIONS, write

OPEN, SUNDAYS = "When is the shop open?", "And on Sundays?"
HOSTILE = "\x1b[31mred\x9b2J \u202eback\r\n\x07end"
CHATS = "/v1/chat/completions"


@pytest.fixture
def server() -> Iterator[Loopback]:
    """The far side of the network."""
    with Loopback() as found:
        yield found


@pytest.fixture
def stored(tmp_path: Path, server: Loopback) -> StoredSweep:
    """A run whose model is the server, promoted as `production`."""
    found = swept(hosted(tmp_path, server))
    record = record_of(found, found.variants[0])
    promote(Folder(tmp_path / "runs"), record, "production", reason="best", by="ann")
    return found


def chat(folder: Path, text: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `harness chat` with lines from a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "harness", "chat", *arguments],
        input=text,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The documents on stdout."""
    return [json.loads(line) for line in done.stdout.splitlines()]


class Terminal:
    """`harness chat` at a terminal; `seen` is all that it showed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process, self.master = self._start(folder, arguments)
        self.seen = ""

    @staticmethod
    def _start(folder: Path, arguments: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], int]:
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "chat", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb"},
        )
        os.close(slave)
        return process, master

    def until(self, text: str, times: int = 1) -> str:
        """Read until a text was shown so often since the start."""
        ends = time.monotonic() + 60
        while self.seen.count(text) < times:
            assert time.monotonic() < ends, self.seen
            if select.select([self.master], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode()
                except OSError:
                    break
        assert self.seen.count(text) >= times, self.seen
        return self.seen

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.master, f"{text}\n".encode())

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def interrupt_until_ended(self) -> None:
        """Ctrl-C, again where it came before readline waited for a key: such a one is not heard until a key comes."""
        while self.process.poll() is None:
            self.interrupt()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)

    def ended(self) -> int:
        """The exit code."""
        code = self.process.wait(30)
        os.close(self.master)
        return code


def test_a_known_question_gets_the_answer_of_the_run(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """By alias, one JSON line per answer and nothing else on stdout; what the run paid for is not asked again."""
    before = server.count(CHATS)
    done = chat(tmp_path, "".join(f"{each['question']}\n\n" for each in QUESTIONS), "production", "--json")
    assert done.returncode == 0, done.stderr
    found = answers(done)
    by_id = dict(zip(stored.outcomes["example"].to_pylist(), stored.outcomes["answer"].to_pylist(), strict=True))
    assert [each["answer"] for each in found] == [by_id[f"q{i}"] for i in range(len(QUESTIONS))]
    assert {each["source"] for each in found} == {"cached"}
    assert {(each["version"], each["run"], each["spent_usd"]) for each in found} == {
        (1, f"{stored.id}/{stored.variants[0]['id']}", 0.0)
    }
    assert "text" not in found[0]["passages"][0]
    assert server.count(CHATS) == before


def test_it_says_first_what_it_is_and_what_a_question_costs(stored: StoredSweep, tmp_path: Path) -> None:
    """Version, run, score with interval and number, price; on stderr, before anything is asked."""
    done = chat(tmp_path, "", "production")
    assert (done.returncode, done.stdout) == (0, "")
    said = done.stderr
    assert f"production: version 1, run {stored.id}/" in said
    assert "token_f1 0." in said and "n 6)" in said
    assert "asks openai/small; a question costs about USD" in said
    assert "mean of 8 answers of its run" in said
    assert "\x1b" not in said


def test_lines_are_conversations_of_their_own_unless_told(
    stored: StoredSweep, server: Loopback, tmp_path: Path
) -> None:
    """With `--conversation` the model gets the turns before."""
    for option, roles in (
        ([], ["system", "user"]),
        (["--conversation"], ["system", "user", "assistant", "user"]),
    ):
        done = chat(tmp_path, f"Hello\n{SUNDAYS}\n", "@v1", "--fresh", *option)
        assert done.returncode == 0, done.stderr
        assert [each["role"] for each in server.calls[-1].body["messages"]] == roles
        assert done.stdout.startswith("hELLO (0 TURNS BEFORE)\n\n")
        assert "paid so far USD 0.0000" in done.stderr and "asked" in done.stderr


def test_passages_are_shown_where_asked_for(stored: StoredSweep, tmp_path: Path) -> None:
    """With place, similarity and text."""
    done = chat(tmp_path, f"{QUESTIONS[0]['question']}\n", "latest", "--show-passages")
    assert "[1] hours.md " in done.stderr and "similarity 0." in done.stderr
    assert "On Saturdays it is open" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prod"], "no sweep called 'prod'"),
        (["@prod"], "aliases: production"),
        (["production", "--workspace", "runs"], "--workspace names another"),
    ],
)
def test_a_name_that_means_nothing_here_ends_with_2(
    stored: StoredSweep, tmp_path: Path, arguments: list[str], told: str
) -> None:
    """Nothing on stdout, no traceback."""
    done = chat(tmp_path, f"{OPEN}\n", *arguments, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_knowledge_base_that_changed_must_be_allowed(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """Without `--changed` nothing is asked; with it the score is said not to hold."""
    write(tmp_path / "datasets/articles/hours.md", "# Hours\n\nAlways open.\n")
    before = server.count()
    done = chat(tmp_path, f"{OPEN}\n", "production")
    assert (done.returncode, server.count()) == (2, before)
    assert "the scores do not hold for it" in done.stderr
    done = chat(tmp_path, f"{OPEN}\n", "production", "--changed")
    assert done.returncode == 0, done.stderr
    assert "has changed since, and the score does not hold" in done.stderr


def test_a_provider_that_refuses_ends_with_3(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """At once where no question can be answered; after the last line where one failed, which is said in its line."""
    server.fail(1, 401)
    done = chat(tmp_path, f"{OPEN}\n{SUNDAYS}\n", "production", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert "401" in done.stderr
    server.fail(1, 400)
    done = chat(tmp_path, f"{OPEN}\n{SUNDAYS}\n", "production", "--json")
    assert done.returncode == 3
    first, second = answers(done)
    assert (first["answer"], second["failure"]) == (None, None)
    assert "HTTP 400" in first["failure"]
    assert "1 of 2 questions have no answer" in done.stderr


def test_a_budget_that_is_spent_ends_with_3(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """What was answered until then is there."""
    before = server.count(CHATS)
    done = chat(tmp_path, f"{OPEN}\n{SUNDAYS}\n", "production", "--json", "--budget-usd", "0.00001")
    assert (done.returncode, len(answers(done))) == (3, 1)
    assert "the budget is spent" in done.stderr
    assert server.count(CHATS) == before + 1


def test_a_hostile_answer_does_nothing_to_the_terminal(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """No control character gets out, neither as text nor as JSON; the answer is whole in the JSON."""
    server.answer = lambda messages: HOSTILE
    done = chat(tmp_path, f"{OPEN}\n", "production")
    assert done.stdout == "[U+001B][31mred[U+009B]2J [U+202E]back\n[U+0007]end\n\n"
    done = chat(tmp_path, f"{OPEN}\n", "production", "--json")
    assert done.stdout.isascii() and "\x1b" not in done.stdout and "\x07" not in done.stdout
    assert answers(done)[0]["answer"] == HOSTILE


def test_a_conversation_at_a_terminal(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """Turns go on, a new conversation forgets them, passages are shown, the question is saved for a dataset."""
    terminal = Terminal(tmp_path, "production")
    terminal.until("> ")
    terminal.type(OPEN)
    terminal.until("wHEN IS THE SHOP OPEN? (0 TURNS BEFORE)")
    terminal.until("paid so far")
    terminal.type(SUNDAYS)
    terminal.until("aND ON sUNDAYS? (2 TURNS BEFORE)")
    terminal.type("/passages")
    terminal.until("similarity")
    terminal.type("/save kept/asked.jsonl")
    terminal.until("a good answer")
    terminal.type("It is closed.")
    terminal.until("has 1 example now")
    terminal.type("/new")
    terminal.until("a new conversation")
    terminal.type(SUNDAYS)
    terminal.until("aND ON sUNDAYS? (0 TURNS BEFORE)")
    terminal.type("/nonsense")
    terminal.until("there is no /nonsense")
    terminal.type("/quit")
    assert terminal.ended() == 0
    [example] = read_dataset(tmp_path / "kept/asked.jsonl").examples
    assert [each.role for each in example.messages] == ["user", "assistant", "user"]
    assert (example.question, example.references) == (SUNDAYS, ("It is closed.",))
    assert example.metadata["run"] == f"{stored.id}/{stored.variants[0]['id']}"
    assert server.count(CHATS) == len(QUESTIONS) + 3


def test_ctrl_c_gives_up_an_answer_and_at_the_prompt_ends(
    stored: StoredSweep, server: Loopback, tmp_path: Path
) -> None:
    """The question that was given up is no part of what comes after."""
    terminal = Terminal(tmp_path, "production")
    terminal.until("> ")
    server.hang = 1
    terminal.type(OPEN)
    while server.count(CHATS) == len(QUESTIONS):
        time.sleep(0.01)
    terminal.interrupt()
    terminal.until("given up")
    terminal.type(SUNDAYS)
    terminal.until("aND ON sUNDAYS? (0 TURNS BEFORE)")
    terminal.until("> ", 3)
    terminal.interrupt_until_ended()
    assert terminal.ended() == 130


def test_what_goes_wrong_at_a_terminal_does_not_end_it(stored: StoredSweep, server: Loopback, tmp_path: Path) -> None:
    """A refusal for good, a file that is no dataset, nothing to save."""
    terminal = Terminal(tmp_path, "production")
    terminal.until("> ")
    terminal.type("/save x.jsonl")
    terminal.until("nothing was asked yet")
    server.fail(1, 401)
    terminal.type(OPEN)
    terminal.until("401")
    terminal.type(OPEN)
    terminal.until("wHEN IS THE SHOP OPEN?")
    terminal.type("/save sheet.csv")
    terminal.until("a good answer")
    terminal.type("")
    terminal.until("added to JSONL files")
    terminal.until("> ", 5)
    os.write(terminal.master, b"\x04")
    assert terminal.ended() == 0


def test_evidence_that_changed_is_told_before_the_first_question(tmp_path: Path, stored: StoredSweep) -> None:
    """One line on stderr; the answer comes all the same."""
    assert "note: " not in chat(tmp_path, OPEN, "production").stderr
    file = tmp_path / "runs" / stored.id / "variants.jsonl"
    file.write_bytes(file.read_bytes() + b"\n")
    done = chat(tmp_path, OPEN, "production")
    assert (done.returncode, done.stdout.strip() != "") == (0, True)
    assert "note: the run " in done.stderr
    assert "has changed since: variants.jsonl" in done.stderr
