"""Answers in pieces, and what the headers beside an answer say, through each SDK."""

from __future__ import annotations

import asyncio

import pytest

from harness.errors import ProviderError
from harness.plugins import StreamingConnection
from harness.records import Reply
from tests.loopback import Loopback
from tests.parts.asking import about
from tests.parts.routes import KINDS, STREAMING, model_for, send


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_drips_is_left(kind: str, server: Loopback) -> None:
    """The deadline is for the whole answer, not for the next piece of it."""
    server.drip_s = 0.2
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server, timeout_s=0.3))
    assert caught.value.retryable


@pytest.mark.parametrize("kind", STREAMING)
def test_a_streamed_answer_is_the_same_and_tells_when_it_began(kind: str, server: Loopback) -> None:
    """Text, tokens and finish reason are those of the whole answer; the first token comes before the last."""
    whole = send(model_for(kind, server))
    server.drip_s = 0.03
    reply = send(model_for(kind, server, stream=True))
    assert reply.first_token_ms is not None and reply.latency_ms is not None
    assert 0 < reply.first_token_ms < reply.latency_ms - 20
    assert whole.first_token_ms is None
    assert (reply.text, reply.finish_reason) == (whole.text, whole.finish_reason)
    assert (reply.input_tokens, reply.output_tokens) == (whole.input_tokens, whole.output_tokens)


@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_that_breaks_off_is_no_answer(kind: str, server: Loopback) -> None:
    """Half an answer is never taken for one."""
    server.cut = 1
    with pytest.raises(ProviderError) as caught:
        send(model_for(kind, server, stream=True))
    assert caught.value.retryable


@pytest.mark.parametrize("kind", STREAMING)
def test_words_are_told_as_they_come(kind: str, server: Loopback) -> None:
    """A model that is not set to stream can be listened to: the pieces are the answer, and more than one."""
    server.drip_s = 0.03
    told: list[str] = []

    async def listen() -> Reply:
        model = model_for(kind, server)
        connection = model.connect()
        try:
            assert isinstance(connection, StreamingConnection)
            request = about("What is it about?", "A tale of two cities.", **model.parameters({}))
            return await connection.stream(request, told.append)
        finally:
            await connection.close()

    reply = asyncio.run(listen())
    assert "".join(told) == reply.text
    assert len(told) > 1
    assert reply.first_token_ms is not None


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("openai", {"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "1m0.5s"}),
        ("responses", {"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "60500ms"}),
        ("litellm_openai", {"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "60.5"}),
        ("anthropic", {"anthropic-ratelimit-requests-remaining": "7", "anthropic-ratelimit-tokens-remaining": "900"}),
        ("bot", {"x-ratelimit-remaining-requests": "7"}),
    ],
)
def test_what_is_left_of_a_limit_is_read(kind: str, headers: dict[str, str], server: Loopback) -> None:
    """The headers of each provider come as one thing."""
    server.headers = headers
    quota = send(model_for(kind, server)).quota
    assert quota is not None
    assert quota.requests == 7
    if any("reset" in name for name in headers):
        assert quota.requests_reset_s == pytest.approx(60.5)
