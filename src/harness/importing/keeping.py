"""Imported results as a run folder, which every reading command can read."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.config.sweepfile import RUN_COLUMNS
from harness.data import Dataset
from harness.errors import UserError, advice
from harness.importing.examples import matched, named
from harness.importing.files import Source
from harness.importing.found import Cell, Found, Hint, System, Value
from harness.importing.scales import Reading, Spec, readings
from harness.importing.scores import ANSWERED, Applying, scores_of
from harness.records import digest
from harness.store import Folder, StoredSweep, Writer
from harness.store.naming import sweep_id

_SETTING = "setting"


@dataclass(frozen=True)
class Wishes:
    """What the user says about the sweep: its name, how metrics are read, the objective, the dataset's file."""

    name: str = ""
    specs: tuple[Spec, ...] = ()
    objective: str | None = None
    dataset: Path | None = None


def keep(found: Found, sources: Sequence[Source], runs: str, wishes: Wishes) -> tuple[StoredSweep, list[str]]:
    """Write a sweep into a folder of runs, by path or URI; returns it, and what is to know about it, in sentences.

    Everything is checked before the folder is made. Raises UserError for a wrong wish.
    """
    started = time.time()
    whole = _Whole(found if found.metrics else _answered(found), sources, wishes)
    target = Folder(runs)
    path = Path(whole.header["id"])
    if target.is_local:
        whole.write(target.path / path, started)
        return StoredSweep(target / path.name), whole.notes
    with tempfile.TemporaryDirectory() as staged:
        whole.write(Path(staged) / path, started)
        (target / path.name).upload(Path(staged) / path)
    return StoredSweep(target / path.name), whole.notes


class _Whole:
    """The sweep, complete in memory."""

    def __init__(self, found: Found, sources: Sequence[Source], wishes: Wishes) -> None:
        self.found = found
        scales, guesses = readings(found, wishes.specs)
        title = wishes.name or sources[0].title
        pair = matched(found.examples, wishes.dataset) if wishes.dataset else named(found.examples, title)
        self.dataset, self.examples = pair
        used = {cell.variant for cell in found.cells}
        self.params = {key: _params(system) for key, system in found.systems.items() if key in used}
        self.ids = {key: _variant_id(found.systems[key].label, params) for key, params in self.params.items()}
        axes = list(dict.fromkeys(name for params in self.params.values() for name in params))
        self.metrics = _names(found, axes)
        self.notes = [*found.notes, *guesses, *self._lacking(), *_renamed(self.metrics)]
        objective = self.metrics[_objective(found, wishes)]
        entries = [_metric(found.tool, name, self.metrics[name], scale) for name, scale in scales.items()]
        self.header = self._header(title, sources, axes, entries, objective)

    def write(self, path: Path, started: float) -> None:
        """Write the run folder."""
        writer = Writer(path)
        status = "failed"
        try:
            writer.describe(self.header, [self._variant(key) for key in self.ids], self.dataset.examples, {})
            applying = Applying(self.found)
            order: dict[tuple[str, str, int], int] = {}
            for cell in sorted(self.found.cells, key=self._place_of):
                variant, example = self.ids[cell.variant], self.examples[cell.example].id
                outcome = replace(cell.outcome, variant=variant, example=example)
                order[variant, example, outcome.repeat] = len(order)
                writer.add(outcome, scores_of(cell, applying, (variant, example), self.metrics))
            writer.compact(order)
            status = "complete"
        finally:
            writer.end(status, reason="", wall_s=round(time.time() - started, 3))

    def _place_of(self, cell: Cell) -> tuple[int, int, int]:
        variants, examples = self._places
        return variants[cell.variant], examples[self.examples[cell.example].id], cell.outcome.repeat

    @cached_property
    def _places(self) -> tuple[dict[str, int], dict[str, int]]:
        """The places of variants by key, and of examples by id."""
        return (
            {key: at for at, key in enumerate(self.ids)},
            {example.id: at for at, example in enumerate(self.dataset.examples)},
        )

    def _lacking(self) -> list[str]:
        """Which variants have no result for some examples."""
        met: dict[str, set[str]] = {key: set() for key in self.ids}
        for cell in self.found.cells:
            met[cell.variant].add(cell.example)
        count = len(self.examples)
        return [
            f"{self.found.systems[key].label}: no result for {count - len(there)} of {count} examples; "
            "it is compared with others on those that both have"
            for key, there in met.items()
            if len(there) < count
        ]

    def _header(
        self, title: str, sources: Sequence[Source], axes: list[str], entries: list[dict[str, Any]], objective: str
    ) -> dict[str, Any]:
        now = datetime.now(UTC)
        repeats = len({cell.outcome.repeat for cell in self.found.cells})
        files = [{"name": s.name, "file": s.path.name, "sha256": s.digest()} for s in sources]
        direction = next(entry["direction"] for entry in entries if entry["name"] == objective)
        return {
            "id": sweep_id(title, now, "imported"),
            "name": title,
            "created": now.isoformat(timespec="seconds"),
            "imported": True,
            "origin": {"tool": self.found.tool, "version": self.found.version, "files": files, **self.found.origin},
            "config": {"path": "", "given": {}, "overrides": []},
            "options": {},
            "dataset": _dataset(self.dataset),
            "corpus": None,
            "axes": axes,
            "metrics": entries,
            "objective": {"metric": objective, "direction": direction},
            "repeats": repeats,
            "seed": None,
            "cells": len(self.found.cells),
            "versions": {"python": platform.python_version(), "harness-sweep": metadata.version("harness-sweep")},
            "machine": {},
            "git": {},
        }

    def _variant(self, key: str) -> dict[str, Any]:
        system = self.found.systems[key]
        params = self.params[key]
        content = {"imported": self.found.tool, **(system.content or params)}
        return {"id": self.ids[key], "label": system.label, "params": params, "chatbot": content} | {
            "content": {"imported": self.found.tool, "label": system.label, "params": params},
            "sent": {},
        }


def _variant_id(label: str, params: Mapping[str, Any]) -> str:
    """Ten hex digits that name the variant: the same in every import."""
    return digest("imported", label, params)[:10]


def _params(system: System) -> dict[str, Any]:
    """Its settings; one that is called like a column of the table of runs gets another name."""
    return {f"{_SETTING}_{name}" if name in RUN_COLUMNS else name: value for name, value in system.params.items()}


def _names(found: Found, axes: Sequence[str]) -> dict[str, str]:
    """The names of metrics in the sweep: their own, but for those that a setting or a column of runs has."""
    taken = {*RUN_COLUMNS, *axes}
    return {name: f"{found.tool}/{name}" if name in taken else name for name in found.metrics}


def _renamed(names: Mapping[str, str]) -> list[str]:
    return [f"metric {old!r} is called {new!r} here" for old, new in names.items() if old != new]


def _objective(found: Found, wishes: Wishes) -> str:
    wanted = wishes.objective
    if wanted is not None and wanted not in found.metrics:
        raise UserError(f"there is no metric {wanted!r} to rank by; {advice(wanted, found.metrics, 'metrics')}")
    return wanted or found.metrics[0]


def _metric(tool: str, own: str, name: str, scale: Reading) -> dict[str, Any]:
    return {
        "name": name,
        "label": own,
        "identity": {"use": f"imported/{tool}", "metric": own, **scale.content},
        "direction": scale.direction,
        "low": scale.low,
        "high": scale.high,
        "unit": scale.unit,
        "at_least": scale.at_least,
        "at_most": scale.at_most,
        "judge": scale.judge,
        "composite": False,
        "members": [],
    }


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {"path": dataset.path, "where": None, "digest": dataset.digest, "examples": len(dataset.examples)}


def _answered(found: Found) -> Found:
    """Results without any metric, with one that tells which cells have an answer."""
    cells = [replace(c, values={ANSWERED: Value(0.0 if c.outcome.failure else 1.0)}) for c in found.cells]
    note = f"there is no metric: `{ANSWERED}` is 1 where there is an answer and 0 where there is none"
    hints = {ANSWERED: Hint("maximize", 0.0, 1.0)}
    return replace(found, cells=cells, metrics=(ANSWERED,), hints=hints, notes=(*found.notes, note))
