"""The far side of the network, on loopback: a server that speaks the providers' protocols.

It answers deterministically, counts and keeps every request, and can be told to be slow, to fail or to answer nonsense.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answerer = Callable[[list[dict[str, Any]]], str]


def echo(messages: list[dict[str, Any]]) -> str:
    """The default answer: the last message, upside down in case."""
    return str(messages[-1]["content"]).swapcase()


@dataclass
class Call:
    """One request as it came in."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Loopback:
    """`with Loopback() as server:` serves at `server.url`.

    `failures` are (status, headers) for the next requests; `broken` makes that many answers no JSON; `delay_s` holds
    every answer back; `finish` is the finish reason to give.
    """

    answer: Answerer = echo
    delay_s: float = 0.0
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    broken: int = 0
    finish: str | None = None
    calls: list[Call] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Loopback:
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._handler(self._openai))
        app.router.add_post("/v1/embeddings", self._handler(self._embeddings))
        app.router.add_post("/v1/messages", self._handler(self._anthropic))
        app.router.add_post("/api/chat", self._handler(self._ollama))
        app.router.add_post("/api/show", self._handler(lambda body: {"model_info": {}, "template": ""}))
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    def _handler(self, reply: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            body = await request.json()
            self.calls.append(Call(request.path, body, dict(request.headers)))
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.failures:
                status, headers = self.failures.pop(0)
                return web.json_response({"error": {"message": f"status {status}"}}, status=status, headers=headers)
            if self.broken:
                self.broken -= 1
                return web.Response(text='{"broken": ', content_type="application/json")
            return web.json_response(reply(body))

        return handle

    def _openai(self, body: dict[str, Any]) -> dict[str, Any]:
        text = self.answer(body["messages"])
        sent = sum(len(str(m["content"]).split()) for m in body["messages"])
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": self.finish or "stop",
                }
            ],
            "usage": {
                "prompt_tokens": sent,
                "completion_tokens": len(text.split()),
                "total_tokens": sent + len(text.split()),
                "prompt_tokens_details": {"cached_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
        }

    def _anthropic(self, body: dict[str, Any]) -> dict[str, Any]:
        text = self.answer(body["messages"])
        return {
            "id": "x",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [{"type": "text", "text": text}],
            "stop_reason": self.finish or "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 10,
                "output_tokens": len(text.split()),
                "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 3,
            },
        }

    def _ollama(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": body["model"],
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": self.answer(body["messages"])},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 7,
            "eval_count": 4,
        }

    def _embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        texts = body["input"]
        data = [{"object": "embedding", "index": i, "embedding": vector(t)} for i, t in enumerate(texts)]
        return {
            "object": "list",
            "model": body["model"],
            "data": data,
            "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
        }


def vector(text: str) -> list[float]:
    """Sixteen numbers that depend on the text alone."""
    return [byte / 255 - 0.5 for byte in hashlib.blake2b(json.dumps(text).encode(), digest_size=16).digest()]
