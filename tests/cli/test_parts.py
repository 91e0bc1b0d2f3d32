"""`harness parts`: what a sweep file can name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.plugins import KINDS
from tests.cli.test_cli import harness


def test_required_settings_and_long_texts_are_told(tmp_path: Path) -> None:
    """The table says `required` and begins a prompt; the document has the prompt whole."""
    shown = harness("parts", "query", cwd=tmp_path).stdout
    [row] = [line for line in shown.splitlines() if line.startswith("query  rewrite")]
    assert "model=required" in row
    assert "prompt='Below is a conversation" in row
    assert "…'" in row
    [part] = [p for p in json.loads(harness("parts", "query", "--json", cwd=tmp_path).stdout) if p["name"] == "rewrite"]
    assert part["required"] == ["model"]
    assert part["settings"]["prompt"].endswith("Question:")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_part_is_is_a_whole_sentence(kind: str, tmp_path: Path) -> None:
    """None is cut in the middle."""
    for part in json.loads(harness("parts", kind, "--json", cwd=tmp_path).stdout):
        assert part["about"].endswith("."), part
        assert "\n" not in part["about"]
