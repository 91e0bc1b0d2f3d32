"""What goes wrong in a real pytest process is told, and is no pass."""

from __future__ import annotations

import pytest

from tests.loopback import Loopback
from tests.pytest_plugin.teams import ONE, output, put, sweeps
from tests.workspaces import write

HOSTED = ONE.replace("local/extractive", "{use: openai/far-away, base_url: '%s/v1'}")
ILL = """
def answer(request):
    if "parcels" in request.question:
        raise ValueError("ill")
    return "from 10 to 14"
"""


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
    assert "hosted.yaml cannot be run for tests/test_bot.py::test_far: " in output(result)
    for option, reason in (
        ("--harness-skip-missing-keys", "not in the environment: OPENAI_API_KEY"),
        ("--harness-offline", "asked over the network: openai/gpt-4o-mini"),
    ):
        result = team.runpytest_subprocess(option, "-rs")
        result.assert_outcomes(passed=1, skipped=1)
        result.stdout.fnmatch_lines([f"SKIPPED * {option}, and {reason}"])
    assert len(sweeps(team)) == 3


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
