"""`harness promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.output import interval, number, print_json

if TYPE_CHECKING:
    from harness.store import Folder
    from harness.study.registry import Change

reason = click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the history.")
by = click.option("--by", metavar="NAME", help="Who does it.  [HARNESS_USER, or the system's name]")


@click.command("promote")
@click.argument("run")
@click.option("--as", "alias", required=True, metavar="ALIAS", help="Such as production or staging.")
@reason
@by
@click.option(
    "--force", is_flag=True, help="Also a run of a sweep that is not complete, or one that is not among the best."
)
@click.option(
    "--without-calibration", is_flag=True, help="Also where the objective rests on a judge nobody calibrated."
)
@options.runs_uri
@options.as_json
def command(
    run: str,
    alias: str,
    reason: str,
    by: str | None,
    force: bool,
    without_calibration: bool,
    runs_uri: str | None,
    json_: bool,
) -> None:
    """Make ALIAS name the configuration of RUN (SWEEP/VARIANT, SWEEP for its best, another alias, or @v3).

    A version keeps the whole configuration, digests of the data, scores, commit, who, when and why. It is never
    changed. Refused, with what to do: a sweep that is not complete, a run that is not among the best of its sweep, an
    objective that rests on a judge whom people do not bear out.
    """
    from harness.study.registry import promote, registry_of
    from harness.sweeps.provenance import who

    runs, record = _found(run, options.store_of(run, runs_uri))
    change = promote(
        runs,
        record,
        alias,
        reason=reason,
        by=by or who(),
        force=force,
        without_calibration=without_calibration,
    )
    version = registry_of(runs).version(change.version)
    if json_:
        print_json({**change.as_json(), "run": version.run, "file": f"{runs.uri}/_registry/{change.number:06}.json"})
        return
    show_change(change)
    score, metric = version.score, version.record["objective"]["metric"]
    click.echo(f"{version.run}  {version.label}")
    click.echo(f"{metric} {number(score['mean'])}, {interval(score['low'], score['high'])}, n {score['n']}")
    for objection in change.overruled:
        click.echo(f"Overruled: {objection}")


def _found(run: str, uri: str) -> tuple[Folder, dict[str, Any]]:
    """The registry's folder of runs, and the record: that of a version as it stands, or one of the run as it is now."""
    from harness.store import Folder
    from harness.study.judging.cautions import runs_of
    from harness.study.listing import find_run
    from harness.study.registry import registry_of
    from harness.study.registry.record import record_of

    version = registry_of(uri).named(run)
    if version is not None:
        return Folder(uri), dict(version.record)
    stored, variant = find_run(uri, run)
    return runs_of(stored), record_of(stored, variant)


def show_change(change: Change) -> None:
    """One line: what an alias names from now on."""
    before = f", before it version {change.before}" if change.before not in (None, change.version) else ""
    still, by = " still" if change.before == change.version else "", change.by or "unknown"
    click.echo(f"{change.alias} is{still} version {change.version}{before} (entry {change.number}, by {by})")
