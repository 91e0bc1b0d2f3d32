"""`harness score`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.output import interval, money, number, print_json, print_table
from harness.errors import UserError


@click.command("score")
@click.argument("sweep")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="METRIC",
    help="A metric as a sweep file writes it: rouge1, or '{rubric: {judge: openai/gpt-4o-mini}}'. Repeatable.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Take metrics (where no --metric is given), prices, limits and plugins from this sweep file.",
)
@click.option("--fresh", is_flag=True, help="Ignore cached judgements and ask again.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Judge calls at once.")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="Stop before spending more than this.")
@options.runs_uri
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    sweep: str,
    metrics: tuple[str, ...],
    config: Path | None,
    fresh: bool,
    concurrency: int | None,
    budget_usd: float | None,
    runs_uri: str | None,
    json_: bool,
    quiet: bool,
) -> None:
    """Score the stored outcomes of SWEEP by more metrics, or anew; no answer is asked for.

    A metric of a new name is added. One of a known name and the same settings is replaced. One of a known name with
    other settings (a changed prompt, another judge) becomes a new version: it has the name from now on, and the version
    before it is shown as NAME#1. Give it a name of its own with `as`.

    Exit codes: 0 done, 2 wrong input (nothing spent), 3 ended early (the budget is spent, or a judge cannot be asked:
    nothing is added, run the same command to go on), 130 interrupted.
    """
    from harness.cli.display import shown
    from harness.study.listing import find_sweep
    from harness.study.summary import summarise
    from harness.sweeps.progress import Progress
    from harness.sweeps.rescoring import score_sweep

    stored, rest = find_sweep(options.store_of(sweep, runs_uri), sweep)
    if rest:
        raise UserError(f"score takes a whole sweep, so that its runs can be compared: harness score {stored.id} …")
    chosen, how = _chosen(stored, metrics, config, fresh, concurrency, budget_usd)
    progress = Progress()
    with shown(progress, quiet):
        stored = score_sweep(stored, chosen, how, progress)
        summary = summarise(stored, keep=stored.status == "complete")
    names = [metric.name for metric in chosen]
    if json_:
        print_json({**summary, "scored": names})
    else:
        _show(summary, names, stored)


def _chosen(
    stored: Any,
    metrics: tuple[str, ...],
    config: Path | None,
    fresh: bool,
    concurrency: int | None,
    budget_usd: float | None,
) -> tuple[list[Any], Any]:
    """The metrics to score by, and how: from the command line, else from the sweep file, else as the sweep was run."""
    from harness.config import Budget, Limits, load
    from harness.config.scoring import limits_given, metrics_given, workspace_given
    from harness.sweeps.gateway import Prices
    from harness.sweeps.rescoring import ScoringOptions, scales_of

    if config is None and not metrics:
        raise UserError("score needs --metric METRIC or --config FILE; harness parts --kind metric lists the metrics")
    given = stored.header["config"]["given"]
    known = scales_of(stored)
    if config is not None:
        checked = load(config)
        workspace, limits, prices, budget = checked.workspace, checked.limits, checked.prices, checked.budget
    else:
        workspace, limits, prices = workspace_given(stored.header), limits_given(given), given.get("prices") or {}
        budget = Budget(**(given.get("budget") or {}))
    if metrics:
        chosen = metrics_given(metrics, workspace, given.get("plugins") or [], stored.header["axes"], known)
    else:
        chosen = list(load(config).metrics) if config is not None else []
    budget = budget if budget_usd is None else replace(budget, usd=budget_usd)
    limits = Limits(**{**limits.__dict__, **({"concurrency": concurrency} if concurrency else {})})
    return chosen, ScoringOptions(workspace, limits, budget, Prices(prices), fresh)


def _show(summary: dict[str, Any], names: list[str], stored: Any) -> None:
    from harness.cli.sweep import show_judges, show_score_failures

    for name in names:
        rows = []
        for run in summary["runs"]:
            figure = run["metrics"][name]
            failed = f" ({figure['failed']} failed)" if figure["failed"] else ""
            rows.append(
                [
                    run["variant"],
                    run["label"],
                    number(figure["mean"]),
                    interval(figure["low"], figure["high"]),
                    f"{figure['n']}{failed}",
                ]
            )
        print_table(name, ["run", "label", "mean", "95% interval", "n"], rows, right=["mean", "n"])
    show_score_failures(summary, names)
    show_judges({"judges": {name: said for name, said in summary["judges"].items() if name in names}})
    spent = summary["spending"].get("judge", {"calls": 0, "usd": 0.0})
    click.echo(f"\nJudge calls of this sweep so far: {spent['calls']}, USD {money(spent['usd'])}.")
    older = [entry["name"] for entry in stored.metrics if entry.get("superseded")]
    if older:
        click.echo(f"Earlier versions are kept: {', '.join(older)}.")
    click.echo(f"Kept in {summary['path']}")
