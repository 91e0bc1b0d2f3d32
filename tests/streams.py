"""The protocols when they stream: the same answer as server-sent events, word by word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests import dialects

Body = dict[str, Any]
Speak = Callable[[Body, str, str | None], Body]


def pieces(text: str) -> list[str]:
    """The words, each with the space before it."""
    return [word if i == 0 else f" {word}" for i, word in enumerate(text.split(" "))]


def events(body: Body, text: str, finish: str | None, speak: Speak) -> Iterator[bytes]:
    """The lines of a stream in the protocol that `speak` speaks."""
    whole = speak(body, text, finish)
    if speak is dialects.openai_chat:
        yield from _openai_chat(whole, text)
    elif speak is dialects.openai_responses:
        yield from _openai_responses(whole, text)
    elif speak is dialects.anthropic_messages:
        yield from _anthropic(whole, text)
    elif speak is dialects.gemini:
        yield from _gemini(whole, text)
    else:
        yield from _ollama(whole, text)


def _data(content: Body, event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(content)}\n\n".encode()


def _openai_chat(whole: Body, text: str) -> Iterator[bytes]:
    base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": whole["model"]}
    for piece in pieces(text):
        delta = {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}
        yield _data({**base, "choices": [delta], "usage": None})
    last = {"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}
    yield _data({**base, "choices": [last], "usage": None})
    yield _data({**base, "choices": [], "usage": whole["usage"]})
    yield b"data: [DONE]\n\n"


def _openai_responses(whole: Body, text: str) -> Iterator[bytes]:
    place = {"item_id": "m", "output_index": 1, "content_index": 0, "logprobs": []}
    for number, piece in enumerate(pieces(text)):
        delta = {"type": "response.output_text.delta", "delta": piece, "sequence_number": number, **place}
        yield _data(delta, "response.output_text.delta")
    name = f"response.{whole['status']}"
    yield _data({"type": name, "sequence_number": 99, "response": whole}, name)


def _anthropic(whole: Body, text: str) -> Iterator[bytes]:
    usage = {**whole["usage"], "output_tokens": 1}
    start = {**whole, "content": [], "stop_reason": None, "usage": usage}
    yield _data({"type": "message_start", "message": start}, "message_start")
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield _data(block, "content_block_start")
    for piece in pieces(text):
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        yield _data(delta, "content_block_delta")
    yield _data({"type": "content_block_stop", "index": 0}, "content_block_stop")
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    counts = {"output_tokens": whole["usage"]["output_tokens"]}
    yield _data({"type": "message_delta", "delta": stop, "usage": counts}, "message_delta")
    yield _data({"type": "message_stop"}, "message_stop")


def _gemini(whole: Body, text: str) -> Iterator[bytes]:
    for piece in pieces(text):
        yield _data({"candidates": [{"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}]})
    last = {**whole["candidates"][0], "content": {"role": "model", "parts": [{"text": ""}]}}
    yield _data({**whole, "candidates": [last]})


def _ollama(whole: Body, text: str) -> Iterator[bytes]:
    for piece in pieces(text):
        said = {"message": {"role": "assistant", "content": piece}, "response": piece}
        yield (
            json.dumps({"model": whole["model"], "created_at": whole["created_at"], "done": False, **said}).encode()
            + b"\n"
        )
    empty = {"message": {"role": "assistant", "content": ""}, "response": ""}
    yield json.dumps({**whole, **empty}).encode() + b"\n"
