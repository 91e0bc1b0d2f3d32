"""`harness gate` of a chatbot that is deployed already: it changes while its sweep file does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_gate import harness, make, sweep
from tests.workspaces import write

CONFIG = """
name: deployed
dataset: datasets/questions.jsonl
chatbot: {model: "%s", user_prompt: "{{ question }}"}
metrics: [answer_match]
objective: {maximize: answer_match}
gate: {margins: {answer_match: 0.05}}
"""


class Bot:
    """What it answers with, how many requests came in, and how many of the next get a 500."""

    def __init__(self) -> None:
        self.right, self.asked, self.failing = True, 0, 0
        bot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                bot.asked += 1
                bot.failing -= 1
                number = body["question"].split()[-1]
                answer = f"the answer {number}" if bot.right else "garbage"
                content = json.dumps({"answer": answer}).encode()
                self.send_response(500 if bot.failing >= 0 else 200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.server.server_port}/ask"


@pytest.fixture
def bot() -> Iterator[Bot]:
    """A chatbot on loopback."""
    made = Bot()
    yield made
    made.server.shutdown()
    made.server.server_close()


def workspace(folder: Path, bot: Bot, examples: int = 100) -> str:
    """A workspace whose chatbot is that one; the path of its sweep file."""
    make(folder, examples)
    return str(write(folder / "configs/deployed.yaml", CONFIG % bot.url))


def test_it_is_asked_afresh(tmp_path: Path, bot: Bot) -> None:
    """The sweep file is the baseline's, and its answers are in the cache: the gate asks the chatbot all the same."""
    config = workspace(tmp_path, bot)
    base = sweep(config)
    assert harness("gate", config, "--baseline", base).exit_code == 0
    assert bot.asked == 200
    bot.right = False
    assert harness("gate", config, "--baseline", base).exit_code == 1


def test_a_night_has_no_control_of_it(tmp_path: Path, bot: Bot) -> None:
    """The control would ask the same chatbot, and call its fall the provider's: it is a regression, and said so."""
    config = workspace(tmp_path, bot)
    base = str(json.loads(harness("sweep", config, "--repeats", "3", "--json").stdout)["runs"][0]["run"])
    bot.right = False
    before = bot.asked
    done = harness("gate", config, "--baseline", base, "--nightly", "--control", config, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1 and found["verdict"] == "regression"
    assert any("a control would ask the same chatbot" in note for note in found["notes"])
    assert bot.asked - before == 300, "the night and twice more, and no control"


def test_answers_that_were_asked_before_are_told(tmp_path: Path) -> None:
    """Of a chatbot that is no deployed one: how many, and how to ask again; nothing is said where none was."""
    config = make(tmp_path)
    base = sweep(config)
    found = json.loads(harness("gate", config, "--baseline", base, "--json").stdout)
    assert "400 of 400 answers were in the cache, asked before this run: --fresh asks again" in found["notes"]
    found = json.loads(harness("gate", config, "--baseline", base, "--fresh", "--json").stdout)
    assert not any("cache" in note for note in found["notes"])


def test_answers_that_needed_more_than_one_attempt_are_told(tmp_path: Path, bot: Bot) -> None:
    """The sweep counts them, and a limit of the gate can hold them to a share."""
    config = workspace(tmp_path, bot, examples=20)
    base = sweep(config)
    limited = write(
        tmp_path / "configs/limited.yaml",
        CONFIG.replace("gate: {", "gate: {limits: {retried_share: 0.1}, ") % bot.url,
    )
    bot.failing = 5
    done = harness("gate", str(limited), "--baseline", base, "--json")
    [rule] = json.loads(done.stdout)["rules"]
    assert rule["name"] == "limit of retried_share" and not rule["holds"] and 0.1 < rule["found"] <= 0.25
    assert done.exit_code == 1
    bot.failing = 5
    told = harness("sweep", config, "--fresh")
    assert "Tried again: " in told.stdout and "5 attempts besides the first" in told.stdout
