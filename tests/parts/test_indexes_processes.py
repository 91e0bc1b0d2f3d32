"""Several processes at one store: whatever they do at the same time, and whoever dies, all vectors find themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.plugins import make
from harness.records import Chunk
from tests.parts.test_indexes_server import chroma

__all__ = ["chroma"]

WORKER = """
import sys, numpy as np
from pathlib import Path
from harness.plugins import make
from tests.parts.test_indexes_processes import filled, lost

url, folder, count, *names = sys.argv[1:]
part = make("index", {"use": "chroma", "url": url or None})
print("started", flush=True)
for name in names:
    opened = part.open(Path(folder), name)
    print("opened", flush=True)
    if opened.count() < int(count):
        filled(opened, name, int(count))
    print("lost", lost(opened, name, int(count)), flush=True)
    opened.close()
"""


def content(name: str, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The vectors of a collection, decided by its name."""
    seed = int.from_bytes(name.encode()[:6], "big")
    return np.random.default_rng(seed).normal(size=(count, 48)).astype(np.float32)


def filled(opened: Any, name: str, count: int) -> None:
    """Write a collection."""
    opened.fill([Chunk("a.md", i, i + 1, "text " * 20) for i in range(count)], content(name, count))


def lost(opened: Any, name: str, count: int) -> int:
    """How many vectors do not find themselves, or are not there."""
    vectors = content(name, count)
    found = opened.search(vectors, 1)
    missing = sum([n for n, _ in hits] != [i] for i, hits in enumerate(found))
    return int(missing + count - opened.count())


def worker(url: str, folder: Path, count: int, *names: str) -> subprocess.Popen[str]:
    """A process that fills and searches collections, one after another."""
    command = [sys.executable, "-c", WORKER, url, str(folder), str(count), *names]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> list[str]:
    """What a worker says to the end, which must be a good one."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert process.wait(60) == 0
    return [line for line in lines if line.startswith("lost")]


@pytest.mark.parametrize("where", ["folder", "server"])
def test_two_processes_at_once_lose_nothing(where: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """They fill and search the same collection and different ones."""
    url = request.getfixturevalue("chroma") if where == "server" else ""
    count = 6000
    both = [worker(url, tmp_path, count, f"{where}-both", f"{where}-{who}", f"{where}-too") for who in ("one", "two")]
    assert [told(process) for process in both] == [["lost 0"] * 3] * 2
    for name in ("both", "one", "two", "too"):
        opened = make("index", {"use": "chroma", "url": url or None}).open(tmp_path, f"{where}-{name}")
        assert lost(opened, f"{where}-{name}", count) == 0
        opened.close()


@pytest.mark.parametrize("delay", [0.05, 0.5])
def test_when_one_process_is_killed_in_a_fill_the_other_goes_on(delay: float, tmp_path: Path) -> None:
    """The lock falls at once, what was there before is whole, and the unfinished fill is finished."""
    count, more = 2000, 24_000
    assert told(worker("", tmp_path, count, "before")) == ["lost 0"]
    dying = worker("", tmp_path, more, "dying")
    assert dying.stdout is not None
    assert [dying.stdout.readline() for _ in range(2)] == ["started\n", "opened\n"]
    other = worker("", tmp_path, count, "other", "before")
    time.sleep(delay)
    assert dying.poll() is None, "it was to be killed in its fill"
    os.kill(dying.pid, signal.SIGKILL)
    dying.wait()
    assert told(other) == ["lost 0", "lost 0"]
    opened = make("index", "chroma").open(tmp_path, "dying")
    assert opened.count() < more
    filled(opened, "dying", more)
    assert opened.count() == more
    sample = content("dying", more)[::50]
    assert [hits[0][0] for hits in opened.search(sample, 1)] == list(range(0, more, 50))
    opened.close()


def test_a_store_that_stays_in_use_is_named_with_its_process(tmp_path: Path) -> None:
    """After timeout_s, with what to do; it is free again when the other has closed it, in any thread."""
    opened = make("index", "chroma").open(tmp_path, "held")
    impatient = make("index", {"use": "chroma", "timeout_s": 0.2})
    with pytest.raises(
        UserError, match=rf"{tmp_path} has been in use by another process \(process {os.getpid()}\)"
    ) as error:
        impatient.open(tmp_path, "held")
    assert "timeout_s" in str(error.value)
    closing = threading.Thread(target=opened.close)
    closing.start()
    closing.join()
    impatient.open(tmp_path, "held").close()


def test_a_store_that_cannot_be_read_is_named_and_not_held(tmp_path: Path) -> None:
    """The error says that the folder may be deleted; then it works."""
    (tmp_path / "chroma.sqlite3").write_bytes(b"this is no database" * 100)
    for _ in range(2):
        with pytest.raises(UserError, match=f"(?s)the vector store {tmp_path}: .*delete the folder"):
            make("index", {"use": "chroma", "timeout_s": 0.2}).open(tmp_path, "broken")
    (tmp_path / "chroma.sqlite3").unlink()
    make("index", "chroma").open(tmp_path, "broken").close()
