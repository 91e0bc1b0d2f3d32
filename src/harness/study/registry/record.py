"""What a version keeps of a run: the configuration, the data it was proved on, the evidence, and where it lies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from harness.store import StoredSweep, layout
from harness.study.judging.cautions import calibration_of, runs_of
from harness.study.registry.sweepfile import sweep_file
from harness.study.summary import summarise

_FILES = (
    layout.HEADER,
    layout.VARIANTS,
    layout.EXAMPLES,
    layout.CELLS,
    layout.OUTCOMES_TABLE,
    layout.SCORES_TABLE,
    layout.TEXTS_TABLE,
    f"{layout.ARTIFACTS}/uncommitted.diff",
)
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
THERE, CHANGED, GONE = "unchanged", "changed", "gone"


def record_of(stored: StoredSweep, variant: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a run, as JSON holds it.

    `chatbot` and `sweep_file` are what runs again; `scores` has a figure by metric (`mean`, `low`, `high`, `planned`,
    `answered`, `n`, `failed`, `worst`, `best`), `judges` what must be said beside some, `origin` commit, versions and
    machine of the sweep, `files` the digests of the run's files, by which a changed answer is noticed.
    """
    summary, header = summarise(stored), stored.header  # from the rows: a kept summary may have been changed
    figures = next(entry for entry in summary["runs"] if entry["variant"] == variant["id"])
    record = {
        "run": f"{stored.id}/{variant['id']}",
        "sweep": stored.id,
        "variant": variant["id"],
        "label": variant["label"],
        "params": variant["params"],
        "imported": bool(header.get("imported")),
        "status": summary["status"],
        "chatbot": variant["chatbot"],
        "content": variant.get("content"),
        "sent": variant.get("sent"),
        "sweep_file": sweep_file(header, variant),
        "dataset": header["dataset"],
        "corpus": {k: v for k, v in (header["corpus"] or {}).items() if k != "skipped"} or None,
        "objective": header["objective"],
        "metrics": stored.metrics,
        "scores": figures["metrics"],
        "expense": figures["expense"],
        "rank": _rank(summary, str(variant["id"])),
        "judges": summary["judges"],
        "calibrations": _calibrations(stored),
        "cautions": [*summary["cautions"], *summary["ranking_cautions"]],
        "origin": _origin(header),
        "files": digests(stored),
    }
    found: dict[str, Any] = orjson.loads(orjson.dumps(record, option=_OPTIONS))
    return found


def digests(stored: StoredSweep) -> dict[str, str]:
    """Digests of the files that a run consists of, by name; those that there are."""
    contents = {name: stored.folder.read(name) for name in _FILES}
    return {
        name: hashlib.blake2b(content, digest_size=16).hexdigest()
        for name, content in contents.items()
        if content is not None
    }


def state_of_run(runs: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the run that a record tells of is still there as it was: `state`, and the `files` that differ."""
    folder = runs / record["sweep"]
    if not folder.has(layout.HEADER):
        return {"state": GONE, "files": []}
    now = digests(StoredSweep(folder))
    then: Mapping[str, str] = record["files"]
    differing = sorted(name for name, digest in then.items() if now.get(name) != digest)
    return {"state": CHANGED if differing else THERE, "files": differing}


def _rank(summary: Mapping[str, Any], variant: str) -> dict[str, Any]:
    best = summary["best"]
    return {
        "in_best_set": variant in summary["best_set"],
        "best_set": summary["best_set"],
        "best": best["variant"] if best else None,
        "corrected": best["corrected"] if best and best["variant"] == variant else None,
        "detectable": summary["detectable"],
        "variants": summary["variants"],
        "interval_method": summary["interval_method"],
    }


def _calibrations(stored: StoredSweep) -> dict[str, Any]:
    """How the judges agreed with people, by metric; None where nobody looked."""
    names = ("time", "sweep", "labels", "kappa", "low", "high", "agree")
    found = {}
    for entry in stored.metrics:
        if entry.get("judge"):
            record = calibration_of(runs_of(stored), entry["identity"])
            found[entry["name"]] = record and {name: record.get(name) for name in names}
    return found


def _origin(header: Mapping[str, Any]) -> dict[str, Any]:
    config = header.get("config") or {}
    names = ("created", "by", "git", "versions", "machine", "seed", "repeats")
    return {
        **{name: header.get(name) for name in names},
        "config": config.get("path") or "",
        "overrides": config.get("overrides") or [],
        "options": header.get("options") or {},
    }
