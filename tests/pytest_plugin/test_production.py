"""A run against what is in production, in real pytest processes; the page about the plugin."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.pytest_plugin.teams import harness, put
from tests.workspaces import write

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
    write(team.path / "configs/gated.yaml", GATED)
    harness(team, "sweep", "configs/gated.yaml", "--quiet")
    harness(team, "promote", "latest", "--as", "production", "--reason", "the first")
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
            "E *UserError: run.no_worse_than: no baseline 'staging': * has no run or alias of this name; "
            "harness promote RUN --as staging makes one; aliases: production",
        ]
    )


def test_the_page_about_it_tells_the_truth(team: pytest.Pytester) -> None:
    """Its tests pass on the shipped chatbot, against the same configuration in production."""
    root = Path(__file__).resolve().parents[2]
    shutil.copytree(root / "datasets/helpdesk", team.path / "datasets/helpdesk")
    shutil.copy(root / "configs/quickstart.yaml", team.path / "configs")
    page = (root / "docs/pytest.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    write(team.path / "tests/test_chatbot.py", code)
    given = ["--set", "chunk_size=400", "--set", "similarity_threshold=0.2", "--set", "model=local/extractive"]
    harness(team, "sweep", "configs/quickstart.yaml", "--quiet", *given)
    harness(team, "promote", "latest", "--as", "production", "--reason", "the first")
    result = team.runpytest_subprocess()
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["harness: 2 sweeps, 3 runs, 795 cells; * answers made, *"])
