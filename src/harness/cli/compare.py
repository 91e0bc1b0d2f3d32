"""`harness compare`."""

from __future__ import annotations

from typing import Any

import click

from harness.cli import options
from harness.cli.output import number, plain, print_json, print_table
from harness.errors import UserError

_PASSAGES, _SHORT = 3, 60


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
    """Compare each of RUNS with the first of them, on the examples that both have.

    Cells without an answer count as the worst score; answers that a metric could not score are left out. p-values are
    corrected (Holm) over the rows that are shown: name few metrics, and slices (--tag) only where you look for
    something.
    """
    from harness.study.comparing.pairs import compare_many
    from harness.study.listing import find_run

    if len(runs) < 2:
        raise UserError("compare needs at least two runs; harness runs lists them")
    found = [find_run(options.store_of(run, runs_uri), run) for run in runs]
    by = metrics[0] if metrics else None
    pairs = compare_many(found[1:], found[0], list(metrics), slices, changed, by)
    if json_:
        print_json(pairs)
        return
    for pair in pairs:
        _show(pair)


def _show(pair: dict[str, Any]) -> None:
    from harness.cli.sweep import show_judges

    click.echo(f"{pair['run']}  {pair['label']}\nagainst {pair['baseline']}  {pair['baseline_label']}\n")
    for entry in pair["settings"]:
        click.echo(f"  {entry['setting']}: {_short(entry['before'])} -> {_short(entry['after'])}")
    rows = [_row(entry) for entry in pair["metrics"]]
    columns = ["metric", "slice", "baseline", "run", "difference", "95% interval", "p", "p corrected", "n", "verdict"]
    right = ["baseline", "run", "difference", "p", "p corrected", "n"]
    print_table("\nPaired differences", columns, rows, right=right)
    first = next((entry for entry in pair["metrics"] if "sentence" in entry), None)
    if first is not None:
        click.echo(f"{first['metric']}: {first['sentence']}.")
    few = sorted({entry["clusters"] for entry in pair["metrics"] if entry.get("caution")})
    if few:
        counts = f"{few[0]}" if len(few) == 1 else f"{few[0]} to {few[-1]}"
        click.echo(f"Caution: some rows rest on {counts} clusters; from fewer than 30 little can be learnt of others.")
    methods = list(dict.fromkeys(entry["method"] for entry in pair["metrics"] if "method" in entry))
    show_judges(pair)
    families = pair["families"]
    parts = f", the {families['slices']} rows of slices among themselves" if families["slices"] else ""
    click.echo(f"Method: {'; '.join(methods)}.")
    click.echo(f"Corrected by Holm: the {families['all']} rows over all examples among themselves{parts}.")
    for example in pair["changed"]:
        _show_changed(example)


def _show_changed(example: dict[str, Any]) -> None:
    moved = f"({example['metric']} {example['difference']:+.3f})"
    click.echo(f"\n[{example['example']}] {plain(example['question'])}  {moved}")
    for name, side in (("baseline", example["baseline"]), ("run", example["run"])):
        answer = f"FAILED: {side['failure']}" if side["failure"] else side["answer"]
        score: dict[str, Any] = next((s for s in side["scores"] if s["metric"] == example["metric"]), {})
        reason = score.get("reason") or score.get("failure")
        name += f" {side['repeat'] + 1}/{side['repeats']}" if side["repeats"] > 1 else ""
        click.echo(f"  {name + ':':14}{plain(answer)}" + (f"\n                ({plain(reason)})" if reason else ""))
        for p in side["passages"][:_PASSAGES]:
            click.echo(f"            {number(p['similarity'])} {p['document']}:{p['start']}-{p['end']}")


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _row(entry: dict[str, Any]) -> list[str]:
    if entry.get("note"):
        return [entry["metric"], entry["slice"], "-", "-", "-", "-", "-", "-", "0", entry["note"]]
    return [
        entry["metric"],
        entry["slice"],
        number(entry["baseline_mean"]),
        number(entry["mean"]),
        f"{entry['difference']:+.3f}",
        f"{entry['low']:+.3f} to {entry['high']:+.3f}",
        _p(entry["p"]),
        _p(entry["p_corrected"]),
        str(entry["n"]),
        entry["verdict"],
    ]


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
