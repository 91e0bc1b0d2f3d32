"""A configuration that a sweep has evaluated: where it comes from, what answers as it did, what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config import SweepConfig, load_chatbot
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.registry.sweepfile import sweep_file
from harness.study.registry.versions import Version


@dataclass(frozen=True)
class Proven:
    """A configuration, and the run `SWEEP/VARIANT` that it comes from.

    `content` is a sweep file that runs it, `corpus` the digest of the knowledge base that it was evaluated with (None:
    there was none), `workspace` the folder that its paths are relative to. `label` tells its settings by axis.
    `version` is that of the registry, else `stored` has the run.
    """

    run: str
    label: str
    variant: str
    content: Mapping[str, Any]
    corpus: str | None
    imported: bool
    workspace: Path
    version: Version | None = None
    stored: StoredSweep | None = None

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"version {self.version.number}" if self.version is not None else f"run {self.variant}"

    def read(self, name: str, todo: str) -> SweepConfig:
        """The sweep of this one chatbot; errors call it `name`, and say what to do where something is not there.

        Raises UserError where it cannot be made in its workspace, or was imported.
        """
        if self.imported:
            raise UserError(f"{name}: these results were imported; there is no configuration that could answer")
        try:
            return load_chatbot(self.content, self.workspace.resolve(), self.title)
        except UserError as error:
            raise UserError(f"{name}: its configuration cannot be made here, {todo}\n{error}") from error


def of_version(version: Version, runs: str) -> Proven:
    """The configuration of a version of the registry of `runs`, a path or a URI; it needs its run no more."""
    record = version.record
    return Proven(
        version.run,
        version.label,
        str(record["variant"]),
        record["sweep_file"],
        _corpus(record),
        bool(record["imported"]),
        workspace_of(runs),
        version=version,
    )


def of_run(stored: StoredSweep, variant: Mapping[str, Any]) -> Proven:
    """The configuration of a run."""
    header, folder = stored.header, stored.folder
    return Proven(
        f"{stored.id}/{variant['id']}",
        str(variant["label"]),
        str(variant["id"]),
        sweep_file(header, variant),
        _corpus(header),
        bool(header.get("imported")),
        workspace_of(str(folder.path.parent) if folder.is_local else folder.uri.rpartition("/")[0]),
        stored=stored,
    )


def workspace_of(runs: str) -> Path:
    """The workspace of a folder of runs: its parent; for runs in object storage, the working directory."""
    folder = Folder(runs)
    return folder.path.resolve().parent if folder.is_local else Path.cwd()


def _corpus(data: Mapping[str, Any]) -> str | None:
    digest = (data.get("corpus") or {}).get("digest")
    return None if digest is None else str(digest)
