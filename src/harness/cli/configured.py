"""The configuration that a name means, ready to be talked to: for the commands `chat` and `serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options

if TYPE_CHECKING:
    from harness.config import SweepConfig
    from harness.store import Folder
    from harness.study.proven import Proven
    from harness.study.registry import Version
    from harness.sweeps.conversing import Evaluated
    from harness.sweeps.knowledge import Knowledge

workspace = click.option(
    "--workspace",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the knowledge base and the files of parts are.  [the folder that the runs lie in]",
)
changed = click.option(
    "--changed",
    is_flag=True,
    help="Answer although knowledge base or configuration is not what was evaluated any more.",
)


@dataclass(frozen=True)
class Configured:
    """What `name` means: a sweep of one variant, and what it comes from.

    `evaluated` is what it must still be, to be handed to a Responder; None where it is known to be something else.
    """

    name: str
    config: SweepConfig
    evaluated: Evaluated | None
    proven: Proven

    @property
    def run(self) -> str:
        """The run that it comes from, `SWEEP/VARIANT`."""
        return self.proven.run

    @property
    def version(self) -> Version | None:
        """That of the registry; None for a run."""
        return self.proven.version

    @property
    def label(self) -> str:
        """The variant's settings by axis."""
        return self.proven.label


def configured(name: str, runs_uri: str | None, workspace: Path | None, changed: bool) -> Configured:
    """The configuration that `name` means: `production` or `@v3` of the registry, `SWEEP/VARIANT`, a sweep's best run.

    A version's configuration is that which was promoted, with its run or without. Unless `changed`, a configuration
    that is no longer the one that was evaluated is an error; else stderr tells what differs. Raises UserError.
    """
    from harness.sweeps.conversing import Evaluated

    uri = options.store_of(name, runs_uri)
    found = _found(name, uri)
    proven = found if workspace is None else replace(found, workspace=workspace)
    todo = f"the workspace is {proven.workspace}; --workspace names another"
    evaluated = Evaluated(proven.variant, proven.corpus, _knowledge(proven, uri))
    if not changed:
        evaluated = replace(evaluated, todo=f"{evaluated.todo}; --changed answers with it all the same")
    return _checked(Configured(name, proven.read(name, todo), evaluated, proven), changed)


def _found(name: str, uri: str) -> Proven:
    from harness.study.listing import find_run
    from harness.study.proven import of_run, of_version
    from harness.study.registry import registry_of

    version = registry_of(uri).named(name)
    return of_version(version, uri) if version is not None else of_run(*find_run(uri, name))


def _knowledge(proven: Proven, uri: str) -> Knowledge:
    """What is kept of the knowledge base; the run's passages are read only when they are asked for."""
    from harness.errors import UserError
    from harness.store import Folder, StoredSweep
    from harness.sweeps.knowledge import Knowledge

    if proven.version is not None:
        corpus = proven.version.record.get("corpus") or {}
    else:
        corpus = (proven.stored.header.get("corpus") or {}) if proven.stored is not None else {}

    def passages() -> Mapping[tuple[str, int, int], str]:
        try:
            return (proven.stored or StoredSweep(Folder(uri) / proven.run.partition("/")[0])).texts
        except UserError:  # a version outlives its run, whose files may be gone or damaged
            return {}

    return Knowledge(corpus.get("documents"), corpus.get("characters"), passages)


def doubts(found: Configured, runs_uri: str | None, most_bytes: int | None = None) -> str | None:
    """What speaks against the evidence of a version: files of its run that changed or are gone; None where nothing.

    Reads all files of the run. With `most_bytes` only a run in a local folder whose files are no larger is read.
    """
    from harness.errors import UserError
    from harness.store import Folder
    from harness.study.registry.record import CHANGED, GONE, state_of_run

    if found.version is None:
        return None
    runs = Folder(options.store_of(found.name, runs_uri))
    sweep = found.run.partition("/")[0]
    if most_bytes is not None and not _is_small(runs / sweep, most_bytes):
        return None
    try:
        state = state_of_run(runs, found.version.record)
    except (UserError, OSError) as error:
        what: str | None = f"cannot be read ({error})"
    else:
        what = {GONE: "is gone", CHANGED: f"has changed since: {', '.join(state['files'])}"}.get(state["state"])
    if what is None:
        return None
    return f"the run {sweep} that version {found.version.number} was promoted on {what}; its score cannot be checked"


def _is_small(folder: Folder, most_bytes: int) -> bool:
    if not folder.is_local:
        return False
    return sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file()) <= most_bytes


def _checked(made: Configured, changed: bool) -> Configured:
    """As it is; where it was changed and may have been, without what was evaluated."""
    from harness.errors import UserError
    from harness.sweeps.conversing import corpus_of

    if made.evaluated is None:
        return made
    try:
        made.evaluated.check(made.config, corpus_of(made.config) if changed else None)
    except UserError as error:
        if not changed:
            raise
        click.echo(f"harness: {made.name} is not what was evaluated: {error}", err=True)
        return replace(made, evaluated=None)
    return made
