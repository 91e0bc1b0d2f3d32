"""A scratch git repository with a bare remote, and the shipped workflows' own commands, run in clones of it.

Of a workflow the `run:` blocks are run, by the shell that it names, as a runner would: in order, with the environment
of workflow and step; after a failure only what says that it runs all the same. Of the expressions those are known that
a test gives; another one is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = ROOT / ".github/workflows"
_GIT = {f"GIT_{who}_{what}": "somebody@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI_", "HARNESS_", "GIT_"))},
    **_GIT,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass
class Done:
    """What a job came to: the exit code of the step that failed first, else 0; all output; the job's summary."""

    code: int
    output: str
    summary: str
    ran: list[str] = field(default_factory=list)


def command(*arguments: str, cwd: Path) -> str:
    """What a command that must succeed prints."""
    done = subprocess.run(arguments, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout.strip()


def bash(script: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub does where `shell: bash` is asked for."""
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    given = {**ENVIRONMENT, **environment}
    return subprocess.run(shell, cwd=cwd, env=given, capture_output=True, text=True, timeout=120, check=False)


def workflow(name: str) -> dict[str, Any]:
    """A shipped workflow, as YAML reads it (its key `on` is True)."""
    found: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return found


def run_job(name: str, job: str, clone: Path, facts: Mapping[str, Any], **environment: str) -> Done:
    """Run the commands of a workflow's job in a clone. `facts` are the values of its expressions."""
    whole = workflow(name)
    assert whole["defaults"]["run"]["shell"] == "bash"
    summary = clone.parent / f"{clone.name}-summary.md"
    summary.unlink(missing_ok=True)
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = Done(0, "", "")
    for step in whole["jobs"][job]["steps"]:
        if "run" not in step or step["name"] == "Install":  # what it installs is the environment of the test
            continue
        condition = str(step.get("if", ""))
        if (done.code and "!cancelled()" not in condition) or not _holds(condition, facts):
            continue
        given = {**_filled(whole.get("env", {}), facts), **_filled(step.get("env", {}), facts)}
        ended = bash(step["run"], clone, **{**runner, **given, **environment})
        done.ran.append(step["name"])
        done.output += ended.stdout + ended.stderr
        done.code = done.code or ended.returncode
    done.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return done


def _filled(environment: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, str]:
    """An environment with the values of its expressions."""
    return {
        key: re.sub(r"\$\{\{ *(.+?) *\}\}", lambda found: str(facts[found[1]]), str(value))
        for key, value in environment.items()
    }


def _holds(condition: str, facts: Mapping[str, Any]) -> bool:
    plain = condition.removeprefix("${{").removesuffix("}}").strip()
    return all(bool(facts[part]) for part in plain.split(" && ") if part and part != "!cancelled()")


@dataclass(frozen=True)
class Repository:
    """A team's repository: a clone that somebody works in, and the bare remote that it is pushed to."""

    work: Path
    remote: Path

    def commit(self, message: str, branch: str = "main") -> None:
        """Commit everything on a branch, which begins where the work is, and push it."""
        if branch != command("git", "branch", "--show-current", cwd=self.work):
            command("git", "checkout", "-q", "-b", branch, cwd=self.work)
        command("git", "add", "-A", cwd=self.work)
        command("git", "commit", "-q", "-m", message, cwd=self.work)
        command("git", "push", "-q", "origin", branch, cwd=self.work)

    def revert(self) -> None:
        """Take the last commit back by another one, and push it."""
        command("git", "revert", "--no-edit", "HEAD", cwd=self.work)
        command("git", "push", "-q", "origin", "HEAD", cwd=self.work)

    def pull_request(self, branch: str, name: str) -> Path:
        """A checkout of a branch merged into main, two commits deep: what actions/checkout gives a pull request."""
        at = self.work.parent / name
        merging = self.work.parent / f"{name}-merging"
        command("git", "clone", "-q", str(self.remote), str(merging), cwd=self.work)
        command("git", "merge", "-q", "--no-ff", "-m", "merge", f"origin/{branch}", cwd=merging)
        command("git", "push", "-q", "-f", "origin", "HEAD:refs/pull/1/merge", cwd=merging)
        at.mkdir(exist_ok=True)
        command("git", "init", "-q", cwd=at)
        command("git", "fetch", "-q", "--depth=2", self.remote.as_uri(), "refs/pull/1/merge", cwd=at)
        command("git", "checkout", "-q", "--detach", "FETCH_HEAD", cwd=at)
        shutil.rmtree(merging)
        return at


def repository(folder: Path) -> Repository:
    """A repository with the CI kit, and nothing else yet; nothing is committed."""
    found = Repository(folder / "work", folder / "remote.git")
    command("git", "init", "-q", "--bare", "-b", "main", str(found.remote), cwd=folder)
    command("git", "clone", "-q", str(found.remote), str(found.work), cwd=folder)
    command("git", "checkout", "-q", "-b", "main", cwd=found.work)
    shutil.copytree(ROOT / "examples/ci", found.work / "examples/ci")
    shutil.copytree(WORKFLOWS, found.work / ".github/workflows")
    shutil.copy(ROOT / ".gitignore", found.work / ".gitignore")
    return found
