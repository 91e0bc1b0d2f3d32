"""The registry as a page shows it: what each alias names and why, any two versions, and changes that are made there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.records import digest
from harness.store import Folder
from harness.study.board.opening import open_run
from harness.study.judging.cautions import runs_of
from harness.study.registry import Change, Version, promote, registry_of, rollback
from harness.study.registry.changing import PROMOTE
from harness.study.registry.difference import difference
from harness.study.registry.objections import FORCE, WITHOUT_CALIBRATION, objections
from harness.study.registry.record import record_of, state_of_run
from harness.study.registry.versions import checked_alias

_COMMIT = 12


def shown(runs: str) -> dict[str, Any]:
    """All of a registry: `aliases` (evidence of what each names, since when, by whom, why), `versions`, `history`, and
    `entries`, how many changes there are. Raises UserError where a file of it was changed or is missing."""
    registry = registry_of(runs)
    history = registry.history()
    since = {change.alias: change for change in history}
    named = registry.aliases()
    aliases = [
        {"alias": alias, "since": since[alias].time, "by": since[alias].by, "reason": since[alias].reason}
        | {"action": since[alias].action, "overruled": list(since[alias].overruled)}
        | {"evidence": evidence(version)}
        for alias, version in named.items()
    ]
    versions = [
        evidence(version) | {"aliases": [alias for alias, held in named.items() if held.number == version.number]}
        for version in registry.versions()
    ]
    changes = [change.as_json() for change in history]
    return {"aliases": aliases, "versions": versions, "history": changes, "entries": len(registry.entries)}


def evidence(version: Version) -> dict[str, Any]:
    """What a version was promoted by, flat: score with interval and cells, cautions, calibrations, digests, commit."""
    record, objective = version.record, version.record["objective"]
    score: Mapping[str, Any] = record["scores"].get(objective["metric"]) or {}
    git = record["origin"].get("git") or {}
    figures = {name: score.get(name) for name in ("mean", "low", "high", "n", "failed")}
    judges = [f"{name}: {'; '.join(said)}" for name, said in record["judges"].items()]
    return {
        **{"version": version.number, "run": version.run, "sweep": str(record["sweep"]), "label": version.label},
        **{"promoted": version.time, "by": version.by, "reason": version.reason, "metric": objective["metric"]},
        **{"direction": objective["direction"], **figures},
        **{"dataset": _digest(record["dataset"]), "corpus": _digest(record["corpus"])},
        **{"commit": str(git.get("commit") or "")[:_COMMIT], "dirty": bool(git.get("dirty"))},
        **{"cautions": [*judges, *record["cautions"]], "calibrations": _calibrations(record)},
        **{"in_best_set": bool(record["rank"]["in_best_set"]), "ran_by": str(record["origin"].get("by") or "")},
    }


def _digest(found: Mapping[str, Any] | None) -> str:
    return "" if found is None else str(found.get("digest") or "")


def _calibrations(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How the judges agreed with people, by metric."""
    names = ("time", "labels", "kappa", "low", "high", "agree")
    return [
        {"metric": metric, "calibrated": found is not None, **{name: (found or {}).get(name) for name in names}}
        for metric, found in record["calibrations"].items()
    ]


def in_full(runs: str, number: int) -> dict[str, Any]:
    """One version: its `record`, the `yaml` of a sweep file that runs it, `digest` of its file, its `history`."""
    registry = registry_of(runs)
    version = registry.version(number)
    history = [change.as_json() for change in registry.history() if change.version == number]
    return {"record": dict(version.record), "yaml": version.yaml(), "digest": version.digest, "history": history}


def state_of(runs: str, number: int) -> dict[str, Any]:
    """Whether a version's run is `unchanged`, `changed` (which `files`) or `gone`; it reads all of the run's files."""
    registry = registry_of(runs)
    return state_of_run(registry.runs, registry.version(number).record)


def between(runs: str, before: int, after: int) -> dict[str, Any]:
    """What one version has otherwise than another, see `harness.study.registry.difference.difference`."""
    registry = registry_of(runs)
    return difference(registry.runs, registry.version(before), registry.version(after))


def weight_of(runs: str, sweep: str) -> int | None:
    """Bytes of the files that `state_of` reads; None where they are not on a disk here."""
    folder = Folder(runs) / sweep
    if not folder.is_local:
        return None
    return sum(each.stat().st_size for each in folder.path.glob("*") if each.is_file())


@dataclass(frozen=True)
class Intent:
    """A change before it is made: what somebody has seen and confirmed.

    `source` is `SWEEP/VARIANT` or `@v3` for a promotion, the version's number for a rollback. `expected` is how many
    entries the registry had then; `seen` the digest of the record that was shown.
    """

    action: str
    alias: str
    source: str
    reason: str
    by: str
    expected: int
    seen: str = ""
    overruled: tuple[str, ...] = ()


def proposed(runs: str, source: str) -> dict[str, Any]:
    """What a promotion of `SWEEP/VARIANT`, or of `@v3`, would promote.

    `record`, its `seen` (digest), `evidence`, and the `objections`: `found`, `todo`, `option` that overrules it (None:
    nothing does). Raises UserError where there is no such run.
    """
    record = _record(runs, source)
    listed = [each._asdict() for each in objections(record)]
    figures = evidence(Version(0, "", "", "", record, ""))
    return {"record": record, "seen": digest(record), "evidence": figures, "objections": listed}


def apart(runs: str, now: int, source: str) -> dict[str, Any]:
    """What a promotion of `SWEEP/VARIANT`, or of `@v3`, would change where an alias names version `now`; as `between`.

    Raises UserError where there is no such run or version.
    """
    registry = registry_of(runs)
    after = Version(0, "", "", "", _record(runs, source), "")
    return difference(registry.runs, registry.version(now), after)


def _record(runs: str, source: str) -> dict[str, Any]:
    if source.startswith("@"):
        return dict(registry_of(runs).version(source).record)
    stored, variant = open_run(runs, source)
    return record_of(stored, variant)


def previous(changes: list[dict[str, Any]], alias: str) -> list[int]:
    """The versions that an alias can be rolled back to, first the one that its last promotion put aside."""
    mine = [change for change in changes if change["alias"] == alias]
    if not mine:
        return []
    now = mine[-1]["version"]
    before = next((c["before"] for c in reversed(mine) if c["action"] == PROMOTE and c["version"] == now), None)
    held = dict.fromkeys([before, *(change["version"] for change in reversed(mine))])
    return [number for number in held if number is not None and number != now]


def carried_out(runs: str, intent: Intent) -> Change:
    """Make the change that was confirmed.

    Raises UserError where the registry or the run is no longer what was seen, and whatever else speaks against it.
    """
    if not intent.by.strip():
        raise UserError("nobody is named who does this; write your name")
    folder, by, expected = Folder(runs), intent.by.strip(), intent.expected
    if intent.action != PROMOTE:
        to = int(intent.source)
        return rollback(folder, intent.alias, reason=intent.reason, by=by, to=to, expected=expected)
    found = proposed(runs, intent.source)
    if found["seen"] != intent.seen:
        raise UserError(f"{intent.source} is no longer what was shown; nothing was changed: look again, then decide")
    allowed = {"force": FORCE in intent.overruled, "without_calibration": WITHOUT_CALIBRATION in intent.overruled}
    where = folder if intent.source.startswith("@") else runs_of(open_run(runs, intent.source)[0])
    alias, record = checked_alias(intent.alias), found["record"]
    return promote(where, record, alias, reason=intent.reason, by=by, **allowed, expected=expected)
