"""Opening a sweep by its name in the folder of runs, and by no other path."""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import Any

from harness.errors import UserError, advice
from harness.store import Folder, StoredSweep
from harness.study.comparing.pairs import Run

FIGURES = (
    "variant",
    "example",
    "repeat",
    "source",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cost_usd",
    "query_usd",
    "latency_ms",
    "failure_stage",
    "failure_kind",
    "failure",
)
"""The columns of outcomes that figures are made from; the texts are what makes a million of them heavy."""
_ABSENT: dict[str, Any] = {"corpus": None, "dataset": {}, "git": {}, "repeats": 1}
"""What a header may lack, as one that was written by another hand does, and figures can do without."""
_REMOTE_S = 15.0


class Lean(StoredSweep):
    """A sweep whose outcomes are read without answers and passages, where they are in a table."""

    @cached_property
    def header(self) -> dict[str, Any]:
        return {**_ABSENT, **StoredSweep(self.folder).header}

    @cached_property
    def outcomes(self) -> Any:
        return self.outcomes_with(FIGURES)


def open_sweep(runs: str, name: str, *, lean: bool = False) -> StoredSweep:
    """The sweep of that very name among the children of `runs`.

    An address can therefore name nothing outside the store: no path, no parent, no other URI. Raises UserError where
    there is none.
    """
    store = Folder(runs)
    if name not in store.children():
        raise UserError(f"there is no sweep {name!r} here; {advice(name, store.sweeps()[-20:], 'sweeps')}")
    kind = Lean if lean else StoredSweep
    return kind(store / name)


def open_run(runs: str, text: str) -> Run:
    """The run `SWEEP/VARIANT`, the variant by its whole id. Raises UserError where there is none."""
    name, _, variant = text.partition("/")
    stored = open_sweep(runs, name)
    found = next((entry for entry in stored.variants if entry["id"] == variant), None)
    if found is None:
        ids = [entry["id"] for entry in stored.variants]
        raise UserError(f"{name} has no variant {variant!r}; {advice(variant, ids[:40], 'variants')}")
    return stored, found


def stamp(runs: str, name: str) -> tuple[Any, ...]:
    """A value that changes when the sweep's folder does; in object storage every 15 seconds."""
    folder = Folder(runs) / name
    if not folder.is_local:
        return (int(time.time() / _REMOTE_S),)
    return tuple(_marks(str(folder.path), 2))


def _marks(path: str, depth: int) -> list[tuple[Any, ...]]:
    """Name, size and time of change of the files inside; the writer's sign of life does not count."""
    found: list[tuple[Any, ...]] = []
    try:
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.name in ("heartbeat.json", "summary.json", "artifacts") or entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    found += _marks(entry.path, depth - 1) if depth else []
                else:
                    told = entry.stat()
                    found.append((entry.name, told.st_size, told.st_mtime_ns))
    except OSError:
        return found
    return found
