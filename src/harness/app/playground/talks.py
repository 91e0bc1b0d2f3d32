"""Configurations that are kept ready to be talked to, for all who look; the page hands in how they are opened."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.errors import UserError
from harness.records import Message

MOST = 4
"""Configurations that are kept ready at once: each holds its knowledge base in memory."""


class Talk(Protocol):
    """What answers, as `harness.sweeps.conversing.Talk` does."""

    def start(self, messages: Sequence[Message], tell: Callable[[str], None]) -> Future[Any]:
        """The answer to come."""

    def close(self) -> None:
        """Give up what is under way."""


@dataclass(eq=False)
class Line:
    """A line to one configuration, which is opened when something is asked for the first time.

    `asks` are the models elsewhere that it asks, with their servers where those are not the providers' own (else
    empty); `changed` says what is not as it was evaluated, empty where all is.
    """

    open: Callable[[], Talk]
    free: bool
    asks: Mapping[str, str] = field(default_factory=dict)
    changed: str = ""
    _talk: Talk | None = None
    _closed: bool = False
    _under_way: set[Future[Any]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._under_way) or self._lock.locked()

    def start(self, messages: Sequence[Message], tell: Callable[[str], None]) -> Future[Any]:
        """The answer to come. Makes what is missing first; raises what that raises."""
        with self._lock:
            if self._closed:
                raise UserError("this configuration was put away for others; ask again")
            if self._talk is None:
                self._talk = self.open()
            found = self._talk.start(messages, tell)
            self._under_way.add(found)
        found.add_done_callback(self._under_way.discard)
        return found

    def close(self) -> None:
        """Put it away."""
        with self._lock:
            self._closed = True
            if self._talk is not None:
                self._talk.close()


class Pool:
    """At most `most` lines, and those that somebody waits at; the one that was not asked for longest goes first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lines: OrderedDict[Any, Line] = OrderedDict()
        self._lock = threading.Lock()

    def hold(self, key: Any, make: Callable[[], Line]) -> Line:
        """The line of a key, made where there is none. Raises what `make` raises."""
        with self._lock:
            found = self._lines.get(key)
            if found is not None:
                self._lines.move_to_end(key)
                return found
        made = make()
        with self._lock:
            found = self._lines.setdefault(key, made)
            idle = [each for each, line in self._lines.items() if each != key and not line.busy]
            gone = [self._lines.pop(each) for each in idle[: max(0, len(self._lines) - self._most)]]
        for each in gone:
            each.close()
        return found

    def drop(self, key: Any) -> None:
        """Put a line away, so that the next who asks for it gets a new one."""
        with self._lock:
            found = self._lines.pop(key, None)
        if found is not None:
            found.close()
