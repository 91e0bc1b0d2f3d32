"""`harness gate`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.candidates import Given, by_running, finished, is_config, judges_allowed, one_night
from harness.cli.output import number, plain, print_json, print_table
from harness.errors import HarnessError, UserError

if TYPE_CHECKING:
    from harness.study.gate.verdict import Verdict

WEBHOOK = "HARNESS_WEBHOOK_URL"
_UNDECIDED = {2: "wrong input", 3: "incomplete"}
"""What a gate that could not decide ends with, by exit code."""
_ONLY = "base"
"""What a variant without axes is called: here it would be taken for the baseline."""
_file = click.Path(dir_okay=False, path_type=Path)


@click.command("gate")
@click.argument("target", metavar="CONFIG|RUN")
@click.option("--baseline", metavar="RUN|ALIAS|FILE", help="What to compare with.  [the rules' baseline]")
@click.option("--variant", help="Which variant of CONFIG is the candidate, by label or id.")
@options.settings
@options.limit
@click.option("--fresh", is_flag=True, help="Ignore cached answers and ask again.")
@click.option(
    "--nightly", is_flag=True, help="One night of a quarter: asked afresh, false alarms budgeted for all nights."
)
@click.option(
    "--control",
    metavar="FILE",
    help="With --nightly: the baseline's sweep file, to tell drift of a provider from ours.",
)
@click.option(
    "--repeats-within-budget",
    "most",
    type=click.IntRange(min=2),
    metavar="N",
    help="Where CONFIG cannot be told, ask again with N repeats, within the file's budget.",
)
@click.option("--junit", type=_file, metavar="FILE", help="Write JUnit XML.")
@click.option("--markdown", type=_file, metavar="FILE", help="Write Markdown.")
@click.option("--openmetrics", type=_file, metavar="FILE", help="Write OpenMetrics text.")
@click.option("--github", is_flag=True, help="Print GitHub annotations.")
@click.option("--worst", type=click.IntRange(min=0), default=5, show_default=True, help="How many examples to show.")
@click.option("--without-calibration", is_flag=True, help="Also where a metric rests on a judge nobody calibrated.")
@options.runs_uri
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    target: str,
    baseline: str | None,
    variant: str | None,
    overrides: tuple[str, ...],
    limit: int | None,
    fresh: bool,
    nightly: bool,
    control: str | None,
    most: int | None,
    junit: Path | None,
    markdown: Path | None,
    openmetrics: Path | None,
    github: bool,
    worst: int,
    without_calibration: bool,
    runs_uri: str | None,
    json_: bool,
    quiet: bool,
) -> None:
    """Decide whether a candidate may replace the baseline.

    The candidate is what the sweep file CONFIG describes, which is run, or a finished RUN. The rules are those of the
    section gate of its sweep file. A missing baseline, one on other data and a provider that fails are errors, never a
    pass. Where HARNESS_WEBHOOK_URL is set, a regression is posted there, in Slack's form.

    Exit codes: 0 pass, 1 regression, 2 wrong input, 3 incomplete, 4 cannot tell yet.
    """
    started = time.monotonic()
    if github and json_:
        raise UserError("gate: --github and --json both write to standard output; choose one")
    if most is not None and (nightly or not is_config(target)):
        raise UserError("gate: --repeats-within-budget is for a sweep file, and not for --nightly")
    if control is not None and not nightly:
        raise UserError("gate: --control is for --nightly")
    _write_undecided(130, "not finished", "This gate has not come to an end.", 0.0, junit, markdown, openmetrics)
    given = Given(target, baseline, variant, overrides, limit, fresh, runs_uri, quiet)
    try:
        if nightly:
            found = one_night(given, control, worst, without_calibration)
        elif is_config(target):
            found = by_running(given, most, worst, without_calibration)
        else:
            found = _of_run(given, worst, without_calibration)
    except HarnessError as error:
        if error.exit_code in _UNDECIDED:
            _tell_undecided(error, time.monotonic() - started, junit, markdown, openmetrics, github)
            if json_:
                print_json({"verdict": None, "exit_code": error.exit_code, "error": str(error)})
        raise
    _write(found, time.monotonic() - started, junit, markdown, openmetrics)
    if json_:
        print_json(found.as_json())
    else:
        _show(found)
    if github:
        from harness.study.gate.annotations import workflow_commands

        click.echo(workflow_commands(found), nl=False)
    _post(found)
    if found.exit_code:
        raise SystemExit(found.exit_code)  # click would swallow its own Exit


def _of_run(given: Given, worst: int, without_calibration: bool) -> Verdict:
    from harness.study.gate.verdict import decide

    if given.variant or given.overrides or given.limit or given.fresh:
        raise UserError("gate: --variant, --set, --limit and --fresh are for a sweep file; a run is taken as it is")
    run, other, gate = finished(given.target, given.baseline, given.runs, given.quiet)
    return decide(run, other, judges_allowed(gate, without_calibration), worst)


def _tell_undecided(
    error: HarnessError,
    seconds: float,
    junit: Path | None,
    markdown: Path | None,
    openmetrics: Path | None,
    github: bool,
) -> None:
    """Write the pages of a gate that could not decide: a CI that shows them must not show none, or yesterday's."""
    from harness.study.gate import annotations as annotations_room

    title, told = _UNDECIDED[error.exit_code], str(error)
    _write_undecided(error.exit_code, title, told, seconds, junit, markdown, openmetrics)
    if github:
        click.echo(annotations_room.undecided(title, told), nl=False)


def _write_undecided(
    code: int,
    title: str,
    told: str,
    seconds: float,
    junit: Path | None,
    markdown: Path | None,
    openmetrics: Path | None,
) -> None:
    from harness.study.gate import junit as junit_room
    from harness.study.gate import markdown as markdown_room
    from harness.study.gate import openmetrics as openmetrics_room

    _write_pages(
        (junit, lambda: junit_room.undecided(title, told, seconds)),
        (markdown, lambda: markdown_room.undecided(title, told)),
        (openmetrics, lambda: openmetrics_room.undecided(code)),
    )


def _write(found: Verdict, seconds: float, junit: Path | None, markdown: Path | None, openmetrics: Path | None) -> None:
    from harness.study.gate import junit as junit_room
    from harness.study.gate import markdown as markdown_room
    from harness.study.gate import openmetrics as openmetrics_room

    _write_pages(
        (junit, lambda: junit_room.junit(found, seconds)),
        (markdown, lambda: markdown_room.markdown(found)),
        (openmetrics, lambda: openmetrics_room.openmetrics(found)),
    )


def _write_pages(*pages: tuple[Path | None, Callable[[], str]]) -> None:
    for path, page in pages:
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page(), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{path}: cannot write: {error.strerror or error}") from error


def _show(found: Verdict) -> None:
    label = "" if found.label == _ONLY else f"  {_line(found.label)}"
    click.echo(f"{found.candidate}{label}\nagainst {found.baseline}\n")
    columns = ["metric", "slice", "baseline", "candidate", "difference", "at worst", "margin", "n", "p corrected", ""]
    rows: list[list[str]] = []
    for row in found.rows:
        told: Any = row.decided
        figures = [f"{told.difference:+.3f}", f"{told.low:+.3f}", f"{told.margin:g}", str(told.n)]
        means = [number(row.baseline_mean), number(row.mean)]
        rows.append([row.metric, row.slice, *means, *figures, number(told.p_corrected), told.verdict])
    print_table("Gate", columns, rows, right=columns[2:-1])
    for rule in found.rules:
        click.echo(f"{'holds' if rule.holds else 'BROKEN'}: {_line(rule.told)}")
    for entry in found.worst:
        moved = f"({entry['metric']} {entry['difference']:+.3f})"
        click.echo(f"[{_line(entry['example'])}] {_line(entry['question'])}  {moved}")
    for note in found.notes:
        click.echo(f"Note: {_line(note)}.")
    click.echo(f"\n{_line(found.sentence)}.")


def _line(text: str) -> str:
    """One line: what begins another could be a command to the CI that reads the log."""
    return " ".join(plain(text).split())


def _post(found: Verdict) -> None:
    """Tell the webhook of a regression. That it cannot be reached changes no verdict; its address is never shown."""
    import os

    from harness.study.gate.margins import REGRESSION

    url = os.environ.get(WEBHOOK)
    if not url or found.verdict != REGRESSION:
        return
    import http.client
    import urllib.error
    import urllib.request

    import orjson

    from harness.study.gate.webhook import payload

    problem = ""
    try:
        if not url.startswith(("https://", "http://")):
            raise ValueError
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, orjson.dumps(payload(found)), headers, method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass
    except urllib.error.HTTPError as error:
        problem = f"it answered {error.code}"
    except (ValueError, http.client.InvalidURL):
        problem = "it is no address of http"
    except http.client.HTTPException as error:
        problem = f"it did not answer as a server of http does ({type(error).__name__})"
    except OSError as error:
        reason = getattr(error, "reason", error)  # urllib wraps what the socket said
        problem = getattr(reason, "strerror", None) or type(reason).__name__
    if problem:
        click.echo(f"harness: the webhook in {WEBHOOK} was not told: {problem}", err=True)
