"""The network models over real HTTP, each through its own SDK, against a loopback server."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.plugins import identity, make
from harness.records import Request
from harness.testing.models import check_failure, check_model
from tests import dialects
from tests.loopback import CHATS, Loopback
from tests.parts.asking import ask
from tests.parts.routes import KINDS, LIMITS, REQUEST, model_for, send


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_keeps_the_contract_of_a_model(kind: str, server: Loopback) -> None:
    """Ten requests at once over one connection: ten whole replies, one HTTP call each."""
    assert len(check_model(model_for(kind, server), asks=10, deterministic=True)) == 10
    assert server.count() == 10


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_and_the_tokens_are_the_providers(kind: str, server: Loopback) -> None:
    """Text, token counts and finish reason come back as the provider gave them."""
    reply = send(model_for(kind, server))
    assert "hELLO tHERE" in reply.text
    assert reply.finish_reason == "stop"
    chat = (4, 2, 1)
    counts: dict[str, tuple[int, int, int | None]] = {"anthropic": (18, 2, 5)}
    counts |= {"gemini": (9, 3, None), "bot": (5, 2, None)}
    counts |= dict.fromkeys(("openai", "responses", "litellm_openai"), chat)
    expected = counts.get(kind, (7, 4, None))
    assert (reply.input_tokens, reply.output_tokens, reply.cached_tokens or None) == expected
    assert reply.latency_ms is not None and reply.latency_ms > 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_what_was_asked(kind: str, server: Loopback) -> None:
    """System prompt, user message and max_tokens reach the wire; nothing is invented."""
    model = model_for(kind, server)
    send(model)
    [call] = [c for c in server.calls if c.path != "/api/show"]
    sent = call.body
    if kind == "gemini":
        assert sent["system_instruction"]["parts"] == [{"text": "Be brief."}]
        assert sent["contents"] == [{"role": "user", "parts": [{"text": "Hello There"}]}]
        sent = sent["generationConfig"]
    elif kind == "bot":
        assert [m["content"] for m in sent["messages"]] == ["Be brief.", "Hello There"]
        sent = sent["settings"]
    elif kind == "anthropic":
        assert sent["system"] == "Be brief."
        assert sent["messages"] == [{"role": "user", "content": "Hello There"}]
    elif kind == "ollama_generate":
        assert "Be brief." in sent["prompt"] and "Hello There" in sent["prompt"]
    else:
        messages = sent["input"] if kind == "responses" else sent["messages"]
        assert [m["content"] for m in messages] == ["Be brief.", "Hello There"]
    limit = sent["options"]["num_predict"] if "ollama" in kind else sent[LIMITS.get(kind, "max_tokens")]
    assert limit == 50
    assert not {"temperature", "top_p", "seed"} & set(sent) | set(sent.get("options", {})) - {"num_predict"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "word"),
    [(408, "timeout"), (409, "conflict"), (429, "rate_limit"), (500, "server"), (503, "server"), (529, "overloaded")],
)
def test_passing_troubles_can_be_retried_and_are_tried_once_here(
    kind: str, status: int, word: str, server: Loopback
) -> None:
    """A retryable status is one HTTP call, and says so; the retries are the gateway's."""
    server.fail(5, status)
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server))
    assert caught.value.retryable and not caught.value.fatal
    assert server.count() == 1
    if kind in ("openai", "responses", "anthropic", "bot"):
        assert caught.value.kind == word


@pytest.mark.parametrize("kind", ["openai", "responses", "anthropic", "litellm_openai", "bot"])
def test_retry_after_is_honoured(kind: str, server: Loopback) -> None:
    """The provider's own waiting time is kept."""
    server.fail(1, 429, retry_after="3")
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server))
    assert caught.value.retry_after == 3.0


@pytest.mark.parametrize("kind", ["openai", "anthropic", "litellm_openai"])
@pytest.mark.parametrize(("status", "word"), [(401, "auth"), (403, "auth"), (404, "not_found")])
def test_a_wrong_key_or_model_is_fatal_and_names_model_and_variable(
    kind: str, status: int, word: str, server: Loopback
) -> None:
    """No other request can succeed; the message names what to look at."""
    server.fail(1, status)
    model = model_for(kind, server)
    with pytest.raises(ProviderError) as caught:
        send(model)
    assert caught.value.fatal and caught.value.kind == word
    assert model.name in str(caught.value)
    assert ("ANTHROPIC_API_KEY" if kind == "anthropic" else "OPENAI_API_KEY") in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_request_is_neither(kind: str, server: Loopback) -> None:
    """HTTP 400 fails this request only, and at once."""
    server.fail(1, 400)
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server))
    assert not caught.value.retryable
    assert not caught.value.fatal


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trouble", ["broken", "truncated", "mistyped", "cut"])
def test_an_answer_that_cannot_be_read_is_retryable(kind: str, trouble: str, server: Loopback) -> None:
    """Broken JSON, JSON that ends too early, a page of HTML, an answer cut off: it may be better the next time."""
    setattr(server, trouble, 1)
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server))
    assert caught.value.retryable


@pytest.mark.parametrize("kind", KINDS)
def test_a_hanging_server_is_left(kind: str, server: Loopback) -> None:
    """The deadline ends a call."""
    server.hang = 1
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server, timeout_s=0.3))
    assert caught.value.retryable
    assert caught.value.kind in ("timeout", "connection")


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_breaks_off_is_retryable(kind: str, server: Loopback) -> None:
    """The server goes away before it has answered."""
    server.drop = 1
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server))
    assert caught.value.retryable and not caught.value.fatal


def test_a_port_with_the_digits_of_a_refusal_is_no_refusal() -> None:
    """Nobody listens at port 40355: litellm reads a 403 in that; it is a refused connection all the same."""
    model = make("model", {"use": "gemini/gemini-2.5-flash", "api_base": f"http://127.0.0.1:{_free_port()}/v1beta"})
    check_failure(model, "connection", retryable=True)


def _free_port() -> int:
    """A port between 40300 and 40399 at which nobody listens."""
    for port in range(40300, 40400):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)):
                return port
    pytest.skip("all ports are in use")


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_listens(kind: str) -> None:
    """A refused connection is a passing trouble of its own kind."""
    with Loopback() as gone:
        model = model_for(kind, gone)
    # litellm makes a server error of it; the message names the connection all the same.
    check_failure(model, "server" if kind == "litellm_openai" else "connection", retryable=True)


@pytest.mark.parametrize("kind", ["openai", "anthropic", "litellm_openai"])
def test_the_key_reaches_the_wire_and_nothing_else(
    kind: str, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a server that repeats the key in its refusal does not bring it into our message."""
    variable = "ANTHROPIC_API_KEY" if kind == "anthropic" else "OPENAI_API_KEY"
    monkeypatch.setenv(variable, "the-very-secret-key")
    server.answer = lambda messages: "never"
    monkeypatch.setattr("tests.dialects.refusal", lambda path, status: {"error": {"message": "the-very-secret-key?"}})
    server.fail(1, 401)
    model = model_for(kind, server)
    with pytest.raises(ProviderError) as caught:
        send(model)
    assert "***?" in str(caught.value)
    assert "secret" not in str(caught.value) + repr(model) + str(identity(model))
    headers = {name.lower(): value for name, value in server.calls[0].headers.items()}
    assert "the-very-secret-key" in headers.get("x-api-key", "") + headers.get("authorization", "")


def test_the_key_is_needed_only_at_the_providers_own_server(server: Loopback) -> None:
    """A server of one's own may need no key, and is asked without one."""
    for kind in ("openai", "anthropic", "litellm_openai"):
        assert model_for(kind, server).environment == ()
    assert make("model", "openai/gpt-4o-mini").environment == ("OPENAI_API_KEY",)
    assert make("model", {"use": "openai/x", "api_key_variable": "MY_KEY"}).environment == ("MY_KEY",)
    assert make("model", "anthropic/claude-haiku-4-5").environment == ("ANTHROPIC_API_KEY",)
    assert make("model", "mistral/mistral-small-latest").environment == ("MISTRAL_API_KEY",)
    assert make("model", "ollama/llama3.2").environment == ()
    assert make("model", "someone-elses/model").environment == ()


@pytest.mark.parametrize(
    ("use", "variable", "path"),
    [
        ("openai/gpt-4o-mini", "OPENAI_BASE_URL", "/v1"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_BASE_URL", ""),
        ("ollama_chat/llama3.2", "OLLAMA_API_BASE", ""),
    ],
)
def test_a_server_named_by_the_environment_is_asked_and_is_part_of_the_identity(
    use: str, variable: str, path: str, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers of two servers are never taken for each other, wherever the server was named."""
    before = identity(make("model", use))
    monkeypatch.setenv(variable, server.url + path)
    assert ask(make("model", use), REQUEST).text == "hELLO tHERE"
    assert identity(make("model", use)) != before


def test_what_cannot_change_an_answer_stays_out_of_the_identity() -> None:
    """Another timeout or key variable is the same model; another server is not."""
    plain = identity(make("model", "openai/gpt-4o-mini"))
    assert identity(make("model", {"use": "openai/gpt-4o-mini", "timeout_s": 5.0, "api_key_variable": "K"})) == plain
    assert identity(make("model", {"use": "openai/gpt-4o-mini", "base_url": "http://a/v1"})) != plain


def test_names_with_and_without_the_prefix_of_litellm() -> None:
    """Any provider's name finds litellm; openai/ and anthropic/ have parts of their own."""
    assert make("model", "ollama/llama3.2") == make("model", "litellm/ollama/llama3.2")
    assert make("model", "gemini/gemini-2.5-flash").provider == "gemini"
    assert type(make("model", "openai/gpt-4o")) is not type(make("model", "litellm/openai/gpt-4o"))


def test_only_models_of_ones_own_machine_are_free() -> None:
    """None, the free price, is for Ollama; the others have the name that the price table knows."""
    assert make("model", "ollama/llama3.2").price_name is None
    assert make("model", "openai/gpt-4o-mini").price_name == "gpt-4o-mini"
    assert make("model", "anthropic/claude-haiku-4-5").price_name == "claude-haiku-4-5"
    assert make("model", "gemini/gemini-2.5-flash").price_name == "gemini/gemini-2.5-flash"


def test_sampling_reaches_the_wire_under_each_models_own_name(server: Loopback) -> None:
    """Temperature for older Claude models goes in the body; reasoning models get max_completion_tokens."""
    claude = model_for("anthropic", server)
    ask(claude, Request(REQUEST.messages, claude.parameters({"temperature": 0.2, "stop": ["X"]})))
    sent = server.calls[-1].body
    assert (sent["temperature"], sent["stop_sequences"], sent["max_tokens"]) == (0.2, ["X"], 1024)
    thinker = model_for("openai", server, use="openai/gpt-5-mini")
    ask(thinker, Request(REQUEST.messages, thinker.parameters({"max_tokens": 9})))
    assert server.calls[-1].body["max_completion_tokens"] == 9 and "max_tokens" not in server.calls[-1].body
    llama = model_for("ollama", server)
    ask(llama, Request(REQUEST.messages, llama.parameters({"temperature": 0.2, "stop": ["X"]})))
    [chat] = [call for call in server.calls if call.path == "/api/chat"]
    assert chat.body["options"] == {"temperature": 0.2, "stop": ["X"]}


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        ("openai", "length", "length"),
        ("openai", "content_filter", "content_filter"),
        ("anthropic", "max_tokens", "length"),
        ("anthropic", "stop_sequence", "stop"),
        ("anthropic", "refusal", "refusal"),
        ("litellm_openai", "content_filter", "content_filter"),
        ("ollama", "length", "length"),
    ],
)
def test_finish_reasons_are_kept(kind: str, given: str, found: str, server: Loopback) -> None:
    """A cut or refused answer is recorded as what it is."""
    server.finish = given
    assert send(model_for(kind, server)).finish_reason == found


def test_a_refusal_in_openais_own_field_is_one(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI puts it beside the content, with a finish reason of `stop`; thoughts are counted apart."""
    plain = ask(model_for("openai", server), REQUEST)
    assert plain.reasoning_tokens == 2

    def refusing(body: dict[str, Any], text: str, finish: str | None) -> dict[str, Any]:
        answer = dialects.openai_chat(body, text, finish)
        answer["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I cannot help."}
        return answer

    monkeypatch.setitem(CHATS, "/v1/chat/completions", refusing)
    with Loopback() as other:
        refused = ask(model_for("openai", other), REQUEST)
    assert (refused.text, refused.finish_reason) == ("I cannot help.", "refusal")


def test_reasoning_effort_is_for_models_that_think(server: Loopback) -> None:
    """Refused before anything is spent at OpenAI; sent under each endpoint's own name."""
    with pytest.raises(ValueError, match="does not think"):
        make("model", {"use": "openai/gpt-4o-mini", "reasoning_effort": "low"}).parameters({})
    assert make("model", {"use": "openai/gpt-5-mini", "reasoning_effort": "low"}).parameters({}) == {
        "reasoning_effort": "low"
    }
    send(model_for("responses", server, use="openai/gpt-5-mini", reasoning_effort="low"))
    assert server.calls[0].body["reasoning"] == {"effort": "low"}
