"""Judges calibrated by labels, what is kept of it, and what is said next to a judge's score."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.store import Folder, StoredSweep, additions
from harness.store.layout import HEADER, LABELS
from harness.study.judging.calibration import calibrate, counted_as_yes
from harness.study.judging.cautions import NOBODY, calibration_of, cautions, keep, poor, runs_of
from harness.study.judging.judgements import judgements_of
from harness.study.judging.labels import Label, labels_of
from harness.study.judging.sampling import draw
from harness.study.judging.sights import sights_of
from harness.study.summary import summary_of

Run = Callable[..., StoredSweep]
ROOT = Path(__file__).resolve().parents[2]
HELPDESK = f"""
dataset: {ROOT}/datasets/helpdesk/questions.jsonl
corpus: {ROOT}/datasets/helpdesk/articles
chatbot: {{model: local/extractive, retrieval: {{index: exact}}}}
sweep: {{axes: {{top_k: [1, 4]}}}}
metrics: [correct, token_f1]
"""
"""Questions about 45 articles, since few clusters can tell little."""


def label_all(stored: StoredSweep, wrong: int, by: str = "ann", metric: str = "correct") -> None:
    """Label every distinct answer with a score as the metric did, but for the first `wrong` of them."""
    scores = judgements_of(stored, metric)
    labels = []
    for number, sight in enumerate(s for s in sights_of(stored).with_passages if s.cells[0] in scores):
        score = scores[sight.cells[0]].value
        value = 1 - score if number < wrong else score
        labels.append(Label(sight.example, sight.answer, metric, value, by, context=sight.context, weight=1.0))
    additions.add_lines(stored.folder / LABELS, [label.as_json() for label in labels])


def as_judge(stored: StoredSweep, metric: str = "correct") -> StoredSweep:
    """The sweep with a metric declared a judge."""
    header = json.loads((stored.folder.path / HEADER).read_text())
    for entry in header["metrics"]:
        entry["judge"] = entry["name"] == metric
    (stored.folder.path / HEADER).write_text(json.dumps(header))
    return StoredSweep(stored.folder)


def test_labels_of_all_answers_give_the_means_of_people(run: Run) -> None:
    """With every answer labelled the corrected mean is the mean of the labels over the cells."""
    stored = run()
    label_all(stored, wrong=9)
    found = calibrate(stored, "correct", labels_of(stored))
    sights = sights_of(stored).with_passages
    scores = judgements_of(stored, "correct")
    values = [abs(scores[s.cells[0]].value - (i < 9)) for i, s in enumerate(sights) for _ in s.cells]
    assert found["labels"] == found["answers"] == len(sights)
    assert found["overall"]["mean"] == pytest.approx(sum(values) / len(values))
    assert found["overall"]["raw"] == pytest.approx(sum(s.value for s in scores.values()) / len(scores))
    assert found["agreement"]["agree"] == pytest.approx(1 - 9 / len(sights))
    assert found["cautions"] == []


def test_variants_with_few_labels_are_not_corrected(run: Run) -> None:
    """Eight answers each: their rows say how many are missing; all together have enough."""
    stored = run()
    label_all(stored, wrong=3)
    found = calibrate(stored, "correct", labels_of(stored))
    assert found["overall"]["mean"] is not None
    assert all(row["mean"] is None and "12 more" in row["note"] for row in found["variants"])


@pytest.mark.parametrize("shown", [False, True])
def test_each_variant_keeps_its_own_score_of_an_answer_that_others_gave_too(run: Run, shown: bool) -> None:
    """Means before correction are those of the summary, also where equal answers stand over other passages."""
    stored = run(HELPDESK.replace("token_f1", "recall@4").replace("[1, 4]", "[1, 2, 4]"))
    scores = judgements_of(stored, "recall@4")
    shared = [s for s in sights_of(stored).plain if len({scores[c].value for c in s.cells if c in scores}) > 1]
    assert len(shared) > 10  # equal answers of unequal score
    labels = [
        Label(s.example, s.answer, "recall@4", 1.0, "ann", context=s.context if shown else "", weight=1.0)
        for s in sights_of(stored).with_passages
    ]
    found = calibrate(stored, "recall@4", labels)
    raw = {row["variant"]: row["raw"] for row in found["variants"]}
    means = {run["variant"]: run["metrics"]["recall@4"]["mean"] for run in summary_of(stored)["runs"]}
    assert len(set(means.values())) == 3
    assert raw == pytest.approx(means, abs=1e-12)
    differences = {row["variant"]: row["raw"] for row in found["differences"]}
    assert differences == pytest.approx({v: means[v] - means[found["best"]] for v in differences}, abs=1e-12)
    said = [caution for caution in found["cautions"] if "without the passages" in caution]
    assert [caution.split()[0] for caution in said] == ([] if shown else [str(len(shared))])


def test_a_yes_is_what_passes_the_threshold(run: Run) -> None:
    """With `at_most: 0` a 0 is a yes: people who agree with every value have kappa 1. `at` overrides it."""
    stored = run(HELPDESK.replace("token_f1", "{answer_match: {as: copied, at_most: 0}}"))
    label_all(stored, wrong=0, metric="copied")
    agreed = calibrate(stored, "copied", labels_of(stored))["agreement"]
    wrong = sum(label.value == 0 for label in labels_of(stored))
    assert (agreed["kappa"], agreed["agree"], agreed["yes"], agreed["note"]) == (1, 1, "0 and below", "")
    assert agreed["table"]["true_positive"] == wrong > 0
    assert calibrate(stored, "copied", labels_of(stored), at=1.0)["agreement"]["yes"] == "1 and above"
    entry = {"direction": "maximize", "low": 0.0, "high": 1.0, "at_least": 0.2, "at_most": 0.4}
    assert counted_as_yes(entry) == (0.2, 0.4)
    assert counted_as_yes({**entry, "at_least": None, "at_most": None}) == (0.5, math.inf)


def test_two_people_are_compared(run: Run) -> None:
    """Their agreement is told; where they differ, the label is their mean."""
    stored = run()
    label_all(stored, wrong=0)
    label_all(stored, wrong=5, by="bob")
    found = calibrate(stored, "correct", labels_of(stored))
    [row] = found["people"]
    assert (row["people"], row["n"]) == (["ann", "bob"], found["labels"])
    assert row["agree"] == pytest.approx(1 - 5 / found["labels"])
    assert found["by"] == ["ann", "bob"]


def test_a_calibration_is_kept_by_the_judge_and_the_newest_counts(run: Run) -> None:
    """Two records side by side; another identity has none; the folder of them is no sweep."""
    stored = run()
    label_all(stored, wrong=0)
    identity = next(entry["identity"] for entry in stored.metrics if entry["name"] == "correct")
    runs = runs_of(stored)
    assert calibration_of(runs.uri, identity) is None
    keep(stored, calibrate(stored, "correct", labels_of(stored)))
    first = calibration_of(runs.uri, identity)
    label_all(stored, wrong=20)
    keep(stored, calibrate(stored, "correct", labels_of(stored)))
    second = calibration_of(runs.uri, identity)
    assert first is not None and second is not None
    assert first["agree"] == 1 > second["agree"]
    assert second["labels"] == len(sights_of(stored).with_passages)
    assert calibration_of(runs.uri, {"use": "other"}) is None
    assert Folder(runs.uri).sweeps() == [stored.id]


def test_a_calibration_of_fewer_labels_does_not_displace_one_of_more(run: Run) -> None:
    """The record with the most labels counts, however old it is."""
    stored = run()
    label_all(stored, wrong=3)
    many = calibrate(stored, "correct", labels_of(stored))
    few = calibrate(stored, "correct", labels_of(stored)[:15])
    for found in (many, few):
        keep(stored, found)
    record = calibration_of(runs_of(stored), many["identity"])
    assert record is not None
    assert record["labels"] == many["labels"] > few["labels"] == 15


@pytest.mark.parametrize("at", [-1, 0, 1.5, 5, float("nan"), float("inf")])
def test_a_cut_off_the_scale_is_refused(run: Run, at: float) -> None:
    """It would call every value a yes, or every one a no; the message has the bounds."""
    stored = run()
    label_all(stored, wrong=3)
    with pytest.raises(UserError, match="give a number above 0 and at most 1"):
        calibrate(stored, "correct", labels_of(stored), at)
    assert calibrate(stored, "correct", labels_of(stored), 1.0)["agreement"]["at"] == 1.0


def test_answers_drawn_for_one_metric_are_drawn_for_another(run: Run) -> None:
    """The draw is the answer's; answers that it could not reach are told."""
    stored = run()
    drawn = draw(stored, "token_f1", 24)
    sights = sights_of(stored).by_id()

    def label(line: dict[str, Any], metric: str, weight: float | None) -> Label:
        sight = sights[line["id"]]
        return Label(sight.example, sight.answer, metric, 1.0, "ann", "", sight.context, weight)

    additions.add_lines(stored.folder / LABELS, [label(line, "token_f1", 1.0).as_json() for line in drawn])
    assert calibrate(stored, "answer_match", [label(line, "answer_match", None) for line in drawn])["cautions"] == []
    labels = [label(line, "abstention", None) for line in drawn]
    [said] = calibrate(stored, "abstention", labels)["cautions"]
    scored, reached = (set(judgements_of(stored, metric)) for metric in ("abstention", "token_f1"))
    beyond = [s for s in sights_of(stored).of(scored, True) if not reached & set(s.cells)]
    assert said.startswith(f"{len(beyond)} of ") and "they have no score of token_f1" in said


def test_cautions_stand_next_to_judges_alone(run: Run) -> None:
    """Nobody calibrated it; it agrees poorly; it agrees well; other metrics are never named."""
    stored = run(HELPDESK)
    assert cautions(stored) == {}
    stored = as_judge(stored)
    assert cautions(stored) == {"correct": [NOBODY]}
    count = len(sights_of(stored).with_passages)
    label_all(stored, wrong=count // 2)
    keep(stored, calibrate(stored, "correct", labels_of(stored)))
    [said] = cautions(stored)["correct"]
    assert said.startswith("agrees poorly with people (kappa ")
    assert said.endswith(f"{count} labels)")
    label_all(stored, wrong=0)
    keep(stored, calibrate(stored, "correct", labels_of(stored)))
    assert cautions(stored) == {}


def test_poor_is_said_in_one_sentence() -> None:
    """Agreement first, then consistency; None when there is nothing to say."""
    record: dict[str, Any] = {"kappa": 0.7, "low": 0.5, "high": 0.8, "labels": 150, "consistency": []}
    assert poor(record) is None
    said = poor({**record, "kappa": 0.31, "low": 0.12, "high": 0.48})
    assert said == "agrees poorly with people (kappa 0.31, 0.12 to 0.48, 150 labels)"
    assert "better than chance" in str(poor({**record, "kappa": 0.5, "low": -0.1}))
    assert "12 labels only" in str(poor({**record, "labels": 12}))
    assert "cannot be told" in str(poor({**record, "kappa": None, "low": None, "note": "all labels are 1"}))
    row = {"judge": "gpt", "n": 100, "draws": 3, "agree": 0.71, "spread": 0.2}
    assert poor({**record, "consistency": [row]}) == "does not agree with itself (draws agree in 71% of cells)"
    assert str(poor({**record, "consistency": [row, {**row, "judge": "b", "agree": 1.0}]})).startswith("gpt does not")


def test_no_label_that_fits_is_an_error_that_helps(run: Run) -> None:
    """It names the command that draws answers; an unknown metric is named too."""
    stored = run()
    with pytest.raises(UserError, match="harness labels sample"):
        calibrate(stored, "correct", [])
    with pytest.raises(UserError, match="did you mean 'correct'"):
        calibrate(stored, "corect", [])


def test_labels_that_were_not_drawn_are_told(run: Run) -> None:
    """Corrected means of chosen answers come with a caution."""
    stored = run()
    chosen = [Label(s.example, s.answer, "correct", 1.0, "ann") for s in sights_of(stored).plain]
    found = calibrate(stored, "correct", chosen)
    assert f"{len(chosen)} of {len(chosen)} labels are not of answers drawn at random" in found["cautions"][0]


def test_drawn_answers_leave_means_true(run: Run, tmp_path: Path) -> None:
    """Over 60 samples of 24 answers, corrected means lie around the mean over all cells."""
    stored = run()
    scores = judgements_of(stored, "correct")
    sights = sights_of(stored).by_id()
    truth = sum(s.value for s in scores.values()) / len(scores)
    means = []
    for seed in range(60):
        drawn = [(sights[line["id"]], line["weight"]) for line in draw(stored, "correct", 24, seed)]
        labels = [
            Label(s.example, s.answer, "correct", scores[s.cells[0]].value, "ann", "", s.context, weight)
            for s, weight in drawn
        ]
        means.append(calibrate(stored, "correct", labels)["overall"]["mean"])
    assert sum(means) / len(means) == pytest.approx(truth, abs=0.02)


PANEL = '''
from dataclasses import dataclass
from typing import ClassVar

from harness.plugins import part
from harness.records import Verdict


@part("metric", "two_judges")
@dataclass(frozen=True)
class TwoJudges:
    """Judge a knows whether the answer names a number, judge b changes its mind in the second draw."""

    version: ClassVar[int] = 1
    direction: ClassVar[str] = "maximize"
    low: ClassVar[float | None] = 0.0
    high: ClassVar[float | None] = 1.0
    unit: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ("answer",)

    def applies(self, example):
        return True

    async def assess(self, case, asker):
        a = float(any(letter.isdigit() for letter in case.answer))
        values = [("a", 0, a), ("a", 1, a), ("b", 0, a), ("b", 1, 1 - a)]
        opinions = [{"judge": judge, "draw": draw, "value": value} for judge, draw, value in values]
        return Verdict(sum(value for _, _, value in values) / 4, None, {"opinions": opinions})
'''


def test_each_judge_of_a_panel_is_told(run: Run, tmp_path: Path) -> None:
    """The opinions in the scores' details: one judge is right and steady, the other contradicts itself everywhere."""
    (tmp_path / "panel.py").write_text(PANEL)
    stored = run(HELPDESK.replace("token_f1", "two_judges") + f"plugins: [{tmp_path}/panel.py]\n", limit=80)
    labels = [
        Label(s.example, s.answer, "two_judges", float(any(c.isdigit() for c in s.answer)), "ann", "", s.context, 1.0)
        for s in sights_of(stored).with_passages
    ]
    found = calibrate(stored, "two_judges", labels)
    assert found["judge"]
    assert [(row["judge"], row["agree"], row["draws"]) for row in found["consistency"]] == [("a", 1, 2), ("b", 0, 2)]
    first, second = found["judges"]
    assert (first["judge"], first["kappa"], first["agree"]) == ("a", 1, 1)
    assert second["sensitivity"] == 1
    assert second["specificity"] == 0
    assert found["panel"]["judges"] == 2
    keep(stored, found)
    said = cautions(stored)["two_judges"]
    assert "b does not agree with itself (draws agree in 0% of cells)" in said
