"""The plugin in real pytest processes, found by its entry point."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.pytest_plugin.teams import ONE, output, put, sweeps
from tests.workspaces import write

COUNTED = """
import os

def answer(request):
    with open(os.path.join(os.path.dirname(__file__), "asked"), "a") as file:
        file.write("x")
    return request.passages[0]
"""
"""A bot that leaves a mark in a file for each answer that it was really asked for."""


def test_without_a_marker_nothing_of_it_is_active(team: pytest.Pytester) -> None:
    """No part of harness is imported but the plugin itself, nothing is run, nothing is said."""
    put(
        team,
        """
        import sys
        def test_plain():
            loaded = {name for name in sys.modules if name.split(".")[0] == "harness"}
            assert loaded == {"harness", "harness.pytest_plugin"}
        """,
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "harness: " not in output(result) and not sweeps(team)


def test_what_pytest_loads_at_its_start_is_two_small_modules() -> None:
    """The plugin brings nothing along that pytest has not loaded already."""
    code = """
    import sys, pytest
    before = set(sys.modules)
    import harness.pytest_plugin
    print(*sorted(set(sys.modules) - before))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == [
        "harness",
        "harness.pytest_plugin",
    ]


def test_a_sweep_is_run_once_and_its_answers_are_kept(team: pytest.Pytester) -> None:
    """Three tests, one sweep; the next session asks nothing; `fresh` asks again."""
    write(team.path / "bot.py", COUNTED)
    write(team.path / "configs/counted.yaml", ONE.replace("local/extractive", "python:bot.py:answer"))
    put(
        team,
        """
        pytestmark = pytest.mark.harness("configs/counted.yaml")
        def test_one(run): assert run.metric("token_f1") >= 0.01
        def test_two(sweep): assert sweep.best.metric("token_f1").mean > 0.1
        class TestThree:
            def test_it(self, harness_run, harness_sweep): assert harness_sweep.runs == [harness_run]
        """,
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["harness: 1 sweep, 1 run, 8 cells; 8 answers made, 0 cached, USD 0 (*-small-*)"])
    assert len(sweeps(team)) == 1
    result = team.runpytest_subprocess()
    result.stdout.fnmatch_lines(["harness: 1 sweep, 1 run, 8 cells; 0 answers made, 8 cached, USD 0 (*)"])
    assert (team.path / "asked").read_text() == "x" * 8
    put(team, '@pytest.mark.harness("configs/counted.yaml", fresh=True)\ndef test_it(run): pass\n')
    team.runpytest_subprocess().assert_outcomes(passed=1)
    assert (team.path / "asked").read_text() == "x" * 16


def test_a_failing_assertion_tells_what_it_rests_on_in_full(team: pytest.Pytester) -> None:
    """Mean, interval, n, what is needed, the run and three examples, without -v; the plain mean likewise."""
    put(
        team,
        """
        pytestmark = pytest.mark.harness("configs/one.yaml")
        def test_bound(run): assert run.metric("token_f1", tag="even") >= 0.99
        def test_mean(run): assert run.metric("token_f1").mean >= 0.99
        """,
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(failed=2)
    [sweep] = sweeps(team)
    result.stdout.fnmatch_lines(
        [
            "E * assert token_f1 of even >= 0.99",
            "E * mean 0.*, 95% interval 0.* to *, n 3 of 3",
            "E * 3 examples show only that it is above 0.*; more would not help, the mean is not above 0.99",
            f"E * run {sweep}/*; worst examples:",
            "E * [[]q0] 0.*: When is the shop open on *",
            "E * [[]q*",
            "E * [[]q*",
            "E * assert token_f1.mean >= 0.99",
        ]
    )
    assert "truncated" not in output(result)


def test_the_nearest_marker_holds_and_files_are_found_upwards(team: pytest.Pytester) -> None:
    """A test changes what its module asks for; a file is looked for from the test upwards."""
    put(
        team,
        """
        pytestmark = pytest.mark.harness("configs/many.yaml", set={"top_k": 3, "similarity_threshold": 0.0}, limit=6)
        @pytest.mark.harness(chunk_size=[60])
        def test_changed(run):
            assert run.params == {"chunk_size": 60, "top_k": 3, "similarity_threshold": 0.0}
            assert len(run.examples()) == 6
        @pytest.mark.harness(limit=2)
        def test_nearest(sweep):
            assert len(sweep) == 2 and len(sweep.runs[0].examples()) == 2
        @pytest.mark.harness("configs/one.yaml")
        def test_another(run):
            assert len(run.examples()) == 8
        @pytest.mark.harness("configs/many.yaml", variant="chunk_size=60, top_k=1, similarity_threshold=0.2")
        def test_variant(run):
            assert run.params["top_k"] == 1
        @pytest.mark.harness("configs/one.yaml", runs="elsewhere", repeats=2)
        def test_elsewhere(run, request):
            assert len(run.examples()) == 16 and run.example("q1", repeat=1).repeat == 1
            assert len(list((request.config.rootpath / "elsewhere").iterdir())) == 1
        """,
        "bots/shop/tests/test_bot.py",
    )
    result = team.runpytest_subprocess("bots/shop/tests")
    result.assert_outcomes(passed=5)


def test_workers_share_one_sweep_and_one_report_is_written(team: pytest.Pytester) -> None:
    """With pytest-xdist each sweep is run by one worker, the totals are of all, even where fresh answers are asked."""
    put(
        team,
        """
        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.harness("configs/one.yaml", fresh=True)
        def test_it(run, number): assert run.metric("token_f1") >= 0
        """,
    )
    result = team.runpytest_subprocess("-n", "2", "--dist", "each", "--harness-report", "pages")
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["harness: 1 sweep, 1 run, 8 cells; 8 answers made, 0 cached, USD 0 (*)"])
    [sweep] = sweeps(team)
    assert [page.name for page in (team.path / "pages").iterdir()] == [f"{sweep}.html"]


def test_warnings_of_libraries_are_no_errors_of_the_sweep(team: pytest.Pytester) -> None:
    """A project whose tests turn warnings into errors keeps doing so for its own code alone."""
    bot = 'import warnings\ndef answer(request):\n    warnings.warn("old", DeprecationWarning)\n    return "x"\n'
    write(team.path / "old.py", bot)
    config = ONE.replace("local/extractive", "python:old.py:answer").replace("index: exact", "index: chroma")
    write(team.path / "configs/old.yaml", config)
    put(team, '@pytest.mark.harness("configs/old.yaml")\ndef test_it(run): assert not run.failures\n')
    team.runpytest_subprocess("-W", "error").assert_outcomes(passed=1, warnings=1)
