"""Two runs of sweeps side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from harness.study.comparing.pairs import _row, compare_many, compare_runs, correct, settings_between
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


def test_a_claim_that_does_not_hold_among_all_rows_says_so() -> None:
    """Verdict and sentence agree: what is below 5% alone and not corrected is no claim."""
    rows: list[dict[str, Any]] = [
        {"p": p, "verdict": verdict, "sentence": "the run is 5 points below the baseline"}
        for p, verdict in ((0.03, "worse"), (0.4, "no difference can be claimed"))
    ]
    correct(rows)
    assert rows[0]["verdict"] == "worse alone, not among 2"
    assert rows[0]["sentence"].startswith("corrected for 2 rows no difference can be claimed (p = 0.06); alone the run")
    assert rows[1]["sentence"] == "the run is 5 points below the baseline"


def test_the_sentence_names_run_and_baseline(found: Sweep) -> None:
    """Which of the two is which, and no end beyond what the metric can differ by."""
    first, *_, last = runs(found)
    said = [r["sentence"] for r in compare_runs(last, first, [], False, 0)["metrics"] if "sentence" in r]
    assert said and not any("the first" in each or "the second" in each for each in said)


def test_of_repeats_the_one_that_tells_is_shown(tmp_path: Path) -> None:
    """Right twice and wrong once against always right: the wrong answer is shown, as repeat 3 of 3."""
    (tmp_path / "bot.py").write_text(
        "import itertools\ncount = itertools.count()\n"
        "def answer(request):\n"
        "    if 'good' in request.messages[0].content:\n        return 'from 10 to 14'\n"
        "    return 'from 10 to 14' if next(count) % 3 < 2 else 'nonsense'\n"
    )
    text = CONFIG.replace("dataset: datasets/questions.jsonl", "dataset: {path: datasets/questions.jsonl, limit: 1}")
    for old, new in (
        ("local/extractive", "python:bot.py:answer"),
        ("[60, 120]", "[60]"),
        ("top_k: [1, 3]", "top_k: [1]"),
        ("similarity_threshold: [0.0, 0.2]", "system_prompt: {good: good, poor: poor}"),
    ):
        text = text.replace(old, new)
    made = sweep(tmp_path, text + "repeats: 3\nconcurrency: 1\n")
    by_label = {v["params"]["system_prompt"]: (made.stored, v) for v in made.stored.variants}
    [row] = compare_runs(by_label["poor"], by_label["good"], ["answer_match"], False, 5)["changed"]
    assert row["difference"] == pytest.approx(-1 / 3)
    assert (row["run"]["answer"], row["run"]["repeats"]) == ("nonsense", 3)
    assert row["baseline"]["answer"] == "from 10 to 14"
    [score] = [each for each in row["run"]["scores"] if each["metric"] == "answer_match"]
    assert score["value"] == 0


def test_wins_are_in_the_metrics_own_direction() -> None:
    """Where less is better a lower value is a win, for whoever asks."""
    entry = {"name": "x", "low": 0.0, "high": None, "direction": "minimize"}
    row = _row(entry, "all", (np.array([1.0, 2.0, 5.0]), np.array([2.0, 3.0, 4.0])), ["a", "b", "c"])
    assert (row["wins"], row["losses"]) == (2, 1)
