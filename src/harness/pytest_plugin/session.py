"""The sweeps of one pytest session: each is run once, whoever asks for it, and what came of it is remembered."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from harness.config import SweepConfig, load
from harness.errors import HarnessError, Interrupted, UserError, advice
from harness.pytest_plugin.needs import missing_keys, over_network
from harness.pytest_plugin.order import Order
from harness.pytest_plugin.swept import Swept
from harness.records import digest
from harness.store import Folder, StoredSweep
from harness.store.folder import write_atomically
from harness.sweeps.progress import Progress
from harness.sweeps.session import WORK, Options, run_sweep

if TYPE_CHECKING:
    import filelock

_LOCK, _RECORD = "pytest.lock", "pytest.json"


class Session:
    """Runs sweeps and keeps them. `done` has an entry for each that was run here, with what it took.

    `shared_by` names the session that several processes (the workers of pytest-xdist) have in common: what one of them
    ran the others read from its folder.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        skip_missing_keys: bool = False,
        report: str | None = None,
        shared_by: Any = None,
    ) -> None:
        self._offline = offline
        self._skip_missing_keys = skip_missing_keys
        self._report = report
        self._shared_by = shared_by
        self._known: dict[Order, Swept | HarnessError] = {}
        self._config = cache(_config_of)
        self.done: list[dict[str, Any]] = []

    def reason_to_skip(self, order: Order) -> str | None:
        """Why a test of this sweep is to be skipped; None: it is not. Raises UserError for a wrong sweep file."""
        if self._offline and (asked := over_network(self._config(order))):
            return f"--harness-offline, and asked over the network: {', '.join(asked)}"
        if self._skip_missing_keys and (missing := missing_keys(self._config(order))):
            return f"--harness-skip-missing-keys, and not in the environment: {', '.join(missing)}"
        return None

    def sweep(self, order: Order) -> Swept:
        """The finished sweep. What it raised once (UserError, Incomplete, ProviderError) it raises again, not run anew:
        a provider that fails is asked once, not for every test."""
        if order not in self._known:
            try:
                self._known[order] = self._swept(order)
            except Interrupted:
                raise
            except HarnessError as error:
                self._known[order] = error
        found = self._known[order]
        if isinstance(found, HarnessError):
            raise found.with_traceback(None)
        return found

    def _swept(self, order: Order) -> Swept:
        config = self._config(order)
        # Two processes that run the same sweep at once would want one folder; the second is answered from the cache.
        with _lock(config.workspace / WORK):
            stored = self._of_others(config, order)
            if stored is None:
                stored = self._run(config, order)
                self._tell_others(config, order, stored)
        return Swept(stored)

    def _run(self, config: SweepConfig, order: Order) -> StoredSweep:
        from harness.study.summary import summarise

        runs = order.runs
        if runs is not None and "://" not in runs:
            runs = str(config.workspace / runs)
        progress = Progress()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default")  # a user's -W error is for their tests, not for our libraries
                options = Options(order.limit, order.fresh, runs)
                stored = _without_loop(lambda: run_sweep(config, options, progress))
                summary = summarise(stored, keep=True)
        except HarnessError:
            if progress.sweep:
                self.done.append(_taken_by_failed(config, progress))
            raise
        self.done.append(_taken(summary))
        if self._report is not None:
            _write_report(stored, Path(self._report))
        return stored

    def _of_others(self, config: SweepConfig, order: Order) -> StoredSweep | None:
        """The sweep as another process of this session ran it."""
        found = self._records(config).get(_key(order))
        return None if found is None else StoredSweep(Folder(found))

    def _tell_others(self, config: SweepConfig, order: Order, stored: StoredSweep) -> None:
        if self._shared_by is not None:
            known = {**self._records(config), _key(order): stored.folder.uri}
            content = orjson.dumps({"session": self._shared_by, "sweeps": known})
            write_atomically(config.workspace / WORK / _RECORD, content)

    def _records(self, config: SweepConfig) -> dict[str, str]:
        content = Folder(config.workspace / WORK).read_json(_RECORD) or {}
        if self._shared_by is None or content.get("session") != self._shared_by:
            return {}
        found: dict[str, str] = content["sweeps"]
        return found


def _config_of(order: Order) -> SweepConfig:
    """The checked sweep file, of one variant alone where the order names it."""
    config = load(order.config, order.settings)
    if order.variant is None:
        return config
    found = [v for v in config.variants if order.variant in (v.id, v.label)]
    if len(found) != 1:
        labels = [v.label for v in config.variants]
        raise UserError(f"{config.path} has no variant {order.variant!r}; {advice(order.variant, labels, 'variants')}")
    return replace(config, variants=tuple(found))


def _lock(folder: Path) -> filelock.BaseFileLock:
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    return filelock.FileLock(folder / _LOCK)


def _without_loop(work: Callable[[], StoredSweep]) -> StoredSweep:
    """The work's result; in a thread of its own where this one has a running event loop, which some plugins leave so
    (that of Playwright, from its first test to the end of the session)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _key(order: Order) -> str:
    return digest([str(each) for each in astuple(order)])


def _taken(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep took; plain, so that it can be handed between processes."""
    calls = summary["calls"]
    return {
        "sweep": summary["sweep"],
        "runs": summary["variants"],
        "cells": summary["finished_cells"],
        "failed": summary["failed_cells"],
        "made": calls["made"],
        "cached": calls["cached"],
        "judged": calls["judge_made"],
        "usd": summary["cost_usd"],
    }


def _taken_by_failed(config: SweepConfig, progress: Progress) -> dict[str, Any]:
    """The same of a sweep that did not end well."""
    return {
        "sweep": progress.sweep,
        "runs": len(config.variants),
        "cells": progress.cells_done,
        "failed": progress.cells_failed,
        "made": progress.calls_made,
        "cached": progress.calls_cached,
        "judged": progress.judge_calls,
        "usd": None if progress.cost_unknown else progress.cost_usd,
    }


def _write_report(stored: StoredSweep, folder: Path) -> None:
    from harness.study.report.content import content_of
    from harness.study.report.html import html

    file = folder / f"{stored.id}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(html(content_of(stored, None, 20)), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"--harness-report: {file} cannot be written: {error.strerror or error}") from error
