"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness.errors import UserError

as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON document on stdout.")
config_path = click.argument("config", type=click.Path(path_type=Path))
settings = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Replace a value of the file: a path from the top, or a setting's unique name. Repeatable.",
)
limit = click.option("--limit", type=click.IntRange(min=1), help="Only the first N examples.")
runs_uri = click.option(
    "--runs",
    "runs_uri",
    metavar="URI",
    help="Folder of runs, a path or a URI such as s3://bucket/runs.  [runs]",
)


def runs_or_default(uri: str | None) -> str:
    """The folder of runs that was given, else `runs/` here or in the nearest folder above."""
    if uri:
        return uri
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "runs").is_dir():
            return str(folder / "runs")
    raise UserError("there is no folder runs/ here; run a sweep first, or name one with --runs")


def combined(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several decorators as one, in the order of the help text."""

    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate
