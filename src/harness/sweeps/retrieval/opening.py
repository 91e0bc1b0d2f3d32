"""Opening collections: it may wait for other processes, and the user may not want to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import Interrupted
from harness.plugins import OpenIndex
from harness.plugins.functions import Threads
from harness.sweeps.gateway import Gateway

_LOOK_AGAIN_S = 0.5


class Opening:
    """Opens the collections of one corpus in `folder`, each in turn."""

    def __init__(self, folder: Path, gateway: Gateway) -> None:
        self.folder = folder
        self._gateway = gateway
        self._threads = Threads(1)

    def try_all(self, parts: Iterable[Any]) -> None:
        """Open each index once, so that a server that is not there is known before anything is paid for.

        Raises UserError.
        """
        for part in dict.fromkeys(parts):
            part.open(self.folder, "i-nothing").close()

    async def open(self, part: Any, key: str) -> OpenIndex:
        """The collection of an index's key. Raises UserError; Interrupted where the user stops the sweep meanwhile."""
        name = f"i-{key[:24]}"
        opening: asyncio.Future[OpenIndex] = asyncio.ensure_future(self._threads.call(part.open, self.folder, name))
        while not opening.done():
            await asyncio.wait([opening], timeout=_LOOK_AGAIN_S)
            if not opening.done() and self._gateway.stopped:
                opening.add_done_callback(_closed)
                raise Interrupted
        return opening.result()


def _closed(opening: asyncio.Future[OpenIndex]) -> None:
    """Close what was opened when nobody wanted it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
