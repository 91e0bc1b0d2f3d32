"""The section `gate` of a sweep file: read, and every mistake named at its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.config import load
from harness.config.gate import GATE_KEYS, Gate, MustPass
from harness.config.schema import sweep_schema
from harness.errors import UserError
from tests.workspaces import CONFIG, make_workspace

RULES = """
gate:
  baseline: production
  margins: {correct: 0.03, token_f1: 0.05}
  floors: {correct: 0.5}
  limits: {latency_ms: 500, cost_usd: 0.01}
  must_pass: {examples: [q1, q2], metric: answer_match}
  slices: [even]
  alpha: 0.1
"""


def test_the_section_is_read(tmp_path: Path) -> None:
    """Every key has its place; without the section there are defaults."""
    gate = load(make_workspace(tmp_path, CONFIG + RULES)).gate
    assert gate == Gate(
        baseline="production",
        margins={"correct": 0.03, "token_f1": 0.05},
        floors={"correct": 0.5},
        limits={"latency_ms": 500, "cost_usd": 0.01},
        must_pass=MustPass("answer_match", ("q1", "q2")),
        slices=("even",),
        alpha=0.1,
    )
    assert load(make_workspace(tmp_path, CONFIG)).gate == Gate()


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """An unknown key, a metric that there is not, a margin as wide as the range, a rule without a metric."""
    wrong = """
    gate:
      margin: 0.1
      margins: {corect: 0.1, correct: 1.0, token_f1: 0}
      must_pass: {examples: []}
      slices: even
      alpha: 2
    """
    with pytest.raises(UserError) as caught:
        load(make_workspace(tmp_path, CONFIG + "\n".join(line[4:] for line in wrong.splitlines())))
    said = str(caught.value)
    for found in (
        "unknown key 'margin'\n    did you mean 'margins'",
        "unknown key 'corect'\n    did you mean 'correct'",
        "gate.margins.correct: 1 is not possible",
        "gate.margins.token_f1: 0 is not possible",
        "gate.must_pass: needs a metric",
        "gate.slices: expected a list",
        "gate.alpha: 2 is not possible",
    ):
        assert found in said


def test_the_schema_knows_every_key() -> None:
    """What an editor is told is what is read."""
    assert set(sweep_schema()["properties"]["gate"]["properties"]) == set(GATE_KEYS)
    assert json.dumps(sweep_schema()["properties"]["gate"])
