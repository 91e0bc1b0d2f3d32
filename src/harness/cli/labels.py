"""`harness labels`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.output import print_json, print_table

if TYPE_CHECKING:
    from harness.store import StoredSweep

_sweep = click.argument("sweep")
_metric = click.option("--metric", help="The metric that people are asked for.  [the sweep's judge, or its objective]")
_only = click.option("--metric", help="Only labels of this metric.  [all]")


@click.group("labels")
def command() -> None:
    """Draw answers for people to label, keep the labels, list them."""


@command.command("sample")
@_sweep
@click.option("-n", "count", type=click.IntRange(min=1), default=150, show_default=True, help="How many answers.")
@_metric
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
@click.option("--by-variant", is_flag=True, help="The same number from each variant, instead of any answer alike.")
@click.option("--passages/--no-passages", default=True, help="Whether the passages are shown.  [passages]")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="JSONL file to write.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@options.runs_uri
@options.as_json
def sample(
    sweep: str,
    count: int,
    metric: str | None,
    seed: int,
    by_variant: bool,
    passages: bool,
    output: Path,
    force: bool,
    runs_uri: str | None,
    json_: bool,
) -> None:
    """Write a random sample of SWEEP's distinct answers, to be labelled: each line takes a `value` and a name (`by`).

    Neither the variant nor a judge's score is in the file.
    """
    import orjson

    from harness.errors import UserError
    from harness.study.judging.sampling import draw

    if output.exists() and not force:
        raise UserError(f"{output} is there already, perhaps with labels in it; name another file, or give --force")
    stored = _stored(sweep, runs_uri)
    name = _metric_of(stored, metric)
    lines = draw(stored, name, count, seed, by_variant, passages)
    output.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    if json_:
        print_json({"sweep": stored.id, "metric": name, "file": str(output), "answers": len(lines)})
    else:
        runs = f" --runs {runs_uri}" if runs_uri else ""
        click.echo(
            f"{output}: {len(lines)} answers to label for {name}; "
            f"then: harness labels add {stored.id} {output} --by YOUR_NAME{runs}"
        )


@command.command("add")
@_sweep
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", default="", metavar="NAME", help="Who labelled, where a line does not say so.")
@_metric
@options.runs_uri
@options.as_json
def add(sweep: str, file: Path, by: str, metric: str | None, runs_uri: str | None, json_: bool) -> None:
    """Keep the labels of FILE with SWEEP. Lines whose `value` is null are passed over.

    A line names an answer by `id` (from a sample), or by `example` with `variant` (and `repeat`) or with `answer`; its
    `metric` is the one that it is of, which --metric may not contradict. Nothing is kept when a line is wrong; all that
    are wrong are listed.
    """
    from collections import Counter

    from harness.store import additions
    from harness.store.layout import LABELS
    from harness.study.judging.labels import read_labels

    stored = _stored(sweep, runs_uri)
    named = _default_metric(stored) if metric is None else _metric_of(stored, metric)
    labels, blank = read_labels(file, stored, by, named or "", only=metric is not None)
    name = additions.add_lines(stored.folder / LABELS, (label.as_json() for label in labels)) if labels else None
    counts = dict(Counter(label.metric for label in labels))
    if json_:
        print_json({"sweep": stored.id, "added": len(labels), "metrics": counts, "blank": blank, "file": name})
    else:
        of = ", ".join(f"{count} of {each}" for each, count in counts.items())
        click.echo(f"{stored.id}: {len(labels)} labels added{f' ({of})' if of else ''}, {blank} lines left blank")


@command.command("list")
@_sweep
@_only
@options.runs_uri
@options.as_json
def list_(sweep: str, metric: str | None, runs_uri: str | None, json_: bool) -> None:
    """List the labels of SWEEP, oldest first."""
    from harness.study.judging.labels import labels_of

    stored = _stored(sweep, runs_uri)
    found = [label for label in labels_of(stored) if metric in (None, label.metric)]
    if not found and metric is not None:
        _metric_of(stored, metric)
    if json_:
        print_json([label.as_json() for label in found])
        return
    rows = [[e.metric, e.example, f"{e.value:g}", e.by, " ".join(e.answer.split())[:60], e.note] for e in found]
    columns = ["metric", "example", "value", "by", "answer", "note"]
    print_table(f"{len(found)} labels of {stored.id}", columns, rows, right=["value"])


def _stored(sweep: str, runs_uri: str | None) -> StoredSweep:
    from harness.study.listing import find_sweep

    return find_sweep(options.store_of(sweep, runs_uri), sweep)[0]


def _metric_of(stored: StoredSweep, metric: str | None) -> str:
    """The metric that was named, or the default. Raises UserError for one that the sweep has not, or without either."""
    from harness.errors import UserError, advice

    names = [entry["name"] for entry in stored.metrics]
    if metric is not None:
        if metric not in names:
            raise UserError(f"{stored.id} has no metric {metric!r}; {advice(metric, names, 'metrics')}")
        return metric
    found = _default_metric(stored)
    if found is None:
        judges = _judges(stored)
        raise UserError(f"{stored.id} has {len(judges)} judges; name one with --metric: {', '.join(judges)}")
    return found


def _default_metric(stored: StoredSweep) -> str | None:
    """The sweep's only judge, or its objective; None where it has several judges and the objective is none of them."""
    judges, objective = _judges(stored), str(stored.header["objective"]["metric"])
    if len(judges) == 1:
        return judges[0]
    return objective if not judges or objective in judges else None


def _judges(stored: StoredSweep) -> list[str]:
    return [entry["name"] for entry in stored.metrics if entry.get("judge")]
