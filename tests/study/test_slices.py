"""Figures by tag: the same as those of the examples alone, with honest words on what they rest on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.cli.main import command
from harness.config import load
from harness.store import StoredSweep
from harness.study.loaded import Sweep
from harness.study.slices import slices, slices_of_run
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import CONFIG, make_workspace, write

Run = Callable[..., StoredSweep]
HEAD = CONFIG.split("metrics:")[0]
METRICS = "metrics: [correct, {token_f1: {at_least: 0.5}}, context_tokens]\nobjective: {maximize: correct}\n"


def tagged(
    folder: Path, tags: list[list[str]], metrics: str = METRICS, *overrides: str, alone: bool = False
) -> StoredSweep:
    """The small sweep with these tags for its eight questions, each a cluster `alone` or by evidence."""
    path = make_workspace(folder, HEAD + metrics)
    lines = [json.loads(line) for line in (folder / "datasets/questions.jsonl").read_text().splitlines()]
    rows = [
        json.dumps({**line, "tags": own, **({"cluster": line["id"]} if alone else {})})
        for line, own in zip(lines, tags, strict=True)
    ]
    write(folder / "datasets/questions.jsonl", "\n".join(rows) + "\n")
    return run_sweep(load(path, overrides), Options(), Progress())


def shown(folder: Path, *arguments: str) -> str:
    """What `harness show` prints."""
    done = CliRunner().invoke(command, ["show", *arguments, "--runs", str(folder / "runs")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_slice_has_the_mean_of_its_own_scores(run: Run) -> None:
    """Every figure can be had again with pandas; shares that pass and quantiles are those of the slice."""
    sweep = Sweep(run(HEAD + METRICS + "repeats: 2\n"))
    found = slices(sweep.stored)
    assert [(entry["tag"], entry["examples"]) for entry in found["slices"]] == [("even", 4), ("odd", 4)]
    scores = sweep.scores.merge(sweep.examples[["example", "tags"]], on="example")
    for entry in found["slices"]:
        own = scores[scores["tags"].map(lambda tags, tag=entry["tag"]: tag in tags)]
        for row in entry["runs"]:
            for name, figure in row["metrics"].items():
                values = own[(own["variant"] == row["variant"]) & (own["metric"] == name)]["value"].dropna()
                assert figure["mean"] == pytest.approx(values.mean(), abs=1e-12)
                assert figure["n"] == len(values)
                if name == "token_f1":
                    assert figure["passed"]["share"] == pytest.approx((values >= 0.5).mean())
                if name == "context_tokens":
                    assert figure["quantiles"]["p90"] == pytest.approx(np.quantile(values, 0.9))


def test_a_slice_that_holds_all_examples_is_the_sweep(tmp_path: Path) -> None:
    """Same figures, same interval, same ranking as the summary: nothing is lost in the cutting."""
    stored = tagged(tmp_path, [["all"]] * 8)
    [entry] = slices(stored)["slices"]
    summary = summarise(stored)
    assert {r["variant"]: r["metrics"] for r in entry["runs"]} == {r["variant"]: r["metrics"] for r in summary["runs"]}
    assert entry["best_set"] == summary["best_set"]
    assert entry["detectable"] == summary["detectable"]
    assert entry["clusters"] == 5


def test_an_example_counts_in_each_of_its_slices(tmp_path: Path) -> None:
    """Tags overlap; what has none is in no slice, and does not change one."""
    some = [["a"], ["a", "b"], [], [], [], [], [], []]
    found = slices(tagged(tmp_path, some))
    assert [(entry["tag"], entry["examples"]) for entry in found["slices"]] == [("a", 2), ("b", 1)]


def test_the_number_of_slices_is_told_and_corrected_for(tmp_path: Path) -> None:
    """What one look shows beyond noise, the same look taken forty times does not: p is forty times as large."""
    metrics = METRICS.replace("maximize: correct", "minimize: context_tokens")
    two = "sweep.axes={chunk_size: [60, 120]}"
    [one] = slices(tagged(tmp_path / "one", [["x"]] * 8, metrics, two, alone=True))["slices"]
    tags = [f"tag {number}" for number in range(40)]
    forty = slices(tagged(tmp_path / "forty", [tags] * 8, metrics, two, alone=True))
    assert forty["count"] == 40
    assert "40 slices were looked at" in forty["note"]
    [_, second] = one["places"]
    assert len(one["best_set"]) == 1
    assert second["p"] < 0.05 < 40 * second["p"]
    for entry in forty["slices"]:
        assert entry["places"][1]["p"] == pytest.approx(min(1.0, 40 * second["p"]))
        assert len(entry["best_set"]) == 2


def test_a_slice_with_few_clusters_says_so(tmp_path: Path) -> None:
    """One cluster gives no interval, four give one with a caution."""
    entries = {e["tag"]: e for e in slices(tagged(tmp_path, [["lone"], *[["rest"]] * 7]))["slices"]}
    assert entries["lone"]["caution"] == "only 1 cluster: intervals from fewer than 30 are rough"
    figure = entries["lone"]["runs"][0]["metrics"]["correct"]
    assert figure["n"] == 1
    assert figure["low"] is None
    assert entries["rest"]["caution"].startswith("only 5 clusters")


def test_without_tags_there_are_no_slices(tmp_path: Path) -> None:
    """That is told, and is no error."""
    found = slices(tagged(tmp_path, [[]] * 8))
    assert found == {"count": 0, "note": "no example has a tag", "slices": []}
    assert "no example has a tag" in shown(tmp_path, "latest", "--tag")


def test_a_run_has_its_own_figures_in_each_slice(run: Run) -> None:
    """The metrics of that variant, no ranking."""
    stored = run(HEAD + METRICS)
    found = slices(stored)
    variant = stored.variants[3]["id"]
    own = slices_of_run(found, variant)
    assert own["count"] == found["count"]
    for entry, whole in zip(own["slices"], found["slices"], strict=True):
        assert set(entry) == {"tag", "examples", "clusters", "caution", "metrics"}
        assert entry["metrics"] == whole["runs"][3]["metrics"]


def test_show_prints_slices_only_when_asked(run: Run, tmp_path: Path) -> None:
    """A sweep's ranking and a run's figures by tag, for people and as JSON."""
    stored = run(HEAD + METRICS)
    name = f"{stored.id}/{stored.variants[0]['id']}"
    assert "slices" not in json.loads(shown(tmp_path, stored.id, "--json"))
    sweep, own = (json.loads(shown(tmp_path, what, "--tag", "--json")) for what in (stored.id, name))
    assert sweep["slices"] == slices(stored)["slices"]
    assert own["slices"] == slices_of_run(slices(stored), stored.variants[0]["id"])["slices"]
    assert "2 slices were looked at" in own["slices_note"]
    text = shown(tmp_path, stored.id, "--tag")
    assert "correct by tag" in text
    assert "Caution: even: only 4 clusters" in text
    text = shown(tmp_path, name, "--tag")
    assert "Scores by tag" in text
    assert "Scores by tag" not in shown(tmp_path, name)


def test_failed_cells_count_in_their_slice(tmp_path: Path) -> None:
    """A slice tells its failures, and its ranking counts them as wrong."""
    config = CONFIG.split("metrics:")[0].replace("local/extractive", "python:bot.py:answer") + METRICS
    path = make_workspace(tmp_path, config + "max_failures: 1.0\n")
    write(tmp_path / "bot.py", "def answer(request):\n    return 'x' if 'parcels' not in request.question else 1 / 0\n")
    found = slices(run_sweep(load(path), Options(), Progress()))
    counts = {entry["tag"]: entry["runs"][0]["metrics"]["correct"]["failed"] for entry in found["slices"]}
    assert counts == {"even": 0, "odd": 1}
