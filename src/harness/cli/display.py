"""The live display of a running sweep, on stderr; a few plain lines when that is not a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from harness.sweeps.progress import STAGES, Progress

_PLAIN_EVERY_S = 15.0


@contextmanager
def shown(progress: Progress, quiet: bool) -> Iterator[None]:
    """Show the progress while the block runs."""
    if quiet:
        yield
        return
    if not sys.stderr.isatty():
        with _plain(progress):
            yield
        return
    from rich.console import Console
    from rich.live import Live

    view = _View(progress)
    with Live(view, console=Console(stderr=True), refresh_per_second=5, transient=True):
        yield


@contextmanager
def _plain(progress: Progress) -> Iterator[None]:
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(_PLAIN_EVERY_S):
            click.echo(f"harness: {line(progress)}", err=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def line(progress: Progress) -> str:
    """The progress in one line."""
    cost = "unknown" if progress.cost_unknown else f"{progress.cost_usd:.4f}"
    return (
        f"{progress.message + '; ' if progress.message else ''}"
        f"{progress.cells_done}/{progress.cells} cells, {progress.cells_failed} failed; "
        f"calls: {progress.calls_made} made, {progress.calls_cached} cached, {progress.calls_shared} shared; "
        f"{_judged(progress)}USD {cost}; {left(progress)}"
    )


def _judged(progress: Progress) -> str:
    """How far judging is, where models are asked."""
    stage = progress.stages["judge"]
    return f"judged: {stage.done} of {stage.total} scores, {progress.judge_calls} calls; " if stage.total else ""


def left(progress: Progress) -> str:
    """The time to go."""
    seconds = progress.seconds_left()
    if seconds is None:
        return "time left not known yet"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s left" if minutes else f"{rest} s left"


class _View:
    """The live picture: a bar for each stage, and the figures."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        bars = Table.grid(padding=(0, 1))
        for name in STAGES:
            stage = self._progress.stages[name]
            total = stage.total or stage.done
            if name in ("rerank", "judge") and not total:
                continue
            if name == "score":
                total = stage.done if self._progress.cells_done >= self._progress.cells else stage.done + 1
            bar = ProgressBar(total=max(1, total), completed=stage.done, width=30)
            bars.add_row(
                name,
                bar,
                f"{stage.done}/{stage.total}" if stage.total else f"{stage.done}",
                f"{stage.made} made",
            )
        elapsed = time.monotonic() - self._progress.started
        head = Text(f"{self._progress.sweep}  {elapsed:.0f} s", style="bold")
        return Group(head, bars, Text(line(self._progress)))
