"""The registry: versions that never change, aliases that are derived, and the way back to the run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.errors import UserError
from harness.importing import keep, read
from harness.importing.files import Source
from harness.importing.keeping import Wishes
from harness.store import Folder, StoredSweep
from harness.study.judging.cautions import runs_of
from harness.study.listing import find_run
from harness.study.registry import Change, Registry, promote, registry_of, rollback
from harness.study.registry.difference import difference, words
from harness.study.registry.objections import objections
from harness.study.registry.record import record_of, state_of_run
from harness.study.summary import summary_of
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.study.test_calibration import as_judge
from tests.workspaces import make_workspace, write

Run = Callable[..., StoredSweep]
BOT = """
def answer(request):
    if "terse" in request.messages[0].content:
        return "30 days"
    return "30 days, from 10 to 14, on Sundays and on public holidays, can only be exchanged, 50 EUR, 5 to 8 days"
"""
PROMPTS = """
name: prompts
dataset: {path: datasets/questions.jsonl, where: "'odd' in tags or 'even' in tags"}
chatbot: {model: "python:bot.py:answer", user_prompt: "{{ question }}"}
sweep: {axes: {system_prompt: {long: {file: prompts/long.md}, terse: "Be terse and kind to people."}}}
metrics: [answer_match, {regex: {pattern: {file: prompts/pattern.txt}, as: named}}]
objective: {maximize: answer_match}
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a sweep of two prompts, of which one is worse."""
    folder = tmp_path_factory.mktemp("registry")
    write(folder / "bot.py", BOT)
    write(folder / "prompts/long.md", "Be long and kind\nto people.\n")
    write(folder / "prompts/pattern.txt", "exchanged|30")
    run_sweep(load(make_workspace(folder, PROMPTS, "prompts.yaml")), Options(limit=7), Progress())
    return folder


@pytest.fixture
def workspace(swept: Path, tmp_path: Path) -> Path:
    """A copy of it, in which nothing was promoted."""
    return Path(shutil.copytree(swept, tmp_path / "workspace"))


def sweep_in(workspace: Path) -> StoredSweep:
    """Its sweep."""
    runs = Folder(workspace / "runs")
    return StoredSweep(runs / runs.sweeps()[0])


def record(workspace: Path, label: str) -> dict[str, Any]:
    """The record of the run with a prompt."""
    stored = sweep_in(workspace)
    [variant] = [v for v in stored.variants if v["params"]["system_prompt"] == label]
    return record_of(stored, variant)


def promoted(workspace: Path, label: str, alias: str = "production", **options: Any) -> Change:
    """Promote the run with a prompt."""
    options = {"reason": f"because of {label}", "by": "ann", "force": True, **options}
    return promote(Folder(workspace / "runs"), record(workspace, label), alias, **options)


def registry(workspace: Path) -> Registry:
    """Its registry as it is now."""
    return registry_of(workspace / "runs")


def answers(stored: StoredSweep, variant: str) -> dict[str, str]:
    """What a run answered, by example."""
    return {row["example"]: row["answer"] for row in stored.outcomes.to_pylist() if row["variant"] == variant}


def test_a_version_is_the_whole_of_what_was_proved(workspace: Path) -> None:
    """Configuration, data, scores with their intervals and failures, commit, who, when, why."""
    promoted(workspace, "long")
    version, stored = registry(workspace).current("production"), sweep_in(workspace)
    figures = next(e for e in summary_of(stored)["runs"] if e["variant"] == version.record["variant"])
    assert version.chatbot["system_prompt"] == "Be long and kind\nto people."
    assert version.record["dataset"] == stored.header["dataset"]
    assert version.score == figures["metrics"]["answer_match"]
    assert set(version.score) >= {"mean", "low", "high", "n", "planned", "failed"}
    assert version.record["origin"]["git"] == stored.header["git"]
    assert (version.number, version.by, version.reason) == (1, "ann", "because of long")
    assert version.time.endswith("+00:00")


def test_the_evidence_is_of_the_rows(workspace: Path) -> None:
    """A kept summary that somebody changed proves nothing."""
    before, stored = record(workspace, "long")["scores"], sweep_in(workspace)
    kept = summary_of(stored)
    for run in kept["runs"]:
        run["metrics"]["answer_match"]["mean"] = 0.999
    write(stored.folder.path / "summary.json", json.dumps(kept))
    assert record(workspace, "long")["scores"] == before


def test_the_yaml_of_a_version_runs_as_it_is_without_the_files_it_came_from(workspace: Path) -> None:
    """The same variant, examples, metrics and answers, though prompt and pattern files are gone."""
    promoted(workspace, "long")
    version, before = registry(workspace).version("v1"), sweep_in(workspace)
    shutil.rmtree(workspace / "prompts")
    path = write(workspace / "configs/production.yaml", version.yaml())
    again = run_sweep(load(path), Options(), Progress())
    [variant] = again.variants
    assert variant["id"] == version.record["variant"]
    assert answers(again, variant["id"]) == answers(before, variant["id"])
    assert [m["identity"] for m in again.metrics] == [m["identity"] for m in before.metrics]
    assert again.header["objective"] == before.header["objective"]
    assert again.header["dataset"] == before.header["dataset"] and again.header["dataset"]["examples"] == 7
    assert again.header["seed"] == before.header["seed"]


def test_one_gets_back_to_the_run_and_a_changed_answer_is_noticed(workspace: Path) -> None:
    """The alias is a RUN; the run is unchanged, changed or gone, and that is told."""
    change = promoted(workspace, "terse")
    uri = str(workspace / "runs")
    version = registry(workspace).version(change.version)
    for name in ("production", "@production", "@v1", "@1"):
        stored, variant = find_run(uri, name)
        assert f"{stored.id}/{variant['id']}" == version.run
    runs = Folder(uri)
    assert state_of_run(runs, version.record) == {"state": "unchanged", "files": []}
    outcomes = stored.folder.path / "outcomes.parquet"
    outcomes.write_bytes(outcomes.read_bytes()[:-1] + b"x")
    assert state_of_run(runs, version.record) == {"state": "changed", "files": ["outcomes.parquet"]}
    texts = stored.folder.path / "texts.parquet"
    texts.write_bytes(texts.read_bytes()[:-1] + b"x")
    assert state_of_run(runs, version.record)["files"] == ["outcomes.parquet", "texts.parquet"]
    shutil.rmtree(stored.folder.path)
    assert state_of_run(runs, version.record)["state"] == "gone"
    with pytest.raises(UserError, match="is no longer there; harness registry show 1 tells what is kept"):
        find_run(uri, "production")


def test_the_history_tells_who_named_what_and_why(workspace: Path) -> None:
    """Two aliases move apart and together; the same record makes no second version."""
    promoted(workspace, "long")
    promoted(workspace, "terse", "staging", by="bob")
    promoted(workspace, "terse")
    found = registry(workspace)
    assert {name: version.number for name, version in found.aliases().items()} == {"production": 2, "staging": 2}
    assert [version.number for version in found.versions()] == [1, 2]
    assert [(c.version, c.before, c.by) for c in found.history("production")] == [(1, None, "ann"), (2, 1, "ann")]
    assert [c.alias for c in found.history()] == ["production", "staging", "production"]
    with pytest.raises(UserError, match="did you mean 'production'"):
        found.current("produktion")
    with pytest.raises(UserError, match="no version 3; the last one is 2"):
        found.version("v3")


def test_a_rollback_takes_back_one_promotion_after_the_other(workspace: Path) -> None:
    """Back twice, never to what was taken back; forward again by number; and it says where there is no way."""
    runs = Folder(workspace / "runs")
    with pytest.raises(UserError, match="has no alias 'production'"):
        rollback(runs, "production", reason="x", by="bob")
    for label in ("long", "terse"):
        promoted(workspace, label)
    third = {**record(workspace, "long"), "label": "a third"}
    promote(runs, third, "production", reason="r", by="ann")
    back = [rollback(runs, "production", reason="worse at night", by="bob") for _ in range(2)]
    assert [(c.version, c.before, c.action) for c in back] == [(2, 3, "rollback"), (1, 2, "rollback")]
    with pytest.raises(UserError, match="named nothing before version 1"):
        rollback(runs, "production", reason="x", by="bob")
    assert rollback(runs, "production", reason="x", by="bob", to=3).version == 3
    with pytest.raises(UserError, match="names version 3 already"):
        rollback(runs, "production", reason="x", by="bob", to=3)
    promoted(workspace, "long", "staging")
    with pytest.raises(UserError, match=r"never named version 2, only 1; harness promote @v2 --as staging"):
        rollback(runs, "staging", reason="x", by="bob", to=2)


def test_a_run_that_is_not_among_the_best_needs_force(run: Run, tmp_path: Path) -> None:
    """The refusal names those that are; what was overruled is in the history."""
    write(tmp_path / "bot.py", BOT)
    questions = [
        {"id": f"q{i}", "question": f"Question {i}?", "references": ["5 to 8 days"], "cluster": f"c{i}"}
        for i in range(40)
    ]
    config = PROMPTS.replace("{file: prompts/long.md}", "Be long.").replace("{file: prompts/pattern.txt}", "days")
    path = make_workspace(tmp_path, config)
    write(tmp_path / "datasets/questions.jsonl", "\n".join(json.dumps({**q, "tags": ["odd"]}) for q in questions))
    stored = run_sweep(load(path), Options(), Progress())
    best, worse = stored.variants
    assert summary_of(stored)["best_set"] == [best["id"]]
    runs, found = runs_of(stored), record_of(stored, worse)
    with pytest.raises(UserError, match=f"not among the best .* promote one of {best['id']}, or .* --force"):
        promote(runs, found, "production", reason="x", by="ann")
    assert registry_of(runs).versions() == []
    change = promote(runs, found, "production", reason="x", by="ann", force=True)
    assert change.overruled == ("it is not among the best of its sweep by answer_match",)
    assert promote(runs, record_of(stored, best), "production", reason="y", by="ann").overruled == ()


def test_a_sweep_that_is_not_complete_needs_force_and_a_running_one_waits(workspace: Path) -> None:
    """How it ended is told, and how it is carried on."""
    exit_ = sweep_in(workspace).folder.path / "exit.json"
    exit_.write_text(json.dumps({**json.loads(exit_.read_text()), "status": "incomplete"}))
    with pytest.raises(UserError, match=r"its sweep is incomplete: harness sweep .*prompts\.yaml carries it on"):
        promoted(workspace, "long", force=False)
    assert promoted(workspace, "long").overruled[0] == "its sweep is incomplete"
    running = {**record(workspace, "long"), "status": "running"}
    with pytest.raises(UserError, match="is running: wait for the end"):
        promote(Folder(workspace / "runs"), running, "production", reason="x", by="ann", force=True)


def test_an_objective_that_rests_on_an_uncalibrated_judge_is_refused(run: Run) -> None:
    """Force does not overrule it, --without-calibration does; a judge beside the objective is no objection."""
    stored = as_judge(run())
    best = next(v for v in stored.variants if v["id"] == summary_of(stored)["best"]["variant"])
    runs, found = runs_of(stored), record_of(stored, best)
    with pytest.raises(UserError, match=r"nobody calibrated this judge: harness labels .*--without-calibration"):
        promote(runs, found, "production", reason="x", by="ann", force=True)
    change = promote(runs, found, "production", reason="x", by="ann", without_calibration=True)
    assert "nobody calibrated this judge" in change.overruled[0]
    assert registry_of(runs).version(1).record["judges"]["correct"] == ["nobody calibrated this judge"]
    assert objections(record_of(as_judge(stored, "token_f1"), best)) == []


def test_imported_results_cannot_be_promoted(tmp_path: Path) -> None:
    """There is no configuration that could run, with force or without."""
    table = Source(write(tmp_path / "results.csv", "variant,question,answer,score\na,Q?,A,1\nb,Q?,B,1\n"))
    stored, _ = keep(read("csv", [table]), [table], str(tmp_path / "runs"), Wishes())
    with pytest.raises(UserError, match="its results were imported"):
        promote(runs_of(stored), record_of(stored, stored.variants[0]), "x", reason="x", by="a", force=True)


@pytest.mark.parametrize("name", ["latest", "V2", "v2", "7", "a b", "a/b", "", "Größe", "@"])
def test_what_cannot_be_an_alias_is_refused(workspace: Path, name: str) -> None:
    """Nothing is written."""
    with pytest.raises(UserError, match="cannot be an alias"):
        promoted(workspace, "long", name)
    assert not (workspace / "runs/_registry").exists()


def test_an_empty_reason_is_refused(workspace: Path) -> None:
    """Blanks are no reason."""
    with pytest.raises(UserError, match="the reason is empty"):
        promoted(workspace, "long", reason="  ")


def test_an_entry_in_the_place_of_another_is_told_as_that(workspace: Path) -> None:
    """Its content is whole, its place is not its own."""
    for label in ("long", "terse", "long"):
        promoted(workspace, label)
    folder = workspace / "runs/_registry"
    shutil.copy(folder / "000003.json", folder / "000002.json")
    with pytest.raises(UserError, match=r"000002\.json holds entry 3: it was put in another's place"):
        registry(workspace).history()


def test_a_version_that_was_changed_is_not_served(workspace: Path) -> None:
    """Whoever asks for the current configuration gets the file's name, and no configuration."""
    promoted(workspace, "long")
    file = workspace / "runs/_registry/000001.json"
    file.write_text(file.read_text().replace("Be long", "Be rude"))
    with pytest.raises(UserError, match=r"000001\.json was changed after it was written"):
        registry(workspace).current("production")
    with pytest.raises(UserError, match=r"000001\.json was changed"):
        promoted(workspace, "terse")


PROMOTER = """
import json, pathlib, sys, time
from harness.store import Folder
from harness.study.registry import promote

runs, record, gate, name = sys.argv[1:]
content = {**json.loads(pathlib.Path(record).read_text()), "label": name}
pathlib.Path(gate, name).touch()
while not pathlib.Path(gate, "open").exists():
    time.sleep(0.001)
change = promote(Folder(runs), content, "production", reason=name, by=name, force=True)
print(json.dumps(change.as_json()))
"""


def test_twenty_promotions_at_once_are_all_kept_and_one_is_current(workspace: Path, tmp_path: Path) -> None:
    """Twenty versions, numbered by the order they came in; every process was told what every reader finds."""
    gate, file, names = tmp_path / "gate", tmp_path / "record.json", [f"p{i}" for i in range(20)]
    gate.mkdir()
    file.write_text(json.dumps(record(workspace, "long")))
    command = [sys.executable, "-c", PROMOTER, str(workspace / "runs"), str(file), str(gate)]
    started = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in names]
    while len(list(gate.iterdir())) < len(names):
        assert all(process.poll() is None for process in started)
    (gate / "open").touch()
    told = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    found = registry(workspace)
    assert sorted(version.label for version in found.versions()) == sorted(names)
    assert sorted(told, key=lambda change: change["version"]) == [c.as_json() for c in found.history("production")]
    assert found.current("production").number == 20
    assert [change.before for change in found.history()] == [None, *range(1, 20)]


def test_the_registry_lives_in_object_storage_too(run: Run) -> None:
    """Promotion, rollback, and the way back to the run."""
    runs = Folder("memory://registry-test/runs")
    stored = StoredSweep(runs / run(runs=runs.uri).id)
    assert runs_of(stored).uri == runs.uri
    for variant in stored.variants[:2]:
        promote(runs, record_of(stored, variant), "production", reason="x", by="ann", force=True)
    rollback(runs, "production", reason="y", by="bob")
    found = registry_of("memory://registry-test/runs")
    assert found.current("production").run == f"{stored.id}/{stored.variants[0]['id']}"
    assert find_run("memory://registry-test/runs", "production")[1] == stored.variants[0]
    assert state_of_run(runs, found.version(2).record)["state"] == "unchanged"


def test_a_difference_tells_settings_words_and_paired_scores(workspace: Path) -> None:
    """The prompts by word; the scores on the same examples, or why not."""
    for label in ("long", "terse"):
        promoted(workspace, label)
    found, runs = registry(workspace), Folder(workspace / "runs")
    told = difference(runs, found.version(1), found.version(2))
    [prompt] = told["prompts"]
    assert prompt["setting"] == "system_prompt" and told["settings"] == []
    assert [(kind, text.split()) for kind, text in prompt["words"]] == [
        ("same", ["Be"]),
        ("removed", ["long"]),
        ("added", ["terse"]),
        ("same", ["and", "kind", "to", "people."]),
    ]
    row = next(row for row in told["compared"]["metrics"] if row["metric"] == "answer_match")
    assert row["difference"] < 0 and row["n"] == 6 and "p_corrected" in row
    assert all(data["same"] for data in told["data"].values())
    assert difference(runs, found.version(1), found.version(1))["note"] == "both are the same run"
    shutil.rmtree(sweep_in(workspace).folder.path)
    gone = difference(runs, found.version(1), found.version(2))
    assert gone["compared"] is None and "no longer there" in gone["note"]
    assert [entry["metric"] for entry in gone["scores"]] == ["answer_match", "named"]
    assert gone["scores"][0]["before"]["mean"] > gone["scores"][0]["after"]["mean"]


@pytest.mark.parametrize(
    ("before", "after"), [("a b c", "a c"), ("a c", "a b c d"), ("", "x y"), ("x  y\n", ""), ("", "")]
)
def test_words_make_up_both_texts(before: str, after: str) -> None:
    """What is not added is the old text by words, what is not removed is the new one to the letter."""
    pieces = words(before, after)
    assert "".join(text for kind, text in pieces if kind != "removed") == after
    assert " ".join("".join(text for kind, text in pieces if kind != "added").split()) == " ".join(before.split())


def test_more_evidence_makes_another_version(workspace: Path) -> None:
    """The first keeps what was known then."""
    promoted(workspace, "long")
    judged = record_of(as_judge(sweep_in(workspace), "named"), sweep_in(workspace).variants[0])
    change = promote(Folder(workspace / "runs"), judged, "production", reason="x", by="ann", force=True)
    found = registry(workspace)
    assert change.version == 2 and found.version(1).run == found.version(2).run
    assert "named" not in found.version(1).record["judges"] and "named" in found.version(2).record["judges"]
