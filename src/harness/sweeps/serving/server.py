"""The server: it listens, follows its alias, and ends when it is told to, with the last answers out."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from harness.config import Budget
from harness.sweeps.conversing import Responder
from harness.sweeps.serving.application import Settings, application
from harness.sweeps.serving.desk import Desk, Served
from harness.sweeps.serving.following import Follower, Look
from harness.sweeps.serving.stamp import Promoted

_LAST_S = 30
"""So long the questions under way may take once the server is told to end."""
_FOLLOW_S = 3.0
_KEEP_ALIVE_S = 75


class Server(uvicorn.Server):
    """uvicorn's server; a signal ends it without being raised again afterwards, and a second one ends it at once."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[Server], None]) -> None:
        super().__init__(config)
        self._ready = ready

    def stop(self) -> None:
        """End once what is under way is answered; at once where it was told so before. From any thread."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready(self)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def heard(_: int, __: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(
    promoted: Promoted,
    settings: Settings,
    listening: socket.socket,
    *,
    tell: Callable[[str], None],
    ready: Callable[[Server], None],
    fresh: bool = False,
    budget: Budget | None = None,
    look: Look | None = None,
    every_s: float = _FOLLOW_S,
) -> None:
    """Serve a configuration on a bound socket until SIGINT, SIGTERM or `Server.stop`.

    `ready` is called once questions are answered, `tell` with what the one who runs it should know. `budget` holds for
    all that is served, and `look` follows an alias. Raises UserError before anything listens; closes the log.
    """
    try:
        made = _Maker(fresh, budget)
        asyncio.run(_serve(promoted, settings, listening, made, tell, ready, look, every_s))
    finally:
        listening.close()
        if settings.log is not None:
            settings.log.close()


class _Maker:
    """Makes responders that share one account of what was spent."""

    def __init__(self, fresh: bool, budget: Budget | None) -> None:
        self._fresh = fresh
        self._budget = budget
        self._first: Responder | None = None

    def __call__(self, promoted: Promoted) -> Responder:
        responder = Responder(promoted.config, evaluated=promoted.evaluated, fresh=self._fresh, budget=self._budget)
        if self._first is None:
            self._first = responder
        else:
            responder.spent = self._first.spent
        return responder


async def _serve(
    promoted: Promoted,
    settings: Settings,
    listening: socket.socket,
    make: _Maker,
    tell: Callable[[str], None],
    ready: Callable[[Server], None],
    look: Look | None,
    every_s: float,
) -> None:
    responder = make(promoted)
    desk = Desk(Served(promoted.stamp, await responder.__aenter__()), settings.most, followed=look is not None)
    config = uvicorn.Config(
        application(desk, settings, tell),
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LAST_S,
    )
    following = None
    if look is not None:
        following = asyncio.create_task(Follower(desk, look, make, tell, every_s).run())
    try:
        await Server(config, ready).serve(sockets=[listening])
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await desk.close()
