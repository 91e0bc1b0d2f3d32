"""The registry of a folder of runs, as it is at the moment of reading."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import UserError, advice
from harness.store import Folder
from harness.store.ledger import Entry, Ledger
from harness.study.registry.versions import Change, Version, may_be_alias, number_in

REGISTRY = "_registry"
"""The registry's folder beside the sweeps."""


class Registry:
    """Versions and aliases, all derived from the ledger's entries. An object shows one moment; ask for a new one later.

    Every method raises UserError where a file of the registry was changed, is missing, or comes from a newer version.
    """

    def __init__(self, runs: Folder) -> None:
        self.runs = runs
        self.ledger = ledger_of(runs)

    @cached_property
    def entries(self) -> list[Entry]:
        """The ledger's entries, oldest first."""
        return self.ledger.entries()

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        return versions_in(self.entries)

    def history(self, alias: str | None = None) -> list[Change]:
        """All changes, oldest first, or those of one alias. Raises UserError for an alias that there is not."""
        found = changes_in(self.entries)
        if alias is None:
            return found
        name = alias.removeprefix("@")
        mine = [change for change in found if change.alias == name]
        if not mine:
            raise UserError(self._unknown(alias))
        return mine

    def aliases(self) -> dict[str, Version]:
        """What each alias names now, by name."""
        versions = {version.number: version for version in self.versions()}
        newest = {change.alias: versions[change.version] for change in self.history()}
        return dict(sorted(newest.items()))

    def current(self, alias: str) -> Version:
        """The version that an alias names now. Raises UserError for an alias that there is not."""
        found = self.aliases().get(alias.removeprefix("@"))
        if found is None:
            raise UserError(self._unknown(alias))
        return found

    def version(self, name: str | int) -> Version:
        """The version of a number (`3`, `v3`), or the one that an alias names. Raises UserError for anything else."""
        number = number_in(str(name))
        if number is None:
            return self.current(str(name))
        found = self.versions()
        if not 1 <= number <= len(found):
            last = f"the last one is {len(found)}" if found else "there is none yet"
            raise UserError(f"{self.ledger.folder.uri} has no version {number}; {last}")
        return found[number - 1]

    def named(self, text: str) -> Version | None:
        """The version that a RUN argument names (`production`, `@production`, `@v3`); None where it is no such name.

        Raises UserError for `@…` that names nothing.
        """
        if not may_be_alias(text):
            return None
        return self.version(text) if text.startswith("@") else self.aliases().get(text)

    def _unknown(self, alias: str) -> str:
        uri = self.runs.uri
        known = list(dict.fromkeys(change.alias for change in changes_in(self.entries)))
        if not known:
            return f"{uri} has no alias {alias!r}, nor any other: harness promote SWEEP/VARIANT --as {alias} makes it"
        return f"{uri} has no alias {alias!r}; {advice(alias.removeprefix('@'), known, 'aliases')}"


def registry_of(runs: str | Path | Folder) -> Registry:
    """The registry of a folder of runs, a path or a URI; empty where nothing was promoted."""
    return Registry(runs if isinstance(runs, Folder) else Folder(runs))


def ledger_of(runs: Folder) -> Ledger:
    """The files of the registry of a folder of runs."""
    return Ledger(runs / REGISTRY)


def versions_in(entries: list[Entry]) -> list[Version]:
    """The versions that entries hold, by number."""
    return [
        Version(entry["version"], **_origin(entry), record=entry["record"], digest=entry["digest"])
        for entry in entries
        if entry.get("record")
    ]


def changes_in(entries: list[Entry]) -> list[Change]:
    """What entries did to aliases, oldest first."""
    named: dict[str, int] = {}
    found = []
    for entry in entries:
        alias, version = entry["alias"], entry["version"]
        fields = {"action": entry["action"], "alias": alias, "version": version, "before": named.get(alias)}
        found.append(Change(entry["number"], **_origin(entry), **fields, overruled=tuple(entry["overruled"])))
        named[alias] = version
    return found


def _origin(entry: Entry) -> dict[str, Any]:
    return {name: entry[name] for name in ("time", "by", "reason")}
