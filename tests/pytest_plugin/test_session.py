"""Sweeps of a session: run once, kept, shared."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.config import load
from harness.errors import UserError
from harness.pytest_plugin.needs import missing_keys, over_network
from harness.pytest_plugin.order import Order
from harness.pytest_plugin.session import Session
from tests.workspaces import CONFIG, make_workspace, write

ONE = CONFIG.split("sweep:")[0] + "metrics: [correct, token_f1]\nobjective: {maximize: correct}\n"


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order of one run."""
    return Order(make_workspace(tmp_path, ONE))


def test_an_order_is_run_once_and_another_by_itself(order: Order) -> None:
    """Equal orders are one sweep; other settings are another."""
    session = Session()
    first = session.sweep(order)
    assert session.sweep(Order(order.config)) is first
    other = session.sweep(Order(order.config, settings=("top_k=1",)))
    assert other.id != first.id and other.loaded.config["chatbot"]["retrieval"]["top_k"] == 1
    assert [entry["sweep"] for entry in session.done] == [first.id, other.id]


def test_what_went_wrong_is_said_again_and_not_tried_again(order: Order) -> None:
    """The bot that is mended after the first test stays broken for this session."""
    write(order.config.parents[1] / "bot.py", "def answer(request):\n    raise ValueError('ill')\n")
    broken = Order(order.config, settings=('model="python:bot.py:answer"',))
    session, complaints = Session(), []
    for _ in range(2):
        with pytest.raises(Exception, match="ill") as caught:
            session.sweep(broken)
        complaints.append(str(caught.value))
    assert complaints[0] == complaints[1] and len(session.done) == 1


def test_processes_of_one_session_share_what_one_of_them_ran(order: Order) -> None:
    """The second reads the first's folder; a process of another session runs its own."""
    first, second, stranger = Session(shared_by="a"), Session(shared_by="a"), Session(shared_by="b")
    swept = first.sweep(order)
    assert second.sweep(order).id == swept.id and second.done == []
    assert stranger.sweep(order).id != swept.id
    assert Session().sweep(order).id != swept.id


def test_a_running_event_loop_is_no_hindrance(order: Order) -> None:
    """Some plugins leave one running in pytest's own thread."""

    async def inside() -> int:
        return len(Session().sweep(order))

    assert asyncio.run(inside()) == 1


def test_a_report_that_cannot_be_written_is_told(order: Order, tmp_path: Path) -> None:
    """The folder is a file."""
    file = write(tmp_path / "pages", "")
    with pytest.raises(UserError, match=r"--harness-report: .* cannot be written"):
        Session(report=str(file)).sweep(order)


def test_judges_embedders_rerankers_and_servers_count_as_far(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the chatbot's model alone goes over the network, or needs a key."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COHERE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    assert over_network(load(order.config)) == [] and missing_keys(load(order.config)) == []
    config = load(
        order.config,
        (
            "embedder=openai/text-embedding-3-small",
            "index={use: chroma, url: 'http://127.0.0.1:1'}",
            "reranker=cohere/rerank-v3.5",
            "metrics=[correct, {groundedness: {judge: anthropic/claude-x}}]",
        ),
    )
    far = ["openai/text-embedding-3-small", "litellm-rerank/cohere/rerank-v3.5", "anthropic/claude-x", "chroma"]
    assert over_network(config) == far
    assert missing_keys(config) == ["OPENAI_API_KEY", "COHERE_API_KEY", "ANTHROPIC_API_KEY"]
