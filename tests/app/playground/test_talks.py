"""The configurations that the playground keeps ready."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from harness.app.playground.talks import Line, Pool
from harness.errors import UserError


class Still:
    """A talk that answers when it is told to."""

    def __init__(self) -> None:
        self.coming: Future[Any] = Future()
        self.closed = False

    def start(self, messages: Any, tell: Any) -> Future[Any]:
        """Not yet."""
        return self.coming

    def close(self) -> None:
        """No more."""
        self.closed = True


def test_the_pool_closes_the_oldest_at_which_nobody_waits() -> None:
    """Never one whose answer is to come; two who open the same at once get one."""
    pool, talks = Pool(2), [Still() for _ in range(4)]
    lines = [pool.hold(i, lambda talk=talk: Line(lambda: talk, True)) for i, talk in enumerate(talks[:2])]  # type: ignore[misc]
    for line in lines:
        line.start([], print)
    talks[1].coming.set_result("x")
    third = pool.hold(2, lambda: Line(lambda: talks[2], True))
    third.start([], print)
    assert [talk.closed for talk in talks] == [False, True, False, False]
    assert pool.hold(0, lambda: Line(lambda: talks[3], True)) is lines[0]
    with pytest.raises(UserError, match="ask again"):
        lines[1].start([], print)
    gate = threading.Barrier(2)

    def slow() -> Line:
        gate.wait(10)
        return Line(lambda: talks[3], True)

    found: list[Line] = []
    threads = [threading.Thread(target=lambda: found.append(pool.hold("x", slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1]
