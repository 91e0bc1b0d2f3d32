"""The log of conversations: a line for each turn, that can be read as a dataset."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import orjson

from harness.errors import UserError
from harness.records import digest
from harness.sweeps.conversing import Said
from harness.sweeps.serving.answer import spans
from harness.sweeps.serving.question import Asked
from harness.sweeps.serving.stamp import Stamp

_ENDINGS = (".jsonl", ".ndjson")
"""By these a file is known as a dataset of JSON lines."""
_CLIENTS = "asked_with"
_BEGINNING = b'{"id":"chatcmpl-'
"""How every line of ours begins."""


def line_of(asked: Asked, stamp: Stamp, said: Said | None, failure: str | None) -> dict[str, Any]:
    """A turn as a line of a dataset, without references; what was answered stands in its metadata.

    What the client gave as metadata is there under its own names; those that the log itself uses are in `asked_with`.
    Turns that begin with the same words are one cluster: those of one conversation depend on each other.
    """
    own: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **stamp.content()}
    reply = said.answer.reply if said is not None else None
    own["answer"] = reply.text if reply is not None else None
    if failure is not None:
        own["failure"] = failure
    if said is not None:
        own |= {"latency_ms": round(said.total_ms, 3), "retrieval_ms": round(said.retrieval_ms, 3)}
        own["passages"] = spans(said)
    if said is not None and reply is not None:
        own |= {"cached": said.answer.source != "made", "cost_usd": said.answer.cost_usd}
        own |= {name: getattr(reply, name) for name in ("finish_reason", "input_tokens", "output_tokens")}
    names = {*own, _CLIENTS}
    clash = {name: value for name, value in asked.metadata.items() if name in names}
    theirs = {name: value for name, value in asked.metadata.items() if name not in names}
    return {
        "id": asked.id,
        "messages": [{"role": message.role, "content": message.content} for message in asked.messages],
        "references": [],
        "metadata": {**theirs, **own, **({_CLIENTS: clash} if clash else {})},
        "cluster": digest("conversation", asked.messages[0].content)[:12],
    }


class Log:
    """A file that lines are only added to; several processes may, each line stays whole.

    A line is handed to the operating system within 100 ms, by a thread of its own. The file is opened for each batch,
    so it may be renamed while it is in use. Where it cannot be written `complain` is told, and answers go on.
    """

    def __init__(self, path: Path, complain: Callable[[str], None]) -> None:
        """Raises UserError where no dataset could be written there."""
        if path.suffix.lower() not in _ENDINGS:
            raise UserError(f"--log {path}: name it {path.stem}.jsonl, so that it can be read as a dataset")
        self._path = path
        self._complain = complain
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self.lost = 0
        try:
            self._write(b"")
        except OSError as error:
            raise UserError(f"--log {path}: cannot write: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._work, name="harness-log", daemon=True)
        self._thread.start()

    def add(self, line: dict[str, Any]) -> None:
        """Add a line."""
        self._lines.put(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Write what waits, and end."""
        self._lines.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch, ended = self._batch()
            if batch:
                self._keep(batch)
            if ended:
                return

    def _batch(self) -> tuple[list[bytes], bool]:
        """The lines that wait, at least one; and whether they are the last."""
        line = self._lines.get()
        batch: list[bytes] = []
        while line is not None:
            batch.append(line)
            try:
                line = self._lines.get_nowait()
            except Empty:
                return batch, False
        return batch, True

    def _keep(self, batch: list[bytes]) -> None:
        try:
            self._write(b"".join(batch))
        except OSError as error:
            self.lost += len(batch)
            said = (
                f"cannot write the log {self._path}: {error.strerror or error}; turns that are not in it: {self.lost}"
            )
            self._complain(said)

    def _write(self, content: bytes) -> None:
        """Add whole lines, or nothing."""
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            with _alone(file):
                _mend(file)
                end = os.fstat(file).st_size
                try:
                    rest = memoryview(content)
                    while rest:
                        rest = rest[os.write(file, rest) :]
                except OSError:
                    os.ftruncate(file, end)
                    raise
        finally:
            os.close(file)


@contextmanager
def _alone(file: int) -> Iterator[None]:
    """Hold the file against other processes of ours."""
    try:
        import fcntl
    except ImportError:  # Windows: there one process is meant to write
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _mend(file: int) -> None:
    """See that the file ends with a whole line: what a killed writer of ours left of one is cut off."""
    end = os.fstat(file).st_size
    start, tail = end, b""
    while start > 0 and b"\n" not in tail:
        size = min(1 << 16, start)
        start -= size
        os.lseek(file, start, os.SEEK_SET)
        tail = os.read(file, size) + tail
    tail = tail[tail.rfind(b"\n") + 1 :]
    if not tail:
        return
    if tail.startswith(_BEGINNING) and not _is_json(tail):
        os.ftruncate(file, end - len(tail))
    else:
        os.write(file, b"\n")


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
