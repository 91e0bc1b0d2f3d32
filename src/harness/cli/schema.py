"""`harness schema`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.output import print_json


@click.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file instead of stdout.")
def command(output: Path | None) -> None:
    """Print the JSON Schema of the sweep file.

    Editors use it when the file begins with
    `# yaml-language-server: $schema=PATH`.
    """
    import json

    from harness.config.schema import sweep_schema

    if output is None:
        print_json(sweep_schema())
    else:
        output.write_text(json.dumps(sweep_schema(), indent=2) + "\n", encoding="utf-8")
        click.echo(str(output))
