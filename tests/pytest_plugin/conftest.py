"""Fixtures for tests of the plugin."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.teams import ONE
from tests.workspaces import CONFIG, make_workspace


@pytest.fixture
def team(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a workspace and no tests yet, on a machine that is no CI and has no key."""
    for variable in ("CI", "BUILD_NUMBER", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    make_workspace(pytester.path, ONE, "one.yaml")
    make_workspace(pytester.path, CONFIG, "many.yaml")
    return pytester
