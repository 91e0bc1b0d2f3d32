"""`harness runs`."""

from __future__ import annotations

from typing import Any

import click

from harness.cli import options
from harness.cli.output import print_json, print_table

_HIDDEN = ("sweep", "name", "variant", "label", "best")


@click.command("runs")
@click.option("--where", metavar="CONDITION", help='For example "chunk_size == 400 and token_f1 > 0.5".')
@click.option("--sort", metavar="COLUMN", help="Sort by a column; -COLUMN for descending.  [newest first]")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@click.option("--all", "all_", is_flag=True, help="All of them.")
@options.runs_uri
@options.as_json
def command(where: str | None, sort: str | None, limit: int, all_: bool, runs_uri: str | None, json_: bool) -> None:
    """List runs: one line for each variant of each sweep.

    Columns whose names are no plain words go in backticks inside a condition: `recall@5` > 0.8.
    """
    from harness.study.listing import find_rows

    rows = find_rows(options.runs_or_default(runs_uri), where, sort, None if all_ else limit)
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo("No runs." if where is None else "No run fits the condition.")
        return
    columns = [name for name in dict.fromkeys(n for row in rows for n in row) if name not in _HIDDEN]
    print_table("", columns, [[_shown(row.get(name)) for name in columns] for row in rows])
    if not all_ and len(rows) == limit:
        click.echo(f"The first {limit}; --all for all.")


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
