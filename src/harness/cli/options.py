"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

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


def store_of(name: str, uri: str | None) -> str:
    """Where to look for a sweep or run: what was given, the run's own folder if `name` is a path, else the default."""
    path = Path(name)
    is_path = any((folder / "sweep.json").exists() for folder in (path, path.parent))
    return uri or ("." if is_path else runs_or_default(None))
