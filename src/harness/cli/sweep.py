"""`harness sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.output import interval, money, number, print_json, print_table
from harness.study.choosing.reservations import APART
from harness.study.report.amounts import plural

_ROWS = 12
_FAILING = "with failures"
"""The column of the score that ranks runs, where some have cells without an answer, which count as the worst."""


@click.command("sweep")
@options.config_path
@options.settings
@options.limit
@click.option("--concurrency", type=click.IntRange(min=1), help="Model calls at once.")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="Stop before spending more than this.")
@click.option("--repeats", type=click.IntRange(min=1), help="Answers per variant and example.")
@click.option("--engine", type=click.Choice(["local"]), default="local", help="Where cells run.", show_default=True)
@click.option("--fresh", is_flag=True, help="Ignore cached answers and ask again.")
@options.runs_uri
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    config: Path,
    overrides: tuple[str, ...],
    limit: int | None,
    concurrency: int | None,
    budget_usd: float | None,
    repeats: int | None,
    engine: str,
    fresh: bool,
    runs_uri: str | None,
    json_: bool,
    quiet: bool,
) -> None:
    """Run the sweep CONFIG; carry on by itself when the same sweep was interrupted.

    Exit codes: 0 done, 2 wrong input (nothing spent), 3 incomplete (too many failures, or the budget is spent; run the
    same command to go on), 130 interrupted.
    """
    from harness.cli.display import shown
    from harness.config import load
    from harness.errors import HarnessError
    from harness.study.summary import summarise
    from harness.sweeps.progress import Progress
    from harness.sweeps.session import Options, run_sweep

    given = {"concurrency": concurrency, "budget.usd": budget_usd, "repeats": repeats}
    overrides += tuple(f"{key}={value}" for key, value in given.items() if value is not None)
    checked = load(config, overrides)
    progress = Progress()
    stopped: HarnessError | None = None
    with shown(progress, quiet):
        try:
            stored = run_sweep(checked, Options(limit, fresh, runs_uri), progress)
        except HarnessError as error:
            if not progress.sweep:
                raise
            stopped = error
            stored = _stored(checked.workspace, runs_uri, progress.sweep)
        summary = summarise(stored, keep=stored.status == "complete")
    if json_:
        print_json(summary)
    else:
        show(summary)
    if stopped is not None:
        raise stopped


def _stored(workspace: Path, runs_uri: str | None, sweep: str) -> Any:
    from harness.store import Folder, StoredSweep

    return StoredSweep(Folder(runs_uri or workspace / "runs") / sweep)


def show(summary: dict[str, Any]) -> None:
    """The sweep's result for people: the ranking, what cannot be told apart, and what it took."""
    objective = summary["objective"]["metric"]
    variants = plural(summary["variants"], "variant")
    title = f"{summary['name']}: {variants}, {objective} ({summary['objective']['direction']}d)"
    runs = ranked(summary)
    others = [name for name in (runs[0]["metrics"] if runs else {}) if name != objective]
    passing = [name for name in (objective, *others) if name in (summary.get("thresholds") or {})]
    scores = [marked(name, summary) for name in (objective, *others[:5])]
    shares = [f"{name} passed" for name in passing[:5]]
    lacking = [_FAILING] if any(_lacks_answers(run, objective) for run in runs) else []
    settings = list(runs[0]["params"] if runs else {})
    columns = ["", "run", *settings, scores[0], "95% interval", "n", *lacking, *scores[1:], *shares]
    rows = [
        [
            *_row(run, place, summary, objective, others[:5], bool(lacking)),
            *(passed(run["metrics"][name]) for name in passing[:5]),
        ]
        for place, run in enumerate(runs[:_ROWS], 1)
    ]
    print_table(title, columns, rows, right=[*scores, "n", *lacking, *shares])
    if len(runs) > _ROWS:
        click.echo(f"… and {len(runs) - _ROWS} more: harness show {summary['sweep']}")
    _verdict(summary, objective)
    show_judges(summary)
    _costs(summary)


def marked(name: str, summary: dict[str, Any]) -> str:
    """A metric's name, with a `!` where there is something to know before its judge is believed."""
    return f"{name}!" if (summary.get("judges") or {}).get(name) else name


def show_judges(summary: dict[str, Any]) -> None:
    """What is to know about the judges, a line for each sentence, with all the metrics that it concerns."""
    judges = summary.get("judges") or {}
    concerned: dict[str, list[str]] = {}
    for name, sentences in judges.items():
        for sentence in sentences:
            member, _, said = sentence.partition(": ")
            concerned.setdefault(said if member in judges and said in judges[member] else sentence, []).append(name)
    for sentence, names in concerned.items():
        click.echo(f"! {', '.join(names)}: {sentence}.")


def show_score_failures(summary: dict[str, Any], only: Sequence[str] | None = None) -> None:
    """Why answers could not be scored, a line for each metric."""
    for name, reasons in (summary.get("score_failures") or {}).items():
        if only is None or name in only:
            told = ", ".join(f"{count} x {reason}" for reason, count in reasons.items())
            click.echo(f"Not scored by {name}: {told}.")


def passed(figure: dict[str, Any]) -> str:
    """The share of scored cells within the threshold; a dash where there is none."""
    found = figure.get("passed")
    return "-" if not found or found["share"] is None else f"{100 * found['share']:.0f}%"


def ranked(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs, best first by the objective; failures count as the worst, runs without a score come last."""
    objective, direction = summary["objective"]["metric"], summary["objective"]["direction"]
    sign = -1 if direction == "maximize" else 1

    def order(run: dict[str, Any]) -> tuple[bool, float]:
        figure = run["metrics"].get(objective, {})
        end = run.get("ranked_by", figure.get("worst") if figure.get("worst") is not None else figure.get("mean"))
        return end is None, sign * (end or 0.0)

    return sorted(summary["runs"], key=order)


def _lacks_answers(run: dict[str, Any], objective: str) -> bool:
    """Whether a run is ranked by another number than the mean of its scored cells."""
    mean, ranked_by = run["metrics"][objective]["mean"], run.get("ranked_by")
    return ranked_by is not None and (mean is None or abs(mean - ranked_by) > 1e-9)


def _row(
    run: dict[str, Any], place: int, summary: dict[str, Any], objective: str, others: list[str], lacking: bool
) -> list[str]:
    figure = run["metrics"][objective]
    mark = "*" if run["variant"] in summary["best_set"] else ""
    failed = f" ({figure['failed']} failed)" if figure["failed"] else ""
    return [
        f"{place}{mark}",
        run["variant"] + ("" if run.get("exact_search", True) else "~"),
        *(_setting(value) for value in run["params"].values()),
        number(figure["mean"]),
        interval(figure["low"], figure["high"]),
        f"{figure['n']}{failed}",
        *([number(run.get("ranked_by"))] if lacking else []),
        *(number(run["metrics"][name]["mean"]) for name in others),
    ]


def _setting(value: object) -> str:
    return "-" if value is None else str(value)


def _verdict(summary: dict[str, Any], objective: str) -> None:
    best = summary["best"]
    if best is None:
        click.echo(f"\nNo variant has a score of {objective}.")
        return
    unmeasured = len(summary.get("unmeasured") or ())
    partial = summary["finished_cells"] < summary["cells"]
    apart = any(caution.startswith(APART) for caution in summary.get("ranking_cautions") or [])
    title = "First by its mean alone" if apart else "Best so far" if partial else "Best"
    click.echo(f"\n{title}: {best['label']}")
    if summary["variants"] > 1:
        _alike(summary, unmeasured)
    if partial:
        click.echo(
            f"Only {summary['finished_cells']} of {summary['cells']} cells are in, in no random order: "
            "what follows is about those alone."
        )
    for caution in summary.get("ranking_cautions") or []:
        if "clusters" not in caution and "cheapest" not in caution:
            click.echo(f"Caution: {caution}.")
    _corrected(best, objective)
    _cheapest(summary)
    if summary["detectable"] is not None:
        _detectable(summary, objective)
    if summary["clusters"] < 30:
        click.echo(f"Only {summary['clusters']} clusters of examples: intervals are rough below 30.")


def _alike(summary: dict[str, Any], unmeasured: int) -> None:
    """How many variants may be as good as the first."""
    alike, measured = len(summary["best_set"]) - 1, summary["variants"] - unmeasured
    if unmeasured:
        click.echo(f"{unmeasured} of {summary['variants']} variants have no score yet: nothing can be said of them.")
    if alike:
        click.echo(
            f"* {alike} other variant{'s' if alike > 1 else ''} cannot be told from it "
            "(paired differences, clustered, Holm-corrected at 5%)."
        )
    elif measured > 1:
        which = "Every other variant" if not unmeasured else "Every other variant that was measured"
        click.echo(f"{which} is worse beyond noise (paired, clustered, Holm-corrected at 5%).")


def _corrected(best: dict[str, Any], objective: str) -> None:
    """What to expect of the winner, which had luck, too."""
    found = best.get("corrected")
    if found is not None:
        ends = interval(*found["interval"])
        raw = found.get("raw", best["score"])
        if number(raw) != number(found["score"]):
            click.echo(
                f"Its {objective} of {number(raw)} was chosen as the best; "
                f"on fresh questions expect about {number(found['score'])} ({ends})."
            )


def _cheapest(summary: dict[str, Any]) -> None:
    """The cheapest of those that may be the best."""
    runs = {run["variant"]: run for run in summary["runs"]}
    found = runs.get(summary.get("cheapest") or "")
    if found is not None and found["variant"] != summary["best"]["variant"]:
        cost = money(found["expense"]["usd"] * 1000)
        click.echo(f"Cheapest of them, at most 2 points worse: {found['label']}, USD {cost} for 1,000 answers.")


def _detectable(summary: dict[str, Any], objective: str) -> None:
    """The differences that the dataset can show: of two variants, and between any two of all."""
    said = (
        f"This dataset can show a difference in {objective} of about {summary['detectable']:.3f} between two variants"
    )
    wide = summary.get("detectable_any")
    if summary["variants"] > 2 and wide is not None:
        said += f" that were chosen beforehand, of about {wide:.3f} between any two of these {summary['variants']}"
    click.echo(f"{said}.")


def _foreseen(summary: dict[str, Any]) -> str:
    """What was foreseen for the calls that had to be made, to compare."""
    found = summary.get("estimate")
    if not found or found["usd"] is None:
        return ""
    return f" (foreseen {money(found['usd'])}, between {money(found['low'])} and {money(found['high'])})"


def _judged(calls: dict[str, Any]) -> str:
    made = calls.get("judge_made") or 0
    return f"Judge calls: {made} made. " if made else ""


def _costs(summary: dict[str, Any]) -> None:
    calls, texts = summary["calls"], summary["embeddings"]
    shared = summary["finished_cells"] - calls["distinct"]
    click.echo(
        f"Cells: {summary['finished_cells']} of {summary['cells']} done, {summary['failed_cells']} failed. "
        f"Answers: {calls['made']} made, {calls['cached']} cached, {shared} shared. {_judged(calls)}"
        f"Embeddings: {texts['made']} made of {texts['naive']} naive. "
        f"Cost: USD {money(summary['cost_usd'])}. Time: {summary['wall_s']} s."
    )
    show_score_failures(summary)
    if summary.get("failures"):
        click.echo("Failed: " + ", ".join(f"{count} x {what}" for what, count in summary["failures"].items()))
    retried = summary.get("retried") or {}
    if retried.get("calls"):
        calls, attempts = plural(retried["calls"], "call"), plural(retried["attempts"], "attempt")
        click.echo(f"Tried again: {calls}, {attempts} besides the first; latencies are of the last attempt.")
    for caution in summary.get("cautions") or []:
        click.echo(f"Caution: {caution}.")
    besides = [
        f"{stage} USD {money(entry['usd'])} ({entry['calls']} calls)"
        for stage, entry in summary.get("spending", {}).items()
    ]
    if besides or _foreseen(summary):
        parts = [f"answers USD {money(summary.get('answers_usd'))}{_foreseen(summary)}", *besides]
        click.echo(f"Of this cost: {', '.join(parts)}.")
    if summary.get("left_out"):
        click.echo(
            f"{summary['left_out']} documents could not be read and were left out: see corpus.skipped in sweep.json."
        )
    approximate = summary.get("approximate") or []
    if approximate:
        click.echo(
            f"~ {len(approximate)} of {summary['variants']} variants rest on approximate search, so the ranking does: "
            "another build of the index may differ a little. The metric index_recall tells what it gives up."
        )
    click.echo(f"Kept in {summary['path']}")
