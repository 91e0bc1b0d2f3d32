"""Imports in a test, without the command line around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.importing import Options, keep, read
from harness.importing.files import source_of
from harness.importing.keeping import Wishes
from harness.importing.scales import spec_of
from harness.store import StoredSweep
from harness.study.summary import summarise


def imported(
    form: str,
    *files: Path | str,
    runs: Path,
    options: Options | None = None,
    metrics: tuple[str, ...] = (),
    **wishes: Any,
) -> StoredSweep:
    """Read files of a form and keep them as a sweep in `runs`."""
    return noted(form, *files, runs=runs, options=options, metrics=metrics, **wishes)[0]


def noted(
    form: str,
    *files: Path | str,
    runs: Path,
    options: Options | None = None,
    metrics: tuple[str, ...] = (),
    **wishes: Any,
) -> tuple[StoredSweep, list[str]]:
    """The same, with what is told to the user."""
    sources = [source_of(str(file)) for file in files]
    found = read(form, sources, options)
    stored, notes = keep(found, sources, str(runs), Wishes(specs=tuple(map(spec_of, metrics)), **wishes))
    assert summarise(stored)["status"] == "complete"  # what `harness show` prints
    return stored, notes


def rows(stored: StoredSweep, metric: str) -> dict[tuple[str, str, int], tuple[float | None, str | None]]:
    """Value and failure of a metric by label of the variant, question, and repeat."""
    labels = {variant["id"]: variant["label"] for variant in stored.variants}
    questions = {example["id"]: example["messages"][-1]["content"] for example in stored.examples}
    return {
        (labels[row["variant"]], questions[row["example"]], row["repeat"]): (row["value"], row["failure"])
        for row in stored.scores.to_pylist()
        if row["metric"] == metric
    }


def entry(stored: StoredSweep, metric: str) -> dict[str, Any]:
    """How the sweep says that a metric is read."""
    return next(found for found in stored.metrics if found["name"] == metric)
