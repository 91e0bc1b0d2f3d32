"""A provider that costs next to nothing: OpenAI's chat completions over bare asyncio, in a process of its own.

The tests' loopback server takes as long for an answer as the client under measurement; on two cores that would be
measured too. What a request gets is decided by its body alone.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import orjson


@dataclass
class Conduct:
    """How it behaves: seconds before an answer; how many requests at once it admits; the shares of requests that are
    refused (429), fail (500) or hang when they come for the first time."""

    delay_s: float = 0.1
    admits: int | None = None
    refused: float = 0.0
    failing: float = 0.0
    hanging: float = 0.0


class Moment(NamedTuple):
    """A request: when it came (on the clock of time.monotonic), whether it was refused for being too many, how many
    others were at work, and the number that its body comes to."""

    at: float
    refused: bool
    inside: int
    number: int


@dataclass
class Counts:
    """What came in: requests, those refused, and each of them."""

    requests: int = 0
    refused: int = 0
    inside: int = 0
    peak: int = 0
    seen: set[int] = field(default_factory=set)
    moments: list[Moment] = field(default_factory=list)


def fate(conduct: Conduct, number: int) -> int | None:
    """The status of a request that comes for the first time; None for one that hangs."""
    share = (number % 10_000) / 10_000
    for limit, status in ((conduct.refused, 429), (conduct.failing, 500), (conduct.hanging, None)):
        if share < limit:
            return status
        share -= limit
    return 200


class _Protocol(asyncio.Protocol):
    def __init__(self, conduct: Conduct, counts: Counts) -> None:
        self._conduct, self._counts = conduct, counts
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._take(body)

    def _take(self, body: bytes) -> None:
        conduct, counts = self._conduct, self._counts
        counts.requests += 1
        refuse = conduct.admits is not None and counts.inside >= conduct.admits
        counts.moments.append(Moment(time.monotonic(), refuse, counts.inside, zlib.crc32(body)))
        if refuse:
            counts.refused += 1
            self._write(429, b'{"error": {"message": "too many at once"}}')
            return
        counts.inside += 1
        counts.peak = max(counts.peak, counts.inside)
        status = self._fate(body)
        if status is None:
            counts.inside -= 1
            return
        asyncio.get_running_loop().call_later(conduct.delay_s, self._answer, status, body)

    def _fate(self, body: bytes) -> int | None:
        """The status to answer with; None for never."""
        conduct, number = self._conduct, zlib.crc32(body)
        if number in self._counts.seen:
            return 200
        self._counts.seen.add(number)
        return fate(conduct, number)

    def _answer(self, status: int, body: bytes) -> None:
        self._counts.inside -= 1
        if status != 200:
            self._write(status, b'{"error": {"message": "not now"}}')
            return
        text = str(orjson.loads(body)["messages"][-1]["content"]).swapcase()
        count = len(text.split())
        self._write(
            200,
            orjson.dumps(
                {
                    "id": "x",
                    "object": "chat.completion",
                    "created": 0,
                    "model": "gpt-4o-mini",
                    "choices": [
                        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                    ],
                    "usage": {"prompt_tokens": count, "completion_tokens": count, "total_tokens": 2 * count},
                }
            ),
        )

    def _write(self, status: int, body: bytes) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def _serve(conduct: Conduct, pipe: Connection) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        counts = Counts()
        server = await loop.create_server(lambda: _Protocol(conduct, counts), "127.0.0.1", 0, backlog=2048)
        pipe.send(server.sockets[0].getsockname()[1])
        while await loop.run_in_executor(None, pipe.recv):
            pipe.send((counts.requests, counts.refused, counts.peak, [tuple(moment) for moment in counts.moments]))

    asyncio.run(run())


@dataclass
class Provider:
    """A running provider."""

    url: str
    pipe: Connection

    def counts(self) -> tuple[int, int, int, list[Moment]]:
        """Requests so far, refused ones, the most at once, and each of them."""
        self.pipe.send(True)
        requests, refused, peak, moments = self.pipe.recv()
        return requests, refused, peak, [Moment(*moment) for moment in moments]


@contextmanager
def provider(conduct: Conduct) -> Iterator[Provider]:
    """Serve while the block runs."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(conduct, theirs), daemon=True)
    process.start()
    try:
        yield Provider(f"http://127.0.0.1:{ours.recv()}/v1", ours)
    finally:
        process.terminate()
        process.join()


def workspace(folder: Any, url: str, count: int, extra: str = "", words: int = 0) -> Any:
    """A sweep of `count` distinct questions, each `words` words longer than it need be; returns its file."""
    padding = " word" * words
    lines = [
        {"id": f"q{i}", "question": f"Question {i}?{padding}", "references": [f"qUESTION {i}?"]} for i in range(count)
    ]
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, lines)))
    path = folder / "s.yaml"
    path.write_text(
        f"dataset: q.jsonl\nchatbot: {{model: {{use: openai/gpt-4o-mini, base_url: {url}}}}}\n"
        "metrics: [answer_match, token_f1, latency_ms]\n"
        f"prices: {{openai/gpt-4o-mini: {{input: 0.15, output: 0.6}}}}\n{extra}"
    )
    return path
