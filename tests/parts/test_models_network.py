"""The network models over real HTTP, each through its own SDK, against a loopback server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.plugins import make
from harness.records import Message, Reply, Request
from tests.loopback import Loopback

REQUEST = Request((Message("system", "Be brief."), Message("user", "Hello There")), {"max_tokens": 50})


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A provider on loopback."""
    with Loopback() as running:
        yield running


def model_for(kind: str, server: Loopback, **settings: Any) -> Any:
    """A model of each kind that asks the loopback server."""
    if kind == "openai":
        return make("model", {"use": "openai/gpt-4o-mini", "base_url": f"{server.url}/v1", **settings})
    if kind == "anthropic":
        return make("model", {"use": "anthropic/claude-haiku-4-5", "base_url": server.url, **settings})
    return make("model", {"use": "ollama_chat/llama3.2", "api_base": server.url, **settings})


def ask(model: Any, request: Request = REQUEST) -> Reply:
    """One request over a connection of its own."""

    async def once() -> Reply:
        connection = model.connect()
        try:
            reply: Reply = await connection.complete(request)
            return reply
        finally:
            await connection.close()

    return asyncio.run(once())


KINDS = ("openai", "anthropic", "ollama")


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_and_the_tokens_are_the_providers(kind: str, server: Loopback) -> None:
    """Text, token counts and finish reason come back as the provider gave them."""
    reply = ask(model_for(kind, server))
    assert reply.text == "hELLO tHERE"
    assert reply.finish_reason == "stop"
    expected = {"openai": (4, 2, 1), "anthropic": (18, 2, 5), "ollama": (7, 4, None)}[kind]
    assert (reply.input_tokens, reply.output_tokens, reply.cached_tokens or None) == expected
    assert reply.latency_ms > 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_what_was_asked(kind: str, server: Loopback) -> None:
    """System prompt, user message and max_tokens reach the wire; nothing is invented."""
    ask(model_for(kind, server))
    [call] = [c for c in server.calls if c.path != "/api/show"]
    sent = call.body
    if kind == "anthropic":
        assert sent["system"] == "Be brief."
        assert sent["messages"] == [{"role": "user", "content": "Hello There"}]
    else:
        assert [m["content"] for m in sent["messages"]] == ["Be brief.", "Hello There"]
    limit = sent["options"]["num_predict"] if kind == "ollama" else sent["max_tokens"]
    assert limit == 50


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_troubles_can_be_retried_and_are_tried_once_here(kind: str, status: int, server: Loopback) -> None:
    """A retryable status is one HTTP call, and says so; the retries are the gateway's."""
    server.failures = [(status, {"retry-after": "3"})] * 5
    with pytest.raises(ProviderError) as caught:
        ask(model_for(kind, server))
    assert caught.value.retryable
    assert len([c for c in server.calls if c.path != "/api/show"]) == 1


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_retry_after_is_honoured(kind: str, server: Loopback) -> None:
    """The provider's own waiting time is kept."""
    server.failures = [(429, {"retry-after": "3"})]
    with pytest.raises(ProviderError) as caught:
        ask(model_for(kind, server))
    assert caught.value.retry_after == 3.0


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_model_is_fatal_and_names_the_variable(kind: str, status: int, server: Loopback) -> None:
    """No other request can succeed; the message names the variable, never the key."""
    server.failures = [(status, {})]
    with pytest.raises(ProviderError) as caught:
        ask(model_for(kind, server))
    assert caught.value.fatal
    assert f"{kind.upper()}_API_KEY" in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_request_is_neither(kind: str, server: Loopback) -> None:
    """HTTP 400 fails this request only, and at once."""
    server.failures = [(400, {})]
    with pytest.raises(ProviderError) as caught:
        ask(model_for(kind, server))
    assert not caught.value.retryable
    assert not caught.value.fatal


@pytest.mark.parametrize("kind", KINDS)
def test_broken_json_is_retryable(kind: str, server: Loopback) -> None:
    """An answer that is no JSON may be better the next time."""
    server.broken = 1
    with pytest.raises(ProviderError) as caught:
        ask(model_for(kind, server))
    assert caught.value.retryable


@pytest.mark.parametrize("kind", KINDS)
def test_a_hanging_server_is_left(kind: str, server: Loopback) -> None:
    """The deadline ends a call."""
    server.delay_s = 20
    with pytest.raises(ProviderError) as caught:
        ask(model_for(kind, server, timeout_s=0.3))
    assert caught.value.retryable
    assert caught.value.kind in ("timeout", "connection")


def test_the_key_is_in_no_message(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment holds reaches the wire and nothing else."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    server.failures = [(401, {})]
    model = model_for("openai", server)
    with pytest.raises(ProviderError) as caught:
        ask(model)
    assert "very-secret" not in str(caught.value) + repr(model)
    assert server.calls[0].headers["Authorization"] == "Bearer sk-very-secret"


@pytest.mark.parametrize(
    ("use", "setting"),
    [
        ("openai/gpt-5-mini", "temperature"),
        ("openai/o3", "top_p"),
        ("anthropic/claude-opus-4-7", "temperature"),
        ("anthropic/claude-sonnet-5", "top_p"),
    ],
)
def test_a_setting_that_a_model_refuses_is_an_error_before_the_call(use: str, setting: str) -> None:
    """Never dropped silently."""
    with pytest.raises(ValueError, match=setting):
        make("model", use).parameters({setting: 0.5})


def test_sampling_reaches_the_wire_under_each_models_own_name(server: Loopback) -> None:
    """Temperature for older Claude models goes in the body; reasoning models get max_completion_tokens."""
    claude = model_for("anthropic", server)
    ask(claude, Request(REQUEST.messages, claude.parameters({"temperature": 0.2, "stop": ["X"]})))
    assert server.calls[0].body["temperature"] == 0.2
    assert server.calls[0].body["stop_sequences"] == ["X"]
    assert server.calls[0].body["max_tokens"] == 1024
    assert make("model", "openai/gpt-5-mini").parameters({"max_tokens": 9}) == {"max_completion_tokens": 9}


@pytest.mark.parametrize(
    ("kind", "given", "found"), [("openai", "length", "length"), ("anthropic", "refusal", "refusal")]
)
def test_finish_reasons_are_kept(kind: str, given: str, found: str, server: Loopback) -> None:
    """A cut or refused answer is recorded as what it is."""
    server.finish = given
    assert ask(model_for(kind, server)).finish_reason == found


def test_embeddings_come_in_order(server: Loopback) -> None:
    """One row per text, in the order of the texts."""
    from tests.dialects import vector

    embedder = make("embedder", {"use": "openai/text-embedding-3-small", "base_url": f"{server.url}/v1"})

    async def embed() -> Any:
        connection = embedder.connect()
        try:
            return await connection.embed(["a", "b", "a"], "passage")
        finally:
            await connection.close()

    found = asyncio.run(embed())
    assert found.tokens == 3
    assert found.vectors.tolist() == [pytest.approx(vector(t), abs=1e-6) for t in ("a", "b", "a")]
