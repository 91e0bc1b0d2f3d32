"""A sweep survives any kind of death: the same command carries on, and the result is that of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.study.loaded import load
from harness.study.summary import summarise
from tests.loopback import Loopback
from tests.workspaces import CONFIG, make_workspace, write

KILLS, CONCURRENCY = 10, 4
BOT = """
import pathlib, time

def answer(request):
    log = pathlib.Path(__file__).with_name("calls.log")
    with log.open("a") as file:
        file.write(repr(request.messages[-1].content) + "\\n")
    time.sleep(0.05)
    return request.passages[0] if request.passages else "I don't know."
"""
SLOW = CONFIG.replace("model: local/extractive", "model: python:bot.py:answer") + f"concurrency: {CONCURRENCY}\n"


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start `harness sweep` in a process of its own."""
    command = [sys.executable, "-m", "harness", "sweep", str(folder / "configs/small.yaml"), "--quiet", "--json"]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def wait(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; a process that ends before that has failed."""
    while not condition():
        if process.poll() is not None and not condition():
            pytest.fail(f"ended with {process.returncode}: {process.communicate()[1]}")
        time.sleep(0.01)


def finish(folder: Path, *options: str, code: int = 0) -> dict[str, Any]:
    """Run `harness sweep` to its end and return what it printed."""
    process = start(folder, *options)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    found: dict[str, Any] = json.loads(out)
    return found


def prepared(folder: Path, config: str = SLOW) -> Path:
    """A workspace whose model takes 50 ms and notes every call."""
    make_workspace(folder, config)
    write(folder / "bot.py", BOT)
    return folder


def calls(folder: Path) -> Counter[str]:
    """How often each prompt was sent to the model."""
    log = folder / "calls.log"
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def rows(path: str, table: str, *leave_out: str) -> list[dict[str, Any]]:
    """A table of a sweep, rows in order."""
    frame = getattr(load(path), table).drop(columns=list(leave_out))
    found: list[dict[str, Any]] = frame.to_dict("records")
    return found


def test_killed_ten_times_the_result_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    """kill -9 at random moments: equal scores, answers and totals; nothing asked twice but what was in flight."""
    calm, rough = prepared(tmp_path / "calm"), prepared(tmp_path / "rough")
    for folder in (calm, rough):
        write(folder / "bot.py", BOT.replace("0.05", "0.5"))  # or the sweep is done before it is killed ten times
    undisturbed = finish(calm)
    chance = random.Random(3)
    kills = 0
    for _ in range(40):
        process = start(rough)
        time.sleep(chance.uniform(0.2, 1.4))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        if any((folder / "outcomes.parquet").exists() for folder in (rough / "runs").glob("*")):  # killed when done
            pytest.skip("this machine was too fast to be killed ten times")
        if kills == KILLS:
            break
    resumed = finish(rough)
    assert rows(resumed["path"], "scores") == rows(undisturbed["path"], "scores")
    left_out = ("latency_ms", "wait_ms")
    assert rows(resumed["path"], "outcomes", *left_out) == rows(undisturbed["path"], "outcomes", *left_out)
    for figure in ("cells", "failed_cells", "calls", "embeddings", "stages", "tokens", "cost_usd"):
        assert resumed[figure] == undisturbed[figure], figure
    again = calls(rough)
    assert set(again) == set(calls(calm))
    assert sum(again.values()) - len(again) <= KILLS * CONCURRENCY


def test_what_was_finished_before_the_kill_is_not_asked_again(tmp_path: Path) -> None:
    """A killed run with half its answers on disk asks only for the other half."""
    folder = prepared(tmp_path)
    process = start(folder)
    wait(process, lambda: sum(calls(folder).values()) >= 12)
    process.kill()
    process.communicate()
    before = calls(folder)
    time.sleep(0.1)
    finish(folder)
    asked_twice = [prompt for prompt, count in calls(folder).items() if count > 1]
    assert len(asked_twice) <= CONCURRENCY
    assert len(before) >= 12


def test_killed_with_a_hundred_calls_in_flight_it_repeats_no_others(tmp_path: Path) -> None:
    """kill -9 half-way at concurrency 100: the restart asks again at most for what had not been answered."""
    count, at_once = 600, 100
    lines = [json.dumps({"id": f"q{i}", "question": f"Question {i}?", "references": ["x"]}) for i in range(count)]
    write(tmp_path / "q.jsonl", "\n".join(lines) + "\n")
    with Loopback(delay_s=0.1) as server:
        model = f"{{use: openai/gpt-4o-mini, base_url: '{server.url}/v1'}}"
        text = f"dataset: q.jsonl\nchatbot: {{model: {model}}}\nconcurrency: {at_once}\n"
        command = [sys.executable, "-m", "harness", "sweep", str(write(tmp_path / "s.yaml", text)), "--quiet", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while server.count() < count // 2:
            time.sleep(0.005)
        process.kill()
        process.wait()
        done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)
        asked = Counter(call.body["messages"][-1]["content"] for call in server.calls)
    assert (len(asked), max(asked.values())) == (count, 2)
    assert server.count() - count <= at_once
    assert (done["calls"]["made"], done["failed_cells"]) == (count, 0)


def test_a_killed_sweep_reads_interrupted(tmp_path: Path) -> None:
    """The status is derived: without an exit record and with its process gone, nothing is running."""
    folder = prepared(tmp_path)
    process = start(folder)
    wait(process, lambda: bool(calls(folder)))
    [path] = (folder / "runs").iterdir()
    assert load(str(path)).status == "running"
    process.kill()
    process.communicate()
    assert load(str(path)).status == "interrupted"


def test_an_interrupt_ends_in_good_order(tmp_path: Path) -> None:
    """SIGINT: exit code 130, the finished cells are readable, and the same command finishes the sweep."""
    folder = prepared(tmp_path)
    process = start(folder, "--repeats", "6")
    wait(process, lambda: sum(calls(folder).values()) >= 8)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    partial = json.loads(out)
    assert partial["status"] == "interrupted"
    assert 0 < partial["finished_cells"] < partial["cells"]
    done = finish(folder, "--repeats", "6")
    assert done["sweep"] == partial["sweep"]
    assert done["finished_cells"] == done["cells"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """While one process runs a sweep, the same command elsewhere is told so and spends nothing."""
    folder = prepared(tmp_path)
    slowly = ("--repeats", "4", "--concurrency", "1")
    first = start(folder, *slowly)
    wait(first, lambda: bool(calls(folder)))
    second = start(folder, *slowly)
    _, err = second.communicate(timeout=60)
    first.communicate(timeout=60)
    assert second.returncode == 2
    assert "another process" in err


def test_a_torn_journal_is_read_kindly(tmp_path: Path) -> None:
    """Half a line at the end of the journal costs that one cell, which is done again."""
    folder = prepared(tmp_path)
    process = start(folder, "--repeats", "3")
    wait(process, lambda: sum(calls(folder).values()) >= 12)
    process.kill()
    process.communicate()
    [path] = (folder / "runs").iterdir()
    journal = path / "cells.jsonl"
    content = journal.read_bytes()
    os.truncate(journal, len(content) - 20)
    summarise(load(str(path)).stored)
    done = finish(folder, "--repeats", "3")
    assert done["finished_cells"] == done["cells"]
