"""OpenAI's chat completions: a request as it is sent, an answer as it is read, whole or in a stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from harness.parts.models.events import events
from harness.plugins import Tell, headers
from harness.records import Quota, Reply, Request

PATH = "/v1/chat/completions"
SETTINGS = ("temperature", "top_p", "max_tokens", "stop")


def parameters(sent: dict[str, Any], reasoning_effort: str | None) -> dict[str, Any]:
    """The settings under the names of this endpoint."""
    return {**sent, "reasoning_effort": reasoning_effort} if reasoning_effort else sent


def body(model: str, request: Request) -> dict[str, Any]:
    """The body of the call."""
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    return {"model": model, "messages": messages, **request.parameters}


async def asked(client: Any, sent: dict[str, Any], started: float) -> Reply:
    """Ask, and read the whole answer.

    By the SDK's `post`: to check the body and to make objects of the answer takes it as long as all the rest.
    """
    import httpx

    raw = await client.post("/chat/completions", cast_to=httpx.Response, body=sent)
    latency_ms = (time.perf_counter() - started) * 1000
    return reply(orjson.loads(raw.content), latency_ms, headers.quota(raw.headers))


def reply(content: Mapping[str, Any], latency_ms: float | None, quota: Quota | None = None) -> Reply:
    """The reply out of a completion. Raises LookupError or TypeError when it is not one."""
    choice = content["choices"][0]
    text, refusal = choice["message"].get("content"), choice["message"].get("refusal")
    if text is None and not refusal and choice.get("finish_reason") != "content_filter":
        raise TypeError("no content")
    finish = "refusal" if refusal else choice.get("finish_reason")
    return _reply(text or refusal or "", finish, content, latency_ms, None, quota)


async def streamed(client: Any, sent: dict[str, Any], started: float, tell: Tell | None = None) -> Reply:
    """Ask for a stream, and put the answer together. Raises ValueError when it breaks off."""
    texts: list[str] = []
    refusals: list[str] = []
    first = finish = None
    last: dict[str, Any] = {}
    ask = client.chat.completions.with_streaming_response.create
    async with ask(**sent, stream=True, stream_options={"include_usage": True}) as response:
        async for event in events(response):
            last |= {name: value for name, value in event.items() if value}
            for choice in event.get("choices") or ():
                words, refused = choice["delta"].get("content"), choice["delta"].get("refusal")
                if (words or refused) and first is None:
                    first = (time.perf_counter() - started) * 1000
                if tell is not None and (words or refused):
                    tell(words or refused)
                texts.append(words or "")
                refusals.append(refused or "")
                finish = choice.get("finish_reason") or finish
        quota = headers.quota(response.headers)
    if finish is None:
        raise ValueError("the stream ended before the answer did")
    latency_ms = (time.perf_counter() - started) * 1000
    refusal = "".join(refusals)
    finish = "refusal" if refusal else finish
    return _reply("".join(texts) or refusal, finish, last, latency_ms, first or latency_ms, quota)


def _reply(
    text: str,
    finish: str | None,
    content: Mapping[str, Any],
    latency_ms: float | None,
    first_token_ms: float | None,
    quota: Quota | None,
) -> Reply:
    usage = content.get("usage") or {}
    sent = usage.get("prompt_tokens_details") or {}
    received = usage.get("completion_tokens_details") or {}
    return Reply(
        text=text,
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        cached_tokens=sent.get("cached_tokens"),
        reasoning_tokens=received.get("reasoning_tokens"),
        finish_reason=finish or "stop",
        model=str(content.get("model") or ""),
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
        written_tokens=sent.get("cache_write_tokens"),
        quota=quota,
    )
