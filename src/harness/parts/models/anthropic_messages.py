"""Anthropic's messages: a request as it is sent, an answer as it is read, whole or in a stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from harness.parts.models.events import events
from harness.plugins import Tell, headers
from harness.records import Quota, Reply, Request

_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "refusal"}
_NOT_IN_THE_SDK = ("temperature", "top_p", "top_k")


def body(model: str, request: Request, prompt_cache: bool) -> dict[str, Any]:
    """The body of the call, the system prompt apart from the messages."""
    system = "\n\n".join(m.content for m in request.messages if m.role == "system")
    sent: dict[str, Any] = {
        "model": model,
        **request.parameters,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
    }
    if system:
        sent["system"] = system
    if prompt_cache:
        sent["cache_control"] = {"type": "ephemeral"}
    return sent


async def asked(client: Any, sent: Mapping[str, Any], started: float) -> Reply:
    """Ask, and read the whole answer."""
    raw = await client.messages.with_raw_response.create(**_arguments(sent))
    latency_ms = (time.perf_counter() - started) * 1000
    return reply(orjson.loads(await raw.read()), latency_ms, headers.quota(raw.headers))


async def streamed(client: Any, sent: Mapping[str, Any], started: float, tell: Tell | None = None) -> Reply:
    """Ask for a stream, and put the answer together. Raises ValueError when it breaks off."""
    texts: list[str] = []
    first: float | None = None
    message: dict[str, Any] = {}
    async with client.messages.with_streaming_response.create(**_arguments(sent), stream=True) as response:
        async for event in events(response):
            if event["type"] == "message_start":
                message = event["message"]
            elif event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
                first = first or (time.perf_counter() - started) * 1000
                texts.append(event["delta"]["text"])
                if tell is not None:
                    tell(event["delta"]["text"])
            elif event["type"] == "message_delta":
                message["stop_reason"] = event["delta"].get("stop_reason")
                message["usage"] |= {name: count for name, count in event["usage"].items() if count is not None}
            elif event["type"] == "message_stop":
                latency_ms = (time.perf_counter() - started) * 1000
                whole = {**message, "content": [{"type": "text", "text": "".join(texts)}]}
                return reply(whole, latency_ms, headers.quota(response.headers), first or latency_ms)
    raise ValueError("the stream ended before the answer did")


def reply(
    content: Mapping[str, Any],
    latency_ms: float | None,
    quota: Quota | None = None,
    first_token_ms: float | None = None,
) -> Reply:
    """The reply out of a message; tokens read from and written to the prompt cache count as input.

    Raises LookupError or TypeError when it is no message.
    """
    usage = content["usage"]
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    reason = content.get("stop_reason")
    return Reply(
        text="".join(block["text"] for block in content["content"] if block["type"] == "text"),
        input_tokens=usage["input_tokens"] + read + written,
        output_tokens=usage["output_tokens"],
        cached_tokens=read,
        finish_reason=_REASONS.get(reason or "", reason or "stop"),
        model=str(content["model"]),
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
        written_tokens=written,
        quota=quota,
    )


def _arguments(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the SDK's function, which has none for sampling: that goes into the body apart."""
    plain = {name: value for name, value in sent.items() if name not in _NOT_IN_THE_SDK}
    extra = {name: sent[name] for name in _NOT_IN_THE_SDK if name in sent}
    return {**plain, "extra_body": extra} if extra else plain
