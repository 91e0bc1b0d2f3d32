"""Two versions of the registry side by side, for people."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.output import interval, number, print_table

_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
_AROUND = 60
"""Characters of unchanged text that are shown beside a change."""


def show_difference(found: dict[str, Any]) -> None:
    """Settings, prompts by word, and scores, paired where they can be (see `harness.study.registry.difference`)."""
    before, after = found["before"], found["after"]
    click.echo(f"version {before['version']} ({before['run']}) -> version {after['version']} ({after['run']})\n")
    for entry in found["settings"]:
        click.echo(f"  {entry['setting']}: {entry['before']} -> {entry['after']}")
    for entry in found["prompts"]:
        click.echo(f"  {entry['setting']}: {''.join(map(_marked, entry['words']))}")
    if not found["settings"] and not found["prompts"]:
        click.echo("  no setting differs")
    for noun, data in found["data"].items():
        if not data["same"]:
            click.echo(f"  {noun}: digest {data['before']} -> {data['after']}")
    if found["compared"] is not None:
        _show_pair(found["compared"])
        return
    rows = [[entry["metric"], *_figure(entry["before"]), *_figure(entry["after"])] for entry in found["scores"]]
    columns = ["metric", "before", "95% interval", "after", "95% interval "]
    click.echo()
    print_table("Scores as promoted, each on its own", columns, rows, right=["before", "after"])
    click.echo(f"Note: {found['note']}")


def _show_pair(pair: dict[str, Any]) -> None:
    rows = [_paired(row) for row in pair["metrics"]]
    columns = ["metric", "before", "after", "difference", "95% interval", "p corrected", "n", "verdict"]
    print_table("\nPaired differences", columns, rows, right=["before", "after", "difference", "p corrected", "n"])
    for metric, said in pair["judges"].items():
        click.echo(f"Caution, {metric}: {'; '.join(said)}")
    click.echo(f"Method: {pair['method']}; corrected by Holm over {pair['families']['all']} rows.")


def _paired(row: dict[str, Any]) -> list[str]:
    if row.get("note"):
        return [row["metric"], "-", "-", "-", "-", "-", "0", row["note"]]
    return [
        row["metric"],
        number(row["baseline_mean"]),
        number(row["mean"]),
        f"{row['difference']:+.3f}",
        f"{row['low']:+.3f} to {row['high']:+.3f}",
        f"{row['p_corrected']:.3f}",
        str(row["n"]),
        row["verdict"],
    ]


def _marked(piece: tuple[str, str]) -> str:
    """Words as they stand, removed or added; of a long unchanged text, its ends."""
    kind, text = piece
    if kind == "same" and len(text) > 3 * _AROUND:
        text = f"{text[:_AROUND]} … {text[-_AROUND:]}"
    return _MARKS[kind].format(text)


def _figure(found: dict[str, Any] | None) -> list[str]:
    return ["-", "-"] if found is None else [number(found["mean"]), interval(found["low"], found["high"])]
