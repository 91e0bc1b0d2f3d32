"""The CI kit's files: what the workflows may do, what reaches a shell, and that bash can read the scripts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import load
from tests.ci_repository import ROOT, WORKFLOWS, workflow

SCRIPTS = sorted((ROOT / "examples/ci").glob("*.sh"))
SOURCED = {"refusal.sh", "runs.sh"}
KIT = ("pull-request.yml", "nightly.yml")


def jobs(name: str) -> dict[str, Any]:
    """The jobs of a workflow."""
    found: dict[str, Any] = workflow(name)["jobs"]
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_read_and_run(script: Path) -> None:
    """Bash parses each; each is executable and stops at what fails, or is sourced and says so."""
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = script.read_text(encoding="utf-8")
    if script.name in SOURCED:
        assert text.startswith("# Sourced by ") and not os.access(script, os.X_OK)
    else:
        assert text.startswith("#!/usr/bin/env bash\n") and os.access(script, os.X_OK)
        assert "\nset -euo pipefail\n" in text


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not here")
def test_shellcheck_has_nothing_to_say() -> None:
    """Where it is installed."""
    done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", KIT)
def test_workflows_may_read_and_no_more(name: str) -> None:
    """The workflow reads contents; only the job that comments may write, and it checks nothing out."""
    assert workflow(name)["permissions"] == {"contents": "read"}
    for job, found in jobs(name).items():
        uses = [step.get("uses", "") for step in found["steps"]]
        if "permissions" in found:
            assert (job, found["permissions"]) == ("comment", {"pull-requests": "write"})
            assert not any(used.startswith("actions/checkout") for used in uses)
        else:
            [checkout] = [step for step in found["steps"] if step.get("uses", "").startswith("actions/checkout")]
            assert checkout["with"]["persist-credentials"] is False
        assert found["timeout-minutes"] <= 60
        assert all(re.fullmatch(r"actions/[a-z/-]+@v\d+", used) for used in uses if used)
    assert workflow(name)["concurrency"]["cancel-in-progress"] is (name == "pull-request.yml")


@pytest.mark.parametrize("name", KIT)
def test_no_expression_reaches_a_shell(name: str) -> None:
    """A title or an input that holds commands stays a value: `run` has none of GitHub's expressions, only variables."""
    for found in jobs(name).values():
        for step in found["steps"]:
            assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("name", KIT)
def test_secrets_go_to_single_steps_and_not_to_strangers(name: str) -> None:
    """They stand in the environment of a step alone; a stranger's pull request starts no run that has them."""
    whole = workflow(name)
    assert "pull_request_target" not in (WORKFLOWS / name).read_text(encoding="utf-8")
    assert "secrets." not in yaml.safe_dump(whole.get("env", {}))
    for found in jobs(name).values():
        assert "secrets." not in yaml.safe_dump(found.get("env", {}))
        assert all("secrets." not in str(step.get("with", "")) + step.get("run", "") for step in found["steps"])


@pytest.mark.parametrize("name", KIT)
def test_what_a_night_or_a_gate_found_is_kept_though_it_failed(name: str) -> None:
    """Caches are saved and reports uploaded after a failure; what is saved can be fetched again by its prefix."""
    steps = [step for found in jobs(name).values() for step in found["steps"]]
    keeping = [s for s in steps if s.get("uses", "").startswith(("actions/cache/save", "actions/upload-artifact"))]
    assert keeping and all(step["if"] == "${{ !cancelled() }}" for step in keeping)
    for step in (s for s in keeping if "cache" in s["uses"]):
        [fetched] = [
            s["with"]["restore-keys"].split()
            for s in steps
            if s.get("uses", "").startswith("actions/cache/restore") and s["with"]["path"] == step["with"]["path"]
        ]
        assert all(prefix.rstrip("-") in step["with"]["key"] for prefix in fetched)


def test_every_command_of_the_workflows_is_a_script_of_the_kit() -> None:
    """What runs in the workflows can be run anywhere: it is in examples/ci, but for installing and pruning."""
    commands = [
        step["run"].split() for name in KIT for job in jobs(name).values() for step in job["steps"] if "run" in step
    ]
    scripts = {words[0] for words in commands if words[0].startswith("examples/")}
    assert scripts == {f"examples/ci/{name}.sh" for name in ("gate-pull-request", "nightly", "promote")}
    assert {words[0] for words in commands} - scripts == {"python", "harness", "gh"}


def test_gitlab_runs_the_same_scripts() -> None:
    """Its jobs call scripts that there are, keep the JUnit report though the job failed, and the cache too."""
    found = yaml.safe_load((ROOT / "examples/ci/gitlab-ci.yml").read_text(encoding="utf-8"))
    assert found[".report"]["artifacts"]["when"] == "always"
    assert found["gate"]["extends"] == found["nightly"]["extends"] == ".report"
    for job in ("gate", "nightly", "promote"):
        named = re.findall(r"examples/ci/[a-z-]+\.sh", "\n".join(found[job]["script"]))
        assert named and all((ROOT / name).exists() for name in named)
        caches = found[job]["cache"] if isinstance(found[job]["cache"], list) else [found[job]["cache"]]
        assert all(cache["when"] == "always" for cache in caches)


def test_the_nightly_configuration_decides_by_rules_that_its_questions_can_bear() -> None:
    """One variant; margin, slices, floors, limits and examples that must pass, none of them empty."""
    config = load(ROOT / "configs/nightly.yaml")
    gate = config.gate
    assert len(config.variants) == 1 and gate.baseline is None
    assert gate.margins and gate.slices and gate.floors and gate.limits and gate.must_pass
