"""Who answers now, and how many questions at once: a configuration that is replaced finishes what it began."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.sweeps.conversing import Responder
from harness.sweeps.serving.refusal import Refused
from harness.sweeps.serving.stamp import Stamp

OK, BEHIND, UNKNOWN = "ok", "behind", "unknown"


@dataclass(eq=False)
class Served:
    """A configuration that answers; `inside` is how many of its questions are under way."""

    stamp: Stamp
    responder: Responder
    inside: int = 0


class Desk:
    """Gives questions to the configuration of the moment, `most` at once; closes the responders that it was given.

    Where an alias is `followed`, `names` is the stamp of what it names (None: that cannot be told), and `status` tells
    whether that answers: OK, BEHIND where it cannot be built, UNKNOWN where the registry cannot be read.
    """

    def __init__(self, first: Served, most: int, *, followed: bool = False) -> None:
        self.current = first
        self.followed = followed
        self.names: Stamp | None = first.stamp
        self.status = OK
        self._most = most
        self._inside = 0
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def place(self) -> Iterator[Served]:
        """A place for one question, and who answers it. Raises Refused where all are taken."""
        if self._inside >= self._most:
            said = f"{self._most} questions are being answered, which is the most at once"
            code = "rate_limit_exceeded"
            raise Refused(429, said, kind="rate_limit_error", code=code, headers={"retry-after": "1"})
        served = self.current
        self._inside += 1
        served.inside += 1
        try:
            yield served
        finally:
            self._inside -= 1
            served.inside -= 1
            self._let_go(served)

    def replace(self, new: Served) -> None:
        """From now on `new` answers."""
        old, self.current = self.current, new
        self.named(new.stamp, OK)
        self._let_go(old)

    def named(self, stamp: Stamp | None, status: str) -> None:
        """Keep what the alias names, and how it stands with that."""
        self.names, self.status = stamp, status

    async def close(self) -> None:
        """Close all; nothing may be under way any more."""
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self.current.responder.__aexit__()

    def _let_go(self, served: Served) -> None:
        """Close one that is no longer current, once its last question is answered."""
        if served is not self.current and served.inside == 0:
            task = asyncio.create_task(served.responder.__aexit__())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
