"""The way to the client: one JSON document, or events once the answer has begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Message, Send

from harness.sweeps.serving.turn import Gone

_SEND_S = 60.0
"""A client that takes nothing for so long is gone."""


class Wire:
    """Sends the answer to one request."""

    def __init__(self, send: Send) -> None:
        self._send_on = send
        self.begun = False

    async def whole(self, status: int, content: Any, headers: Mapping[str, str]) -> None:
        """One JSON document, and the end."""
        body = orjson.dumps(content)
        given = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        await self._start(status, given)
        await self._send({"type": "http.response.body", "body": body})

    async def event(self, content: Any, headers: Mapping[str, str]) -> None:
        """One server-sent event; the first one begins the answer, with `headers`."""
        if not self.begun:
            given = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **headers}
            await self._start(200, {**given, "x-accel-buffering": "no"})
        await self._more(b"data: " + orjson.dumps(content) + b"\n\n")

    async def done(self) -> None:
        """What tells OpenAI's clients that the answer is whole, and the end."""
        await self._more(b"data: [DONE]\n\n")
        await self.end()

    async def end(self) -> None:
        """The end. Without `done`, clients can tell that the answer broke off."""
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        self.begun = True
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def _more(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(_SEND_S):
                await self._send_on(message)
        except (TimeoutError, OSError) as error:
            raise Gone from error
