"""Following an alias: when it names another version, that one is built beside, and takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.errors import HarnessError, UserError
from harness.plugins import functions
from harness.sweeps.conversing import Responder
from harness.sweeps.serving.desk import BEHIND, OK, UNKNOWN, Desk, Served
from harness.sweeps.serving.stamp import Promoted, Stamp

Look = Callable[[Stamp], Promoted | None]
"""What the alias names now, None while that is what bears this stamp.

Raises Unmade where that cannot be made, UserError where it cannot be told.
"""
Make = Callable[[Promoted], Responder]
"""A responder that is not open yet. Raises UserError."""
_LONGEST_S = 60.0


class Unmade(UserError):
    """What an alias names cannot be made; `stamp` is what it would bear."""

    def __init__(self, told: str, stamp: Stamp) -> None:
        super().__init__(told)
        self.stamp = stamp


class Follower:
    """Looks every `every_s` seconds, less often while a version cannot be built; until then the old one answers."""

    def __init__(self, desk: Desk, look: Look, make: Make, tell: Callable[[str], None], every_s: float) -> None:
        self._desk = desk
        self._look = look
        self._make = make
        self._tell = tell
        self._every_s = every_s
        self._said = ""
        # Not asyncio.to_thread: its threads keep the process from ending until they are done.
        self._threads = functions.Threads(1)

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = self._every_s
        while True:
            await asyncio.sleep(pause)
            try:
                await self._follow()
                pause, self._said = self._every_s, ""
            except HarnessError as error:
                self._complain(str(error))
                pause = min(_LONGEST_S, pause * 2)
            except Exception as error:  # noqa: BLE001  (who answers now must go on, whatever is wrong with the next)
                self._complain(f"this is a bug of ours: {type(error).__name__}: {error}")
                pause = min(_LONGEST_S, pause * 2)

    async def _follow(self) -> None:
        found = await self._looked()
        if found is None:
            return
        try:
            responder = await self._threads.call(self._built, found)
            self._desk.replace(Served(found.stamp, await responder.__aenter__()))
        except Exception:
            self._desk.named(found.stamp, BEHIND)
            raise
        self._tell(
            f"{found.stamp.name} is {found.stamp.fingerprint} now, run {found.stamp.run}; it answers from here on"
        )

    async def _looked(self) -> Promoted | None:
        """What is to be built, None where nothing is; the desk hears what the alias names."""
        stamp = self._desk.current.stamp
        try:
            found: Promoted | None = await self._threads.call(self._look, stamp)
        except Unmade as error:
            self._desk.named(error.stamp, BEHIND)
            raise
        except Exception:
            self._desk.named(None, UNKNOWN)
            raise
        if found is None:
            self._desk.named(stamp, OK)
        elif found.stamp != self._desk.names:
            self._desk.named(found.stamp, OK)  # until it is known whether it can be built
        return found

    def _built(self, found: Promoted) -> Responder:
        """A responder whose chunks and vectors are made: in a loop of its own, so that nobody waits for it."""
        asyncio.run(_built_once(self._make(found)))
        return self._make(found)

    def _complain(self, text: str) -> None:
        if text != self._said:
            self._said = text
            stamp = self._desk.current.stamp
            self._tell(f"{stamp.name} cannot be followed, {stamp.fingerprint} goes on answering: {text}")


async def _built_once(responder: Responder) -> None:
    async with responder:
        pass
