"""`harness export`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.cli.output import print_json


@click.command("export")
@click.argument("sweep")
@click.option("--to", "form", type=click.Choice(["parquet", "csv", "jsonl"]), required=True, help="The format.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write to.  [SWEEP-FORMAT]")
@options.runs_uri
@options.as_json
def command(sweep: str, form: str, output: Path | None, runs_uri: str | None, json_: bool) -> None:
    """Write the tables of SWEEP: variants, outcomes, scores, examples."""
    from harness.study.exporting import export
    from harness.study.listing import find_sweep
    from harness.study.loaded import Sweep

    stored, _ = find_sweep(options.store_of(sweep, runs_uri), sweep)
    files = export(Sweep(stored), form, output or Path(f"{stored.id}-{form}"))
    if json_:
        print_json({"sweep": stored.id, "files": [str(file) for file in files]})
    else:
        click.echo("\n".join(str(file) for file in files))
