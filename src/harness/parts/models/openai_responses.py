"""OpenAI's responses: a request as it is sent, an answer as it is read, whole or in a stream. Nothing is kept there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from harness.parts.models.events import events
from harness.plugins import Tell, headers
from harness.records import Quota, Reply, Request

PATH = "/v1/responses"
SETTINGS = ("temperature", "top_p", "max_tokens")
_REASONS = {"max_output_tokens": "length"}


def parameters(sent: dict[str, Any], reasoning_effort: str | None) -> dict[str, Any]:
    """The settings under the names of this endpoint."""
    names = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
    renamed = {names.get(name, name): value for name, value in sent.items()}
    return {**renamed, "reasoning": {"effort": reasoning_effort}} if reasoning_effort else renamed


def body(model: str, request: Request) -> dict[str, Any]:
    """The body of the call."""
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    return {"model": model, "input": messages, "store": False, **request.parameters}


async def asked(client: Any, sent: dict[str, Any], started: float) -> Reply:
    """Ask, and read the whole answer."""
    import httpx

    raw = await client.post("/responses", cast_to=httpx.Response, body=sent)
    latency_ms = (time.perf_counter() - started) * 1000
    return reply(orjson.loads(raw.content), latency_ms, headers.quota(raw.headers))


async def streamed(client: Any, sent: dict[str, Any], started: float, tell: Tell | None = None) -> Reply:
    """Ask for a stream; its last event holds the whole answer. Raises ValueError when it breaks off."""
    first: float | None = None
    async with client.responses.with_streaming_response.create(**sent, stream=True) as response:
        async for event in events(response):
            if event["type"] in ("response.output_text.delta", "response.refusal.delta"):
                first = first or (time.perf_counter() - started) * 1000
                if tell is not None:
                    tell(event["delta"])
            if event["type"] in ("response.completed", "response.incomplete", "response.failed"):
                latency_ms = (time.perf_counter() - started) * 1000
                return reply(event["response"], latency_ms, headers.quota(response.headers), first or latency_ms)
    raise ValueError("the stream ended before the answer did")


def reply(
    content: Mapping[str, Any],
    latency_ms: float | None,
    quota: Quota | None = None,
    first_token_ms: float | None = None,
) -> Reply:
    """The reply out of a response. Raises LookupError, TypeError or ValueError when it is not one."""
    if content.get("status") not in ("completed", "incomplete"):
        error = content.get("error") or {}
        raise ValueError(f"status {content.get('status')}: {error.get('message') or 'no reason given'}")
    blocks = [block for item in content["output"] if item["type"] == "message" for block in item["content"]]
    refusal = "".join(block["refusal"] for block in blocks if block["type"] == "refusal")
    reason = (content.get("incomplete_details") or {}).get("reason")
    usage = content.get("usage") or {}
    sent = usage.get("input_tokens_details") or {}
    return Reply(
        text="".join(block["text"] for block in blocks if block["type"] == "output_text") or refusal,
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        cached_tokens=sent.get("cached_tokens"),
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
        finish_reason="refusal" if refusal else _REASONS.get(reason, reason) if reason else "stop",
        model=str(content.get("model") or ""),
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
        written_tokens=sent.get("cache_write_tokens"),
        quota=quota,
    )
