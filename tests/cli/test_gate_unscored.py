"""`harness gate` where answers could not be scored, and other ways to a pass that would prove nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import command
from harness.store import Folder, StoredSweep
from harness.study.summary import summary_of
from tests.cli.test_gate import BOT, RULES, harness, make, refused, sweep
from tests.workspaces import write

METRIC = '''
def strict(answer):
    """1 for a right answer; cannot read garbage."""
    if "GARBLED" in answer:
        raise ValueError("cannot be read")
    return 1.0
'''
BROKEN_BOT = BOT.replace('return "nonsense <script>]]> | `a`"', 'return "GARBLED"').replace(
    "% 3 == 0", "% {share} == 0"
)
CONFIG = """
name: gated
dataset: datasets/questions.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: %s, user_prompt: "{{ question }}"}
metrics: [{"python:metric.py:strict": {as: strict%s}}]
objective: {maximize: strict}
gate: %s
"""


def workspace(folder: Path, rules: str, every: int = 20, range_: str = "", ends: str = "") -> tuple[str, str]:
    """Sweep files of a good chatbot, and of one whose every so-manieth answer cannot be scored; 400 questions."""
    make(folder)
    write(folder / "bot.py", BROKEN_BOT.replace("{share}", str(every)))
    write(folder / "metric.py", METRIC)
    files = [write(folder / f"configs/{p}.yaml", CONFIG % (p, range_ + ends, rules)) for p in ("good", "broken")]
    return str(files[0]), str(files[1])


def test_no_pass_rests_on_answers_that_could_not_be_scored(tmp_path: Path) -> None:
    """20 of 400: all others are right, and yet they could have lost 5 points; more examples would not settle it."""
    good, broken = workspace(tmp_path, "{margins: {strict: 0.03}}")
    base = sweep(good)
    done = harness("gate", broken, "--baseline", base, "--json")
    [row] = json.loads(done.stdout)["rows"]
    assert (done.exit_code, row["verdict"], row["lost"], row["n"]) == (4, "cannot tell", 20, 380)
    assert row["low"] == pytest.approx(-0.05, abs=0.01)
    assert row["needed"] is None and "see to it that all are scored" in row["sentence"]


def test_a_night_does_not_pass_on_them_either(tmp_path: Path) -> None:
    """Its row cannot be told, and says how many and how much."""
    good, broken = workspace(tmp_path, "{margins: {strict: 0.03}}")
    base = str(json.loads(harness("sweep", good, "--repeats", "3", "--json").stdout)["runs"][0]["run"])
    done = harness("gate", broken, "--baseline", base, "--nightly", "--json")
    [row] = json.loads(done.stdout)["rows"]
    assert (done.exit_code, row["verdict"]) == (4, "cannot tell")
    assert "20 of 400 examples have no score tonight and could hide 0.05" in row["sentence"]


def test_floors_count_them_as_the_worst(tmp_path: Path) -> None:
    """A mean of 1 over 380 of 400 is 0.95; where most are lost, nothing is decided."""
    rules = "{margins: {strict: 0.2}, floors: {strict: 0.96}}"
    good, broken = workspace(tmp_path, rules)
    base = sweep(good)
    done = harness("gate", broken, "--baseline", base, "--json")
    [rule] = json.loads(done.stdout)["rules"]
    assert done.exit_code == 1 and not rule["holds"] and rule["found"] == pytest.approx(0.95)
    assert "20 examples that lack a score count as the worst" in rule["told"]
    write(tmp_path / "bot.py", BROKEN_BOT.replace("{share}", "2"))
    assert refused(harness("gate", broken, "--baseline", base))[0] == 3


def test_a_promoted_baseline_that_was_changed_decides_nothing(tmp_path: Path) -> None:
    """Its scores are no longer those that were promoted: exit 2, with the file."""
    config = make(tmp_path)
    base, runs = sweep(config), str(tmp_path / "runs")
    done = CliRunner().invoke(command, ["promote", base, "--as", "production", "--reason", "best", "--runs", runs])
    assert done.exit_code == 0, done.output
    assert harness("gate", config, "--baseline", "production").exit_code == 0
    scores = tmp_path / "runs" / base.partition("/")[0] / "scores.parquet"
    scores.write_bytes(scores.read_bytes()[:-1] + b"x")
    code, said = refused(harness("gate", config, "--baseline", "production"))
    assert code == 2 and "was changed after it was promoted (scores.parquet)" in said


def test_a_gate_that_did_not_end_left_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pages say so from the beginning on."""
    from harness.cli import gate

    config = make(tmp_path)
    base = sweep(config)
    pages = {form: write(tmp_path / f"gate.{form}", "pass") for form in ("junit", "markdown", "openmetrics")}
    given = [part for form, file in pages.items() for part in (f"--{form}", str(file))]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate, "by_running", interrupted)
    harness("gate", config, "--baseline", base, *given)
    assert "harness_gate_exit_code 130" in pages["openmetrics"].read_text(encoding="utf-8")
    assert "this is no pass" in pages["markdown"].read_text(encoding="utf-8")
    assert 'type="not finished"' in pages["junit"].read_text(encoding="utf-8")


def test_a_webhook_that_is_no_address_changes_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, and the address, which is a secret, is not shown."""
    base = sweep(make(tmp_path))
    bad = make(tmp_path, prompt="broken", name="bad")
    for address in ("https://127.0.0.1/services/SECRET TOKEN", "http://127.0.0.1:SECRET/", "SECRET"):
        monkeypatch.setenv("HARNESS_WEBHOOK_URL", address)
        done = harness("gate", bad, "--baseline", base)
        assert done.exit_code == 1
        assert "was not told: it is no address of http" in done.stderr and "SECRET" not in done.output + done.stderr


def test_rules_that_a_change_loosens_are_told(tmp_path: Path) -> None:
    """Where the baseline is a sweep file, which is relative to the workspace where the rules name it."""
    make(tmp_path, name="base")
    bad = make(
        tmp_path,
        prompt="broken",
        rules=RULES.replace("0.03", "0.9").replace("gate:\n", "gate:\n  baseline: configs/base.yaml\n"),
        name="bad",
    )
    done = harness("gate", bad, "--json")
    notes = json.loads(done.stdout)["notes"]
    assert done.exit_code == 0
    assert "the rule margins is not the baseline's: {'answer_match': 0.03} there, {'answer_match': 0.9} here" in notes


def test_a_second_look_costs_half_of_alpha_and_what_is_left(tmp_path: Path) -> None:
    """Both runs together stay within the budget; the verdict says which error it was made at."""
    config = make(tmp_path, 12)
    base = sweep(config)
    before = set(Folder(tmp_path / "runs").sweeps())
    more = ("--repeats-within-budget", "5", "--fresh", "--set", "budget.calls=30")
    found = json.loads(harness("gate", config, "--baseline", base, "--json", *more).stdout)
    assert found["alpha"] == 0.025 and "5 repeats were not reached" in found["notes"][-1]
    made = [StoredSweep(Folder(tmp_path / "runs") / name) for name in set(Folder(tmp_path / "runs").sweeps()) - before]
    assert len(made) == 2 and sum(summary_of(each)["calls"]["made"] for each in made) <= 30
