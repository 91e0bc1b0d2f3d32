"""SIGINT ends work in good order; a second one ends it at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRACE_S = 10.0
"""Seconds for what is in flight to arrive when work is stopped: it is paid for."""


@contextmanager
def stopping(stop: asyncio.Event, say: Callable[[str], None]) -> Iterator[None]:
    """Set `stop` at the first SIGINT while the block runs, and tell so; raise KeyboardInterrupt at the second."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        say("stopping: finishing what is in flight (again to stop at once)")
        stop.set()

    try:
        loop.add_signal_handler(signal.SIGINT, on_signal)
    except (NotImplementedError, RuntimeError, ValueError):  # no main thread, or no POSIX
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
