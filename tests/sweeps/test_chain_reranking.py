"""Reranking: what is scored, once for all who want it; how passages are ordered; what fails and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
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
from tests.dialects import relevance
from tests.loopback import Loopback
from tests.sweeps.chains import config, failures, made, retrieved, spans, sweep_of
from tests.workspaces import QUESTIONS, make_workspace, write

NAME, PATH = "cohere/rerank-v3.5", "/v2/rerank"
PRICES = f"prices: {{{NAME}: {{search: 2.0}}}}\n"
QUERIES = {f"q{i}": question["question"] for i, question in enumerate(QUESTIONS)}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider of rerankers; pauses between attempts are short."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    for name in ("COHERE_API_KEY", "CO_API_KEY", "COHERE_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with Loopback() as running:
        yield running


def part(server: Loopback, more: str = "") -> str:
    """The reranker as a sweep file has it."""
    return f"{{use: {NAME}, api_base: '{server.url}'{more}}}"


def last(folder: Path) -> Sweep:
    """The newest sweep of a workspace."""
    return Sweep(StoredSweep(Folder(max((folder / "runs").iterdir()))))


def test_passages_come_by_score_and_top_n_cuts(server: Loopback, tmp_path: Path) -> None:
    """The scores are the provider's for the question and each text; similarities stay what they were."""
    axes = f"reranker: [none, {part(server)}, {part(server, ', top_n: 2')}]"
    found = retrieved(sweep_of(make_workspace(tmp_path, config(axes, "top_k: 5", extra=PRICES))))
    plain, whole, cut = dict.fromkeys(key[0] for key in found)
    for example, question in QUERIES.items():
        before, after = found[plain, example], found[whole, example]
        assert len(before) == 5
        assert [p["score"] for p in after] == sorted(round(relevance(question, p["text"]), 6) for p in before)[::-1]
        assert {(p["text"], p["similarity"]) for p in before} == {(p["text"], p["similarity"]) for p in after}
        assert found[cut, example] == after[:2]


def test_equal_scores_keep_the_retrievers_order(tmp_path: Path) -> None:
    """The lexical reranker gives 0 to all that has none of the words: these stay as they were."""
    found = retrieved(sweep_of(make_workspace(tmp_path, config("reranker: [none, lexical]", "top_k: 8"))))
    ties = 0
    for example in QUERIES:
        order = {span: i for i, span in enumerate(spans(found["none", example]))}
        after = found["lexical", example]
        for one, two in pairwise(after):
            assert one["score"] >= two["score"]
            if one["score"] == two["score"]:
                ties += 1
                assert order[spans([one])[0]] < order[spans([two])[0]]
    assert ties > 10


def test_each_question_and_text_is_scored_once(server: Loopback, tmp_path: Path) -> None:
    """For all top_k, thresholds, retrievers and top_n of a sweep, and for later ones: as many as differ."""
    rerankers = f"reranker: [{part(server)}, {part(server, ', top_n: 1')}]"
    axes = f"top_k: [2, 4], similarity_threshold: [null, 0.1], retriever: [dense, bm25], {rerankers}"
    path = make_workspace(tmp_path, config(axes, extra=PRICES))
    done = sweep_of(path)
    sent = [(call.body["query"], text) for call in server.calls for text in call.body["documents"]]
    stage = done.summary["stages"]["rerank"]
    assert len(sent) == len(set(sent)) == stage["made"] == stage["distinct"] < stage["naive"]
    assert server.count(PATH) == server.count() == len(QUESTIONS)
    more = sweep_of(path, f"reranker=[{part(server, ', top_n: 3')}]", "top_k=[1, 3, 4]")
    assert made(more.summary)["rerank"] == 0
    assert server.count() == len(QUESTIONS)


def test_searches_are_paid_for_and_told(server: Loopback, tmp_path: Path) -> None:
    """One search a question at 2 USD a thousand, in `spending` and in the cost of the sweep."""
    path = make_workspace(tmp_path, config("top_k: [1, 3]", f"reranker: {part(server)}", extra=PRICES))
    summary = sweep_of(path).summary
    assert summary["spending"]["rerank"]["calls"] == len(QUESTIONS)
    assert summary["spending"]["rerank"]["usd"] == pytest.approx(len(QUESTIONS) * 0.002)
    assert summary["cost_usd"] == pytest.approx(len(QUESTIONS) * 0.002)
    assert sweep_of(path).summary["cost_usd"] == 0.0


def test_a_question_that_fails_fails_where_it_is_reranked(server: Loopback, tmp_path: Path) -> None:
    """HTTP 400 once: its cells failed in the variants that rerank, not in the others; the next run asks again."""
    axes = f"reranker: [none, {part(server)}], top_k: [2, 3]"
    path = make_workspace(tmp_path, config(axes, extra=PRICES + "concurrency: 1\n"))
    server.failures = [(400, {})]
    failed = failures(sweep_of(path))
    assert len(failed) == 2
    assert len({example for *_, example in failed}) == 1
    assert all("cohere" in str(reranker) for reranker, *_ in failed)
    assert all(text.startswith("rerank: bad_request: ") for text in failed.values())
    assert failures(sweep_of(path)) == {}
    assert server.count() == len(QUESTIONS) + 1


def test_a_wrong_key_ends_the_sweep_and_loses_no_score(server: Loopback, tmp_path: Path) -> None:
    """401 among four at once: the others are kept, nobody is asked after it."""
    server.delay_s = 0.05
    server.failures = [(401, {})]
    text = config("top_k: [2, 3]", f"reranker: {part(server)}", extra=PRICES + "concurrency: 4\n")
    path = make_workspace(tmp_path, text)
    with pytest.raises(ProviderError, match="401"):
        sweep_of(path)
    assert server.count() == 4
    done = sweep_of(path)
    assert server.count() == len(QUESTIONS) + 1
    assert done.summary["spending"]["rerank"]["calls"] == len(QUESTIONS)


def test_a_spent_budget_loses_no_score_that_was_paid(server: Loopback, tmp_path: Path) -> None:
    """Exit code 3; with more calls the rest is asked, and nothing twice."""
    server.delay_s = 0.05
    text = config("top_k: [2, 3]", f"reranker: {part(server)}", extra=PRICES + "concurrency: 8\n")
    path = make_workspace(tmp_path, text)
    with pytest.raises(Incomplete, match="3 of 3 calls"):
        sweep_of(path, "budget.calls=3")
    assert summarise(last(tmp_path).stored)["spending"]["rerank"]["calls"] == server.count() == 3
    sweep_of(path)
    assert server.count() == len(QUESTIONS)


def test_two_processes_pay_for_each_score_once(server: Loopback, tmp_path: Path) -> None:
    """Both want the same at the same time: what one asks the other waits for."""
    server.delay_s = 0.4
    text = config("top_k: [2, 3]", f"reranker: {part(server)}", extra=PRICES + "concurrency: 2\n")
    make_workspace(tmp_path, text)
    processes = []
    for name in ("one", "two"):
        path = write(tmp_path / f"configs/{name}.yaml", text.replace("name: small", f"name: {name}"))
        command = [sys.executable, "-m", "harness", "sweep", str(path), "--quiet", "--json"]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    done: list[Any] = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        done.append(json.loads(out))
    sent = [(call.body["query"], text) for call in server.calls for text in call.body["documents"]]
    assert len(sent) == len(set(sent)) == sum(found["stages"]["rerank"]["made"] for found in done)


def test_the_plan_tells_the_pairs_of_a_local_reranker_and_asks_no_other(server: Loopback, tmp_path: Path) -> None:
    """Pairs are counted exactly where that is free; a provider is not asked for a plan."""
    path = make_workspace(tmp_path, config("reranker: [lexical, {use: lexical, top_n: 1}], top_k: [2, 3]"))
    before = load(path)
    plan = make_plan(before, read_inputs(before))
    stage = sweep_of(path).summary["stages"]["rerank"]
    assert (plan.stages["rerank"]["naive"], plan.stages["rerank"]["distinct"]) == (stage["naive"], stage["distinct"])
    assert stage["made"] == stage["distinct"] == 3 * len(QUESTIONS)
    remote = load(make_workspace(tmp_path, config("", f"reranker: {part(server)}", extra=PRICES)))
    assert not make_plan(remote, read_inputs(remote)).exact
    assert server.count() == 0


def test_scores_that_are_no_numbers_are_failures_each_time(tmp_path: Path) -> None:
    """NaN is no order: the cells fail in the first run and in the next alike, and nothing of it is kept."""
    write(
        tmp_path / "nan.py",
        """
from dataclasses import dataclass
from typing import ClassVar
from harness.plugins import part
from harness.records import Ranked

@part("reranker", "nan")
@dataclass(frozen=True)
class Nan:
    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 8
    top_n: int | None = None
    price_name = None
    environment = ()
    def connect(self):
        return self
    async def score(self, question, texts):
        return Ranked(tuple(float("nan") for _ in texts))
    async def close(self):
        pass
""",
    )
    path = make_workspace(tmp_path, config("reranker: [none, nan]", extra="plugins: [nan.py]\nmax_failures: 1.0\n"))
    for found in (sweep_of(path), sweep_of(path)):
        said = failures(found)
        assert {settings[0] for settings in said} == {"nan"}
        assert all(text.startswith("rerank: broken_answer") for text in said.values())
        assert len(said) == len(QUESTIONS)
