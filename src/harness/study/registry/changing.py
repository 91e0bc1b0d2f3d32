"""Promotion and rollback: what an alias names is changed by one more entry, never by a file that is written over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.errors import UserError
from harness.records import digest
from harness.store import Folder
from harness.store.ledger import Entry
from harness.study.registry.objections import checked
from harness.study.registry.reading import changes_in, ledger_of, versions_in
from harness.study.registry.versions import Change, checked_alias

PROMOTE, ROLLBACK = "promote", "rollback"


def promote(
    runs: Folder,
    record: Mapping[str, Any],
    alias: str,
    *,
    reason: str,
    by: str,
    force: bool = False,
    without_calibration: bool = False,
    expected: int | None = None,
) -> Change:
    """Make an alias name a configuration: a new version, unless one holds the very same record.

    `record` is of `harness.study.registry.record.record_of`, or that of a version. Raises UserError where there are
    objections that are not overruled (see `harness.study.registry.objections`), and where the registry has had other
    changes than the `expected` number by now.
    """
    overruled = checked(record, force=force, without_calibration=without_calibration)
    origin = _origin(reason, by) | {"action": PROMOTE, "alias": checked_alias(alias), "overruled": overruled}
    key = digest(record)

    def make(entries: list[Entry]) -> Entry:
        _check_unchanged(entries, expected)
        versions = versions_in(entries)
        same = next((version.number for version in versions if digest(version.record) == key), None)
        if same is not None:
            return {**origin, "version": same}
        return {**origin, "version": len(versions) + 1, "record": dict(record)}

    return _append(runs, make)


def rollback(
    runs: Folder, alias: str, *, reason: str, by: str, to: int | None = None, expected: int | None = None
) -> Change:
    """Make an alias name what it named before, or the version `to` that it named once.

    Raises UserError where there is no such version, and as `promote` where more changes were made than `expected`.
    """
    name = checked_alias(alias)
    origin = _origin(reason, by) | {"action": ROLLBACK, "alias": name, "overruled": []}

    def make(entries: list[Entry]) -> Entry:
        _check_unchanged(entries, expected)
        mine = [change for change in changes_in(entries) if change.alias == name]
        if not mine:
            raise UserError(f"{runs.uri} has no alias {name!r}; harness registry list shows those that there are")
        return {**origin, "version": _before(name, mine) if to is None else _once(name, mine, to)}

    return _append(runs, make)


def _check_unchanged(entries: list[Entry], expected: int | None) -> None:
    if expected is None or len(entries) == expected:
        return
    told = [f"{c.alias} was made version {c.version} by {c.by or 'unknown'} at {c.time}" for c in changes_in(entries)]
    late = told[expected:]
    who = f"another change came in between ({late[0]})" if late else "the registry has fewer entries than it had"
    raise UserError(f"{who}; nothing was changed: look again, then decide")


def _append(runs: Folder, make: Any) -> Change:
    ledger = ledger_of(runs)
    entry = ledger.append(make)
    return changes_in(ledger.entries()[: entry["number"]])[-1]


def _before(alias: str, changes: list[Change]) -> int:
    """The version before the current one: a rollback takes back promotions, one after the other."""
    held: list[int] = []
    for change in changes:
        if change.action == ROLLBACK and change.version in held:
            del held[len(held) - held[::-1].index(change.version) :]
        elif not held or held[-1] != change.version:
            held.append(change.version)
    if len(held) < 2:
        raise UserError(
            f"{alias} named nothing before version {held[-1]}; name one it had with --to, or promote another"
        )
    return held[-2]


def _once(alias: str, changes: list[Change], to: int) -> int:
    held = sorted({change.version for change in changes})
    if to not in held:
        shown = ", ".join(map(str, held))
        raise UserError(
            f"{alias} never named version {to}, only {shown}; harness promote @v{to} --as {alias} makes it do so"
        )
    if to == changes[-1].version:
        raise UserError(f"{alias} names version {to} already; nothing to roll back")
    return to


def _origin(reason: str, by: str) -> Entry:
    if not reason.strip():
        raise UserError("the reason is empty (--reason): say why, for those who read the history later")
    return {"time": datetime.now(UTC).isoformat(timespec="seconds"), "by": by, "reason": reason.strip()}
