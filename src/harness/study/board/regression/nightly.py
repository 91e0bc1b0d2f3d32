"""The nights that gates have kept, by series; whose baseline a series has; which sweep was asked as a control."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, product
from typing import Any

from harness.errors import HarnessError
from harness.records import digest
from harness.store import Folder, StoredSweep, additions
from harness.store.layout import HEADER
from harness.study.comparing.changed import Run
from harness.study.gate.control import MOST_SHARE
from harness.study.gate.nights import AGAIN
from harness.study.gate.series import NIGHTS

_FIELDS = ("time", "run", "lines", "means", "again", "alarm")
_READINGS = 64


def series_of(runs: str) -> list[dict[str, Any]]:
    """All series, the one with the newest night first: `series` (its folder), `lines`, `nights`.

    A line is a metric on a slice, in one text. A night has `number` (from 1 on), `time`, `run`, `means`, `again` (it
    was asked twice more), `alarm`, `configuration` (None: not kept). One that cannot be read has its `number` and the
    `problem`.
    """
    store = Folder(runs) / NIGHTS
    found = [_series(store / name) for name in store.children()]
    found = [each for each in found if each["nights"]]
    return sorted(found, key=lambda each: (_newest(each), each["series"]), reverse=True)


def nightly_sweeps(runs: str) -> dict[str, dict[str, Any]]:
    """The sweeps that were asked first in a night: `series`, `number` and `alarm` of it, by the sweep's id."""
    return {
        str(night["run"]).partition("/")[0]: {
            "series": each["series"],
            "number": night["number"],
            "alarm": night["alarm"],
        }
        for each in series_of(runs)
        for night in each["nights"]
        if not night["problem"]
    }


def _newest(each: dict[str, Any]) -> str:
    return max((night["time"] for night in each["nights"] if not night["problem"]), default="")


def _series(folder: Folder) -> dict[str, Any]:
    nights: list[dict[str, Any]] = []
    lines: list[str] = []
    for number, name in enumerate(additions.names(folder, ".json"), 1):
        record, problem = _record(folder, name, lines)
        lines = lines or list(record.get("lines", ()))
        nights.append({**dict.fromkeys(_FIELDS), **record, "number": number, "file": name, "problem": problem})
    return {"series": folder.name, "lines": lines, "nights": nights}


def _record(folder: Folder, name: str, lines: Sequence[str]) -> tuple[dict[str, Any], str]:
    """A night's file, or what is wrong with it."""
    file = f"{NIGHTS}/{folder.name}/{name}"
    try:
        record = folder.read_json(name)
    except (HarnessError, OSError) as error:
        return {}, str(error)
    if record is None:
        return {}, f"{file} is torn or empty"
    absent = [field for field in _FIELDS if field not in record]
    if absent:
        return {}, f"{file} has no {', '.join(absent)}"
    kept = {field: record[field] for field in _FIELDS} | {"configuration": record.get("configuration")}
    if not _is_whole(kept, lines) or moment(str(kept["time"])) is None:
        return {}, f"{file} was changed: its lines, means and time are not those of a night of this series"
    return kept, ""


def _is_whole(record: dict[str, Any], lines: Sequence[str]) -> bool:
    named, means = record["lines"], record["means"]
    if not (isinstance(named, list) and isinstance(means, list) and len(named) == len(means) > 0):
        return False
    if not all(isinstance(name, str) for name in named) or (lines and list(lines) != named):
        return False
    return all(isinstance(mean, int | float) and math.isfinite(mean) for mean in means)


def moment(text: str) -> datetime | None:
    """A stored time; None where it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def baseline_of(runs: str, series: str, lines: Sequence[str]) -> tuple[str, list[tuple[str, str]]] | None:
    """The run (`SWEEP/VARIANT`) that a series is measured against, and its lines as (metric, slice).

    A series' folder is named by a digest of them; only replicated runs can be it. None where it is no longer there.
    """
    store = Folder(runs)
    for name, header in _headers(store, reversed(store.children())):
        if _count(header.get("repeats")) < 2:
            continue
        stored = StoredSweep(store / name)
        metrics = [str(metric["name"]) for metric in stored.metrics]
        readings = list(islice(product(*(_splits(line, metrics) for line in lines)), _READINGS))
        for variant in stored.variants if readings else ():
            for named in readings:
                if digest("nights", name, variant["id"], [list(pair) for pair in named]) == series:
                    return f"{name}/{variant['id']}", list(named)
    return None


def _headers(store: Folder, names: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The headers of sweeps, those that can be read."""
    for name in names:
        try:
            header = (store / name).read_json(HEADER)
        except (HarnessError, OSError):
            continue
        if header is not None and isinstance(header.get("metrics"), list):
            yield name, header


def _splits(line: str, metrics: Sequence[str]) -> list[tuple[str, str]]:
    """What a line's text may mean: both names can hold blanks."""
    return [(name, line[len(name) + 1 :]) for name in metrics if line.startswith(f"{name} ")]


def controls_of(runs: str, baseline: Run) -> list[tuple[datetime, Run]]:
    """The sweeps that asked a baseline's configuration again as a control, with when they were begun, oldest first.

    Nothing names them: they have the baseline's variant, three repeats on 30% of its examples, asked afresh.
    """
    base, variant = baseline
    limit = max(1, int(MOST_SHARE * len(base.examples)))
    store = Folder(runs)
    found = []
    for name, header in _headers(store, store.children()):
        options, created = header.get("options") or {}, moment(str(header.get("created")))
        examples = _count((header.get("dataset") or {}).get("examples"))
        asked = (_count(header.get("repeats")), examples, bool(options.get("fresh")))
        if asked != (1 + AGAIN, limit, True) or created is None:
            continue
        stored = StoredSweep(store / name)
        entry = next((each for each in stored.variants if each["id"] == variant["id"]), None)
        if entry is not None:
            found.append((created, (stored, entry)))
    return sorted(found, key=lambda each: each[0])


def control_of(controls: Sequence[tuple[datetime, Run]], night: dict[str, Any], until: str | None) -> Run | None:
    """The control of a night: the first one that was begun after it was kept and before the next one (`until`)."""
    after, before = moment(night["time"]), moment(until) if until else None
    if after is None:
        return None
    return next((run for at, run in controls if after <= at and (before is None or at <= before)), None)


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
