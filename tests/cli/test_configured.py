"""Which configuration a name means, for the commands that talk to one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from harness.cli.configured import configured, doubts
from harness.cli.main import command
from harness.config import SweepConfig, load, load_chatbot
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.registry import promote
from harness.study.registry.record import record_of
from harness.study.registry.sweepfile import sweep_file
from harness.sweeps.conversing import corpus_of
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import ARTICLES, CONFIG, make_workspace, write

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


def test_the_documents_that_changed_are_named(workspace: Path) -> None:
    """As far as the passages of the run tell; else by number. What can be done is said with it."""
    uri, articles = str(workspace / "runs"), workspace / "datasets/articles"
    kept = (articles / "hours.md").read_text()

    def refused(name: str = "production") -> str:
        found = configured(name, uri, None, False)
        assert found.evaluated is not None
        with pytest.raises(UserError) as caught:
            found.evaluated.check(found.config, corpus_of(found.config))
        return str(caught.value)

    write(articles / "hours.md", "# Hours\n\nAlways open.\n")
    (articles / "returns.md").unlink()
    by_run = Folder(uri).sweeps()[0]
    for told in (refused(), refused(by_run)):
        assert "(hours.md changed; returns.md gone, as far as the passages of the run tell; 3 documents with" in told
        assert "then, 2 documents with" in told
        assert "--changed answers with it all the same" in told
    write(articles / "hours.md", kept)
    write(articles / "returns.md", ARTICLES["returns.md"])
    write(articles / "new.md", "Something new.\n")
    assert "which documents differ is not kept" in (told := refused())
    assert re.search(r"3 documents with \d+ characters then, 4 documents with \d+ characters now", told)
    shutil.rmtree(workspace / "runs" / by_run)
    assert "4 documents" in refused()


def test_evidence_that_changed_or_is_gone_is_told(workspace: Path) -> None:
    """Of a version; a run that is named itself has nothing that vouches for it. Large runs may be passed over."""
    uri = str(workspace / "runs")
    [sweep] = Folder(uri).sweeps()
    found = configured("production", uri, None, False)
    assert doubts(found, uri) is None
    assert doubts(configured(sweep, uri, None, False), uri) is None
    file = workspace / "runs" / sweep / "scores.parquet"
    file.write_bytes(file.read_bytes() + b" ")
    told = (
        f"the run {sweep} that version 1 was promoted on has changed since: scores.parquet; its score cannot be checked"
    )
    assert doubts(found, uri) == doubts(found, uri, 10_000_000) == told
    assert doubts(found, uri, 10) is None
    (file.parent / "sweep.json").write_text("{")
    assert "sweep.json" in str(doubts(found, uri))
    shutil.rmtree(workspace / "runs" / sweep)
    assert (
        doubts(found, uri, 10) == f"the run {sweep} that version 1 was promoted on is gone; its score cannot be checked"
    )


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
