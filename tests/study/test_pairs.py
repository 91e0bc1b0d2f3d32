"""Two runs of sweeps side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.multitest import multipletests

from harness.study.comparing.pairs import compare_many, compare_runs, settings_between
from harness.study.loaded import Sweep
from tests.sweeps.chains import sweep
from tests.workspaces import CONFIG

BOT = """
def answer(request):
    if "Saturdays" in request.question and len(request.passages) == 1:
        raise ValueError("no")
    return request.passages[0] if request.passages else "I don't know."
"""


def runs(found: Sweep) -> list[Any]:
    """The runs of a sweep."""
    return [(found.stored, variant) for variant in found.stored.variants]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep in which one question fails for the variants with one passage."""
    folder: Path = tmp_path_factory.mktemp("pairs")
    (folder / "bot.py").write_text(BOT)
    text = CONFIG.replace("local/extractive", "python:bot.py:answer") + "max_failures: 10\n"
    return sweep(folder, text)


def test_p_values_are_corrected_over_what_is_shown(found: Sweep) -> None:
    """Holm's correction, of all rows over all examples together, and of all rows of slices together."""
    first, *rest = runs(found)
    pairs = compare_many(rest, first, ["correct", "token_f1"], slices=True)
    rows = [row for pair in pairs for row in pair["metrics"] if "p" in row]
    for whole in (True, False):
        family = [row for row in rows if (row["slice"] == "all") == whole]
        expected = multipletests([row["p"] for row in family], method="holm")[1]
        assert [row["p_corrected"] for row in family] == pytest.approx(list(expected), abs=1e-12)
        assert pairs[0]["families"]["all" if whole else "slices"] == len(family) > 1


def test_a_failed_cell_counts_as_the_worst_score(found: Sweep) -> None:
    """The question that failed is a loss against a variant that got it right, not a pair that is left out."""
    loose = [v for v in found.stored.variants if v["params"]["similarity_threshold"] == 0]
    by_params = {(v["params"]["chunk_size"], v["params"]["top_k"]): (found.stored, v) for v in loose}
    pair = compare_runs(by_params[120, 1], by_params[120, 3], ["correct"], slices=False, changed=9)
    [row] = pair["metrics"]
    assert row["n"] == 8 and row["dropped"] == 0
    [worst] = [entry for entry in pair["changed"] if entry["example"] == "q0"]
    assert worst["difference"] == -1 and worst["answer"] is None
    assert worst["run"]["failure"].startswith("generate:") and worst["baseline"]["answer"]
    assert {score["metric"] for score in worst["baseline"]["scores"]} >= {"correct", "token_f1"}
    assert worst["baseline"]["passages"][0]["text"] == worst["baseline"]["answer"]


def test_examples_that_changed_come_worst_first(found: Sweep) -> None:
    """In the metric's own direction, and no more than asked for."""
    first, *_, last = runs(found)
    every = compare_runs(last, first, ["token_f1"], slices=False, changed=99)["changed"]
    assert [entry["difference"] for entry in every] == sorted(entry["difference"] for entry in every)
    assert compare_runs(last, first, ["token_f1"], slices=False, changed=2)["changed"] == every[:2]


def test_intervals_stay_within_what_is_possible(found: Sweep) -> None:
    """A difference of two scores of 0 to 1 is nowhere said to be beyond 1."""
    first, *rest = runs(found)
    for pair in compare_many(rest, first, [], slices=True):
        for row in pair["metrics"]:
            if "p" in row and row["metric"] in ("correct", "token_f1", "abstention"):
                assert -1 <= row["low"] <= row["difference"] <= row["high"] <= 1


def test_settings_that_differ_are_named(found: Sweep) -> None:
    """By path, with both values, nothing else."""
    by_params = {(v["params"]["chunk_size"], v["params"]["top_k"]): v for v in found.stored.variants}
    assert settings_between(by_params[60, 1], by_params[120, 1]) == [
        {"setting": "retrieval.splitter.chunk_size", "before": 60, "after": 120}
    ]
