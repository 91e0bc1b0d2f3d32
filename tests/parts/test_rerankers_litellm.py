"""Rerankers of providers, through litellm, over real HTTP against a loopback server."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import ProviderError
from harness.plugins import identity, make
from harness.testing import check_reranker
from tests.dialects import relevance
from tests.loopback import Loopback
from tests.parts.asking import score

QUESTION = "When is the shop open?"
PROVIDERS = {
    "cohere": ("cohere/rerank-v3.5", ""),
    "jina": ("jina_ai/jina-reranker-v2-base-multilingual", ""),
    "voyage": ("voyage/rerank-2.5", "/voyage"),
    "vllm": ("litellm-rerank/hosted_vllm/bge", "/v1"),
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider's key or server from outside."""
    for name in ("COHERE", "JINA_AI", "JINA", "VOYAGE", "CO", "INFINITY"):
        for ending in ("_API_KEY", "_API_BASE", "_AI_TOKEN"):
            monkeypatch.delenv(name + ending, raising=False)


def reranker_for(kind: str, server: Loopback, **settings: Any) -> Any:
    """The provider's reranker, asking the loopback server."""
    name, base = PROVIDERS[kind]
    return make("reranker", {"use": name, "api_base": server.url + base, **settings})


@pytest.mark.parametrize("kind", PROVIDERS)
def test_every_route_keeps_the_contract_of_a_reranker(kind: str, server: Loopback) -> None:
    """One HTTP call a batch; names without `litellm-rerank/` find the way too."""
    reranker = reranker_for(kind, server)
    check_reranker(reranker)
    assert server.count() == 4
    assert reranker.price_name == PROVIDERS[kind][0].removeprefix("litellm-rerank/")


@pytest.mark.parametrize("kind", PROVIDERS)
def test_scores_come_in_the_order_of_the_texts_with_what_is_billed(kind: str, server: Loopback) -> None:
    """The server gives the best first; Cohere counts searches, the others tokens."""
    found = score(reranker_for(kind, server), QUESTION, ["a", "b", "c"])
    assert found.scores == tuple(relevance(QUESTION, text) for text in "abc")
    assert (found.searches, found.tokens) == ((1, None) if kind == "cohere" else (None, 3))
    assert server.calls[-1].body["return_documents"] is False
    assert "top_n" not in server.calls[-1].body


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "kind_of_failure", "retryable", "fatal"),
    [
        (429, "rate_limit", True, False),
        (500, "server", True, False),
        (400, "bad_request", False, False),
        (401, "auth", False, True),
    ],
)
def test_a_refusal_says_whether_to_ask_again(
    kind: str, status: int, kind_of_failure: str, retryable: bool, fatal: bool, server: Loopback
) -> None:
    """One HTTP call, and the same mapping as for models and embedders."""
    server.fail(3, status)
    with pytest.raises(ProviderError) as caught:
        score(reranker_for(kind, server), QUESTION, ["a"])
    assert (caught.value.kind, caught.value.retryable, caught.value.fatal) == (kind_of_failure, retryable, fatal)
    assert server.count() == 1


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("trouble", ["broken", "mistyped", "truncated", "drop", "hang"])
def test_broken_and_missing_answers_are_retryable(kind: str, trouble: str, server: Loopback) -> None:
    """Nonsense, a page of HTML, half an answer, an aborted connection, silence."""
    setattr(server, trouble, 1)
    with pytest.raises(ProviderError) as caught:
        score(reranker_for(kind, server, timeout_s=0.5), QUESTION, ["a"])
    assert caught.value.retryable
    if trouble in ("broken", "mistyped", "truncated"):
        assert caught.value.kind == "broken_answer"


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{"index": 0, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.4}],
        [{"index": 0, "relevance_score": 0.5}, {"index": 2, "relevance_score": 0.4}],
        [{"index": i, "relevance_score": 0.5} for i in (0, 1, 1)],
        [{"index": 0, "relevance_score": 0.5}, {"index": 1, "relevance_score": float("nan")}],
    ],
)
def test_scores_that_do_not_fit_the_texts_are_a_broken_answer(
    results: list[dict[str, Any]], server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None, too few, one twice, one of no text, no number: never another text's score."""
    monkeypatch.setattr("tests.dialects._ranked", lambda body: results)
    with pytest.raises(ProviderError, match="cohere/rerank") as caught:
        score(reranker_for("cohere", server), QUESTION, ["a", "b"])
    assert caught.value.kind == "broken_answer" and caught.value.retryable


def test_the_key_comes_from_the_providers_variable(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent, named where it is missing, and never in a message."""
    assert make("reranker", "cohere/rerank-v3.5").environment == ("COHERE_API_KEY",)
    assert reranker_for("cohere", server).environment == ()
    monkeypatch.setenv("COHERE_API_KEY", "secret-key-of-cohere")
    score(reranker_for("cohere", server), QUESTION, ["a"])
    assert server.calls[-1].headers["Authorization"] == "Bearer secret-key-of-cohere"
    server.fail(1, 401)
    with pytest.raises(ProviderError, match="key from COHERE_API_KEY") as caught:
        score(reranker_for("cohere", server), QUESTION, ["a"])
    assert "secret-key" not in str(caught.value)


def test_the_size_of_batches_is_no_part_of_the_identity() -> None:
    """Scores hang on the pair alone."""
    small, usual = ({"use": "cohere/rerank-v3.5", "batch_size": size} for size in (2, 100))
    assert identity(make("reranker", small)) == identity(make("reranker", usual))
    with pytest.raises(ValidationError, match="batch_size must be at least 1"):
        make("reranker", {"use": "cohere/rerank-v3.5", "batch_size": 0})
