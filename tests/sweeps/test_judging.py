"""Judges are asked through the gateway: once for equal cases, paid for, counted, and never in an answer's way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.errors import Incomplete, Interrupted, UserError
from harness.store import Folder, StoredSweep
from harness.study.loaded import Sweep
from harness.study.summary import summarise
from harness.sweeps.gateway import retries
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan
from tests.loopback import Loopback
from tests.sweeps.chains import sweep_of
from tests.sweeps.judged import JUDGE, judged, mark, questions


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A judge whose marks hang on its question alone; pauses between attempts are short."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    with Loopback(answer=mark) as running:
        yield running


def rows(found: Sweep, metric: str) -> list[dict[str, Any]]:
    """The scores of a metric."""
    return [row for row in found.stored.scores.to_pylist() if row["metric"] == metric]


def judged_name(found: Sweep) -> str:
    """The name of the judge's column."""
    names: list[str] = list(found.summary["runs"][0]["metrics"])
    return next(name for name in names if name.startswith("marks"))


def last(folder: Path) -> Sweep:
    """The newest sweep of a workspace."""
    return Sweep(StoredSweep(Folder(max((folder / "runs").iterdir()))))


def test_equal_cases_are_judged_once_and_never_again(tmp_path: Path, server: Loopback) -> None:
    """Variants whose answers are equal share a judgement; a second sweep makes no call; every call is in the totals."""
    path = judged(tmp_path, server)
    first = sweep_of(path)
    answers = {(row["example"], row["answer"]) for row in first.stored.outcomes.to_pylist() if row["example"] < "q6"}
    scored = rows(first, judged_name(first))
    assert len(scored) == 4 * 6 and all(row["value"] is not None for row in scored)
    assert len(questions(server, "Mark")) == len(answers) < len(scored)
    assert first.summary["calls"]["judge_made"] == len(answers)
    assert first.summary["spending"]["judge"]["calls"] == len(answers)
    assert first.summary["cost_usd"] == pytest.approx(first.summary["spending"]["judge"]["usd"]) and (
        first.summary["cost_usd"] > 0
    )
    second = sweep_of(path)
    assert len(questions(server, "Mark")) == len(answers)
    assert second.summary["calls"]["judge_made"] == 0
    assert [r["value"] for r in rows(second, scored[0]["metric"])] == [r["value"] for r in scored]


def test_what_a_judge_said_is_kept_with_the_score(tmp_path: Path, server: Loopback) -> None:
    """The reason and the details of a verdict are in the table, also for those who take it from the cache."""
    path = judged(tmp_path, server, "[{marks: {judge: JUDGE, as: marked}}]")
    for found in (sweep_of(path), sweep_of(path)):
        for row in rows(found, "marked"):
            said = json.loads(row["details"])["mark"]
            assert row["reason"] == f"{said} of 10" and row["value"] == said / 10


def test_broken_and_refused_judgements_are_failures_that_are_counted(tmp_path: Path, server: Loopback) -> None:
    """A reply that cannot be read is asked for again, and then recorded; the mean rests on the others."""

    def say(messages: list[dict[str, Any]]) -> str:
        text = str(messages[0]["content"])
        if "Saturdays" in text:
            return "I would give it a seven."
        if "closed" in text and len(messages) == 1:
            return '{"mark": 70}'
        return '{"mark": 7}' if "closed" in text else mark(messages)

    server.answer = say
    found = sweep_of(judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE, as: marked}}]"))
    by_example: dict[str, list[dict[str, Any]]] = {}
    for row in rows(found, "marked"):
        by_example.setdefault(row["example"], []).append(row)
    assert all(row["failure"].startswith("judge: broken_answer: openai/judge") for row in by_example["q0"])
    assert all(row["value"] is None for row in by_example["q0"])
    assert all(row["value"] == 0.7 for row in by_example["q1"])
    for run in found.summary["runs"]:
        figure = run["metrics"]["marked"]
        values = [
            r["value"] for r in rows(found, "marked") if r["variant"] == run["variant"] and r["value"] is not None
        ]
        assert (figure["n"], figure["failed"], figure["planned"]) == (5, 1, 6)
        assert figure["mean"] == pytest.approx(sum(values) / 5)
        assert figure["worst"] == pytest.approx(sum(values) / 6)


def test_a_refused_judgement_is_a_failure(tmp_path: Path, server: Loopback) -> None:
    """A judge that refuses by its finish reason gives no score; one that gives none at all ends the command so."""
    server.finish = "content_filter"
    with pytest.raises(
        Incomplete, match=r"marked failed in all 24 cells .* judge: content_filter: openai/judge refused"
    ):
        sweep_of(judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE, as: marked}}]"))
    found = last(tmp_path)
    assert found.status == "complete" and found.summary["runs"][0]["metrics"]["marked"]["n"] == 0
    assert {row["failure"].split(":")[1].strip() for row in rows(found, "marked")} == {"content_filter"}


def test_a_broken_judgement_is_asked_for_again_by_the_next_sweep(tmp_path: Path, server: Loopback) -> None:
    """Replies that were of no use are not served from the cache."""
    path = judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE, as: marked}}]")
    server.answer = lambda messages: "no idea"
    with pytest.raises(Incomplete, match="marked failed in all"):
        sweep_of(path)
    assert all(row["failure"] for row in rows(last(tmp_path), "marked"))
    server.answer = mark
    assert all(row["value"] is not None for row in rows(sweep_of(path), "marked"))


def test_answers_do_not_wait_for_judges(tmp_path: Path, server: Loopback) -> None:
    """With a judge that never replies, every answer is on disk, and a resumed sweep asks for none of them again."""
    bot = (
        "import pathlib\n\ndef answer(request):\n"
        "    with pathlib.Path(__file__).with_name('calls.log').open('a') as file:\n        file.write('x')\n"
        "    return request.passages[0] if request.passages else 'no'\n"
    )
    (tmp_path / "bot.py").write_text(bot)
    server.hang = 10_000
    metrics = "[token_f1, chrf, {marks: {judge: JUDGE}}]"  # chrf is not cheap: it waits for its turn, but for no judge
    path = judged(tmp_path, server, metrics, model="python:bot.py:answer", extra="concurrency: 2\n")
    command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    cells: list[dict[str, Any]] = []
    while len(cells) < 4 * 8 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
        cells = [
            json.loads(line) for file in tmp_path.glob("runs/*/cells.jsonl") for line in file.open() if "var" in line
        ]
    process.kill()
    process.wait()
    assert len(cells) == 4 * 8, process.stderr and process.stderr.read()
    growing = last(tmp_path)
    assert growing.stored.outcomes.num_rows == 4 * 8
    assert {row["metric"] for row in growing.stored.scores.to_pylist()} == {"token_f1", "chrf"}
    asked = len((tmp_path / "calls.log").read_text())
    server.hang = 0
    found = sweep_of(path)
    assert found.id == growing.id and found.status == "complete"
    assert len((tmp_path / "calls.log").read_text()) == asked
    assert found.summary["calls"]["made"] == asked
    assert len(rows(found, judged_name(found))) == 4 * 6


def test_judges_share_the_budget_and_the_sweep_goes_on_where_it_ended(tmp_path: Path, server: Loopback) -> None:
    """A budget that judging uses up ends the sweep incomplete; with more, only what is missing is judged."""
    path = judged(tmp_path, server)
    with pytest.raises(Incomplete, match="budget is spent"):
        sweep_of(path, "budget.usd=0.0001", "concurrency=1")
    ended = last(tmp_path)
    assert ended.status == "incomplete" and ended.summary["cost_usd"] >= 0.0001
    assert 0 < ended.summary["calls"]["judge_made"] == len(questions(server, "Mark")) < 6
    found = sweep_of(path, "concurrency=1")
    assert found.id == ended.id and found.status == "complete"
    assert len(questions(server, "Mark")) == len(set(questions(server, "Mark")))


def test_sigint_while_judging_keeps_what_was_paid_for(tmp_path: Path, server: Loopback) -> None:
    """Interrupted among slow judgements, the sweep ends with 130, and goes on without asking any of them twice."""
    server.delay_s = 0.3
    path = judged(tmp_path, server, extra="concurrency: 2\n")
    command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while server.count(JUDGE) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 130, process.stderr and process.stderr.read()
    server.delay_s = 0.0
    found = sweep_of(path)
    assert found.status == "complete"
    assert len(questions(server, "Mark")) == len(set(questions(server, "Mark")))
    assert found.summary["calls"]["judge_made"] == len(questions(server, "Mark"))


def test_answers_are_held_against_those_of_the_named_variant(tmp_path: Path, server: Loopback) -> None:
    """Every variant is judged against the rival's answer to the same question, the rival against its own."""
    metrics = "[token_f1, {better: {judge: JUDGE, against: 'chunk_size=120, similarity_threshold=0.0', as: better}}]"
    found = sweep_of(judged(tmp_path, server, metrics))
    labels = {v["id"]: v["label"] for v in found.stored.variants}
    [rival] = [known for known, label in labels.items() if label == "chunk_size=120, similarity_threshold=0.0"]
    answers = {(r["variant"], r["example"]): r["answer"] for r in found.stored.outcomes.to_pylist()}
    scored = rows(found, "better")
    assert {row["variant"] for row in scored} == set(labels) and len(scored) == 4 * 6
    asked = set(questions(server, "Better"))
    for row in scored:
        texts = [answers[row["variant"], row["example"]], answers[rival, row["example"]]]
        assert any(text.endswith("|".join(texts)) for text in asked)


def test_a_rival_that_is_no_variant_is_refused_before_anything_is_spent(tmp_path: Path, server: Loopback) -> None:
    """The error names the variants that there are."""
    with pytest.raises(UserError, match=r"against: no variant called 'chunk_size=61'; .*chunk_size=60"):
        sweep_of(judged(tmp_path, server, "[token_f1, {better: {judge: JUDGE, against: chunk_size=61}}]"))
    assert server.calls == [] and not list(tmp_path.glob("runs/*"))


def test_where_the_rival_has_no_answer_the_score_is_a_failure(tmp_path: Path, server: Loopback) -> None:
    """The rival failed on one question: there the others have no value, and say why."""
    bot = (
        "def answer(request):\n"
        "    if 'Saturdays' in request.question and len(request.passages) < 2:\n        raise ValueError('no')\n"
        "    return 'yes'\n"
    )
    (tmp_path / "bot.py").write_text(bot)
    path = judged(
        tmp_path,
        server,
        "[token_f1, {better: {judge: JUDGE, as: better}}]",
        model="python:bot.py:answer",
        axes="top_k: [1, 2]",
        extra="max_failures: 2\n",
    )
    found = rows(sweep_of(path), "better")
    failed = [row for row in found if row["failure"]]
    assert len(found) == 12 and [row["example"] for row in failed] == ["q0", "q0"]
    assert failed[0]["failure"].startswith("no answer: ")  # the rival's own
    assert "has no answer to hold this one against" in failed[1]["failure"]


def test_a_missing_key_of_a_judge_is_told_before_anything_is_spent(
    tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable that a judge needs is named, and no answer is asked for."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    path = judged(tmp_path, server, "[token_f1, {marks: {judge: anthropic/claude-haiku-4-5}}]")
    with pytest.raises(UserError, match="ANTHROPIC_API_KEY"):
        sweep_of(path)
    assert not list(tmp_path.glob("runs/*"))


def test_composites_are_made_of_judged_scores(tmp_path: Path, server: Loopback) -> None:
    """The weighted mean of a judged and a plain metric is that of the two in every cell; a failed member fails it."""
    server.answer = lambda messages: "no" if "Saturdays" in str(messages) else mark(messages)
    metrics = "[token_f1, {marks: {judge: JUDGE, as: m}}, {weighted: {of: {token_f1: 1, m: 3}, as: mix}}]"
    found = sweep_of(judged(tmp_path, server, metrics, extra="objective: {maximize: mix}\n"))
    values = {(r["variant"], r["example"], r["metric"]): r for r in found.stored.scores.to_pylist()}
    mixed = rows(found, "mix")
    assert len(mixed) == 4 * 6
    for row in mixed:
        one, other = (values[row["variant"], row["example"], name] for name in ("token_f1", "m"))
        if row["example"] == "q0":
            assert row["value"] is None and row["failure"].startswith("m: judge: broken_answer")
        else:
            assert row["value"] == pytest.approx((one["value"] + 3 * other["value"]) / 4)
    assert summarise(found.stored)["objective"]["metric"] == "mix"


def test_fresh_asks_judges_anew(tmp_path: Path, server: Loopback) -> None:
    """With --fresh no judgement of an earlier sweep is used."""
    path = judged(tmp_path, server)
    sweep_of(path)
    before = server.count(JUDGE)
    assert sweep_of(path, fresh=True).summary["calls"]["judge_made"] == before
    assert server.count(JUDGE) == 2 * before


def test_the_plan_counts_and_prices_judgements(tmp_path: Path, server: Loopback) -> None:
    """What judging costs lies between the bounds; planned again, all scores are known and nothing is to be paid."""
    path = judged(tmp_path, server)
    config = load(path)
    plan = make_plan(config, read_inputs(config))
    assert plan.judgements["naive"] == 4 * 6 and plan.judgements["cached"] == 0
    assert plan.models["openai/judge"] == plan.judgements["distinct"] and server.calls == []
    done = sweep_of(path).summary
    assert plan.judgements["distinct"] >= done["calls"]["judge_made"]
    assert plan.cost_low is not None and plan.cost_high is not None
    assert plan.cost_low <= done["cost_usd"] <= plan.cost_high
    again = make_plan(config, read_inputs(config))
    assert again.judgements["distinct"] == again.judgements["cached"] == done["calls"]["judge_made"]
    assert again.cost_usd == 0


@pytest.mark.parametrize("command", ["sweep", "score"])
def test_what_is_on_its_way_at_a_stop_is_recorded(tmp_path: Path, server: Loopback, command: str) -> None:
    """Answers from the cache are judged many at a time; stopped, each call that was made is in the sweep's spending."""
    plain = sweep_of(judged(tmp_path, server, "[token_f1]", extra="concurrency: 4\n"))
    path = judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE}}]", extra="concurrency: 4\n")
    server.delays = [0.4, 2.0]
    given = [str(path)] if command == "sweep" else [plain.id, "--config", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", command, *given, "--quiet"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while server.count(JUDGE) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 130, process.stderr and process.stderr.read()
    others = [folder for folder in (tmp_path / "runs").iterdir() if folder.name != plain.id]
    ended = Sweep(StoredSweep(Folder(others[0] if command == "sweep" else plain.stored.folder.path)))
    made = server.count(JUDGE)
    assert len([line for line in ended.stored.spending if line["stage"] == "judge"]) == made >= 4
    server.delays = []
    subprocess.run([sys.executable, "-m", "harness", command, *given, "--quiet"], cwd=tmp_path, check=True)
    assert len(questions(server, "Mark")) == len(set(questions(server, "Mark")))


def test_a_judge_that_never_replies_does_not_keep_a_stopped_sweep(
    tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a stop, what is on its way gets a moment, and no more."""
    from harness.sweeps import judging as room
    from harness.sweeps import questions as other

    monkeypatch.setattr(room, "GRACE_S", 0.3)
    monkeypatch.setattr(other, "GRACE_S", 0.3)
    server.hang = 10_000
    path = judged(tmp_path, server)
    timer = threading.Timer(3.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted):
        sweep_of(path)
    assert last(tmp_path).status == "interrupted"
