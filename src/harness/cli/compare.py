"""`harness compare`."""

from __future__ import annotations

from typing import Any

import click

from harness.cli import options
from harness.cli.output import number, print_json, print_table
from harness.errors import UserError


@click.command("compare")
@click.argument("runs", nargs=-1, required=True)
@click.option("--metric", "metrics", multiple=True, help="Only these metrics. Repeatable.")
@click.option("--tag", "slices", is_flag=True, help="Also for each tag of the examples.")
@click.option("--changed", type=click.IntRange(min=0), default=5, show_default=True, help="How many examples to show.")
@options.runs_uri
@options.as_json
def command(
    runs: tuple[str, ...],
    metrics: tuple[str, ...],
    slices: bool,
    changed: int,
    runs_uri: str | None,
    json_: bool,
) -> None:
    """Compare each of RUNS with the first of them, on the examples that both answered."""
    from harness.study.listing import find_run
    from harness.study.pairs import compare_runs

    if len(runs) < 2:
        raise UserError("compare needs at least two runs; harness runs lists them")
    found = [find_run(options.store_of(run, runs_uri), run) for run in runs]
    pairs = [compare_runs(other, found[0], list(metrics), slices, changed) for other in found[1:]]
    if json_:
        print_json(pairs)
        return
    for pair in pairs:
        _show(pair)


def _show(pair: dict[str, Any]) -> None:
    click.echo(f"{pair['run']}  {pair['label']}\nagainst {pair['baseline']}  {pair['baseline_label']}\n")
    rows = [_row(entry) for entry in pair["metrics"]]
    columns = ["metric", "slice", "baseline", "run", "difference", "95% interval", "p", "n", "verdict"]
    print_table("Paired differences", columns, rows, right=["baseline", "run", "difference", "p", "n"])
    few = sorted({entry["clusters"] for entry in pair["metrics"] if entry.get("caution")})
    if few:
        counts = f"{few[0]}" if len(few) == 1 else f"{few[0]} to {few[-1]}"
        click.echo(f"Caution: some rows rest on {counts} clusters; intervals from fewer than 30 are too narrow")
    click.echo(f"Method: {pair['method']}; p-values are not corrected for the number of rows.")
    for example in pair["changed"]:
        click.echo(
            f"\n[{example['example']}] {example['question']}  ({example['metric']} {example['difference']:+.3f})"
        )
        click.echo(f"  baseline: {example['baseline_answer']}\n  run:      {example['answer']}")


def _row(entry: dict[str, Any]) -> list[str]:
    if entry.get("note"):
        return [entry["metric"], entry["slice"], "-", "-", "-", "-", "-", "0", entry["note"]]
    return [
        entry["metric"],
        entry["slice"],
        number(entry["baseline_mean"]),
        number(entry["mean"]),
        f"{entry['difference']:+.3f}",
        f"{entry['low']:+.3f} to {entry['high']:+.3f}",
        "<0.001" if entry["p"] < 0.001 else f"{entry['p']:.3f}",
        str(entry["n"]),
        entry["verdict"],
    ]
