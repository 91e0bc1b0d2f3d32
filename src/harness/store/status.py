"""A sweep's status, derived from its heartbeat, its process and its exit record; it is nowhere stored."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from harness.store.folder import Folder
from harness.store.layout import EXIT, HEARTBEAT

RUNNING, INTERRUPTED = "running", "interrupted"
_STALE_S = 60.0


def heartbeat() -> dict[str, Any]:
    """This process's sign of life."""
    pid = os.getpid()
    return {"pid": pid, "host": socket.gethostname(), "process_started": _started(pid), "time": time.time()}


def status_of(folder: Folder) -> str:
    """`complete`, `incomplete`, `failed`, `interrupted` or `running`.

    A sweep without an exit record runs only if its process is alive (same host) or its heartbeat fresh (another host).
    """
    ended = folder.read_json(EXIT)
    beat = folder.read_json(HEARTBEAT) or {}
    if ended and ended.get("time", 0.0) >= beat.get("time", 0.0):
        return str(ended.get("status", INTERRUPTED))
    return RUNNING if beat and is_alive(beat) else INTERRUPTED


def is_alive(beat: dict[str, Any]) -> bool:
    """Whether the process that gave this sign of life still runs, as far as can be told."""
    if beat.get("host") != socket.gethostname():
        return time.time() - float(beat.get("time", 0.0)) < _STALE_S
    pid = int(beat.get("pid", -1))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(pid) == beat.get("process_started")


def _started(pid: int) -> str | None:
    """When the process started, in the system's own units, so that a reused process number is seen; Linux only."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rsplit(")", 1)[-1].split()
    return None if fields[0] == "Z" else fields[19]
