"""The configuration that a name means, ready to be talked to: for the commands `chat` and `serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options

if TYPE_CHECKING:
    from harness.config import SweepConfig
    from harness.study.registry import Version
    from harness.sweeps.conversing import Evaluated

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
    """What `name` means: a sweep of one variant, and the run that it comes from, `SWEEP/VARIANT`.

    `evaluated` is what it must still be, to be handed to a Responder; None where it is known to be something else.
    `version` is that of the registry, None for a run. `label` tells the variant's settings by axis.
    """

    name: str
    config: SweepConfig
    evaluated: Evaluated | None
    run: str
    version: Version | None
    label: str


def configured(name: str, runs_uri: str | None, workspace: Path | None, changed: bool) -> Configured:
    """The configuration that `name` means: `production` or `@v3` of the registry, `SWEEP/VARIANT`, a sweep's best run.

    A version's configuration is that which was promoted, with its run or without. Unless `changed`, a configuration
    that is no longer the one that was evaluated is an error; else stderr tells what differs. Raises UserError.
    """
    from harness.study.registry import registry_of
    from harness.study.registry.sweepfile import sweep_file

    uri = options.store_of(name, runs_uri)
    version = registry_of(uri).named(name)
    if version is not None:
        record = version.record
        found = _read(
            name, record["sweep_file"], workspace or _beside(uri), f"version {version.number}", record["imported"]
        )
        made = Configured(name, found, _evaluated(record["variant"], record), version.run, version, version.label)
    else:
        from harness.study.listing import find_run

        stored, variant = find_run(uri, name)
        run, header = f"{stored.id}/{variant['id']}", stored.header
        place = workspace or _beside(stored.folder.uri.rpartition("/")[0] or ".")
        found = _read(name, sweep_file(header, variant), place, f"run {variant['id']}", bool(header.get("imported")))
        made = Configured(name, found, _evaluated(variant["id"], header), run, None, variant["label"])
    return _checked(made, changed)


def _beside(uri: str) -> Path:
    """The workspace of a folder of runs: its parent; for runs in object storage, the working directory."""
    from harness.store import Folder

    runs = Folder(uri)
    return runs.path.resolve().parent if runs.is_local else Path.cwd()


def _read(name: str, content: Mapping[str, Any], place: Path, what: str, imported: bool) -> SweepConfig:
    from harness.config import load_chatbot
    from harness.errors import UserError

    if imported:
        raise UserError(f"{name}: these results were imported; there is no configuration that could answer")
    try:
        return load_chatbot(content, place.resolve(), what)
    except UserError as error:
        todo = f"the workspace is {place}; --workspace names another"
        raise UserError(f"{name}: its configuration cannot be made here, {todo}\n{error}") from error


def _evaluated(variant: str, data: Mapping[str, Any]) -> Evaluated:
    from harness.sweeps.conversing import Evaluated

    return Evaluated(str(variant), (data.get("corpus") or {}).get("digest"))


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
