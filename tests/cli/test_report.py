"""`harness report`: where the page goes, in which form, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli.main import command
from harness.store import StoredSweep
from tests.study.reported import reported


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep of three variants."""
    return reported(tmp_path_factory.mktemp("report"))


def report(stored: StoredSweep, *arguments: str) -> Result:
    """What the command does."""
    runs = str(stored.folder.path.parent)
    return CliRunner().invoke(command, ["report", stored.id, "--runs", runs, *arguments])


@pytest.mark.parametrize(
    ("name", "more", "begins"),
    [
        ("r.html", (), "<!doctype html>"),
        ("r.md", (), "## "),
        ("r.txt", ("--as", "md"), "## "),
        ("r.HTM", (), "<!doctype html>"),
    ],
)
def test_the_name_tells_the_form(
    stored: StoredSweep, tmp_path: Path, name: str, more: tuple[str, ...], begins: str
) -> None:
    """HTML or Markdown by the ending, or as asked for; the verdict is printed."""
    done = report(stored, "-o", str(tmp_path / name), *more)
    assert done.exit_code == 0, done.output
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    assert "No difference can be claimed" in done.stdout


def test_a_dash_writes_to_standard_output_and_nothing_else_there(stored: StoredSweep) -> None:
    """The whole page, byte for byte what the file would hold."""
    done = report(stored, "-o", "-", "--as", "md")
    assert done.stdout.startswith("## ") and done.stdout.endswith("asked for.\n")
    assert report(stored, "-o", "-").stdout.rstrip().endswith("</html>")


def test_json_is_one_document(stored: StoredSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content; no file is written unless one is named."""
    monkeypatch.chdir(tmp_path)
    found = json.loads(report(stored, "--json").stdout)
    assert {
        "verdict",
        "ranking",
        "effects",
        "front",
        "tags",
        "changes",
        "failures",
        "work",
        "metrics",
        "origin",
    } <= set(found)
    assert list(tmp_path.iterdir()) == []
    assert json.loads(report(stored, "--json", "-o", "r.html").stdout) == found
    assert (tmp_path / "r.html").exists()


def test_without_a_name_it_lies_here(stored: StoredSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the sweep's id."""
    monkeypatch.chdir(tmp_path)
    assert report(stored).exit_code == 0
    assert [file.name for file in tmp_path.iterdir()] == [f"{stored.id}.html"]


def test_a_baseline_is_a_variant_of_the_sweep_or_any_run(stored: StoredSweep, tmp_path: Path) -> None:
    """By label, by the beginning of its id, or as SWEEP/VARIANT."""
    last = stored.variants[-1]
    for text in (last["label"], last["id"][:6], f"{stored.id}/{last['id']}", f"latest/{last['id']}"):
        found = json.loads(report(stored, "--json", "--baseline", text).stdout)
        assert found["baseline"]["baseline"] == f"{stored.id}/{last['id']}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "r.pdf"), "neither .html nor .md"),
        (("-o", "-", "--json"), "both want standard output"),
        (("--baseline", "nobody"), "nobody"),
        (("-o", "/proc/none/r.html"), "there is no folder /proc/none; make it, or name another"),
        (("-o", "/proc/r.html"), "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused(stored: StoredSweep, arguments: tuple[str, ...], said: str) -> None:
    """A sentence that says what was found; a user's mistake."""
    done = report(stored, *arguments)
    assert said in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 2


def test_one_run_is_no_sweep(stored: StoredSweep) -> None:
    """The whole sweep's id is named."""
    runs = str(stored.folder.path.parent)
    done = CliRunner().invoke(command, ["report", f"{stored.id}/{stored.variants[0]['id']}", "--runs", runs])
    assert "a report is of a whole sweep" in str(done.exception)
