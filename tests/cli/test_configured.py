"""Which configuration a name means, for the commands that talk to one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from harness.cli.configured import configured
from harness.cli.main import command
from harness.config import SweepConfig, load, load_chatbot
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.registry import promote
from harness.study.registry.record import record_of
from harness.study.registry.sweepfile import sweep_file
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import CONFIG, make_workspace, write

ROOT = Path(__file__).resolve().parents[2]
PARTS = """
name: parts
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: "python:bot.py:answer"
  system_prompt: {file: prompts/strict.md}
  retrieval: {index: exact, top_k: 2}
sweep:
  axes:
    system_prompt: {strict: {file: prompts/strict.md}, warm: "You are kind: yes, 1e5\\tand on."}
    top_k: [1, 2]
metrics: [token_f1]
objective: {maximize: token_f1}
"""


def swept(path: Path) -> StoredSweep:
    """The sweep of a file, run into `runs/` of its workspace."""
    config = load(path)
    return run_sweep(config, Options(runs=str(config.workspace / "runs")), Progress())


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a finished sweep, its best run promoted as `production`."""
    folder = tmp_path_factory.mktemp("configured")
    stored = swept(make_workspace(folder, CONFIG))
    best = stored.variants[0]
    promote(Folder(folder / "runs"), record_of(stored, best), "production", reason="r", by="ann", force=True)
    return folder


@pytest.fixture
def workspace(run_once: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(run_once, tmp_path / "workspace"))


def reloaded(config: SweepConfig, number: int) -> SweepConfig:
    """A variant, written into a record of the registry and read again."""
    variant = config.variants[number]
    header: Mapping[str, Any] = {
        "name": config.name,
        "dataset": {"path": config.dataset.path},
        "config": {"given": config.given},
        "metrics": [],
        "objective": {"metric": config.objective.metric, "direction": config.objective.direction},
        "repeats": 1,
    }
    content = sweep_file(header, {"chatbot": variant.chatbot.written()})
    return load_chatbot(orjson.loads(orjson.dumps(content)), config.workspace, "again")


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_variant_of_the_shipped_files_comes_to_the_same_id(path: Path) -> None:
    """What a record holds of a configuration is all of it."""
    config = load(path)
    for number, variant in enumerate(config.variants):
        assert reloaded(config, number).variants[0].id == variant.id


def test_prompts_of_files_labels_and_functions_come_to_the_same_id(tmp_path: Path) -> None:
    """The prompt's file may be gone; the function's file must be what it was."""
    write(tmp_path / "bot.py", "def answer(request):\n    return request.question\n")
    strict = write(tmp_path / "prompts/strict.md", "Only: {{ context }}\n\n  - 'yes'\n")
    config = load(make_workspace(tmp_path, PARTS))
    strict.unlink()
    assert [reloaded(config, n).variants[0].id for n in range(4)] == [variant.id for variant in config.variants]
    write(tmp_path / "bot.py", "def answer(request):\n    return 'no'\n")
    assert reloaded(config, 0).variants[0].id != config.variants[0].id


def test_names_of_the_registry_and_runs_mean_the_same_configuration(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By alias and by version with their version; by run and by its path without; always in the runs' workspace."""
    uri = str(workspace / "runs")
    [sweep] = Folder(uri).sweeps()
    variant = StoredSweep(Folder(uri) / sweep).variants[0]["id"]
    monkeypatch.chdir(workspace)
    names = ["production", "@production", "@v1", f"{sweep}/{variant}", f"runs/{sweep}/{variant}"]
    found = [configured(name, None, None, False) for name in names]
    assert {each.run for each in found} == {f"{sweep}/{variant}"}
    assert {each.config.variants[0].id for each in found} == {variant}
    assert {each.config.workspace for each in found} == {workspace.resolve()}
    assert [each.version.number if each.version else None for each in found] == [1, 1, 1, None, None]
    assert len({each.evaluated for each in found}) == 1
    assert found[0].label == found[3].label == "chunk_size=60, top_k=1, similarity_threshold=0.0"


def test_a_version_outlives_its_run(workspace: Path) -> None:
    """The registry has all that answers need."""
    uri = str(workspace / "runs")
    [sweep] = Folder(uri).sweeps()
    shutil.rmtree(workspace / "runs" / sweep)
    assert configured("production", uri, None, False).version


def test_a_knowledge_base_that_changed_must_be_allowed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `changed` it answers, nothing vouches for it any more, and stderr says what differs."""
    uri = str(workspace / "runs")
    assert configured("production", uri, None, True).evaluated is not None
    assert capsys.readouterr().err == ""
    write(workspace / "datasets/articles/hours.md", "# Hours\n\nAlways open.\n")
    assert configured("production", uri, None, True).evaluated is None
    assert "production is not what was evaluated" in (told := capsys.readouterr().err)
    assert "the scores do not hold for it" in told


def test_another_workspace_can_be_named(workspace: Path, tmp_path: Path) -> None:
    """Where the knowledge base is not beside the runs, the error tells of the option."""
    shutil.move(workspace / "datasets", tmp_path / "elsewhere" / "datasets")
    uri = str(workspace / "runs")
    with pytest.raises(
        UserError, match=r"(?s)production: its configuration cannot be made here.*--workspace.*articles"
    ):
        configured("production", uri, None, False)
    found = configured("production", uri, tmp_path / "elsewhere", False)
    assert found.config.workspace == tmp_path / "elsewhere"


def test_imported_results_have_no_chatbot(tmp_path: Path) -> None:
    """They cannot be talked to."""
    source = write(tmp_path / "results.csv", "variant,question,answer,score\na,Open?,Yes,1\n")
    done = CliRunner().invoke(command, ["import", str(source), "--as", "csv", "--into", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    with pytest.raises(UserError, match="latest: these results were imported"):
        configured("latest", str(tmp_path / "runs"), None, False)
