"""The far side of the network, on loopback: a server that speaks the providers' protocols.

    with Loopback() as server:
        …  # point a client at f"{server.url}/v1" (OpenAI), …/v1beta (Gemini) or server.url (Anthropic, Ollama)
        server.count("/v1/chat/completions")

It answers deterministically from the request alone, keeps every request with its headers and time, and can be told to
be slow, to fail, to hang, to drip, to break off or to answer nonsense. It streams when that is asked for, and takes
batches in (`desk`). Nothing reaches it but loopback. Its port is real, so other processes can ask it;
`python -m tests.loopback --port 8123 --delay 0.1` serves it from a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests import dialects, streams
from tests.batch_desk import BatchDesk

Answerer = Callable[[list[dict[str, Any]]], str]
CHATS = {
    "/v1/chat/completions": dialects.openai_chat,
    "/v1/responses": dialects.openai_responses,
    "/v1/messages": dialects.anthropic_messages,
    "/v1beta/models/{model}:generateContent": dialects.gemini,
    "/v1beta/models/{model}:streamGenerateContent": dialects.gemini,
    "/bot": dialects.bot,
    "/api/chat": dialects.ollama_chat,
    "/api/generate": dialects.ollama_generate,
}
OTHERS = {
    "/v1/embeddings": dialects.openai_embeddings,
    "/api/embed": dialects.ollama_embeddings,
    "/v2/embed": dialects.cohere_embeddings,
    "/v1beta/models/{model}:batchEmbedContents": dialects.gemini_embeddings,
    "/v2/rerank": dialects.cohere_rerank,
    "/v1/rerank": dialects.jina_rerank,
    "/voyage/v1/rerank": dialects.voyage_rerank,
    "/api/show": lambda body: {"model_info": {}, "template": "", "capabilities": ["completion"]},
}
FREE = ("/api/show",)
"""Paths that are no work: answered at once, neither counted nor made to fail."""


def echo(messages: list[dict[str, Any]]) -> str:
    """The default answer: the last message, upside down in case."""
    return str(messages[-1]["content"]).swapcase()


@dataclass
class Call:
    """One request as it came in; `at` is on the clock of time.monotonic."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float


@dataclass
class Loopback:
    """Settings may be changed while it serves; they hold for the requests that come in afterwards.

    `failures` are (status, headers) for the next requests, one each; `broken` answers that many with broken JSON,
    `truncated` with JSON that ends too early, `mistyped` with a page of HTML, `hang` lets that many wait for ever,
    `drop` breaks that many connections off, `cut` that many answers in the midst; in this order. `delay_s` holds every
    answer back, `delays` one after the other in turn, `drip_s` every piece of it. `headers` go with every answer.
    `finish` is the finish reason to give, in the protocol's own word. Over
    `limit_per_s` requests in any second, and over `admits` at once, get a 429. `calls` are all requests so far;
    `peak` is the most at once.
    """

    answer: Answerer = echo
    delay_s: float = 0.0
    delays: list[float] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    broken: int = 0
    hang: int = 0
    drop: int = 0
    truncated: int = 0
    mistyped: int = 0
    cut: int = 0
    drip_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    finish: str | None = None
    limit_per_s: int | None = None
    admits: int | None = None
    calls: list[Call] = field(default_factory=list)
    peak: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.desk = BatchDesk(self._speak)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str = "") -> int:
        """How many requests came in, of all work or for one path."""
        return sum(call.path == path if path else call.path not in FREE for call in self.calls)

    def fail(self, times: int, status: int, retry_after: str | None = None) -> None:
        """Answer the next `times` requests with `status`."""
        self.failures += [(status, {"retry-after": retry_after} if retry_after else {})] * times

    def __enter__(self) -> Loopback:
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("the loopback server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    async def _stop(self) -> None:
        """Leave no request hanging."""
        await self._runner.cleanup()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        for path, speak in CHATS.items():
            app.router.add_post(path, self._handler(self._chat(speak), speak))
        for path, reply in OTHERS.items():
            app.router.add_post(path, self._handler(reply))
        self.desk.add_to(app)
        app.router.add_get("/requests", self._requests)
        self._inside = 0
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _requests(self, request: web.Request) -> web.Response:
        """The counts, for a caller in another process."""
        paths = {call.path for call in self.calls}
        return web.json_response({"peak": self.peak, **{path: self.count(path) for path in sorted(paths)}})

    def _handler(self, reply: Callable[[dict[str, Any]], dict[str, Any]], speak: Any = None) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.json()
            self.calls.append(Call(request.path, body, dict(request.headers), time.monotonic()))
            if request.path in FREE:
                return web.json_response(reply(body))
            self._inside += 1
            self.peak = max(self.peak, self._inside)
            try:
                if self.admits is not None and self._inside > self.admits:
                    return self._refuse(request, 429, {})
                delay = self.delays[len(self.calls) % len(self.delays)] if self.delays else self.delay_s
                if delay:
                    await asyncio.sleep(delay)
                trouble = await self._trouble(request)
                if trouble is not None:
                    return trouble
                if speak and ("stream" in request.path or body.get("stream")):
                    text = self.answer(dialects.messages_of(body))
                    return await self._in_pieces(
                        request, list(streams.events(body, text, self.finish, speak)), "text/event-stream"
                    )
                return await self._whole(request, json.dumps(reply(body)).encode())
            finally:
                self._inside -= 1

        return handle

    async def _whole(self, request: web.Request, content: bytes) -> web.StreamResponse:
        if self.truncated:
            self.truncated -= 1
            content = content[: len(content) // 2]
        if self.drip_s or self.cut:
            third = len(content) // 3 + 1
            parts = [content[i : i + third] for i in range(0, len(content), third)]
            return await self._in_pieces(request, parts, "application/json")
        return web.Response(body=content, content_type="application/json", headers=self.headers)

    async def _in_pieces(self, request: web.Request, parts: list[bytes], kind: str) -> web.StreamResponse:
        """Piece by piece; a cut one ends after the first half."""
        cut = self.cut > 0
        self.cut -= cut
        response = web.StreamResponse(headers={"content-type": kind, **self.headers})
        await response.prepare(request)
        for part in parts[: len(parts) // 2 if cut else None]:
            await response.write(part)
            await asyncio.sleep(self.drip_s)
        if cut:
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write_eof()
        return response

    def _speak(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request of a batch."""
        return self._chat(CHATS[path])(body)

    def _chat(self, speak: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def reply(body: dict[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = speak(body, self.answer(dialects.messages_of(body)), self.finish)
            return found

        return reply

    async def _trouble(self, request: web.Request) -> web.StreamResponse | None:
        """What goes wrong with this request, if anything is to."""
        if self.limit_per_s is not None and self._this_second() > self.limit_per_s:
            return self._refuse(request, 429, {"retry-after": "1"})
        if self.failures:
            return self._refuse(request, *self.failures.pop(0))
        if self.broken:
            self.broken -= 1
            return web.Response(text='{"broken": ', content_type="application/json")
        if self.mistyped:
            self.mistyped -= 1
            return web.Response(text="<html>busy</html>", content_type="text/html")
        if self.hang:
            self.hang -= 1
            await asyncio.Event().wait()
        if self.drop:
            self.drop -= 1
            assert request.transport is not None
            request.transport.abort()
        return None

    def _refuse(self, request: web.Request, status: int, headers: dict[str, str]) -> web.Response:
        return web.json_response(dialects.refusal(request.path, status), status=status, headers=headers)

    def _this_second(self) -> int:
        since, found = time.monotonic() - 1, 0
        for call in reversed(self.calls):
            if call.at < since:
                break
            found += call.path not in FREE
        return found


def main() -> None:
    """Serve until killed; the first line on stdout is the URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--limit", type=int, default=None, help="requests in a second before a 429")
    parser.add_argument("--batch-seconds", type=float, default=0.0, help="how long a batch takes")
    chosen = parser.parse_args()
    with Loopback(port=chosen.port, delay_s=chosen.delay, limit_per_s=chosen.limit) as server:
        server.desk.seconds = chosen.batch_seconds
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
