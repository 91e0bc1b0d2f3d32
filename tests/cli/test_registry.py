"""`harness promote` and `harness registry`, from a sweep to a rollback."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.test_cli import harness
from tests.workspaces import make_workspace

WHO = {"HARNESS_USER": "ann"}


class Promoted(NamedTuple):
    """A workspace with two versions, of two runs; the second is in production."""

    folder: Path
    best: str
    other: str


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in a git repository, with a finished sweep and a file that is not committed."""
    folder = tmp_path_factory.mktemp("registry")
    make_workspace(folder)
    (folder / ".gitignore").write_text("runs/\n.harness/\n")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    (folder / "notes.txt").write_text("not committed")
    done = harness("sweep", "configs/small.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def workspace(swept: Path, tmp_path: Path) -> Path:
    """A copy of it, in which nothing was promoted."""
    return Path(shutil.copytree(swept, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def two_promoted(swept: Path, tmp_path_factory: pytest.TempPathFactory) -> Promoted:
    """The sweep's best run in production, then its last one."""
    folder = Path(shutil.copytree(swept, tmp_path_factory.mktemp("promoted") / "workspace"))
    runs = [row["run"] for row in told(folder, "runs")]
    best = told(folder, "promote", "latest", "--as", "production", "--reason", "the best")["run"]
    other = next(run for run in reversed(runs) if run != best)
    told(folder, "promote", other, "--as", "production", "--reason", "cheaper", "--force")
    return Promoted(folder, best, other)


@pytest.fixture
def promoted(two_promoted: Promoted, tmp_path: Path) -> Promoted:
    """A copy of it."""
    return two_promoted._replace(folder=Path(shutil.copytree(two_promoted.folder, tmp_path / "promoted")))


def told(folder: Path, *arguments: str) -> Any:
    """The document that a command prints."""
    done = harness(*arguments, "--json", cwd=folder, **WHO)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_from_a_sweep_to_production_and_back(promoted: Promoted) -> None:
    """Every reading command prints one document; the rollback is one more entry."""
    workspace, best, other = promoted
    listed = told(workspace, "registry", "list")
    assert [(a["alias"], a["version"], a["run"], a["by"]) for a in listed["aliases"]] == [
        ("production", 2, other, "ann")
    ]
    assert [version["run"] for version in listed["versions"]] == [best, other]
    back = told(workspace, "registry", "rollback", "production", "--reason", "slower at night")
    assert (back["version"], back["before"], back["action"]) == (1, 2, "rollback")
    history = told(workspace, "registry", "history", "production")
    assert [(c["version"], c["reason"]) for c in history] == [(1, "the best"), (2, "cheaper"), (1, "slower at night")]
    shown = told(workspace, "registry", "show", "production")
    assert (shown["version"], shown["run"], shown["aliases"]) == (1, best, ["production"])
    assert shown["run_now"] == {"state": "unchanged", "files": []}
    found = told(workspace, "registry", "diff", "v1", "2")
    assert found["settings"] and found["compared"]["examples"] == 8


def test_from_production_one_gets_to_the_commit_and_every_answer(promoted: Promoted) -> None:
    """The commit is the sweep's, and dirty since a file was not committed; `show` and `compare` take the alias."""
    workspace, best, other = promoted
    git = told(workspace, "registry", "show", "v1")["origin"]["git"]
    head = subprocess.run(["git", "-C", workspace, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert (git["commit"], git["dirty"]) == (head.stdout.strip(), True)
    assert told(workspace, "show", "production")["run"] == other
    assert told(workspace, "show", "@v1")["run"] == best
    shown = harness("show", "production", "--examples", "99", cwd=workspace).stdout
    assert shown.count("  answer: ") == 8
    [pair] = told(workspace, "compare", "@v1", "production")
    assert (pair["baseline"], pair["run"]) == (best, other)


def test_the_yaml_of_production_is_swept_as_it_is(promoted: Promoted) -> None:
    """One variant, the same one, and not one new answer."""
    workspace = promoted.folder
    done = harness("registry", "show", "production", "--yaml", cwd=workspace)
    (workspace / "configs/production.yaml").write_text(done.stdout)
    again = told(workspace, "sweep", "configs/production.yaml")
    version = told(workspace, "registry", "show", "production")
    assert [run["variant"] for run in again["runs"]] == [version["variant"]]
    assert again["calls"]["made"] == 0
    for name, figure in version["scores"].items():
        assert again["runs"][0]["metrics"][name]["mean"] == figure["mean"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["promote", "latest", "--as", "production"], "--reason"),
        (["promote", "latest", "--as", "latest", "--reason", "x"], "cannot be an alias"),
        (["promote", "nothing", "--as", "production", "--reason", "x"], "no sweep called 'nothing'"),
        (["promote", "@staging", "--as", "production", "--reason", "x"], "has no alias '@staging'"),
        (["registry", "show", "production"], "harness promote SWEEP/VARIANT --as production"),
        (["registry", "history", "production"], "harness promote SWEEP/VARIANT --as production"),
        (["registry", "diff", "v1", "v2"], "has no version 1; there is none yet"),
        (["registry", "rollback", "production", "--reason", "x"], "has no alias 'production'"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(swept: Path, arguments: list[str], said: str) -> None:
    """Nothing on stdout, nothing written."""
    done = harness(*arguments, cwd=swept)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (swept / "runs/_registry").exists()


def test_refusals_tell_what_to_do(workspace: Path) -> None:
    """A sweep that ended early: exit code 2, the command that carries it on, the option that overrules it."""
    [file] = (workspace / "runs").glob("*/exit.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "status": "interrupted"}))
    done = harness("promote", "latest", "--as", "production", "--reason", "x", cwd=workspace)
    assert done.returncode == 2
    assert "its sweep is interrupted: harness sweep configs/small.yaml carries it on, or overrule" in done.stderr
    assert told(workspace, "registry", "list") == {"aliases": [], "versions": []}
    forced = harness("promote", "latest", "--as", "production", "--reason", "x", "--force", cwd=workspace)
    assert (forced.returncode, "Overruled: its sweep is interrupted" in forced.stdout) == (0, True)


def test_a_version_goes_to_another_alias_as_it_stands(promoted: Promoted) -> None:
    """Also when its run is gone: a version needs nothing else."""
    workspace = promoted.folder
    for folder in (workspace / "runs").glob("2*"):
        shutil.rmtree(folder)
    moved = told(workspace, "promote", "@v1", "--as", "staging", "--reason", "again")
    assert (moved["version"], moved["alias"]) == (1, "staging")
    assert len(told(workspace, "registry", "list")["versions"]) == 2


def test_a_tampered_file_stops_every_command(promoted: Promoted) -> None:
    """Exit code 2 with the file's name."""
    workspace = promoted.folder
    file = workspace / "runs/_registry/000001.json"
    file.write_text(file.read_text().replace('"sentences": 1', '"sentences": 9', 1))
    for arguments in (
        ["registry", "list"],
        ["registry", "show", "v2"],
        ["registry", "history"],
        ["show", "production"],
    ):
        done = harness(*arguments, cwd=workspace)
        assert (done.returncode, done.stdout) == (2, "")
        assert "000001.json was changed after it was written" in done.stderr


def test_people_are_told_the_same(promoted: Promoted) -> None:
    """Tables name run, score, commit and reasons; a difference shows what was set otherwise."""
    workspace, best, other = promoted
    listed = harness("registry", "list", cwd=workspace).stdout
    assert best in listed and other in listed and "and changes" in listed
    shown = harness("registry", "show", "production", cwd=workspace).stdout
    assert "with uncommitted changes" in shown and "Run: unchanged" in shown and "cheaper" in shown
    differing = harness("registry", "diff", "v1", "production", cwd=workspace).stdout
    assert " -> " in differing and "Paired differences" in differing
    assert "cheaper" in harness("registry", "history", cwd=workspace).stdout
    back = harness("registry", "rollback", "production", "--reason", "x", cwd=workspace).stdout
    assert "production is version 1, before it version 2" in back
