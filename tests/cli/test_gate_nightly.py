"""`harness gate --nightly`: nights are kept, a bad one is asked again, losses and drift are told apart."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Incomplete
from harness.store import Folder
from harness.store.additions import names
from tests.cli.test_gate import CONFIG, harness, make, refused
from tests.workspaces import write

BOT = '''
import collections
import itertools
import os
import random
import sys
import types

counts = sys.modules.setdefault("asked_so_far", types.SimpleNamespace(of=collections.defaultdict(itertools.count))).of


def answer(request):
    """Right in most cases, by chance; worse where the prompt or the provider (a file) says so."""
    style = request.messages[0].content
    number = int(request.messages[-1].content.split()[-1])
    worse = ("broken" in style) + os.path.exists({drifted!r})
    luck = random.Random(f"{{number}} {{next(counts[number])}}").random()  # the same in every run of the test
    right = luck < (0.95 if number % 3 else 0.5) - 0.25 * worse
    return f"the answer {{number}}" if right else "nonsense"
'''
RULES = "gate: {margins: {answer_match: 0.02}}"


@pytest.fixture
def nightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str, str]:
    """A workspace with a stored baseline of ten replicates: its folder, the sweep file, the run."""
    monkeypatch.setitem(sys.modules, "asked_so_far", types.ModuleType("asked_so_far"))
    monkeypatch.delitem(sys.modules, "asked_so_far")
    config = make(tmp_path, 200, rules=RULES)
    write(tmp_path / "bot.py", BOT.format(drifted=str(tmp_path / "drifted")))
    done = harness("sweep", config, "--repeats", "10", "--json")
    return tmp_path, config, str(json.loads(done.stdout)["runs"][0]["run"])


def night(config: Path | str, base: str, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the verdict of one night."""
    done = harness("gate", str(config), "--baseline", base, "--nightly", "--json", *more)
    assert done.stdout, done.exception
    return done.exit_code, json.loads(done.stdout)


def test_nights_pass_are_kept_and_a_loss_is_a_regression(nightly: tuple[Path, str, str]) -> None:
    """Each night asks afresh and leaves one file; the third has a worse prompt, is asked again, and exits 1."""
    folder, config, base = nightly
    for number in (1, 2):
        code, found = night(config, base)
        assert code == 0 and found["notes"][0].startswith(f"night {number} of 90")
    bad = write(folder / "configs/bad.yaml", CONFIG % ("broken", RULES))
    code, found = night(bad, base, "--control", config)
    assert code == 1 and "it looked bad and was asked again" in found["notes"]
    assert "is of the candidate" in found["rows"][0]["sentence"]
    [series] = (folder / "runs/_nights").iterdir()
    kept = [json.loads((series / name).read_text(encoding="utf-8")) for name in names(Folder(series), ".json")]
    assert [record["alarm"] for record in kept] == [False, False, True]
    assert len({record["run"] for record in kept}) == 3


def test_a_torn_record_is_told_before_anything_is_asked(nightly: tuple[Path, str, str]) -> None:
    """Means that are not there are no zeros: the file is named, and no night is run."""
    folder, config, base = nightly
    night(config, base)
    [record] = (folder / "runs/_nights").rglob("*.json")
    record.write_text(record.read_text(encoding="utf-8")[:40], encoding="utf-8")
    before = len(list((folder / "runs").iterdir()))
    code, said = refused(harness("gate", config, "--baseline", base, "--nightly"))
    assert code == 2 and "take it out" in said and record.name in said
    assert len(list((folder / "runs").iterdir())) == before


def test_a_loss_that_was_reverted_alarms_no_more(nightly: tuple[Path, str, str]) -> None:
    """The night after a worse prompt, with the old one again, passes though the mean of two nights is low."""
    folder, config, base = nightly
    bad = write(folder / "configs/bad.yaml", CONFIG % ("broken", RULES))
    assert [night(each, base)[0] for each in (config, bad)] == [0, 1]
    code, found = night(config, base)
    row = found["rows"][0]
    assert code == 0 and "no alarm, since the nights with tonight's configuration have not lost it" in row["sentence"]
    assert row["mean"] - row["baseline_mean"] == pytest.approx(row["difference"]), "of the nights that it names"
    assert row["p"] is None and row["p_corrected"] is None, "the test is one over all nights"


def test_a_night_that_was_interrupted_is_not_carried_on(nightly: tuple[Path, str, str]) -> None:
    """Answers of another night are no part of tonight's."""
    folder, config, base = nightly
    done = harness("sweep", config, "--fresh", "--set", "budget.calls=50", "--runs", str(folder / "runs"))
    assert isinstance(done.exception, Incomplete)
    code, found = night(config, base)
    assert code == 0
    assert len([path for path in (folder / "runs").iterdir() if (path / "sweep.json").exists()]) == 3
    assert found["rows"][0]["sentence"]


def test_a_worse_provider_is_drift_and_no_regression(nightly: tuple[Path, str, str]) -> None:
    """The same prompt, but the model got worse: the control falls too; exit 4 and said so."""
    folder, config, base = nightly
    write(folder / "drifted", "")
    code, found = night(config, base, "--control", config)
    assert code == 4 and "changed, not the candidate" in found["rows"][0]["sentence"]
    code, found = night(config, base)
    assert code == 1


def test_a_control_that_says_nothing_lets_the_alarm_stand(nightly: tuple[Path, str, str]) -> None:
    """Another configuration is refused before anything is asked; one that fails is noted; the loss is a regression."""
    folder, config, base = nightly
    bad = write(folder / "configs/bad.yaml", CONFIG % ("broken", RULES))
    before = len(Folder(folder / "runs").sweeps())
    code, said = refused(harness("gate", str(bad), "--baseline", base, "--nightly", "--control", str(bad)))
    assert code == 2 and "is another configuration" in said
    assert len(Folder(folder / "runs").sweeps()) == before
    text = Path(config).read_text(encoding="utf-8")
    control = write(folder / "configs/control.yaml", text + "\nbudget: {calls: 10}\n")
    code, found = night(bad, base, "--control", str(control))
    assert code == 1 and any(note.startswith("the control says nothing") for note in found["notes"])


def test_a_control_of_a_rare_slice_cannot_clear_it(nightly: tuple[Path, str, str]) -> None:
    """Few of it are asked: that these did not fall is no drift, and no doubt."""
    folder, config, base = nightly
    file = folder / "datasets/questions.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines[:4]:
        line["tags"] = ["rare"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    rules = "gate: {margins: {answer_match: 0.02}, slices: [rare]}"
    config = str(write(folder / "configs/gate.yaml", CONFIG % ("good", rules)))
    base = str(json.loads(harness("sweep", config, "--repeats", "10", "--json").stdout)["runs"][0]["run"])
    bad = write(folder / "configs/bad.yaml", CONFIG % ("broken", rules))
    code, found = night(bad, base, "--control", config)
    assert code == 1
    assert "control" not in next(row for row in found["rows"] if row["slice"] == "rare")["sentence"]


def test_what_nights_need(nightly: tuple[Path, str, str]) -> None:
    """A sweep file, and a baseline with replicates: refused before anything is asked."""
    folder, config, base = nightly
    runs = str(folder / "runs")
    assert refused(harness("gate", base, "--runs", runs, "--baseline", base, "--nightly"))[0] == 2
    single = str(json.loads(harness("sweep", config, "--json").stdout)["runs"][0]["run"])
    before = len(Folder(runs).sweeps())
    code, said = refused(harness("gate", config, "--baseline", single, "--nightly"))
    assert code == 2 and "baseline with replicates" in said
    assert len(Folder(runs).sweeps()) == before
