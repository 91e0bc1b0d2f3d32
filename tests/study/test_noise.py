"""Where the noise of a sweep comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.study.inference.components import components
from harness.study.noise import noise
from tests.sweeps.chains import sweep
from tests.workspaces import CONFIG

BOT = """
import zlib

SEEN = {}

def answer(request):
    SEEN[request.question] = SEEN.get(request.question, 0) + 1
    return request.passages[0] if (zlib.crc32(request.question.encode()) + SEEN[request.question]) % 3 else "nothing"
"""


def test_repeats_are_told_from_questions(tmp_path: Path) -> None:
    """The parts are those of the frame of scores; a way to a narrower interval is named, in calls."""
    (tmp_path / "bot.py").write_text(BOT)
    found = sweep(tmp_path, CONFIG.replace("local/extractive", "python:bot.py:answer"), "repeats=3")
    told = noise(found.stored)
    frame = found.scores[found.scores["metric"] == "correct"].copy()
    frame["cluster"] = frame["example"].map({e["id"]: e["cluster"] for e in found.stored.examples})
    expected = components(frame[["variant", "example", "repeat", "cluster", "value"]])
    assert told["text"] == str(expected) and told["unit"] == "calls"
    assert {row["source"] for row in told["components"]} >= {"example", "repeat"}
    assert told["outlay"] is None or "narrow the interval" in told["outlay"]


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    """With the names that there are."""
    with pytest.raises(UserError, match="has no metric 'corect'; did you mean 'correct'"):
        noise(sweep(tmp_path, CONFIG).stored, "corect")
