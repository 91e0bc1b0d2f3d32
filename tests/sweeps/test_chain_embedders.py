"""Embedders that cost money, next to the chain: what a plan must not spend, what fails, what is asked at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.config import load
from harness.sweeps.gateway import retries
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import Plan, make_plan
from tests.loopback import Loopback
from tests.sweeps.chains import config, failures, lines, sweep_of
from tests.workspaces import QUESTIONS, make_workspace

PRICES = "prices: {openai/embedding: {input: 1.0}, openai/writer: {input: 1.0, output: 1.0}}\n"
SMALLER = "splitter: {use: recursive, chunk_size: 50, chunk_overlap: 0}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A provider of embeddings and of a model that writes two wordings; pauses between attempts are short."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    with Loopback(
        answer=lambda messages: f"One wording {len(str(messages))}?\nAnother {len(str(messages))}?"
    ) as running:
        yield running


def embedder(server: Loopback) -> str:
    """The embedder of the loopback server, as a setting."""
    return f"embedder: {{use: openai/embedding, base_url: '{server.url}/v1'}}"


def planned(path: Path) -> Plan:
    """The plan of a file."""
    read = load(path)
    return make_plan(read, read_inputs(read))


def test_a_plan_embeds_nothing_where_the_questions_are_known_and_the_passages_are_not(
    server: Loopback, tmp_path: Path
) -> None:
    """A threshold for bm25 over chunks that nobody embedded: not exact, and nobody is asked."""
    sweep_of(make_workspace(tmp_path, config("top_k: [1, 2]", embedder(server), extra=PRICES)))
    before = server.count()
    text = config("", f"{embedder(server)}, retriever: bm25, similarity_threshold: 0.0, {SMALLER}", extra=PRICES)
    path = make_workspace(tmp_path, text)
    plan = planned(path)
    assert (plan.exact, server.count()) == (False, before)
    assert len(QUESTIONS) <= plan.embeddings["cached"] < plan.embeddings["distinct"]
    sweep_of(path)
    assert server.count() > before


def test_a_plan_embeds_no_conversation(server: Loopback, tmp_path: Path) -> None:
    """Texts made of the turns before are counted as what they are; known ones make the plan exact."""
    path = make_workspace(tmp_path, config("query: [question]", embedder(server), extra=PRICES))
    turns = [{"role": "user", "content": "Hello."}, {"role": "user", "content": "How long do parcels take?"}]
    lines(tmp_path / "datasets/questions.jsonl", [{"id": "a", "messages": turns}])
    sweep_of(path)
    before = server.count()
    text = path.read_text(encoding="utf-8").replace("[question]", "[conversation]")
    path.write_text(text, encoding="utf-8")
    plan = planned(path)
    assert (plan.exact, plan.embeddings["distinct"] - plan.embeddings["cached"]) == (False, 1)
    assert server.count() == before
    sweep_of(path)
    assert server.count() == before + 1
    after = planned(path)
    assert (after.exact, after.embeddings["distinct"] - after.embeddings["cached"]) == (True, 0)


def test_similarities_that_nobody_can_measure_fail_where_they_are_needed(server: Loopback, tmp_path: Path) -> None:
    """HTTP 400 for the passages of bm25: the variants with a threshold fail, those without are answered."""
    axes = "similarity_threshold: [null, 0.0]"
    text = config(axes, f"{embedder(server)}, retriever: bm25, reranker: lexical", extra=PRICES + "max_failures: 1.0\n")
    path = make_workspace(tmp_path, text)
    server.fail(50, 400)
    failed = failures(sweep_of(path))
    assert {threshold for threshold, _ in failed} == {0.0}
    assert len(failed) == len(QUESTIONS)
    assert all(text.startswith("retrieve: bad_request: ") for text in failed.values())
    server.failures = []
    assert failures(sweep_of(path)) == {}


def test_questions_are_embedded_in_batches_for_all_wordings(server: Loopback, tmp_path: Path) -> None:
    """What similarity is measured to is embedded at once for all questions, not one by one."""
    writer = f"query: {{use: multi_query, original: false, model: {{use: openai/writer, base_url: '{server.url}/v1'}}}}"
    sweep_of(make_workspace(tmp_path, config("", f"{embedder(server)}, {writer}", extra=PRICES)))
    asked = [call.body["input"] for call in server.calls if call.path == "/v1/embeddings"]
    assert len(asked) == 3
    assert {question["question"] for question in QUESTIONS} in [set(texts) for texts in asked]
