"""Projects of teams that test a chatbot, for tests of the plugin."""

from __future__ import annotations

import sys
import textwrap

import pytest

from tests.workspaces import CONFIG, write

ONE = CONFIG.split("sweep:")[0] + "metrics: [correct, token_f1]\nobjective: {maximize: correct}\n"


def put(team: pytest.Pytester, text: str, file: str = "tests/test_bot.py") -> None:
    """Write a file of tests."""
    write(team.path / file, "import pytest\n" + textwrap.dedent(text))


def sweeps(team: pytest.Pytester) -> list[str]:
    """The ids of the sweeps that were run."""
    folder = team.path / "runs"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def harness(team: pytest.Pytester, *arguments: str) -> None:
    """Run a command in a process of its own: pytester takes back what is imported in this one."""
    assert team.run(sys.executable, "-m", "harness", *arguments).ret == 0


def output(result: pytest.RunResult) -> str:
    """What the process printed."""
    return result.stdout.str()
