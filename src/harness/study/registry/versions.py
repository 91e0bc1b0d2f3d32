"""What a registry holds: versions, which never change, and changes of what an alias names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.study.registry.sweepfile import as_yaml

_ALIAS = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_NUMBER = re.compile(r"v?([0-9]+)")
LATEST = "latest"
"""What stands for the newest sweep everywhere, and so can be no alias."""


@dataclass(frozen=True)
class Version:
    """A promoted configuration: what it is, and the evidence, as `harness.study.registry.record` made it.

    `time`, `by` and `reason` are those of its first promotion; `digest` is that of the file it lies in.
    """

    number: int
    time: str
    by: str
    reason: str
    record: Mapping[str, Any]
    digest: str

    @property
    def run(self) -> str:
        """The run, `SWEEP/VARIANT`."""
        return str(self.record["run"])

    @property
    def label(self) -> str:
        """The variant's label: its settings by axis name."""
        return str(self.record["label"])

    @property
    def chatbot(self) -> Mapping[str, Any]:
        """The whole configuration, as the `chatbot` section of a sweep file."""
        found: Mapping[str, Any] = self.record["chatbot"]
        return found

    @property
    def score(self) -> Mapping[str, Any]:
        """The figure of the objective: `mean`, `low`, `high`, `n`, `failed`, …"""
        found: Mapping[str, Any] = self.record["scores"][self.record["objective"]["metric"]]
        return found

    def yaml(self) -> str:
        """A sweep file with this one variant; paths are relative to the workspace of the run."""
        data = [
            f"{noun} {found['digest']}"
            for noun in ("dataset", "corpus")
            if (found := self.record.get(noun)) is not None
        ]
        head = (
            f"# Version {self.number} of the registry: run {self.run}, promoted {self.time}\n"
            f"# Paths are those of the workspace: put it into configs/. Digests: {', '.join(data)}\n"
        )
        return head + as_yaml(self.record["sweep_file"])

    def as_json(self) -> dict[str, Any]:
        """As a mapping that JSON can hold."""
        own = {"version": self.number, "time": self.time, "by": self.by, "reason": self.reason, "digest": self.digest}
        return {**own, **self.record}


@dataclass(frozen=True)
class Change:
    """An alias was made to name a version: by `promote`, or by `rollback` to one that it had named.

    `before` is the version that it named until then, None for a new alias. `overruled` are the objections that there
    were.
    """

    number: int
    time: str
    by: str
    reason: str
    action: str
    alias: str
    version: int
    before: int | None
    overruled: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As a mapping that JSON can hold."""
        return {**vars(self), "overruled": list(self.overruled)}


def checked_alias(name: str) -> str:
    """The alias without a leading `@`. Raises UserError for what cannot be one."""
    plain = name.removeprefix("@")
    if not _ALIAS.fullmatch(plain) or plain == LATEST or _NUMBER.fullmatch(plain):
        rule = "small letters, digits, `-`, `_` and `.`, a letter first; not `latest`, and no version such as `v3`"
        raise UserError(f"{name!r} cannot be an alias: use {rule}")
    return plain


def may_be_alias(text: str) -> bool:
    """Whether a text could name an alias, or with `@` a version."""
    return text.startswith("@") or (_ALIAS.fullmatch(text) is not None and text != LATEST)


def number_in(name: str) -> int | None:
    """The version that `3`, `v3` or `@v3` names; None for what is no number of a version."""
    found = _NUMBER.fullmatch(name.removeprefix("@"))
    return int(found.group(1)) if found else None
