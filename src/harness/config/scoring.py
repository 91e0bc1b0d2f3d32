"""Metrics that are named on the command line, for outcomes that are there already."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config.assembly import Assembler
from harness.config.fields import Mistakes
from harness.config.measures import read_metrics
from harness.config.nodes import Node, parse
from harness.config.sweepfile import Limits, NamedMetric, workspace_of
from harness.errors import Place, UserError
from harness.plugins import load_file
from harness.records import Scale


def metrics_given(
    texts: Sequence[str],
    workspace: Path,
    plugins: Sequence[str] = (),
    taken: Sequence[str] = (),
    known: Mapping[str, Scale] | None = None,
) -> list[NamedMetric]:
    """The metrics of texts such as `rouge1`, `{rubric: {judge: openai/gpt-4o-mini}}`: what a sweep file holds, in YAML.

    `plugins` are files of parts, by path in the workspace; `known` the scales of metrics that are there already, of
    which others may be made. Raises UserError with every mistake.
    """
    for file in plugins:
        try:
            load_file(workspace / file)
        except TypeError as error:
            raise UserError(f"plugin {file}: {error}") from error
    start, mistakes = Place("--metric"), Mistakes()
    entries = [_entry(text, number) for number, text in enumerate(texts, 1)]
    found = read_metrics(Node(start, entries), Assembler(workspace, start, True, mistakes), start, taken, known)
    mistakes.finish()
    return found


def workspace_given(header: Mapping[str, Any]) -> Path:
    """The workspace of a stored sweep: that of its sweep file where this is still there, else the folder we are in."""
    path = Path(header["config"]["path"])
    return workspace_of(path) if path.is_file() else Path.cwd()


def limits_given(given: Mapping[str, Any]) -> Limits:
    """The limits of a sweep file as it was written."""
    names = [field.name for field in dataclasses.fields(Limits)]
    return Limits(**{name: given[name] for name in names if given.get(name) is not None})


def _entry(text: str, number: int) -> Node:
    """One metric; a name is taken as it stands, since `recall@5` is no YAML."""
    place = Place(f"--metric {number}")
    if not text.lstrip().startswith("{"):
        return Node(place, text.strip())
    return parse(text, place.file)
