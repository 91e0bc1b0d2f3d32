"""What a gate may not rest on: judges nobody calibrated, metrics measured otherwise, sweeps that did not end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config.gate import Gate
from harness.errors import Incomplete, UserError
from harness.store import Folder, StoredSweep
from harness.study.comparing.changed import Run
from harness.study.gate.margins import UNSURE
from harness.study.gate.verdict import decide
from harness.study.judging.cautions import NOBODY

ALLOWED = Gate(margins={"correct": 0.05})


@pytest.fixture
def stored(run: Callable[..., StoredSweep]) -> StoredSweep:
    """A small sweep of eight variants."""
    return run()


def changed_header(stored: StoredSweep, change: Callable[[dict[str, Any]], None]) -> StoredSweep:
    """The sweep with the entry of its metric `correct` changed."""
    file = Path(stored.folder.path) / "sweep.json"
    header = json.loads(file.read_text(encoding="utf-8"))
    change(next(metric for metric in header["metrics"] if metric["name"] == "correct"))
    file.write_text(json.dumps(header), encoding="utf-8")
    return StoredSweep(Folder(stored.folder.path))


def first(stored: StoredSweep) -> Run:
    """Its first variant."""
    return stored, stored.variants[0]


def test_a_judge_that_nobody_calibrated_decides_only_where_told(stored: StoredSweep) -> None:
    """Refused with the reason and what to do; allowed by the rules, it decides."""
    judged = changed_header(stored, lambda metric: metric.update(judge=True))
    with pytest.raises(UserError, match=f"correct rests on a judge: {NOBODY}.*harness calibrate"):
        decide(first(judged), first(judged), ALLOWED)
    another = (judged, judged.variants[1])
    found = decide(first(judged), another, Gate(margins={"correct": 0.05}, uncalibrated_judges=True))
    assert found.verdict == UNSURE


def test_scores_of_another_judge_or_setting_are_not_compared(
    stored: StoredSweep, run: Callable[..., StoredSweep], tmp_path: Path
) -> None:
    """The same name, but another identity: refused."""
    other = run(folder=tmp_path / "other")
    other = changed_header(other, lambda metric: metric["identity"].update(version="of another"))
    with pytest.raises(UserError, match=r"correct of the baseline, .*, was measured by other settings"):
        decide(first(stored), first(other), ALLOWED)


def test_a_sweep_that_did_not_end_is_no_evidence(stored: StoredSweep) -> None:
    """An interrupted sweep, on either side, is incomplete."""
    file = Path(stored.folder.path) / "exit.json"
    ended = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**ended, "status": "interrupted"}), encoding="utf-8")
    broken = StoredSweep(Folder(stored.folder.path))
    with pytest.raises(Incomplete, match="is interrupted"):
        decide(first(broken), first(broken), ALLOWED)


def test_a_slice_without_examples_is_named(stored: StoredSweep) -> None:
    """With the tags that there are."""
    with pytest.raises(UserError, match=r"no example has the tag 'evn'; did you mean 'even'\?"):
        decide(first(stored), first(stored), Gate(margins={"correct": 0.05}, slices=("evn",)))
