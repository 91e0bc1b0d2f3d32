"""`harness cache`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.output import print_json, print_table
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.sweeps.cache import DiskCache, StageSize

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_workspace = click.option(
    "--workspace", type=click.Path(path_type=Path, exists=True), default=Path(), help="The workspace's folder.  [here]"
)


@click.group("cache", invoke_without_command=True)
@_workspace
@options.as_json
@click.pass_context
def command(context: click.Context, workspace: Path, json_: bool) -> None:
    """Show what the work cache of the workspace holds: chunks, vectors, hits, answers, scores.

    Deleting it costs time and money, never truth: runs are kept apart.
    """
    if context.invoked_subcommand is not None:
        return
    cache = _cache(workspace)
    found = cache.stages()
    cache.close()
    if json_:
        print_json([{**entry._asdict(), "hit_rate": entry.hits / (entry.hits + entry.entries)} for entry in found])
        return
    rows = [
        [e.stage, e.provider, str(e.entries), _size(e.size), str(e.hits), _rate(e), _day(e.oldest), _day(e.newest)]
        for e in found
    ]
    entries, size, hits = (sum(getattr(e, name) for e in found) for name in ("entries", "size", "hits"))
    rows.append(["all", "", str(entries), _size(size), str(hits), "", "", ""])
    columns = ["stage", "provider", "entries", "size", "hits", "hit rate", "oldest", "newest"]
    print_table(str(workspace / ".harness"), columns, rows, right=columns[2:6])
    click.echo("Hits: entries that a sweep used and another had made. Hit rate: hits among all that was asked for.")


@command.command("prune")
@_workspace
@click.option("--older-than", metavar="AGE", help="For example 12h, 30d, 8w.")
@click.option("--sweep", help="What this sweep made.")
@click.option("--stage", type=click.Choice(["chunk", "embed", "index", "retrieve", "generate", "score"]))
@click.option("--provider", help="What this provider answered, written as the cache shows it.")
@click.option("--all", "all_", is_flag=True, help="Everything.")
@options.as_json
def prune(
    workspace: Path,
    older_than: str | None,
    sweep: str | None,
    stage: str | None,
    provider: str | None,
    all_: bool,
    json_: bool,
) -> None:
    """Remove entries; those for which all that is given holds."""
    if not (older_than or sweep or stage or provider or all_):
        raise UserError("say what to remove: --older-than, --sweep, --stage, --provider, or --all")
    cache = _cache(workspace)
    removed = cache.prune(_before(older_than) if older_than else None, sweep, stage, provider)
    cache.close()
    if json_:
        print_json({"removed": removed})
    else:
        click.echo(f"{removed} entries removed")


def _cache(workspace: Path) -> DiskCache:
    from harness.sweeps.cache import DiskCache

    folder = workspace / ".harness"
    if not (folder / "work.sqlite").exists():
        raise UserError(f"{workspace.resolve()} has no work cache; it is made by the first sweep")
    return DiskCache(folder, "")


def _before(age: str) -> float:
    match = re.fullmatch(r"(\d+)([mhdw])", age)
    if match is None:
        raise UserError(f"--older-than: expected a number and m, h, d or w, found {age!r}")
    return time.time() - int(match.group(1)) * _UNITS[match.group(2)]


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _rate(entry: StageSize) -> str:
    return f"{100 * entry.hits / (entry.hits + entry.entries):.0f}%"


def _day(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}"
