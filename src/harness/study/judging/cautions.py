"""Calibrations as they are kept beside the sweeps, and what must be said next to the score of a judge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.records import digest
from harness.store import Folder, StoredSweep, additions
from harness.store.layout import CALIBRATIONS
from harness.study.judging.consistency import disagreement, self_consistency
from harness.study.judging.judgements import judgements_of
from harness.study.judging.prediction_powered import LEAST_LABELS

MODERATE = 0.41
"""Kappas below it are called slight or fair: a convention (J. R. Landis, G. G. Koch, Biometrics 33, 1977)."""
CONSISTENT = 0.8
"""A judge whose draws agree in fewer cells does not agree with itself: a convention of ours."""
NOBODY = "nobody calibrated this judge"


def runs_of(stored: StoredSweep) -> Folder:
    """The folder of runs that a sweep is in."""
    if stored.folder.is_local:
        return Folder(stored.folder.path.resolve().parent)
    return Folder(stored.folder.uri.rsplit("/", 1)[0])


def keep(stored: StoredSweep, found: Mapping[str, Any]) -> str:
    """Keep a calibration (see `harness.study.judging.calibration.calibrate`) beside the sweeps; returns its address."""
    agreed = found["agreement"]
    record = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: found[name] for name in ("metric", "identity", "sweep", "labels", "by")},
        **{
            name: agreed[name] for name in ("kind", "at", "kappa", "low", "high", "agree", "equal", "table", "clusters")
        },
        **{
            name: agreed[name]
            for name in ("sensitivity", "specificity", "bias", "pearson", "spearman", "note", "at_most")
        },
        **{name: found[name] for name in ("judges", "people", "consistency", "panel")},
    }
    folder = _folder(runs_of(stored), found["identity"])
    return f"{folder.uri}/{additions.add_json(folder, record)}"


def calibration_of(runs: str | Path | Folder, identity: Any) -> dict[str, Any] | None:
    """The calibration that counts of a metric with this identity (that of the sweep's header), None without any.

    It is the one with the most labels, of several such the newest. Fields: `time`, `metric`, `identity`, `sweep`,
    `labels`, `by`, `kappa` with `low` and `high`, `agree`, `sensitivity`, `specificity`, `bias`, `consistency`,
    `panel`.
    """
    folder = _folder(runs if isinstance(runs, Folder) else Folder(runs), identity)
    newest_first = (folder.read_json(name) for name in reversed(additions.names(folder, ".json")))
    return max(filter(None, newest_first), key=lambda record: int(record.get("labels") or 0), default=None)


def poor(record: Mapping[str, Any]) -> str | None:
    """A sentence that says why a calibration gives no ground to trust the judge; None where it does."""
    said = _disagrees(record) or _inconsistent(record.get("consistency") or [])
    return said or None


def cautions(stored: StoredSweep) -> dict[str, list[str]]:
    """What must be said next to the scores of each judge of a sweep, by metric; judges without any are left out.

    A metric that is made of others has the cautions of those.
    """
    found: dict[str, list[str]] = {}
    for entry in stored.metrics:
        if entry.get("judge"):
            said = _of_judge(stored, entry)
            if said:
                found[entry["name"]] = said
    for entry in stored.metrics:
        made_of = [name for name in entry.get("members") or [] if name in found]
        if made_of:
            found[entry["name"]] = [f"{name}: {sentence}" for name in made_of for sentence in found[name]]
    return found


def _of_judge(stored: StoredSweep, entry: Mapping[str, Any]) -> list[str]:
    record = calibration_of(runs_of(stored), entry["identity"])
    judgements = list(judgements_of(stored, entry["name"]).values())
    consistency = [row.as_json() for row in self_consistency(judgements, entry["low"], entry["high"])]
    panel = disagreement(judgements, entry["low"], entry["high"])
    said = [NOBODY if record is None else _disagrees(record), _inconsistent(consistency)]
    if panel is not None and panel.kappa is not None and panel.kappa < MODERATE:
        said.append(f"its judges disagree (kappa {panel.kappa:.2f} over {panel.n} cells)")
    return [sentence for sentence in said if sentence]


def _disagrees(record: Mapping[str, Any]) -> str:
    kappa, low, high, count = (record.get(name) for name in ("kappa", "low", "high", "labels"))
    labels = f"{count} labels"
    if (count or 0) < LEAST_LABELS:
        return f"its calibration rests on {labels} only; {LEAST_LABELS} are the least"
    if kappa is None:
        return f"its agreement with people cannot be told ({record.get('note') or 'no kappa'}; {labels})"
    interval = "no interval" if low is None or high is None else f"{low:.2f} to {high:.2f}"
    if kappa < MODERATE:
        return f"agrees poorly with people (kappa {kappa:.2f}, {interval}, {labels})"
    if low is not None and low <= 0:
        return f"cannot be told to agree with people better than chance (kappa {kappa:.2f}, {interval}, {labels})"
    return ""


def _inconsistent(rows: list[dict[str, Any]]) -> str:
    unsure = [row for row in rows if row["agree"] is not None and row["agree"] < CONSISTENT]
    if not unsure:
        return ""
    worst = min(unsure, key=lambda row: float(row["agree"]))
    who = "" if len(rows) == 1 else f"{worst['judge']} "
    return f"{who}does not agree with itself (draws agree in {100 * worst['agree']:.0f}% of cells)"


def _folder(runs: Folder, identity: Any) -> Folder:
    return runs / CALIBRATIONS / digest("calibration", identity)
