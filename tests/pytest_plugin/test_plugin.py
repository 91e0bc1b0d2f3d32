"""The plugin in real pytest processes, found by its entry point."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import command
from tests.loopback import Loopback
from tests.workspaces import CONFIG, make_workspace, write

ONE = CONFIG.split("sweep:")[0] + "metrics: [correct, token_f1]\nobjective: {maximize: correct}\n"
HOSTED = ONE.replace("local/extractive", "{use: openai/far-away, base_url: '%s/v1'}")
COUNTED = '''
"""A bot that leaves a line in a file for each answer that it was really asked for."""
import os

def answer(request):
    with open(os.path.join(os.path.dirname(__file__), "asked"), "a") as file:
        file.write("x")
    return request.passages[0]
'''

ILL = """
def answer(request):
    if "parcels" in request.question:
        raise ValueError("ill")
    return "from 10 to 14"
"""


@pytest.fixture
def team(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a workspace and no tests yet, on a machine that is no CI and has no key."""
    for variable in ("CI", "BUILD_NUMBER", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    make_workspace(pytester.path, ONE, "one.yaml")
    make_workspace(pytester.path, CONFIG, "many.yaml")
    return pytester


def put(team: pytest.Pytester, text: str, file: str = "tests/test_bot.py") -> None:
    """Write a file of tests."""
    write(team.path / file, "import pytest\n" + textwrap.dedent(text))


def sweeps(team: pytest.Pytester) -> list[str]:
    """The ids of the sweeps that were run."""
    folder = team.path / "runs"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def output(result: pytest.RunResult) -> str:
    """What the process printed."""
    return result.stdout.str()


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


def test_mistakes_are_errors_that_say_what_to_do(team: pytest.Pytester) -> None:
    """None of them is a pass, and none shows a traceback of ours."""
    mistakes = {
        "no_marker": ("", "this test has no marker; write @pytest.mark.harness("),
        "no_file": ("limit=3", "@pytest.mark.harness names no sweep file"),
        "no_such_file": ('"configs/on.yaml"', "did you mean 'configs/one.yaml'?"),
        "two_files": ('"a.yaml", "b.yaml"', "takes one sweep file"),
        "setting": ('"configs/one.yaml", topk=3', "'topk' is no setting*did you mean 'top_k'"),
        "value": ('"configs/one.yaml", top_k=object()', "top_k is <object object at *, which a sweep file cannot hold"),
        "limit": ('"configs/one.yaml", limit=0', "limit is 0; give a whole number of examples, from 1"),
        "set": ('"configs/one.yaml", set=["top_k=3"]', "give a mapping, such as set={"),
        "many": ('"configs/many.yaml"', "has 8: chunk_size=60, top_k=1, *take the fixture 'sweep'"),
        "variant": ('"configs/many.yaml", variant="top"', "has no variant 'top'"),
    }
    for name, (arguments, _) in mistakes.items():
        marker = f"@pytest.mark.harness({arguments})\n" if arguments else ""
        put(team, f"{marker}def test_it(run): pass\n", f"tests/test_{name}.py")
    put(
        team,
        '@pytest.mark.harness("configs/one.yaml")\ndef test_it(run): assert run.metric("tokenf1") >= 0\n',
        "tests/test_metric.py",
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(errors=len(mistakes), failed=1)
    text = " ".join(output(result).split())
    for _, complaint in mistakes.values():
        position = 0
        for piece in complaint.split("*"):
            assert piece in text[position:], piece
            position = text.index(piece, position)
    result.stdout.fnmatch_lines(["E *UserError: * has no metric 'tokenf1'; did you mean 'token_f1'? *"])
    assert "pytest_plugin" not in text and "Traceback" not in text


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


def test_a_provider_that_fails_is_asked_once_and_is_no_pass(
    team: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key: both tests are errors with the provider's own reason; what it took is told."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test")
    with Loopback() as server:
        server.fail(1000, 401)
        write(team.path / "configs/hosted.yaml", HOSTED % server.url)
        put(
            team,
            """
            pytestmark = pytest.mark.harness("configs/hosted.yaml", concurrency=1)
            def test_one(run): assert run.metric("token_f1") >= 0
            def test_two(run): assert not run.failures
            """,
        )
        result = team.runpytest_subprocess()
        result.assert_outcomes(errors=2)
        assert server.count("/v1/chat/completions") == 1
    text = output(result)
    assert "401" in text and "sk-of-the-test" not in text
    result.stdout.fnmatch_lines(["harness: 1 sweep, 1 run, *"])


def test_failed_cells_count_as_the_worst(team: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few enough failures for the sweep to end: the mean is of the rest, the comparison is not."""
    write(team.path / "ill.py", ILL)
    config = ONE.replace("local/extractive", "python:ill.py:answer") + "max_failures: 0.5\n"
    write(team.path / "configs/ill.yaml", config.replace("[correct, token_f1]", "[latency_ms, correct]"))
    put(
        team,
        """
        pytestmark = pytest.mark.harness("configs/ill.yaml")
        def test_mean(run): assert run.metric("latency_ms").mean < 1e4 and run.metric("latency_ms").failed == 1
        def test_figure(run): assert run.metric("latency_ms") < 1e4
        def test_answer(run): assert "sorry" not in run.example("q5").answer
        def test_failures(run): assert not run.failures
        """,
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=3)
    text = output(result)
    assert "no bound, since 1 cell without a score could be anything" in text
    assert "q5 has no answer: generate: " in text and "<q5: no answer: generate: " in text
    result.stdout.fnmatch_lines(["harness: 1 sweep, 1 run, 8 cells; 8 answers made, *, 1 cell failed (*)"])


def test_a_missing_key_is_an_error_or_a_skip_and_offline_skips_what_is_far(team: pytest.Pytester) -> None:
    """The variable is named; nothing is asked; what is local runs."""
    write(team.path / "configs/hosted.yaml", ONE.replace("local/extractive", "openai/gpt-4o-mini"))
    put(
        team,
        """
        @pytest.mark.harness("configs/hosted.yaml")
        def test_far(run): assert run.metric("token_f1") >= 0
        @pytest.mark.harness("configs/one.yaml")
        def test_near(run): assert run.metric("token_f1") >= 0
        """,
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    assert "environment variable OPENAI_API_KEY: is not set" in output(result)
    for option, reason in (
        ("--harness-skip-missing-keys", "not in the environment: OPENAI_API_KEY"),
        ("--harness-offline", "asked over the network: openai/gpt-4o-mini"),
    ):
        result = team.runpytest_subprocess(option, "-rs")
        result.assert_outcomes(passed=1, skipped=1)
        result.stdout.fnmatch_lines([f"SKIPPED * {option}, and {reason}"])
    assert len(sweeps(team)) == 3


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


def test_an_interrupt_during_a_sweep_ends_the_session(team: pytest.Pytester) -> None:
    """Ctrl-C is not one test's error: pytest stops, and the next session carries on with the same sweep."""
    bot = "import os, signal\ndef answer(request):\n    os.kill(os.getpid(), signal.SIGINT)\n    return 'x'\n"
    write(team.path / "bot.py", bot)
    write(team.path / "configs/bot.yaml", ONE.replace("local/extractive", "python:bot.py:answer"))
    put(
        team,
        """
        pytestmark = pytest.mark.harness("configs/bot.yaml", concurrency=1)
        def test_one(run): pass
        def test_two(run): pass
        """,
    )
    result = team.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes().get("passed", 0) == 0 and len(sweeps(team)) == 1


def test_warnings_of_libraries_are_no_errors_of_the_sweep(team: pytest.Pytester) -> None:
    """A project whose tests turn warnings into errors keeps doing so for its own code alone."""
    bot = 'import warnings\ndef answer(request):\n    warnings.warn("old", DeprecationWarning)\n    return "x"\n'
    write(team.path / "old.py", bot)
    config = ONE.replace("local/extractive", "python:old.py:answer").replace("index: exact", "index: chroma")
    write(team.path / "configs/old.yaml", config)
    put(team, '@pytest.mark.harness("configs/old.yaml")\ndef test_it(run): assert not run.failures\n')
    team.runpytest_subprocess("-W", "error").assert_outcomes(passed=1, warnings=1)


BOT = """
def answer(request):
    number = int(request.messages[-1].content.split()[-1])
    return "nonsense" if "broken" in request.messages[0].content and number % 3 == 0 else f"the answer {number}"
"""
GATED = """
name: gated
dataset: datasets/numbers.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: good, user_prompt: "{{ question }}"}
metrics: [answer_match]
"""


def test_a_run_is_held_against_what_is_in_production(team: pytest.Pytester) -> None:
    """The promoted run by its alias: the same passes, a worse prompt fails with the gate's words, a few cannot tell."""
    lines = (
        json.dumps({"id": f"n{i}", "question": f"What is {i}", "references": [f"the answer {i}"]}) for i in range(200)
    )
    write(team.path / "datasets/numbers.jsonl", "\n".join(lines))
    write(team.path / "bot.py", BOT)
    config = write(team.path / "configs/gated.yaml", GATED)
    for arguments in (["sweep", str(config), "--quiet"], ["promote", "latest", "--as", "production", "--reason", "ok"]):
        given = [*arguments, "--runs", str(team.path / "runs")]
        done = CliRunner().invoke(command, given)
        assert done.exit_code == 0, done.output or done.exception
    put(
        team,
        """
        pytestmark = pytest.mark.harness("configs/gated.yaml")
        def test_same(run):
            assert run.no_worse_than("production", margin={"answer_match": 0.02})
        @pytest.mark.harness(system_prompt="broken")
        def test_worse(run):
            assert run.no_worse_than("production", margin={"answer_match": 0.02})
        @pytest.mark.harness(limit=12)
        def test_few(run):
            assert run.against("production", margin={"answer_match": 0.02}).verdict != "regression"
            assert run.no_worse_than("production", margin={"answer_match": 0.02})
        def test_nothing_there(run):
            assert run.no_worse_than("staging")
        """,
    )
    result = team.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "E * AssertionError: regression: answer_match 1 -> 0.665 (200 examples): loses 0.335, *",
            "E * what was set otherwise: system_prompt: good -> broken",
            "E * [[]n0] answer_match -1: What is 0",
            "E * before: the answer 0",
            "E * now: nonsense",
            "E * AssertionError: cannot tell: * about * examples would settle it",
            "E *UserError: run.no_worse_than: no baseline 'staging': *",
        ]
    )


def test_the_plugin_is_declared_as_an_entry_point() -> None:
    """What is installed beside harness finds it without -p."""
    import tomllib

    content = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    assert content["project"]["entry-points"]["pytest11"] == {"harness": "harness.pytest_plugin"}
    assert "harness.pytest_plugin" in sys.modules
