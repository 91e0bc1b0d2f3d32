"""`harness show`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import yaml

from harness.cli import options
from harness.cli.output import interval, number, plain, print_json, print_table
from harness.errors import Mistake

_PROBLEMS = 10
"""Problems of the run folder that are shown."""


@click.command("show")
@click.argument("run")
@click.option("--examples", "count", type=click.IntRange(min=0), default=5, show_default=True, help="How many answers.")
@click.option("--tag", "tags", is_flag=True, help="Also for each tag of the examples.")
@click.option("--noise", "noise_", is_flag=True, help="Of a sweep: where the noise comes from, and what narrows it.")
@click.option("--yaml", "yaml_", is_flag=True, help="Print the run's configuration as a sweep file can hold it.")
@options.runs_uri
@options.as_json
def command(run: str, count: int, tags: bool, noise_: bool, yaml_: bool, runs_uri: str | None, json_: bool) -> None:
    """Show RUN (SWEEP/VARIANT; `latest` is the newest sweep) in full, or a whole SWEEP."""
    from harness.study.listing import find_run, find_sweep
    from harness.study.slices import slices, slices_of_run
    from harness.study.summary import summary_of

    uri = options.store_of(run, runs_uri)
    stored, rest = find_sweep(uri, run)
    if noise_:
        _show_noise(stored, rest, json_)
        return
    summary = summary_of(stored)
    sliced = slices(stored) if tags and not yaml_ else None
    if not rest and not yaml_ and stored.status == "running" and sliced is None:
        _show_live(stored, summary, json_)
        return
    problems = [] if yaml_ else stored.problems
    if not rest and not yaml_:
        _show_sweep(summary, sliced, problems, json_)
        return
    stored, variant = find_run(uri, run)
    figures = next(entry for entry in summary["runs"] if entry["variant"] == variant["id"])
    if sliced is not None:
        sliced = slices_of_run(sliced, variant["id"])
    if yaml_:
        click.echo(yaml.safe_dump({"chatbot": variant["chatbot"]}, sort_keys=False, allow_unicode=True), nl=False)
    elif json_:
        content = {**figures, "chatbot": variant["chatbot"], "sent": variant["sent"], "header": stored.header}
        print_json(content | _slices_of(sliced) | _problems_of(problems))
    else:
        _show_run(figures, variant, stored, count, summary, sliced)
        _show_problems(problems)


def _show_noise(stored: Any, rest: str, json_: bool) -> None:
    """Components of variance, and the cheapest way to halve the interval of a difference."""
    from harness.errors import UserError
    from harness.study.noise import noise

    if rest:
        raise UserError(f"--noise is of a whole sweep: harness show {stored.id} --noise")
    found = noise(stored)
    if json_:
        print_json({"sweep": stored.id, **found})
        return
    rows = [
        [e["of"], e["source"], number(e["variance"], 5), f"{100 * (e['share'] or 0):.0f}%"] for e in found["components"]
    ]
    print_table(f"Noise of {found['metric']}", ["of", "source", "variance", "share"], rows, right=["variance", "share"])
    click.echo(f"{found['text']}.")
    if found["outlay"]:
        click.echo(f"Cheapest way to halve the interval of a difference, prices in {found['unit']}: {found['outlay']}.")


def _slices_of(sliced: dict[str, Any] | None) -> dict[str, Any]:
    """The entries of a document that tell slices; none where they were not asked for."""
    return {} if sliced is None else {"slices": sliced["slices"], "slices_note": sliced["note"]}


def _show_live(stored: Any, summary: dict[str, Any], json_: bool) -> None:
    """A sweep that runs, in figures that may be looked at as often as one likes."""
    from harness.study.live import live

    found = live(stored)
    problems = stored.problems
    if json_:
        print_json({**summary, "live": found, **_problems_of(problems)})
        return
    cells = found["cells"]
    left = f", about {found['seconds_left']:.0f} s left" if found["seconds_left"] is not None else ""
    click.echo(
        f"{found['sweep']} is running: {cells['finished']} of {cells['planned']} cells, {cells['failed']} failed{left}."
    )
    sign = -1 if found["direction"] == "maximize" else 1
    order = sorted(found["variants"], key=lambda v: (v["mean_so_far"] is None, sign * (v["mean_so_far"] or 0)))
    rows = [
        [
            entry["label"],
            number(entry["mean_so_far"]),
            number(entry["mean"]),
            interval(*(entry["interval"] or (None, None))),
            str(entry["n"]),
            "ruled out" if entry["ruled_out"] else "",
        ]
        for entry in order
    ]
    columns = ["variant", "so far", "mean", "interval", "n", ""]
    print_table(f"{found['metric']}, valid at every look", columns, rows, right=["so far", "mean", "n"])
    click.echo("n counts whole clusters of questions in a drawn order; only these have an interval.")
    _show_problems(problems)


def _show_sweep(
    summary: dict[str, Any], sliced: dict[str, Any] | None, problems: Sequence[Mistake], json_: bool
) -> None:
    from harness.cli.slices import show_slices
    from harness.cli.sweep import show

    if json_:
        print_json(summary | _slices_of(sliced) | _problems_of(problems))
        return
    click.echo(f"{summary['sweep']} ({summary['status']}), {summary['created']}")
    show(summary)
    if sliced is not None:
        show_slices(sliced, summary)
    _show_problems(problems)


def _show_problems(problems: Sequence[Mistake]) -> None:
    """Lines of the run folder that were passed over, and what that means for the figures."""
    for problem in problems[:_PROBLEMS]:
        click.echo(f"Caution: {problem.place}: {problem.found}: {problem.advice}.")
    if len(problems) > _PROBLEMS:
        click.echo(f"Caution: {len(problems) - _PROBLEMS} more lines like these.")


def _problems_of(problems: Sequence[Mistake]) -> dict[str, Any]:
    """The entry of a document that tells them all."""
    told = [{"file": p.place.file, "line": p.place.line, "found": p.found, "advice": p.advice} for p in problems]
    return {"problems": told}


def _show_run(
    figures: dict[str, Any],
    variant: dict[str, Any],
    stored: Any,
    count: int,
    summary: dict[str, Any],
    sliced: dict[str, Any] | None,
) -> None:
    from harness.cli.slices import show_slices_of_run
    from harness.cli.sweep import marked, show_judges

    click.echo(f"{figures['run']}  {figures['label']}\n")
    rows = [_figure_row(marked(name, summary), figure) for name, figure in figures["metrics"].items()]
    columns = ["metric", "mean", "95% interval", "planned", "answered", "scored", "failed", "bounds"]
    print_table("Scores", columns, rows, right=["mean", "planned", "answered", "scored", "failed"])
    show_judges(summary)
    _show_thresholds(figures["metrics"], summary.get("thresholds") or {})
    _show_quantiles(figures["metrics"])
    if sliced is not None:
        show_slices_of_run(sliced)
    click.echo("\n" + yaml.safe_dump({"chatbot": variant["chatbot"]}, sort_keys=False, allow_unicode=True))
    _show_origin(stored.header)
    _show_examples(variant["id"], stored, count)


def _figure_row(name: str, figure: dict[str, Any]) -> list[str]:
    bounds = f"{number(figure['worst'])} to {number(figure['best'])}" if figure["failed"] else ""
    return [
        name,
        number(figure["mean"]),
        interval(figure["low"], figure["high"]),
        str(figure["planned"]),
        str(figure["answered"]),
        str(figure["n"]),
        str(figure["failed"]),
        bounds,
    ]


def _show_thresholds(metrics: dict[str, Any], thresholds: dict[str, Any]) -> None:
    """How many cells are good enough, for metrics that say what that is."""
    rows = []
    for name, ends in thresholds.items():
        found = metrics[name]["passed"]
        told = [f"{key.replace('_', ' ')} {end:g}" for key, end in ends.items() if end is not None]
        share = interval(found["low"], found["high"])
        rows.append([name, " and ".join(told), number(found["share"]), share, str(found["n"]), str(found["failed"])])
    if rows:
        click.echo()
        columns = ["metric", "threshold", "share that passes", "95% interval", "scored", "failed"]
        print_table("Passed", columns, rows, right=["share that passes", "scored", "failed"])


def _show_quantiles(metrics: dict[str, Any]) -> None:
    """What a mean hides, for metrics without an upper or lower end."""
    given = {name: figure["quantiles"] for name, figure in metrics.items() if figure.get("quantiles")}
    rows = [[name, *(number(value) for value in found.values())] for name, found in given.items()]
    if rows:
        click.echo()
        levels = list(next(iter(given.values())))
        print_table("Quantiles of scored cells", ["metric", *levels], rows, right=levels)


def _show_origin(header: dict[str, Any]) -> None:
    git, dataset, corpus = header["git"], header["dataset"], header["corpus"] or {}
    dirty = " with uncommitted changes" if git.get("dirty") else ""
    click.echo(f"Commit: {git.get('commit', 'not in a repository')}{dirty}")
    click.echo(f"Dataset: {dataset['path']}, {dataset['examples']} examples, digest {dataset['digest']}")
    if corpus:
        click.echo(f"Corpus: {corpus['path']}, {corpus['documents']} documents, digest {corpus['digest']}")
    click.echo("Versions: " + ", ".join(f"{name} {version}" for name, version in header["versions"].items()))


def _show_examples(variant: str, stored: Any, count: int) -> None:
    questions = {entry["id"]: entry for entry in stored.examples}
    rows = [row for row in stored.outcomes.to_pylist() if row["variant"] == variant][:count]
    chatbot = next(entry["chatbot"] for entry in stored.variants if entry["id"] == variant) or {}
    retrieves = chatbot.get("retrieval") is not None  # what looks nothing up has missed nothing
    for row in rows:
        example = questions[row["example"]]
        click.echo(f"\n[{row['example']}] {plain(example['messages'][-1]['content'])}")
        click.echo(f"  answer: {plain(row['answer'] if row['failure'] is None else 'FAILED: ' + row['failure'])}")
        references = plain(", ".join(example["references"]) or "none")
        click.echo(f"  expected: {example['expected']}; references: {references}")
        for p in row["passages"] or []:
            click.echo(f"  passage {number(p['similarity'])} {p['document']}:{p['start']}-{p['end']}")
        for e in (row.get("missed") or []) if retrieves else []:
            span = "" if e["start"] is None else f":{e['start']}-{e['end']}"
            click.echo(f"  missed  {e['document']}{span}")
