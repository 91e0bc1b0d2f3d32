"""Nights as the dashboard shows them: series and their baseline, limits, verdicts, where a loss began."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.store import Folder
from harness.store.additions import names
from harness.study.board.regression.broken import broken
from harness.study.board.regression.nightly import baseline_of, nightly_sweeps, series_of
from harness.study.board.regression.onset import began
from harness.study.board.regression.trend import ALARM, CANDIDATE, DRIFTED, QUIET, UNREADABLE, trend
from harness.study.gate.nights import WINDOWS
from tests.study.kept_nights import BAD, GOOD, Kept, delete, kept_nights


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Nine nights with their controls."""
    return kept_nights(tmp_path_factory.mktemp("nights"))


@pytest.fixture
def own(kept: Kept, tmp_path: Path) -> Kept:
    """A copy, to be changed."""
    return kept._replace(runs=Path(shutil.copytree(kept.runs, tmp_path / "runs")))


def night_files(kept: Kept) -> list[Path]:
    """The files of the one series."""
    [series] = (kept.runs / "_nights").iterdir()
    return [series / name for name in names(Folder(series), ".json")]


def test_a_series_finds_its_baseline_by_its_name(kept: Kept) -> None:
    """Among runs of the same configuration; None where it is gone, or where the folder has another name."""
    [series] = series_of(str(kept.runs))
    assert [night["number"] for night in series["nights"]] == list(range(1, 10))
    assert [night["run"] for night in series["nights"]] == kept.nights
    found = baseline_of(str(kept.runs), series["series"], series["lines"])
    pairs = [("answer_match", "all"), ("answer_match", "odd"), ("token_f1", "all"), ("token_f1", "odd")]
    assert found == (kept.baseline, pairs)
    assert baseline_of(str(kept.runs), "0" * 32, series["lines"]) is None


def test_verdicts_are_those_that_the_gate_gave(kept: Kept) -> None:
    """Quiet nights, a loss of the candidate, one of the provider, which the control of that night tells."""
    shown = trend(str(kept.runs), series_of(str(kept.runs))[0])
    assert [night["verdict"] for night in shown["nights"]] == [*[QUIET] * 5, CANDIDATE, CANDIDATE, QUIET, DRIFTED]
    quiet = [night["why"] for night in shown["nights"] if night["verdict"] == QUIET]
    assert not any(quiet), "what was kept is what is worked out anew"
    assert "is of the candidate" in shown["nights"][5]["why"][0]
    assert shown["nights"][8]["of"] == (9, 90)


def test_a_limit_is_where_the_test_alarms(kept: Kept) -> None:
    """A night that alarms has a window whose mean is beyond its limit; one that has none does not."""
    shown = trend(str(kept.runs), series_of(str(kept.runs))[0])
    for line in shown["lines"]:
        for at in range(9):
            points = [line["windows"][window][at] for window in WINDOWS]
            beyond = [point["value"] < point["limit"] for point in points if point["value"] is not None]
            reverted = at == 7  # its windows hold bad nights of another configuration
            assert any(beyond) == (points[0]["alarm"] or reverted), (line["metric"], line["slice"], at)
        assert line["windows"][3][1]["value"] is None and line["windows"][3][2]["value"] is not None
        low, high = line["band"]
        assert low < line["mean"] < high


def test_a_night_that_was_asked_again_has_the_error_of_three(kept: Kept) -> None:
    """Its range is narrower by the root of three."""
    shown = trend(str(kept.runs), series_of(str(kept.runs))[0])
    points = shown["lines"][0]["windows"][1]
    assert [night["again"] for night in shown["nights"]][4:6] == [False, True]
    once, thrice = (points[at]["high"] - points[at]["low"] for at in (4, 5))
    assert once / thrice == pytest.approx(3**0.5)


def test_the_first_bad_night_leads_the_alarm(kept: Kept) -> None:
    """The sixth of the first episode; the second is of the last night alone, and lasts until now."""
    shown = trend(str(kept.runs), series_of(str(kept.runs))[0])
    told = [tuple(each[name] for name in ("first", "last", "began", "open")) for each in shown["episodes"]]
    assert told == [(6, 7, 6, False), (9, 9, 9, True)]
    assert [episode["run"] for episode in shown["episodes"]] == [kept.nights[5], kept.nights[8]]


def test_a_small_loss_is_dated_before_its_alarm() -> None:
    """Within two nights of where it began, in nine of ten simulated quarters; a single bad night is itself."""
    random = np.random.default_rng(3)
    misses = []
    for _ in range(200):
        means = random.normal(0.8, 0.01, 30)
        means[18:] -= 0.02
        misses.append(abs(began(list(means), 0.8, 0.02) - 18))
    assert np.mean(np.array(misses) <= 2) > 0.9
    assert began([0.8, 0.81, 0.79, 0.5], 0.8, 0.3) == 3


def test_without_a_control_an_alarm_is_an_alarm(tmp_path: Path) -> None:
    """Nothing is laid to anybody, and this is said."""
    kept = kept_nights(tmp_path, ((0, GOOD), (1, BAD)), controlled=False)
    shown = trend(str(kept.runs), series_of(str(kept.runs))[0])
    assert [night["verdict"] for night in shown["nights"]] == [QUIET, ALARM]
    assert "no control was asked" in shown["nights"][1]["why"][-1]


def test_a_night_without_its_run_keeps_its_mean_and_has_no_limit(own: Kept) -> None:
    """Its rules went with the run."""
    delete(own, 2)
    shown = trend(str(own.runs), series_of(str(own.runs))[0])
    assert [night["gone"] for night in shown["nights"]] == [False, True, *[False] * 7]
    point = shown["lines"][0]["windows"][1][1]
    assert point["value"] is not None and point["limit"] is None
    assert shown["nights"][8]["verdict"] == DRIFTED


def test_what_was_kept_and_what_holds_today_may_differ(own: Kept) -> None:
    """An alarm that was taken out of a file is told; it is not put back."""
    file = night_files(own)[5]
    file.write_text(json.dumps({**json.loads(file.read_text()), "alarm": False}))
    night = trend(str(own.runs), series_of(str(own.runs))[0])["nights"][5]
    assert night["verdict"] == QUIET
    assert night["why"] == ["none was kept, but scores and rules as they are today give an alarm"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 99}',
        '{"format": 1}',
        '{"format": 1, "time": "x", "run": "a/b", "lines": ["m all"], "means": [1.0], "again": 1, "alarm": 0}',
        '{"format": 1, "time": "2026-03-01T00:00:00Z", "run": 3, "lines": 7, "means": [1], "again": 1, "alarm": 0}',
    ],
)
def test_a_file_that_is_no_night_is_a_problem_in_its_place(own: Kept, content: str) -> None:
    """The others keep their numbers and verdicts."""
    night_files(own)[0].write_text(content)
    [series] = series_of(str(own.runs))
    shown = trend(str(own.runs), series)
    assert (shown["nights"][0]["verdict"], bool(shown["nights"][0]["why"])) == (UNREADABLE, True)
    assert shown["nights"][8]["verdict"] == DRIFTED
    assert len(nightly_sweeps(str(own.runs))) == 8


def test_the_examples_that_broke_are_those_that_lost(kept: Kept) -> None:
    """Worst first, of the slice that was asked for; with rules, settings and the count of all that lost."""
    found = broken(str(kept.runs), kept.nights[5], kept.baseline, "answer_match", "odd", 5)
    assert len(found["rows"]) == 5 < found["lost"]
    assert all(int(row["example"][1:]) % 2 for row in found["rows"])
    differences = [row["difference"] for row in found["rows"]]
    assert differences == sorted(differences) and differences[0] < 0
    assert [row["setting"] for row in found["settings"]] == ["system_prompt"]
    assert [rule["holds"] for rule in found["rules"]] == [False]
    with pytest.raises(UserError, match="there is no sweep"):
        broken(str(kept.runs), "nobody/x", kept.baseline, "answer_match", "all", 5)


def test_an_empty_folder_has_no_series(tmp_path: Path) -> None:
    """Nor one that is not there, nor a series without a night."""
    (tmp_path / "_nights" / "empty").mkdir(parents=True)
    assert series_of(str(tmp_path)) == series_of(str(tmp_path / "nowhere")) == []
