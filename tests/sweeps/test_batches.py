"""Batch mode against loopback batch APIs: half the price, the same results, nothing handed in twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.errors import Incomplete, ProviderError
from harness.study.loaded import Sweep
from harness.sweeps.gateway import batches
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import write

COUNT = 20
MODELS = {
    "openai": ("openai/gpt-4o-mini", "/v1", "chat"),
    "responses": ("openai/gpt-4o-mini", "/v1", "responses"),
    "anthropic": ("anthropic/claude-haiku-4-5", "", None),
}
CHATS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider on loopback; its batches are asked for often."""
    monkeypatch.setattr(batches, "_FIRST_POLL_S", 0.05)
    with Loopback() as running:
        yield running


def sweep_file(folder: Path, url: str, kind: str = "openai", extra: str = "batch: true\n") -> Path:
    """A sweep of distinct questions, each of one model."""
    lines = [{"id": f"q{i}", "question": f"Question {i}?", "references": [f"qUESTION {i}"]} for i in range(COUNT)]
    write(folder / "q.jsonl", "\n".join(map(json.dumps, lines)) + "\n")
    name, path, api = MODELS[kind]
    model = f"{{use: {name}, base_url: '{url}{path}'{f', api: {api}' if api else ''}}}"
    prices = f"prices: {{{name.removeprefix('anthropic/')}: {{input: 1.0, output: 10.0}}}}\n"
    head = f"dataset: q.jsonl\nchatbot: {{model: {model}, max_tokens: 5}}\nmetrics: [token_f1]\n"
    return write(folder / "s.yaml", head + prices + extra)


def run(path: Path, *overrides: str) -> Sweep:
    """Run it."""
    return Sweep(run_sweep(load(path, overrides), Options(), Progress()))


def asked_singly(server: Loopback) -> int:
    """How many requests came in one by one."""
    return sum(server.count(path) for path in CHATS)


@pytest.mark.parametrize("kind", MODELS)
def test_the_same_results_for_half_the_price(kind: str, server: Loopback, tmp_path: Path) -> None:
    """Answers, scores, tokens and counts are those of single calls; nobody waited, so there is no latency."""
    batched = run(sweep_file(tmp_path / "a", server.url, kind))
    assert (len(server.desk.batches), asked_singly(server)) == (1, 0)
    single = run(sweep_file(tmp_path / "b", server.url, kind, ""))
    assert asked_singly(server) == COUNT
    for column in ("answer", "finish_reason", "input_tokens", "output_tokens", "source", "attempts"):
        assert batched.outcomes[column].tolist() == single.outcomes[column].tolist()
    assert batched.scores["value"].tolist() == single.scores["value"].tolist()
    assert batched.summary["calls"] == single.summary["calls"]
    assert batched.summary["cost_usd"] == pytest.approx(single.summary["cost_usd"] / 2)
    assert batched.outcomes["latency_ms"].isna().all()


def test_answers_of_a_batch_are_answers_for_single_calls_and_the_other_way_round(
    server: Loopback, tmp_path: Path
) -> None:
    """How an answer was asked for is no part of the request."""
    run(sweep_file(tmp_path, server.url))
    again = run(sweep_file(tmp_path, server.url, extra="")).summary
    assert (again["calls"]["made"], asked_singly(server)) == (0, 0)


@pytest.mark.parametrize("kind", MODELS)
def test_what_fails_in_a_batch_is_asked_for_by_itself(kind: str, server: Loopback, tmp_path: Path) -> None:
    """Every third request comes back as an error: those are single calls, at the full price."""
    server.desk.spoiled = lambda number: number % 3 == 0
    sweep = run(sweep_file(tmp_path, server.url, kind))
    assert sweep.summary["failed_cells"] == 0
    assert asked_singly(server) == sum(number % 3 == 0 for number in range(COUNT))
    assert len(server.desk.batches) == 1


def test_a_server_without_batches_is_asked_singly(server: Loopback, tmp_path: Path) -> None:
    """A compatible server that has no batch API costs nothing but the price of single calls."""
    server.desk.refuse = 404
    sweep = run(sweep_file(tmp_path, server.url))
    assert (sweep.summary["failed_cells"], asked_singly(server)) == (0, COUNT)


def test_a_wrong_key_ends_it(server: Loopback, tmp_path: Path) -> None:
    """Nothing is asked for one by one with a key that the batch API refused."""
    server.desk.refuse = 401
    with pytest.raises(ProviderError, match="OPENAI_API_KEY"):
        run(sweep_file(tmp_path, server.url))
    assert asked_singly(server) == 0


@pytest.mark.parametrize("kind", MODELS)
def test_a_lost_confirmation_is_looked_up(kind: str, server: Loopback, tmp_path: Path) -> None:
    """The connection breaks off after the batch was taken in: it is found again, not handed in again."""
    server.desk.lose_answers = 1
    sweep = run(sweep_file(tmp_path, server.url, kind))
    assert (len(server.desk.batches), asked_singly(server)) == (1, 0)
    assert sweep.summary["calls"]["made"] == COUNT


def test_the_budget_bounds_what_is_handed_in(server: Loopback, tmp_path: Path) -> None:
    """With 8 calls left, 8 requests go into the batch; the sweep ends incomplete, and goes on with a larger budget."""
    path = sweep_file(tmp_path, server.url)
    with pytest.raises(Incomplete, match="budget"):
        run(path, "budget.calls=8")
    assert [len(batch.requests) for batch in server.desk.batches] == [8]
    done = run(path, "budget.calls=100").summary
    assert (done["failed_cells"], done["calls"]["made"]) == (0, COUNT)
    assert sum(len(batch.requests) for batch in server.desk.batches) == COUNT


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("forget", [False, True], ids=["id_known", "id_lost"])
def test_killed_between_submit_and_result_nothing_is_handed_in_twice(
    kind: str, forget: bool, server: Loopback, tmp_path: Path
) -> None:
    """kill -9 while a batch is waited for, even before its id is written down: the next process takes it up."""
    server.desk.seconds = 1000
    path = sweep_file(tmp_path, server.url, kind)
    command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    [folder] = _wait(lambda: list((tmp_path / "runs").glob("*/batches.jsonl")))
    _wait(lambda: server.desk.batches and folder.read_text().count("\n") >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if forget:
        folder.write_text("".join(folder.read_text().splitlines(keepends=True)[:2]))
    server.desk.seconds = 0
    done = run(path).summary
    assert (len(server.desk.batches), asked_singly(server)) == (1, 0)
    assert (done["calls"]["made"], done["failed_cells"]) == (COUNT, 0)
    assert len(list((tmp_path / "runs").iterdir())) == 1


@pytest.mark.parametrize("kind", MODELS)
def test_a_lost_batch_is_not_taken_for_another_of_its_size(
    kind: str, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches of ten; the confirmation of the first is lost: it is the first that is found."""
    monkeypatch.setattr("harness.parts.models.openai_batches.Batches.most", COUNT // 2)
    monkeypatch.setattr("harness.parts.models.anthropic_batches.Batches.most", COUNT // 2)
    run(sweep_file(tmp_path / "before", server.url, kind, "batch: true\n"), "dataset={path: q.jsonl, limit: 10}")
    server.desk.lose_answers = 1
    found = run(sweep_file(tmp_path / "now", server.url, kind)).summary
    assert ([len(batch.requests) for batch in server.desk.batches], asked_singly(server)) == ([10, 10, 10], 0)
    assert (found["calls"]["made"], found["failed_cells"]) == (COUNT, 0)


def test_two_servers_batches_are_not_mixed_up(server: Loopback, tmp_path: Path) -> None:
    """The same model's name at two servers: after a kill each batch is taken up where it lies."""
    with Loopback() as other:
        path = sweep_file(tmp_path, server.url)
        models = ", ".join(
            f"{name}: {{use: openai/gpt-4o-mini, base_url: '{far.url}/v1'}}"
            for name, far in (("a", server), ("b", other))
        )
        path.write_text(path.read_text() + f"sweep: {{axes: {{model: {{{models}}}}}}}\n")
        server.desk.seconds = other.desk.seconds = 1000
        command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        [journal] = _wait(lambda: list((tmp_path / "runs").glob("*/batches.jsonl")))
        _wait(lambda: journal.read_text().count('"id"') == 2)
        process.kill()
        process.wait()
        server.desk.seconds = other.desk.seconds = 0
        done = run(path).summary
        assert (len(server.desk.batches), len(other.desk.batches)) == (1, 1)
        assert (asked_singly(server), asked_singly(other)) == (0, 0)
    assert (done["calls"]["made"], done["failed_cells"]) == (2 * COUNT, 0)


def test_an_interrupt_while_waiting_keeps_the_batch(server: Loopback, tmp_path: Path) -> None:
    """Ctrl-C ends the command; the batch is taken up by the next one."""
    server.desk.seconds = 1000
    path = sweep_file(tmp_path, server.url)
    command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    _wait(lambda: server.desk.batches)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - started < 5
    server.desk.seconds = 0
    assert run(path).summary["calls"]["made"] == COUNT
    assert len(server.desk.batches) == 1


def _wait(found: Any) -> Any:
    """The first true value, within 30 seconds."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not come")
