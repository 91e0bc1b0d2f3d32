"""One answer on its way: its words as they come, then its end; given up when the client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive

from harness.sweeps.conversing import Responder, Said
from harness.sweeps.serving.question import Asked


class Gone(Exception):
    """The client broke the connection off: nobody waits for the answer."""


class Turn:
    """Asks at once. Use as an async context manager: at its end nothing of it is under way any more."""

    def __init__(self, responder: Responder, asked: Asked, receive: Receive) -> None:
        self._told: asyncio.Queue[str | None] = asyncio.Queue()
        tell = self._told.put_nowait if asked.stream else None
        self._asking = asyncio.create_task(responder.say(asked.messages, tell, asked.metadata))
        self._asking.add_done_callback(lambda _: self._told.put_nowait(None))
        self._leaving = asyncio.create_task(_until_gone(receive))
        self._leaving.add_done_callback(lambda _: self._asking.cancel())

    async def __aenter__(self) -> Turn:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.cancel()
        self._asking.cancel()
        await asyncio.gather(self._leaving, self._asking, return_exceptions=True)

    async def words(self) -> AsyncIterator[str]:
        """The words as they come, until there are no more; then `said` tells how it ended."""
        while (text := await self._told.get()) is not None:
            if text:
                yield text

    async def said(self) -> Said:
        """The answer. Raises Gone, and what `Responder.say` raises."""
        await asyncio.wait([self._asking])
        if self._asking.cancelled():
            raise Gone
        return self._asking.result()


async def _until_gone(receive: Receive) -> None:
    """Returns when the client breaks the connection off; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
