"""A store with two weeks of nights: quiet ones, one that is missing, a worse candidate, a worse provider."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from harness.store import Folder
from harness.store.additions import names
from tests.cli.test_gate import CONFIG, harness, make
from tests.cli.test_gate_nightly import BOT
from tests.workspaces import write

RULES = "gate: {margins: {answer_match: 0.02, token_f1: 0.02}, slices: [odd], floors: {answer_match: 0.7}}"
BEGAN = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
GOOD, BAD, DRIFTED = "good", "broken", "drifted"
NIGHTS = ((0, GOOD), (1, GOOD), (2, GOOD), (3, GOOD), (6, GOOD), (7, BAD), (8, BAD), (9, GOOD), (10, DRIFTED))
"""Days since the first night, and what was asked; days 4 and 5 have none."""


class Kept(NamedTuple):
    """The folder of runs, the baseline, and the nights' runs."""

    runs: Path
    baseline: str
    nights: list[str]


def kept_nights(folder: Path, nights: Sequence[tuple[int, str]] = NIGHTS, controlled: bool = True) -> Kept:
    """Run a baseline of ten replicates and the nights, each with its control where it alarms."""
    sys.modules.pop("asked_so_far", None)
    try:
        config = make(folder, 200, rules=RULES)
        write(folder / "bot.py", BOT.format(drifted=str(folder / "drifted")))
        bad = write(folder / "configs/bad.yaml", CONFIG % ("broken", RULES))
        base = str(json.loads(harness("sweep", config, "--repeats", "10", "--json").stdout)["runs"][0]["run"])
        runs, asked = folder / "runs", []
        for day, what in nights:
            known = set(Folder(runs).children())
            (folder / "drifted").unlink(missing_ok=True)
            if what == DRIFTED:
                write(folder / "drifted", "")
            given = ["gate", str(bad) if what == BAD else config, "--baseline", base, "--nightly", "--json"]
            done = harness(*given, *(("--control", config) if controlled else ()))
            asked.append(str(json.loads(done.stdout)["candidate"]))
            _moved(runs, sorted(set(Folder(runs).children()) - known), day)
        return Kept(runs, base, asked)
    finally:
        sys.modules.pop("asked_so_far", None)


def _moved(runs: Path, sweeps: list[str], day: int) -> None:
    """Make the newest night, with the sweeps that were run for it, one of another day."""
    [series] = (runs / "_nights").iterdir()
    newest = series / next(n for n in names(Folder(series), ".json") if not n.startswith("20260301T"))
    record = json.loads(newest.read_text(encoding="utf-8"))
    ended, to = datetime.fromisoformat(record["time"]), BEGAN + timedelta(days=day)
    newest.rename(series / f"20260301T023000{day:06}-{newest.name.split('-')[1]}")
    write(
        series / f"20260301T023000{day:06}-{newest.name.split('-')[1]}", json.dumps({**record, "time": to.isoformat()})
    )
    for name in sweeps:
        header = json.loads((runs / name / "sweep.json").read_text(encoding="utf-8"))
        header["created"] = (datetime.fromisoformat(header["created"]) - ended + to).isoformat()
        write(runs / name / "sweep.json", json.dumps(header))


def delete(kept: Kept, number: int) -> None:
    """Delete the run of a night."""
    shutil.rmtree(kept.runs / kept.nights[number - 1].partition("/")[0])
