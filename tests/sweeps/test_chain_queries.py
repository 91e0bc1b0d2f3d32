"""Queries that are written: by the turns before, or by a model, each request of which is asked, paid and told once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.errors import Incomplete, ProviderError
from harness.store import Folder, StoredSweep
from harness.study.loaded import Sweep
from harness.study.summary import summarise
from harness.sweeps.gateway import retries
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan
from tests.loopback import Loopback
from tests.sweeps.chains import config, failures, lines, made, retrieved, spans, sweep_of
from tests.workspaces import QUESTIONS, make_workspace, write

PRICES = "prices: {openai/writer: {input: 1.0, output: 10.0, cached: 1.0}}\n"
CHAT = "/v1/chat/completions"
AXES = "chunk_size: [60, 120], top_k: [1, 3], retriever: [dense, bm25]"
FOLLOW_UPS = {"f0": ("When is the shop open?", "Why is that?"), "f1": ("May I return games?", "And sale items?")}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider whose replies are made of the question alone; pauses between attempts are short."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    with Loopback(answer=reply) as running:
        yield running


def reply(messages: list[dict[str, Any]]) -> str:
    """Two other wordings, in which the question's first words stand at the end."""
    words = str(messages[-1]["content"]).split("uestion: ")[-1].split()
    return f"{' '.join(words[2:] + words[:2])}\n{' '.join(reversed(words))}"


def written(server: Loopback, use: str, axes: str = AXES, more: str = "", extra: str = "") -> str:
    """A sweep whose queries the loopback model writes."""
    model = f"{{use: openai/writer, base_url: '{server.url}/v1'}}"
    return config(axes, f"query: {{use: {use}, model: {model}{more}}}", extra=PRICES + extra)


def talks(folder: Path, text: str) -> Path:
    """The small workspace with two follow-ups and one first question."""
    path = make_workspace(folder, text)
    rows: list[dict[str, Any]] = [{"id": "first", "question": "How long do parcels take?"}]
    for name, (before, now) in FOLLOW_UPS.items():
        turns = [("user", before), ("assistant", "Yes."), ("user", now)]
        rows.append({"id": name, "messages": [{"role": role, "content": content} for role, content in turns]})
    lines(folder / "datasets/questions.jsonl", rows)
    return path


def last(folder: Path) -> Sweep:
    """The newest sweep of a workspace."""
    return Sweep(StoredSweep(Folder(max((folder / "runs").iterdir()))))


def test_conversation_finds_for_a_follow_up_what_the_turns_before_name(tmp_path: Path) -> None:
    """A follow-up without a telling word finds what was spoken of; a first question finds the same with both."""
    done = sweep_of(talks(tmp_path, config("query: [question, conversation]", "top_k: 3, retriever: bm25")))
    found = retrieved(done)
    assert spans(found["question", "first"]) == spans(found["conversation", "first"])
    assert found["question", "f0"] == []
    assert "open" in found["conversation", "f0"][0]["text"]
    assert done.summary["stages"]["retrieve"]["made"] == 6


@pytest.mark.parametrize("use", ["multi_query", "hyde"])
def test_each_request_is_asked_once_for_all_variants_and_never_again(
    server: Loopback, tmp_path: Path, use: str
) -> None:
    """Eight questions, eight calls, for eight variants; the second run calls nobody."""
    path = make_workspace(tmp_path, written(server, use))
    first = sweep_of(path)
    assert server.count() == server.count(CHAT) == len(QUESTIONS)
    assert first.summary["failed_cells"] == 0
    again = sweep_of(path)
    assert set(made(again.summary).values()) == {0}
    assert again.summary["spending"] == {}
    other_sizes = sweep_of(path, "chunk_size=[70]")
    assert other_sizes.summary["stages"]["retrieve"]["made"] == 2 * len(QUESTIONS)
    assert server.count() == len(QUESTIONS)


def test_what_a_model_writes_is_searched_with(server: Loopback, tmp_path: Path) -> None:
    """A wording that names parcels finds delivery.md, whatever was asked."""
    server.answer = lambda messages: "parcels to other countries"
    text = written(server, "multi_query", "retriever: [dense, bm25, hybrid]", ", original: false")
    found = retrieved(sweep_of(make_workspace(tmp_path, text)))
    assert {passages[0]["document"] for passages in found.values()} == {"delivery.md"}
    server.answer = lambda messages: "Parcels to other countries take 5 to 8 days."
    hyde = retrieved(sweep_of(make_workspace(tmp_path, written(server, "hyde", "retriever: [dense]"))))
    tops = {passages[0]["text"] for passages in hyde.values()}
    assert tops == {"Parcels to other countries take 5 to 8 days."}


def test_a_rewrite_asks_for_follow_ups_alone(server: Loopback, tmp_path: Path) -> None:
    """Who was not spoken to before is not rewritten; the conversation is in the request."""
    sweep_of(talks(tmp_path, written(server, "rewrite")))
    sent = [call.body["messages"][-1]["content"] for call in server.calls]
    assert len(sent) == 2
    for before, now in FOLLOW_UPS.values():
        assert sum(before in text and now in text for text in sent) == 1


def test_queries_are_paid_for_and_told(server: Loopback, tmp_path: Path) -> None:
    """Calls, tokens and USD stand under `query`; the sweep's cost holds them; answers are free here."""
    summary = sweep_of(make_workspace(tmp_path, written(server, "hyde"))).summary
    tokens = usd = 0.0
    for call in server.calls:
        sent = len(call.body["messages"][-1]["content"].split())
        received = len(reply(call.body["messages"]).split())
        tokens += sent + received
        usd += (sent * 1.0 + received * 10.0) / 1e6
    entry = summary["spending"]["query"]
    assert (entry["calls"], entry["tokens"]) == (len(QUESTIONS), tokens)
    assert entry["usd"] == pytest.approx(usd)
    assert summary["cost_usd"] == pytest.approx(usd)
    assert set(summary["spending"]) == {"query"}


def test_the_plan_foresees_the_calls_and_makes_none(server: Loopback, tmp_path: Path) -> None:
    """As many calls of the writer as the sweep makes, none of them made; after the sweep none is foreseen."""
    path = make_workspace(tmp_path, written(server, "multi_query"))
    config_ = load(path)
    plan = make_plan(config_, read_inputs(config_))
    assert (server.count(), plan.models["openai/writer"], plan.exact) == (0, len(QUESTIONS), False)
    sweep_of(path)
    assert "openai/writer" not in make_plan(config_, read_inputs(config_)).models
    assert server.count() == len(QUESTIONS)


def test_a_spent_budget_loses_no_query_that_was_paid(server: Loopback, tmp_path: Path) -> None:
    """Three at once when the budget ends: exit code 3; with more money the rest is asked, and nothing twice."""
    server.delay_s = 0.05
    path = make_workspace(tmp_path, written(server, "multi_query", extra="concurrency: 8\n"))
    with pytest.raises(Incomplete, match="3 of 3 calls") as caught:
        sweep_of(path, "budget.calls=3")
    assert caught.value.exit_code == 3
    stopped = last(tmp_path)
    assert (stopped.status, server.count()) == ("incomplete", 3)
    assert summarise(stopped.stored)["spending"]["query"]["calls"] == 3
    done = sweep_of(path)
    assert (done.id, done.status) == (stopped.id, "complete")
    assert server.count() == len(QUESTIONS) == done.summary["spending"]["query"]["calls"]


def test_a_budget_of_money_holds_for_queries(server: Loopback, tmp_path: Path) -> None:
    """It is overspent by no more than one call, and one that is reached ends the sweep."""
    path = make_workspace(tmp_path, written(server, "multi_query", extra="concurrency: 1\n"))
    with pytest.raises(Incomplete, match="usd"):
        sweep_of(path, "budget.usd=0.0005")
    spent = summarise(last(tmp_path).stored)["cost_usd"]
    assert 0 < server.count() < len(QUESTIONS)
    assert 0.0005 <= spent < 0.0005 + spent / server.count() * 2


def test_a_query_that_is_refused_fails_its_cells_alone(server: Loopback, tmp_path: Path) -> None:
    """HTTP 400 once: one example failed in each variant that asks, in none that does not; the next run asks again."""
    model = f"{{use: openai/writer, base_url: '{server.url}/v1'}}"
    axes = f"query: [question, {{use: multi_query, model: {model}}}], top_k: [1, 3]"
    path = make_workspace(tmp_path, config(axes, extra=PRICES + "concurrency: 1\n"))
    server.failures = [(400, {})]
    done = sweep_of(path)
    failed = failures(done)
    assert len(failed) == 2
    assert len({example for *_, example in failed}) == 1
    assert all("multi_query" in str(query) for query, *_ in failed)
    assert all(text.startswith("query: bad_request: ") for text in failed.values())
    assert server.count() == len(QUESTIONS)
    assert sweep_of(path).summary["failed_cells"] == 0
    assert server.count() == len(QUESTIONS) + 1


def test_content_that_a_provider_refuses_to_write_is_a_failure(server: Loopback, tmp_path: Path) -> None:
    """A filtered reply is nothing to search with; the first question, which nobody writes anew, is answered."""
    server.finish = "content_filter"
    failed = failures(
        sweep_of(talks(tmp_path, written(server, "rewrite", "top_k: [1, 3]", extra="max_failures: 1.0\n")))
    )
    assert {example for *_, example in failed} == set(FOLLOW_UPS)
    assert all(text.startswith("query: content_filter: openai/writer refused") for text in failed.values())


def test_a_query_that_was_cut_is_not_asked_for_again(server: Loopback, tmp_path: Path) -> None:
    """A passage without its end is searched with; other chunks are searched with the same."""
    server.finish = "length"
    path = make_workspace(tmp_path, written(server, "hyde"))
    assert sweep_of(path).summary["failed_cells"] == 0
    again = load(path, ("chunk_size=[70]",))
    assert "openai/writer" not in make_plan(again, read_inputs(again)).models
    sweep_of(path, "chunk_size=[70]")
    assert server.count() == len(QUESTIONS)


def test_a_wrong_key_ends_the_sweep_with_nothing_lost(server: Loopback, tmp_path: Path) -> None:
    """401 among four at once: the three replies are kept, nobody else is asked, and the next run goes on."""
    server.delay_s = 0.05
    server.failures = [(401, {})]
    path = make_workspace(tmp_path, written(server, "multi_query", extra="concurrency: 4\n"))
    with pytest.raises(ProviderError, match="401"):
        sweep_of(path)
    assert (last(tmp_path).status, server.count()) == ("incomplete", 4)
    done = sweep_of(path)
    assert done.summary["failed_cells"] == 0
    assert server.count() == len(QUESTIONS) + 1
    assert done.summary["spending"]["query"]["calls"] == len(QUESTIONS)


def test_fresh_asks_again_and_still_once(server: Loopback, tmp_path: Path) -> None:
    """`--fresh` wants replies of its own."""
    path = make_workspace(tmp_path, written(server, "multi_query"))
    sweep_of(path)
    fresh = sweep_of(path, fresh=True)
    assert server.count() == 2 * len(QUESTIONS)
    assert fresh.summary["spending"]["query"]["calls"] == len(QUESTIONS)
    assert fresh.summary["embeddings"]["made"] == 0


def test_two_processes_pay_for_each_query_once(server: Loopback, tmp_path: Path) -> None:
    """Both want the same at the same time: one asks, the other waits; both find the same."""
    server.delay_s = 0.3
    text = written(server, "multi_query", extra="concurrency: 2\n")
    make_workspace(tmp_path, text)
    processes = []
    for name in ("one", "two"):
        path = write(tmp_path / f"configs/{name}.yaml", text.replace("name: small", f"name: {name}"))
        command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet", "--json"]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    done = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        done.append(json.loads(out))
    asked = Counter(call.body["messages"][-1]["content"] for call in server.calls)
    assert (len(asked), set(asked.values())) == (len(QUESTIONS), {1})
    assert sum(found["spending"].get("query", {"calls": 0})["calls"] for found in done) == len(QUESTIONS)
    one, two = (Sweep(StoredSweep(Folder(found["path"]))) for found in done)
    assert retrieved(one) == retrieved(two)
