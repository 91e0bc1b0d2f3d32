"""kill -9 while texts are embedded, queries written, passages scored: nothing is paid twice but what was in flight."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from harness.store import Folder, StoredSweep
from harness.study.loaded import Sweep
from tests.loopback import Call, Loopback
from tests.sweeps.chains import config, lines, retrieved
from tests.workspaces import make_workspace

CONCURRENCY, EXAMPLES = 2, 14
PRICES = (
    "prices: {openai/writer: {input: 1.0, output: 1.0}, openai/embedding: {input: 1.0}, "
    "cohere/rerank-v3.5: {search: 1.0}}\n"
)
PATHS = {"embed": "/v1/embeddings", "query": "/v1/chat/completions", "rerank": "/v2/rerank"}
EQUAL = ("cells", "failed_cells", "calls", "embeddings", "stages", "tokens")


def reply(messages: list[dict[str, Any]]) -> str:
    """Another wording, of the question alone."""
    return " ".join(reversed(str(messages[-1]["content"]).split("uestion: ")[-1].split()))


def workspace(folder: Path, server: Loopback) -> list[str]:
    """A sweep that embeds, asks for queries and reranks over loopback; returns the command that runs it."""
    retrieval = (
        f"embedder: {{use: openai/embedding, base_url: '{server.url}/v1', batch_size: 2}}, "
        f"query: {{use: multi_query, model: {{use: openai/writer, base_url: '{server.url}/v1'}}}}, "
        f"reranker: {{use: cohere/rerank-v3.5, api_base: '{server.url}', batch_size: 2}}"
    )
    text = config("top_k: [2, 4]", retrieval, extra=f"{PRICES}concurrency: {CONCURRENCY}\n")
    path = make_workspace(folder, text)
    lines(folder / "datasets/questions.jsonl", [{"id": f"q{i}", "question": f"What is {i}?"} for i in range(EXAMPLES)])
    return [sys.executable, "-m", "harness", "sweep", str(path), "--quiet", "--json"]


def finished(command: list[str]) -> dict[str, Any]:
    """Run to the end, and return what was printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def work(calls: list[Call]) -> Counter[str]:
    """How often each thing was asked for: a text to embed, a query, a question with a text."""
    found: Counter[str] = Counter()
    for call in calls:
        body = call.body
        if call.path == PATHS["embed"]:
            found.update(f"embed {text}" for text in body["input"])
        elif call.path == PATHS["rerank"]:
            found.update(f"rerank {body['query']} {text}" for text in body["documents"])
        else:
            found.update([f"query {body['messages'][-1]['content']}"])
    return found


def calm_calls(once: Counter[str], stage: str) -> float:
    """How many calls of a stage an undisturbed run needs at the least."""
    things = sum(text.startswith(stage) for text in once)
    return things if stage == "query" else things / 2


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Counter[str]]:
    """A run that nobody kills, and what was asked for it."""
    with Loopback(answer=reply) as server:
        return finished(workspace(tmp_path_factory.mktemp("calm"), server)), work(server.calls)


@pytest.mark.parametrize(("stage", "after"), [("embed", 5), ("query", 6), ("rerank", 9)])
def test_a_killed_sweep_goes_on_where_it_was(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], Counter[str]], stage: str, after: int
) -> None:
    """The totals are those of an undisturbed run, and no more is asked twice than was in flight."""
    calm, once = undisturbed
    with Loopback(answer=reply, delay_s=0.08) as server:
        command = workspace(tmp_path, server)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while server.count(PATHS[stage]) < after and time.monotonic() < end:
            time.sleep(0.002)
        process.kill()
        process.wait()
        assert server.count(PATHS[stage]) < calm_calls(once, stage)
        server.delay_s = 0.0
        done = finished(command)
        asked, calls = work(server.calls), Counter(call.path for call in server.calls)
    assert set(asked) == set(once)
    assert set(once.values()) == {1}
    twice = [text for text, count in asked.items() if count > 1]
    # What was in flight: as many calls as may be, of two texts at the most each; and what came in its last 50 ms.
    assert len(twice) <= 2 * 2 * CONCURRENCY
    assert max(asked.values()) <= 2
    for figure in EQUAL:
        assert done[figure] == calm[figure], figure
    for name, entry in calm["spending"].items():
        paid = done["spending"][name]
        assert entry["calls"] <= paid["calls"] <= calls[PATHS[name]], name
    assert done["finished_cells"] == done["cells"]
    assert retrieved(Sweep(StoredSweep(Folder(done["path"])))) == retrieved(Sweep(StoredSweep(Folder(calm["path"]))))
    [folder] = (tmp_path / "runs").iterdir()
    assert done["path"] == str(folder)


@pytest.mark.parametrize(("stage", "after"), [("embed", 3), ("query", 3), ("rerank", 4)])
def test_an_interrupt_ends_the_stages_before_answers_soon(tmp_path: Path, stage: str, after: int) -> None:
    """SIGINT in any stage: exit code 130, little more is asked than what was in flight; the sweep goes on later."""
    with Loopback(answer=reply, delay_s=0.08) as server:
        command = workspace(tmp_path, server)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while server.count(PATHS[stage]) < after and time.monotonic() < end:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        asked = server.count(PATHS[stage])
        assert process.returncode == 130, err
        assert "run the same command to go on" in err
        assert asked <= after + 4 * CONCURRENCY
        server.delay_s = 0.0
        done = finished(command)
    assert done["finished_cells"] == done["cells"]


def test_an_interrupt_is_heard_while_a_store_is_in_use(tmp_path: Path) -> None:
    """Another process holds the workspace's Chroma store: SIGINT ends the waiting sweep with exit code 130."""
    path = make_workspace(tmp_path, config("top_k: [1, 2]", "index: chroma"))
    command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet"]
    [store] = (Path(finished([*command, "--json"])["path"]).parents[1] / ".harness/indexes").iterdir()
    again = [*command, "--set", "chunk_size=50"]
    with FileLock(store / "harness.lock"):
        process = subprocess.Popen(again, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(4)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert finished([*again, "--json"])["status"] == "complete"
