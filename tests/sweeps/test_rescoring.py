"""Stored outcomes are scored by more metrics: no answer is asked for, nothing that was there is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config.scoring import metrics_given
from harness.errors import Incomplete, UserError
from harness.store import Folder, StoredSweep
from harness.study.figures import scale_of
from harness.study.loaded import Sweep
from harness.study.summary import summary_of
from harness.sweeps.gateway import Prices, retries
from harness.sweeps.progress import Progress
from harness.sweeps.rescoring import ScoringOptions, score_sweep
from tests.loopback import Loopback
from tests.sweeps.chains import sweep, sweep_of
from tests.sweeps.judged import JUDGE, judge, judged, mark, questions
from tests.workspaces import CONFIG


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A judge whose marks hang on its question alone."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    with Loopback(answer=mark) as running:
        yield running


def rescored(found: Sweep, folder: Path, *metrics: str, plugins: tuple[str, ...] = (), **options: Any) -> StoredSweep:
    """Score a sweep by more metrics."""
    stored = StoredSweep(found.stored.folder)
    known = {entry["name"]: scale_of(entry) for entry in stored.metrics if not entry.get("composite")}
    chosen = metrics_given(metrics, folder, plugins, known=known)
    return score_sweep(stored, chosen, ScoringOptions(folder, **options), Progress())


def values(stored: StoredSweep, metric: str) -> dict[tuple[str, str, int], float | None]:
    """The values of a metric by cell."""
    rows = [row for row in stored.scores.to_pylist() if row["metric"] == metric]
    found = {(row["variant"], row["example"], row["repeat"]): row["value"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_added_scores_are_those_that_a_sweep_with_the_metric_gives(tmp_path: Path) -> None:
    """rouge1, contains and a composite, added later, equal those of a sweep that names them from the start."""
    metrics = [
        "rouge1",
        "{contains: {texts: [open], as: opens}}",
        "{weighted: {of: {rouge1: 1, token_f1: 1}, as: mix}}",
    ]
    found = sweep(tmp_path / "later", CONFIG)
    stored = rescored(found, tmp_path / "later", *metrics)
    whole = sweep(tmp_path / "once", CONFIG.replace("metrics: [correct,", f"metrics: [{', '.join(metrics)}, correct,"))
    for name in ("rouge1", "opens", "mix", "correct", "recall@3"):
        assert values(stored, name) == values(whole.stored, name) and values(stored, name)
    assert [entry["name"] for entry in stored.metrics][-3:] == ["rouge1", "opens", "mix"]
    mine, other = summary_of(stored), whole.summary
    assert mine["runs"][0]["metrics"]["mix"] == other["runs"][0]["metrics"]["mix"]


def test_no_answer_is_asked_for(tmp_path: Path) -> None:
    """The chatbot's file may be gone: its answers are stored."""
    path = tmp_path / "bot.py"
    tmp_path.mkdir(exist_ok=True)
    path.write_text("def answer(request):\n    return 'open'\n")
    found = sweep(tmp_path, CONFIG.replace("local/extractive", "python:bot.py:answer"))
    path.unlink()
    shutil.rmtree(tmp_path / ".harness")
    stored = rescored(found, tmp_path, "rouge1")
    assert len(values(stored, "rouge1")) == 8 * 6
    assert summary_of(stored)["calls"] == found.summary["calls"]


def test_judged_scores_come_from_the_cache_where_a_sweep_made_them(tmp_path: Path, server: Loopback) -> None:
    """A metric that a sweep has scored by is recomputed without a call; with `fresh` every case is judged anew."""
    found = sweep_of(judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE, as: marked}}]"))
    made = server.count(JUDGE)
    metric = f"{{marks: {{judge: {judge(server)}, as: marked}}}}"
    stored = rescored(found, tmp_path, metric)
    assert server.count(JUDGE) == made and values(stored, "marked") == values(found.stored, "marked")
    assert [entry["name"] for entry in stored.metrics] == ["token_f1", "marked"]
    rescored(found, tmp_path, metric, fresh=True)
    assert server.count(JUDGE) == 2 * made


def test_a_changed_prompt_makes_a_version_beside_the_one_before(tmp_path: Path, server: Loopback) -> None:
    """The name goes to the newest; the ones before are numbered, with their own scores; the same again replaces."""
    found = sweep_of(judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE, as: marked}}]"))
    before = values(found.stored, "marked")
    for words in ("Rate", "Judge", "Judge"):
        stored = rescored(found, tmp_path, f"{{marks: {{judge: {judge(server)}, words: {words}, as: marked}}}}")
    assert [entry["name"] for entry in stored.metrics] == ["token_f1", "marked", "marked#1", "marked#2"]
    assert values(stored, "marked#1") == before
    assert values(stored, "marked#2") != before and values(stored, "marked") != values(stored, "marked#2")
    assert [bool(entry.get("superseded")) for entry in stored.metrics] == [False, False, True, True]
    assert len(questions(server, "Judge")) == len(questions(server, "Rate")) == len(questions(server, "Mark"))


def test_numbers_of_versions_stay_where_they_are(tmp_path: Path) -> None:
    """A version keeps its number for good, also when the one before comes back: a name in a report stays true."""
    found = sweep(tmp_path, CONFIG)
    kinds = {"a": "{contains: {texts: [open], as: c}}", "b": "{contains: {texts: [days], as: c}}"}
    tables = {}
    for name in ("a", "b", "a"):
        stored = rescored(found, tmp_path, kinds[name])
        tables[name] = values(stored, "c")
    assert tables["a"] != tables["b"]
    assert [entry["name"] for entry in stored.metrics if entry["name"].startswith("c#")] == ["c#2"]
    assert values(stored, "c#2") == tables["b"]
    again = rescored(found, tmp_path, kinds["b"])
    assert values(again, "c#1") == tables["a"] and values(again, "c") == tables["b"]


def test_what_is_made_of_a_metric_is_made_anew_with_it(tmp_path: Path) -> None:
    """A composite follows the newest version of its member; the one before is kept with the old values."""
    metrics = "[{contains: {texts: [open], as: c}}, {weighted: {of: {c: 1}, as: mix}}, token_f1]"
    text = CONFIG.replace("[correct, token_f1, answer_match, abstention, recall@3, span_iou]", metrics)
    found = sweep(tmp_path, text.replace("maximize: correct", "maximize: mix"))
    before = values(found.stored, "mix")
    stored = rescored(found, tmp_path, "{contains: {texts: [days], as: c}}")
    assert values(stored, "mix") == values(stored, "c") != before
    assert values(stored, "mix#1") == values(stored, "c#1") == before


def test_a_threshold_of_an_earlier_version_counts_no_more(tmp_path: Path) -> None:
    """`all_pass` without `of` looks at the newest version of each metric alone."""
    found = sweep(tmp_path, CONFIG)
    rescored(found, tmp_path, "{contains: {texts: [zebra], as: c, at_least: 1}}")
    stored = rescored(found, tmp_path, "{contains: {texts: [zebra], negate: true, as: c, at_least: 1}}")
    stored = rescored(found, tmp_path, "all_pass")
    assert set(values(stored, "all_pass").values()) == {1.0} == set(values(stored, "c").values())


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("{rouge1: {as: correct}}", "that name is taken by correct in this sweep"),
        ("{rouge1: {as: 'c#1'}}", "'c#1' is no name"),
    ],
)
def test_a_name_means_one_thing(tmp_path: Path, metric: str, said: str) -> None:
    """Another kind of metric is no version of the one that has the name; numbers of versions are no names."""
    with pytest.raises(UserError, match=said):
        rescored(sweep(tmp_path, CONFIG), tmp_path, metric)


def test_an_incomplete_sweep_is_finished_first(tmp_path: Path) -> None:
    """Scores of a part would stay a part when the sweep goes on."""
    (tmp_path / "bot.py").write_text("def answer(request):\n    raise ValueError('no')\n")
    with pytest.raises(Incomplete):
        sweep(tmp_path, CONFIG.replace("local/extractive", "python:bot.py:answer"))
    [folder] = (tmp_path / "runs").iterdir()
    with pytest.raises(UserError, match="is incomplete, so scores would be lacking; finish it first"):
        rescored(Sweep(StoredSweep(Folder(folder))), tmp_path, "rouge1")


def test_the_budget_of_the_sweep_file_holds(tmp_path: Path, server: Loopback) -> None:
    """`harness score --config FILE` keeps to the file's budget; what it paid for is used when it goes on."""
    prices = "prices: {openai/judge: {input: 1.0, output: 10.0, cached: 1.0}}\nconcurrency: 1\n"
    plain = sweep_of(judged(tmp_path, server, "[token_f1]", extra=""))
    path = judged(tmp_path, server, "[token_f1, {marks: {judge: JUDGE}}]", extra=prices + "budget: {usd: 0.0001}\n")
    command = [sys.executable, "-m", "harness", "score", plain.id, "--config", str(path), "--quiet", "--fresh"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 3 and "budget is spent" in ended.stderr
    made = server.count(JUDGE)
    assert 0 < made < 6
    subprocess.run([*command, "--budget-usd", "1"], cwd=tmp_path, check=True, capture_output=True)
    assert len(questions(server, "Mark")) == len(set(questions(server, "Mark"))) > made


def test_a_user_s_metric_that_takes_the_whole_case_is_scored(tmp_path: Path) -> None:
    """One that reads every field, the rival's answer among them, is held against nobody."""
    (tmp_path / "own.py").write_text("def size(case):\n    return len(case.answer) / 1000\n")
    stored = rescored(sweep(tmp_path, CONFIG), tmp_path, "{'python:own.py:size': {as: size}}")
    assert all(value is not None for value in values(stored, "size").values()) and values(stored, "size")


def test_what_judging_costs_is_in_the_totals(tmp_path: Path, server: Loopback) -> None:
    """Calls and money of a later scoring are those of the sweep, too."""
    found = sweep_of(judged(tmp_path, server, "[token_f1]", extra=""))
    assert found.summary["cost_usd"] == 0
    prices = Prices({"openai/judge": {"input": 1.0, "output": 10.0, "cached": 1.0}})
    metric = f"{{marks: {{judge: {judge(server)}, as: marked}}}}"
    stored = rescored(found, tmp_path, metric, prices=prices)
    summary = summary_of(stored)
    assert summary["calls"]["judge_made"] == server.count(JUDGE) > 0
    assert summary["cost_usd"] == pytest.approx(summary["spending"]["judge"]["usd"]) and summary["cost_usd"] > 0


def test_an_ended_budget_adds_nothing_and_loses_nothing(tmp_path: Path, server: Loopback) -> None:
    """Scores that were paid for are not paid for again by the command that goes on; the money is told."""
    from harness.config import Budget, Limits

    found = sweep_of(judged(tmp_path, server, "[token_f1]", extra=""))
    prices = Prices({"openai/judge": {"input": 1.0, "output": 10.0, "cached": 1.0}})
    metric = f"{{marks: {{judge: {judge(server)}, as: marked}}}}"
    few: dict[str, Any] = {"budget": Budget(usd=0.0001), "limits": Limits(concurrency=1), "prices": prices}
    with pytest.raises(Incomplete, match="budget is spent"):
        rescored(found, tmp_path, metric, **few)
    ended = StoredSweep(found.stored.folder)
    assert [entry["name"] for entry in ended.metrics] == ["token_f1"]
    assert summary_of(ended)["calls"]["judge_made"] == server.count(JUDGE) > 0
    rescored(found, tmp_path, metric, prices=prices)
    assert len(questions(server, "Mark")) == len(set(questions(server, "Mark")))


def test_two_at_once_are_both_kept(tmp_path: Path) -> None:
    """Two processes that score one sweep at the same time do not disturb each other."""
    found = sweep(tmp_path, CONFIG)
    command = [sys.executable, "-m", "harness", "score", found.id, "--quiet", "--json", "--metric"]
    running = [
        subprocess.Popen([*command, metric], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for metric in ("rouge1", "chrf")
    ]
    ended = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], ended
    names = [entry["name"] for entry in StoredSweep(found.stored.folder).metrics]
    assert set(names[-2:]) == {"rouge1", "chrf"}
    assert set(summary_of(StoredSweep(found.stored.folder))["runs"][0]["metrics"]) == set(names)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("rouge9", r"--metric 1: metrics: no metric is called 'rouge9'; did you mean 'rouge"),
        ("{contains: {text: [a]}}", r"--metric 1:1:13: metrics: contains has no setting 'text'"),
        ("{weighted: {of: {rouge7: 1}}}", "no metric 'rouge7'|'rouge7'"),
        ("index_recall", "metric index_recall reads index_recall, which a run folder does not hold"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_refused(tmp_path: Path, metric: str, said: str) -> None:
    """The error names the metric and what is wrong; nothing is written."""
    found = sweep(tmp_path, CONFIG)
    with pytest.raises(UserError, match=said):
        rescored(found, tmp_path, metric)
    assert not (found.stored.folder.path / "scores").exists()


def test_the_command_shows_figures_and_prints_json(tmp_path: Path) -> None:
    """`harness score latest --metric M --json` prints the summary and the names that were scored."""
    sweep(tmp_path, CONFIG)
    command = [sys.executable, "-m", "harness", "score", "latest", "--quiet", "--metric", "rouge1"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "rouge1" in shown and "Judge calls" in shown
    printed = json.loads(subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, check=True).stdout)
    assert printed["scored"] == ["rouge1"] and printed["runs"][0]["metrics"]["rouge1"]["n"] == 6
    wrong = subprocess.run([*command[:-2]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "--metric" in wrong.stderr
