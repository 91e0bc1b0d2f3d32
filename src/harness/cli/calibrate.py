"""`harness calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.output import interval, number, print_json, print_table


@click.command("calibrate")
@click.argument("sweep")
@click.option("--metric", "metrics", multiple=True, help="Only these metrics; repeatable.  [all that are labelled]")
@click.option("--labels", "file", type=click.Path(path_type=Path), help="Labels of a file, instead of the sweep's own.")
@click.option("--by", default="", metavar="NAME", help="Who labelled, where a line of the file does not say so.")
@click.option("--at", type=float, help="From which value on it is a yes.  [the metric's threshold, or the middle]")
@options.runs_uri
@options.as_json
def command(
    sweep: str,
    metrics: tuple[str, ...],
    file: Path | None,
    by: str,
    at: float | None,
    runs_uri: str | None,
    json_: bool,
) -> None:
    """Compare the scores of SWEEP with what people found: agreement, consistency, corrected means.

    What is found about a judge is kept beside the sweeps, for all sweeps with the same judge.
    """
    from harness.errors import UserError
    from harness.study.judging.calibration import calibrate
    from harness.study.judging.cautions import calibration_of, keep, poor, runs_of
    from harness.study.judging.labels import labels_of, read_labels
    from harness.study.listing import find_sweep

    stored, _ = find_sweep(options.store_of(sweep, runs_uri), sweep)
    only = metrics[0] if len(metrics) == 1 else ""
    labels, passed = read_labels(file, stored, by, only, strict=False) if file else (labels_of(stored), 0)
    names = list(metrics) or [e["name"] for e in stored.metrics if any(m.metric == e["name"] for m in labels)]
    if not names:
        raise UserError(f"{stored.id} has no labels; harness labels sample {stored.id} draws answers to label")
    found = [calibrate(stored, name, labels, at) for name in names]
    for calibration in found:
        calibration["poor"] = poor({**calibration["agreement"], **calibration})
        calibration["record"] = keep(stored, calibration)
        counting = calibration_of(runs_of(stored), calibration["identity"]) or calibration
        calibration["counting"] = {name: counting[name] for name in ("sweep", "labels")}
    if json_:
        print_json(found)
        return
    for calibration in found:
        _show(calibration)
    if passed:
        click.echo(f"\n{passed} lines of {file} are blank, or of answers that this sweep has not.")


def _show(found: dict[str, Any]) -> None:
    agreed = found["agreement"]
    people = ", ".join(found["by"]) or "nobody"
    click.echo(f"\n{found['metric']}: {found['labels']} of {found['answers']} distinct answers labelled by {people}")
    rows = [["the metric", *_agreement_row(agreed)], *([r["judge"], *_agreement_row(r)] for r in found["judges"])]
    rows += [[" and ".join(row["people"]), *_agreement_row(row)] for row in found["people"]]
    columns = ["who", "kappa", "95% interval", "agree", "sensitivity", "specificity"]
    columns += ["equal", "bias", "correlation", "n"]
    print_table("Agreement with the labels", columns, rows, right=columns[1:2] + columns[3:])
    table = agreed["table"]
    click.echo(
        f"A yes is {agreed['yes']}. People yes / no: the metric says yes {table['true_positive']} / "
        f"{table['false_positive']}, no {table['false_negative']} / {table['true_negative']}"
    )
    for note in filter(None, [agreed["note"], found["poor"]]):
        click.echo(f"Caution: {note}")
    _show_consistency(found)
    print_table("Means, as people would put them", *_means(found), right=["raw", "corrected", "labels", "answers"])
    for note in [*found["cautions"], *dict.fromkeys(r["note"] for r in [found["overall"]] if r["note"])]:
        click.echo(f"Caution: {note}")
    labels = {row["variant"]: row["label"] for row in found["variants"]}
    for row in found["differences"]:
        click.echo(
            f"{row['label']} less {labels[found['best']]}: {row['mean']:+.3f}, {interval(row['low'], row['high'])}"
            if row["mean"] is not None
            else f"{row['label']}: {row['note']}"
        )
    click.echo(f"Method: {agreed['method']}; means: {found['overall']['method']}.\nKept: {found['record']}")
    if found["counting"]["labels"] > found["labels"]:
        click.echo(
            "What is said of this judge rests on {labels} labels of {sweep}, which are more.".format(
                **found["counting"]
            )
        )


def _agreement_row(row: dict[str, Any]) -> list[str]:
    names = ("agree", "sensitivity", "specificity", "equal")
    return [
        number(row["kappa"]),
        interval(row["low"], row["high"]),
        *(number(row[name]) for name in names),
        "-" if row["bias"] is None else f"{row['bias']:+.3f}",
        number(row["pearson"]),
        str(row["n"]),
    ]


def _show_consistency(found: dict[str, Any]) -> None:
    for row in found["consistency"]:
        if row["n"]:
            click.echo(
                f"{row['judge']}: {row['draws']} draws agree in {100 * row['agree']:.0f}% of {row['n']} cells, "
                f"standard deviation {row['spread']:.3f}"
            )
    panel = found["panel"]
    if panel and panel["agree"] is not None:
        click.echo(
            f"{panel['judges']} judges: two of them agree in {100 * panel['agree']:.0f}% of {panel['n']} cells, "
            f"kappa {number(panel['kappa'])}"
        )


def _means(found: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = [{"label": "all variants", **found["overall"]}, *found["variants"]]
    return ["variant", "raw", "corrected", "95% interval", "labels", "answers", "note"], [
        [
            row["label"],
            number(row["raw"]),
            number(row["mean"]),
            interval(row["low"], row["high"]) if row["mean"] is not None else "-",
            str(row["n_labels"]),
            str(row["n_judged"]),
            row["note"],
        ]
        for row in rows
    ]
