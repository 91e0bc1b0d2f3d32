"""`harness plan`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.output import money, percent, print_json, print_table
from harness.study.report.amounts import plural

if TYPE_CHECKING:
    from harness.sweeps.plan import Plan


@click.command("plan")
@options.config_path
@options.settings
@options.limit
@options.as_json
def command(config: Path, overrides: tuple[str, ...], limit: int | None, json_: bool) -> None:
    """Tell what CONFIG would do and cost.

    Counts variants, cells, model calls and embeddings, naive (a tool that shares nothing) against distinct, and
    estimates cost and time. Nothing is spent and nothing is written.
    """
    from harness.config import load
    from harness.sweeps.inputs import read_inputs
    from harness.sweeps.plan import make_plan

    checked = load(config, overrides)
    plan = make_plan(checked, read_inputs(checked, limit))
    if json_:
        print_json({"name": checked.name, **asdict(plan)})
    else:
        show(checked.name, plan)


def show(name: str, plan: Plan) -> None:
    """The plan for people."""
    variants, examples = plural(plan.variants, "variant"), plural(plan.examples, "example")
    click.echo(f"{name}: {variants} x {examples} = {plural(plan.cells, 'cell')}\n")
    rows = []
    counts = {**plan.stages, "embed (texts)": plan.embeddings, "answer (calls)": plan.calls}
    counts |= {"judge (scores)": plan.judgements} if plan.judgements else {}
    for stage, entry in counts.items():
        share = percent(entry["distinct"], entry["naive"])
        cached = str(entry["cached"]) if "cached" in entry else "-"
        rows.append([stage, str(entry["naive"]), str(entry["distinct"]), share, cached])
    if plan.judgements:
        rows.append(["judge (calls)", "-", str(plan.judgements["calls"]), "-", "-"])
    columns = ["step", "naive", "distinct", "share", "known already"]
    print_table("Work" if plan.exact else "Work (upper bound)", columns, rows, right=columns[1:])
    cost = money(plan.cost_usd)
    if plan.cost_usd:
        cost += f" (between {money(plan.cost_low)} and {money(plan.cost_high)}, by the length of the answers)"
    click.echo(f"\nCost: USD {cost}\nTime: about {max(1, round(plan.seconds))} s of answering")
    for note in plan.notes:
        click.echo(f"Note: {note}")
