"""Configurations to talk to: one that is free, one that is paid, one that answers what no page should believe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from harness.config import load
from harness.store import Folder, StoredSweep
from harness.study.registry import promote
from harness.study.registry.record import record_of
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.study.reported import HOSTILE
from tests.sweeps.test_conversing import HOSTED
from tests.workspaces import CONFIG, QUESTIONS, make_workspace, write

SATURDAYS = str(QUESTIONS[0]["question"])
CHATS = "/v1/chat/completions"
BOT = f"""
def answer(request):
    \"\"\"What no page should believe; a megabyte of it where that is asked for.\"\"\"
    return {HOSTILE!r} + " x" * (500_000 if "much" in request.question else 3)
"""
PLAIN = """
name: odd
dataset: datasets/questions.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: plain, user_prompt: "{{ question }}"}
metrics: [token_f1]
objective: {maximize: token_f1}
"""


def kept(path: Path, config: Any = None) -> StoredSweep:
    """A sweep, run and summarised."""
    found = config or load(path)
    stored = run_sweep(found, Options(runs=str(found.workspace / "runs")), Progress())
    summarise(stored, keep=True)
    return stored


def of(stored: StoredSweep, number: int = 0) -> str:
    """The key of a run."""
    return f"{stored.id}/{stored.variants[number]['id']}"


def runs(stored: StoredSweep) -> Path:
    """The folder of its runs."""
    return stored.folder.path.parent


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep that costs nothing; a variant is promoted as `production`."""
    stored = kept(make_workspace(tmp_path_factory.mktemp("local"), CONFIG))
    record = record_of(stored, stored.variants[2])
    promote(Folder(runs(stored)), record, "production", reason="best", by="ann", force=True)
    return stored


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep whose bot answers with markup and control characters."""
    folder = tmp_path_factory.mktemp("odd")
    write(folder / "bot.py", BOT)
    return kept(make_workspace(folder, PLAIN))


@pytest.fixture(scope="session")
def server() -> Iterator[Loopback]:
    """A paid model."""
    with Loopback() as found:
        yield found


@pytest.fixture(scope="session")
def paid(tmp_path_factory: pytest.TempPathFactory, server: Loopback) -> StoredSweep:
    """A sweep over that model."""
    text = HOSTED.replace("URL", server.url).replace("INDEX", "exact").replace("RETRIEVER", "dense")
    return kept(make_workspace(tmp_path_factory.mktemp("paid"), text))


@pytest.fixture(scope="module")
def browser(local: StoredSweep, odd: StoredSweep, paid: StoredSweep, browser: Any) -> Any:
    """The browser, after the stores were made: while it is there no sweep can be run."""
    return browser


def ask(test: AppTest, question: str) -> AppTest:
    """Type a question and wait for the answers."""
    found = test.chat_input[0].set_value(question).run()
    assert not found.exception
    return found


def smuggle(test: AppTest, question: str) -> AppTest:
    """Ask where the page does not let one: what a client of one's own could send."""
    test.chat_input[0].proto.disabled = False
    return ask(test, question)


def agree(test: AppTest) -> AppTest:
    """Tick what has to be agreed to."""
    return next(each for each in test.checkbox if each.label.startswith("Ask, and pay")).check().run()
