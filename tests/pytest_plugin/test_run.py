"""What a test gets in hand: runs, figures, cells, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import Incomplete, UserError
from harness.pytest_plugin.run import Run
from harness.pytest_plugin.swept import Swept
from harness.pytest_plugin.telling import told, totals
from harness.store import StoredSweep
from harness.study.slices import slices
from tests.workspaces import CONFIG, write

Start = Callable[..., StoredSweep]
ILL = '''
def answer(request):
    """Passages; no answer to some."""
    if "parcels" in request.question:
        raise RuntimeError("the bot is ill")
    return request.passages[0] if request.passages else "I don't know."
'''
TAKEN: dict[str, Any] = {"sweep": "s", "runs": 2, "cells": 8, "failed": 0, "made": 8, "cached": 0, "judged": 0}


@pytest.fixture
def swept(run: Start) -> Swept:
    """The sweep of the small workspace: eight variants, eight examples."""
    return Swept(run())


@pytest.fixture
def ill(run: Start, tmp_path: Any) -> Run:
    """One run, of which one of eight cells has no answer."""
    write(tmp_path / "bot.py", ILL)
    text = CONFIG.replace("local/extractive", "python:bot.py:answer").split("sweep:")[0]
    text += "metrics: [token_f1, correct, latency_ms]\nobjective: {maximize: correct}\nmax_failures: 0.5\n"
    return Swept(run(text)).only


def test_figures_are_those_of_the_summary_and_of_its_slices(swept: Swept) -> None:
    """A test that passes and `harness show` speak of the same numbers."""
    by_tag = {entry["tag"]: entry["runs"] for entry in slices(swept.loaded.stored)["slices"]}
    for place, run in enumerate(swept):
        for tag, figures in ((None, swept.summary["runs"][place]), ("odd", by_tag["odd"][place])):
            for name in run.metrics:
                figure, shown = run.metric(name, tag), figures["metrics"][name]
                assert figure.mean == shown["mean"]
                assert (figure.low, figure.high) == (shown["low"], shown["high"])
                assert (figure.n, figure.planned, figure.failed) == (shown["n"], shown["planned"], shown["failed"])


def test_a_comparison_holds_only_where_the_data_bear_it_out(swept: Swept) -> None:
    """Close to its mean a figure is neither above nor below; `at_least` and `at_most` are where that begins."""
    figure = swept.best.metric("token_f1")
    assert figure.at_least is not None and figure.at_most is not None
    assert figure.at_least < figure.mean < figure.at_most
    assert not figure >= figure.mean and not figure <= figure.mean
    assert figure >= figure.at_least and not figure > figure.at_least and not figure >= figure.at_least + 1e-9
    assert figure <= figure.at_most and not figure < figure.at_most and not figure <= figure.at_most - 1e-9
    assert figure.at_least - 0.1 <= figure and figure.at_most + 0.1 > figure
    assert figure.mean + 0.0 == float(figure.mean)


@pytest.mark.parametrize(
    ("compared", "complaint"),
    [
        (lambda figure: bool(figure), "neither true nor false"),
        (lambda figure: figure == 0.5, "equals no number"),
        (lambda figure: figure != 0.5, "equals no number"),
        (lambda figure: figure >= True, "give a number"),
        (lambda figure: figure >= float("nan"), "give a number"),
        (lambda figure: figure >= "0.5", "give a number"),
        (lambda figure: figure >= figure, "run.no_worse_than"),
    ],
)
def test_what_could_pass_by_mistake_is_refused(swept: Swept, compared: Any, complaint: str) -> None:
    """`assert run.metric(…)` and `!= 0.5` are no tests."""
    with pytest.raises(UserError, match=complaint):
        compared(swept.best.metric("token_f1"))


def test_unknown_names_are_told_with_the_nearest(swept: Swept) -> None:
    """Metrics, tags, examples, variants and axes alike."""
    run = swept.best
    for asked, complaint in (
        (lambda: run.metric("token_f2"), "did you mean 'token_f1'"),
        (lambda: run.metric("token_f1", tag="ood"), "did you mean 'odd'"),
        (lambda: run.example("q9"), "it has q0, q1, q2, q3, q4, …"),
        (lambda: run.example("q0", repeat=1), "has 1 repeats of 'q0'"),
        (lambda: run.examples("ood"), "did you mean 'odd'"),
        (lambda: run.example("q0").scores["token_f2"], "did you mean 'token_f1'"),
        (lambda: run.example("q6").scores["token_f1"], "does not apply"),
        (lambda: swept["chunk_size=61"], "no variant"),
        (lambda: swept.run(topk=3), "did you mean 'top_k'"),
        (lambda: swept.run(top_k=3), "4 runs with top_k=3"),
        (lambda: swept.only, "8: chunk_size=60, top_k=1"),
        (lambda: run.no_worse_than("production"), "no baseline 'production'"),
        (lambda: run.no_worse_than(swept.runs[0], margin={"token_f2": 0.1}), "did you mean 'token_f1'"),
        (lambda: run.no_worse_than(swept.runs[0], slice=["odd"]), "did you mean 'slices'"),
        (lambda: run.no_worse_than(swept.runs[0], margins={}), "give it as margin="),
    ):
        with pytest.raises(UserError, match=complaint):
            asked()


def test_runs_are_found_by_settings_and_by_label(swept: Swept) -> None:
    """Two ways to the same run."""
    run = swept.run(chunk_size=60, top_k=3, similarity_threshold=0.2)
    assert run is swept["chunk_size=60, top_k=3, similarity_threshold=0.2"]
    assert run.params == {"chunk_size": 60, "top_k": 3, "similarity_threshold": 0.2}
    assert len(swept) == 8 and swept.best.id == f"{swept.id}/{swept.summary['best']['variant']}"


def test_a_cell_has_its_answer_passages_and_scores(swept: Swept) -> None:
    """What a reader needs to judge one answer."""
    cell = swept.run(chunk_size=120, top_k=3, similarity_threshold=0.0).example("q2")
    assert "30 days" in cell.answer and cell.references == ["30 days"] and cell.tags == ["even"]
    assert cell.passages[0]["document"] == "returns.md" and "30 days" in cell.passages[0]["text"]
    assert cell.scores["answer_match"] == 1.0 and cell.failure is None
    assert [c.id for c in swept.best.examples("odd")] == ["q1", "q3", "q5", "q7"]
    assert swept.best.failures == []


def test_a_cell_without_an_answer_makes_no_test_pass(ill: Run) -> None:
    """It counts as the worst, has no answer to look into, and is among the failures."""
    figure = ill.metric("token_f1")
    assert (figure.n, figure.planned, figure.failed) == (5, 6, 1)
    assert figure.lower is not None and figure.lower.mean == pytest.approx(figure.mean * 5 / 6)
    with pytest.raises(Incomplete, match=r"q5 has no answer: generate: .*the bot is ill"):
        assert "parcels" not in ill.example("q5").answer
    with pytest.raises(Incomplete, match=r"no score by token_f1: .*the bot is ill"):
        assert ill.example("q5").scores["token_f1"] < 1
    [failed] = ill.failures
    assert (failed.example, failed.metric) == ("q5", None)
    assert "the bot is ill" in repr(failed)


def test_latency_has_no_upper_bound_where_a_call_failed(ill: Run) -> None:
    """The range is open: one cell without an answer may have taken for ever."""
    figure = ill.metric("latency_ms")
    assert figure.at_most is None and not figure <= 1e9
    lines = told("<=", figure, 1e9)
    assert lines is not None and "1 cell without a score could be anything" in lines[2]


def test_a_failing_assertion_tells_what_it_rests_on(ill: Run) -> None:
    """Mean, interval, n, failed, what would be needed, the run, and three examples, failed ones first: eight lines."""
    lines = told(">=", ill.metric("token_f1"), 0.9)
    assert lines is not None
    text = "\n".join(lines)
    assert len(lines) <= 8 and sum(map(len, lines)) <= 640
    assert lines[0] == "token_f1 >= 0.9"
    assert "95% interval" in lines[1] and "n 5 of 6, 1 failed" in lines[1]
    assert "6 examples in 3 clusters show only that it is above" in lines[2] and ill.id in lines[3]
    assert lines[4].startswith("[q5] no score:") and "failed: generate" in lines[4]
    assert len(told(">=", ill.metric("token_f1"), 0.9, long=True) or []) == 10, text
    assert told(">=", ill.metric("token_f1").mean, 0.9) == ["token_f1.mean >= 0.9", lines[1], *lines[3:]]


def test_a_comparison_from_the_right_is_told_as_from_the_left(ill: Run) -> None:
    """`0.9 <= figure` is `figure >= 0.9`; what is no figure is left to pytest."""
    figure = ill.metric("token_f1")
    assert told("<=", 0.9, figure) == told(">=", figure, 0.9)
    assert told("<", 0.9, 0.5) is None and told("in", figure, []) is None and told("<", "a", figure) is None


def test_a_run_against_another_is_judged_by_the_gate(swept: Swept) -> None:
    """Eight examples cannot tell, which is no pass; with a margin of nearly all they can."""
    worse, better = swept.run(chunk_size=60, top_k=1, similarity_threshold=0.2), swept.best
    with pytest.raises(AssertionError, match=r"cannot tell: correct .* examples would settle it"):
        better.no_worse_than(worse)
    found = better.no_worse_than(worse, margin={"correct": 0.9}, slices=["odd"])
    assert found.verdict == "pass" and [row.slice for row in found.rows] == ["all", "odd"]
    assert better.against(worse).exit_code == 4


def test_totals_do_not_hide_an_unknown_price() -> None:
    """A sum with an unknown part is unknown."""
    [line] = totals([{**TAKEN, "usd": 0.5}, {**TAKEN, "usd": None, "judged": 3}])
    assert line.startswith("harness: 2 sweeps, 4 runs, 16 cells; 16 answers made, 0 cached, 3 judge calls, USD unknown")
