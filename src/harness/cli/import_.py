"""`harness import`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.cli.output import print_json


@click.command("import")
@click.argument("files", metavar="[NAME=]FILE...", nargs=-1, required=True)
@click.option("--as", "form", required=True, metavar="FORM", help="csv, promptfoo, inspect, ragas or deepeval.")
@click.option("--variant", metavar="COLUMN,…", default="", help="csv: the columns that make the variant.  [variant]")
@click.option("--question", metavar="VAR", default="", help="promptfoo: the variable that is the question.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME[:minimize][:LOW..HIGH][:judge]",
    help="How a metric is read: which way is better, its ends, whether a model gave it. Repeatable.",
)
@click.option("--maximize", metavar="METRIC", help="Rank by this metric, the more the better.")
@click.option("--minimize", metavar="METRIC", help="Rank by this metric, the less the better.  [the first metric]")
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="A dataset that has the questions: its references, evidence, tags and ids are taken.",
)
@click.option("--into", "runs_uri", metavar="URI", help="Folder of runs, a path or a URI.  [runs]")
@click.option("--name", default="", help="Name of the sweep.  [the first file's]")
@options.as_json
def command(
    files: tuple[str, ...],
    form: str,
    variant: str,
    question: str,
    metrics: tuple[str, ...],
    maximize: str | None,
    minimize: str | None,
    dataset: Path | None,
    runs_uri: str | None,
    name: str,
    json_: bool,
) -> None:
    """Keep results that another tool made as a sweep: ranked, compared, reported and scored like any other.

    csv is a table with a row for each answer (CSV, TSV, JSONL, JSON, Parquet), or the folder that `harness export`
    wrote. Of inspect, ragas and deepeval each FILE is a variant, which NAME= names. Nothing is kept where a row is
    wrong; all that are wrong are told. What had to be guessed is told, too.
    """
    from harness.errors import UserError
    from harness.importing import Options, keep, read
    from harness.importing.files import source_of
    from harness.importing.keeping import Wishes
    from harness.importing.scales import Spec, spec_of
    from harness.study.summary import summarise

    if maximize and minimize:
        raise UserError("a sweep has one objective: give --maximize or --minimize, not both")
    specs = {spec.name: spec for spec in map(spec_of, metrics)}
    wanted = Options(tuple(part.strip() for part in variant.split(",") if part.strip()), question, tuple(specs))
    objective = maximize or minimize
    if objective:
        known = specs.get(objective, Spec(objective))
        direction = "maximize" if maximize else "minimize"
        specs[objective] = Spec(objective, direction, known.ends, known.judge)
    sources = [source_of(file) for file in files]
    found = read(form, sources, wanted)
    wishes = Wishes(name, tuple(specs.values()), objective, dataset)
    stored, notes = keep(found, sources, runs_uri or _runs(), wishes)
    summary = summarise(stored, keep=True)
    if json_:
        print_json({**summary, "notes": notes})
        return
    from harness.cli.sweep import show

    show(summary)
    for note in notes:
        click.echo(f"Note: {note}.")


def _runs() -> str:
    """`runs/` here or in the nearest folder above, else a new one here."""
    here = Path.cwd()
    return str(next((f / "runs" for f in (here, *here.parents) if (f / "runs").is_dir()), here / "runs"))
