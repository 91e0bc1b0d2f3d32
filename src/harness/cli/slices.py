"""How slices by tag are shown."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.output import interval, number, print_table

_ROWS = 3
"""Runs to show of each slice."""


def show_slices(found: dict[str, Any], summary: dict[str, Any]) -> None:
    """The best runs of each slice by the objective, and what they rest on."""
    objective = summary["objective"]["metric"]
    params = {run["variant"]: run["params"] for run in summary["runs"]}
    names = list(next(iter(params.values()), {}))
    rows = []
    for entry in found["slices"]:
        figures = {run["variant"]: run["metrics"][objective] for run in entry["runs"]}
        for place, variant in enumerate([p["variant"] for p in entry["places"]][:_ROWS], 1):
            mark = "*" if variant in entry["best_set"] else ""
            settings = ["-" if params[variant][name] is None else str(params[variant][name]) for name in names]
            rows.append([entry["tag"], f"{place}{mark}", variant, *settings, *_figure(figures[variant])])
    columns = ["slice", "", "run", *names, objective, "95% interval", "n"]
    if rows:
        click.echo()
        print_table(f"{objective} by tag, the first {_ROWS}", columns, rows, right=[objective, "n"])
        click.echo("* cannot be told from the first of its slice.")
    _tell(found)


def show_slices_of_run(found: dict[str, Any]) -> None:
    """Every metric of one run in each slice."""
    rows = [
        [entry["tag"], name, *_figure(figure)] for entry in found["slices"] for name, figure in entry["metrics"].items()
    ]
    if rows:
        click.echo()
        print_table("Scores by tag", ["slice", "metric", "mean", "95% interval", "n"], rows, right=["mean", "n"])
    _tell(found)


def _figure(figure: dict[str, Any]) -> list[str]:
    failed = f" ({figure['failed']} failed)" if figure["failed"] else ""
    return [number(figure["mean"]), interval(figure["low"], figure["high"]), f"{figure['n']}{failed}"]


def _tell(found: dict[str, Any]) -> None:
    for entry in found["slices"]:
        if entry["caution"]:
            click.echo(f"Caution: {entry['tag']}: {entry['caution']}.")
    click.echo(f"Slices: {found['note']}.")
