"""`harness registry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.output import interval, number, print_json, print_table
from harness.cli.promote import by, reason, show_change

if TYPE_CHECKING:
    from harness.study.registry import Change, Version


@click.group("registry")
def command() -> None:
    """Which configuration is in production: list, show, history, diff, rollback."""


@command.command("list")
@options.runs_uri
@options.as_json
def list_(runs_uri: str | None, json_: bool) -> None:
    """List the aliases and all versions."""
    from harness.study.registry import registry_of

    registry = registry_of(options.runs_or_default(runs_uri))
    aliases, versions = registry.aliases(), registry.versions()
    since = {change.alias: change for change in registry.history()}
    if json_:
        listed = [{**since[name].as_json(), "run": version.run} for name, version in aliases.items()]
        print_json({"aliases": listed, "versions": [version.as_json() for version in versions]})
        return
    if not versions:
        click.echo("Nothing was promoted yet: harness promote SWEEP/VARIANT --as production --reason TEXT")
        return
    rows = [
        [name, str(v.number), since[name].time, since[name].by, v.run, *_score(v), since[name].reason]
        for name, v in aliases.items()
    ]
    columns = ["alias", "version", "since", "by", "run", "objective", "score", "95% interval", "n", "reason"]
    print_table("Aliases", columns, rows, right=["version", "score", "n"])
    rows = [[str(v.number), v.time, v.run, v.label, *_score(v), _commit(v)] for v in versions]
    columns = ["version", "promoted", "run", "label", "objective", "score", "95% interval", "n", "commit"]
    print_table("\nVersions", columns, rows, right=["version", "score", "n"])


@command.command("show")
@click.argument("name")
@click.option("--yaml", "yaml_", is_flag=True, help="Print a sweep file that runs this configuration as it is.")
@options.runs_uri
@options.as_json
def show(name: str, yaml_: bool, runs_uri: str | None, json_: bool) -> None:
    """Show one version in full: NAME is an alias, or a number such as 3 or v3."""
    from harness.study.registry import registry_of
    from harness.study.registry.record import state_of_run

    registry = registry_of(options.runs_or_default(runs_uri))
    version = registry.version(name)
    if yaml_:
        click.echo(version.yaml(), nl=False)
        return
    aliases = [alias for alias, held in registry.aliases().items() if held.number == version.number]
    state = state_of_run(registry.runs, version.record)
    changes = [change for change in registry.history() if change.version == version.number]
    if json_:
        history = [change.as_json() for change in changes]
        print_json({**version.as_json(), "aliases": aliases, "run_now": state, "history": history})
        return
    _show(version, aliases, state)
    click.echo()
    _show_changes(changes)


@command.command("history")
@click.argument("alias", required=False)
@options.runs_uri
@options.as_json
def history(alias: str | None, runs_uri: str | None, json_: bool) -> None:
    """Tell what ALIAS named, since when, by whom and why; without ALIAS, all changes."""
    from harness.study.registry import registry_of

    changes = registry_of(options.runs_or_default(runs_uri)).history(alias)
    if json_:
        print_json([change.as_json() for change in changes])
    else:
        _show_changes(changes)


@command.command("diff")
@click.argument("before")
@click.argument("after")
@options.runs_uri
@options.as_json
def diff(before: str, after: str, runs_uri: str | None, json_: bool) -> None:
    """Show what version AFTER has otherwise than BEFORE (aliases or numbers): settings, prompts by word, scores."""
    from harness.cli.differences import show_difference
    from harness.study.registry import registry_of
    from harness.study.registry.difference import difference

    registry = registry_of(options.runs_or_default(runs_uri))
    found = difference(registry.runs, registry.version(before), registry.version(after))
    if json_:
        print_json(found)
    else:
        show_difference(found)


@command.command("rollback")
@click.argument("alias")
@click.option("--to", type=click.IntRange(min=1), metavar="N", help="The version.  [the one before the current]")
@reason
@by
@options.runs_uri
@options.as_json
def rollback(alias: str, to: int | None, reason: str, by: str | None, runs_uri: str | None, json_: bool) -> None:
    """Make ALIAS name what it named before. Nothing is removed: the rollback is one more entry of the history."""
    from harness.store import Folder
    from harness.study.registry import rollback as roll
    from harness.sweeps.provenance import who

    runs = Folder(options.runs_or_default(runs_uri))
    change = roll(runs, alias, reason=reason, by=by or who(), to=to)
    if json_:
        print_json(change.as_json())
    else:
        show_change(change)


def _score(version: Version) -> list[str]:
    score = version.score
    told = [number(score["mean"]), interval(score["low"], score["high"]), str(score["n"])]
    return [version.record["objective"]["metric"], *told]


def _commit(version: Version) -> str:
    git = version.record["origin"]["git"] or {}
    return f"{git['commit'][:12]}{' and changes' if git.get('dirty') else ''}" if git else "-"


def _show(version: Version, aliases: list[str], state: dict[str, Any]) -> None:
    from harness.study.registry.sweepfile import as_yaml

    record = version.record
    named = f" ({', '.join(aliases)})" if aliases else ""
    click.echo(f"Version {version.number}{named}: {version.run}  {version.label}\n")
    rows = [
        [
            name,
            *(number(figure["mean"]), interval(figure["low"], figure["high"])),
            str(figure["n"]),
            str(figure["failed"]),
        ]
        for name, figure in record["scores"].items()
    ]
    print_table(
        "Scores", ["metric", "mean", "95% interval", "scored", "failed"], rows, right=["mean", "scored", "failed"]
    )
    for metric, said in record["judges"].items():
        click.echo(f"Caution, {metric}: {'; '.join(said)}")
    for said in record["cautions"]:
        click.echo(f"Caution: {said}")
    click.echo("\n" + as_yaml({"chatbot": version.chatbot}))
    for noun in ("dataset", "corpus"):
        found = record[noun]
        if found:
            click.echo(f"{noun.capitalize()}: {found['path']}, digest {found['digest']}")
    git = record["origin"]["git"] or {}
    dirty = " with uncommitted changes, kept in artifacts/uncommitted.diff of the sweep" if git.get("dirty") else ""
    click.echo(f"Commit: {git.get('commit', 'not in a repository')}{dirty}")
    differing = f" ({', '.join(state['files'])})" if state["files"] else ""
    there = "" if state["state"] == "gone" else f"; harness show @v{version.number} shows its answers"
    click.echo(f"Run: {state['state']}{differing}{there}")
    click.echo(f"Promoted {version.time} by {version.by or 'unknown'}: {version.reason}")


def _show_changes(changes: list[Change]) -> None:
    rows = [
        [
            str(c.number),
            c.time,
            c.alias,
            c.action,
            str(c.version),
            "-" if c.before is None else str(c.before),
            c.by,
            why,
        ]
        for c in changes
        for why in ["; ".join([c.reason, *(f"overruled: {objection}" for objection in c.overruled)])]
    ]
    columns = ["entry", "time", "alias", "action", "version", "before", "by", "reason"]
    print_table("History", columns, rows, right=["entry", "version", "before"])
