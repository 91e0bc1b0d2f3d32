"""context_tokens, and what its page says of all metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from harness.parts.metrics.expense import ContextTokens
from harness.plugins import identity, known, make
from harness.plugins.lengths import length_in
from harness.records import Case, Passage
from tests.parts.cases import example, value

TEXTS = ("A seat costs 14 EUR a month.", "", "Ω 五月 🙂\n\n```x = 1```", "<|endoftext|> is text")


def case(*texts: str) -> Case:
    """A case whose passages have these texts."""
    return Case(example(), "", tuple(Passage("a", 0, len(text), text, None) for text in texts))


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_context_tokens_are_those_of_all_passages(name: str) -> None:
    """The sum of what tiktoken makes of each text, repeated ones again; 0 without passages."""
    length_in(name)  # finds the vocabulary that needs no download
    encoding = tiktoken.get_encoding(name)
    counts = [len(encoding.encode_ordinary(text)) for text in (*TEXTS, TEXTS[0])]
    metric = {"use": "context_tokens", "length": name}
    assert value(metric, case(*TEXTS, TEXTS[0])) == sum(counts) > counts[0] > 0
    assert value(metric, case()) == 0


def test_equal_passages_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many variants retrieve a text, it is tokenized one time."""
    seen: list[str] = []

    def measure(text: str) -> int:
        seen.append(text)
        return 7

    monkeypatch.setattr(ContextTokens, "measure", lambda self: measure)
    assert [value("context_tokens", case("one", "two", "one")) for _ in range(3)] == [21, 21, 21]
    assert seen == ["one", "two"]


def test_a_tokenizer_of_the_workspace_counts(tmp_path: Path) -> None:
    """`tokenizer:PATH` is a file of the workspace; what it holds is part of the metric's identity."""
    words = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = WhitespaceSplit()
    words.save(str(tmp_path / "words.json"))
    spec = {"use": "context_tokens", "length": "tokenizer:words.json"}
    metric = make("metric", spec, str(tmp_path))
    assert metric.score(case("one two three", "four", "")) == 4
    before = identity(metric)
    Tokenizer(WordLevel({"?": 0, "one": 1}, unk_token="?")).save(str(tmp_path / "words.json"))
    assert identity(metric) != before
    assert metric.score(case("one two three")) == 1


@pytest.mark.parametrize("unit", ["characters", "words", "tokenizer:nowhere.json"])
def test_context_tokens_want_a_tokenizer(unit: str) -> None:
    """Characters are no tokens, and a tokenizer that is unknown or not there is refused before anything is spent."""
    with pytest.raises(ValidationError, match="length"):
        make("metric", {"use": "context_tokens", "length": unit})


def test_the_page_of_metrics_tells_range_and_direction_of_each() -> None:
    """Every built-in metric has one row in docs/metrics.md, and the row is right."""
    page = (Path(__file__).resolve().parents[2] / "docs/metrics.md").read_text(encoding="utf-8")
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        for name in re.findall(r"`([^`]+)`", cells[0]) if len(cells) == 6 else []:
            assert name not in rows, f"{name} twice"
            rows[name] = (cells[3], cells[4])
    metrics = [r for r in known("metric") if r.cls.__module__.startswith("harness.")]
    expected = {}
    for registration in metrics:
        cls: Any = registration.cls
        high = "" if cls.high is None else f"{cls.high:g}"
        ends = f"{cls.low:g} to {high}" if high else f"from {cls.low:g}" + (f" {cls.unit}" if cls.unit else "")
        name = registration.name + (registration.argument or "").upper()
        expected[name] = (ends, {"maximize": "up", "minimize": "down"}[cls.direction])
    assert rows == expected
