"""slow, verbosity and retrieval_noise: figures of an answer against what is allowed or needed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.plugins import make
from harness.records import Case, Evidence, Passage
from tests.parts.cases import example, passage, retrieved, value

EVIDENCE = (Evidence("a.md", 10, 20), Evidence("b.md", 0, 10))


@pytest.mark.parametrize(("name", "field"), [("slow", "latency_ms"), ("slow_first_token", "first_token_ms")])
def test_slow_is_above_what_is_allowed(name: str, field: str) -> None:
    """Exactly as long as allowed is not slow; what was not measured has no value, 0 ms has one."""
    spec = {"use": name, "over_ms": 800.0}

    def found(ms: float | None) -> float | None:
        return value(spec, Case(example(), "x", **{field: ms}))  # type: ignore[arg-type]

    assert [found(ms) for ms in (0.0, 800.0, 800.5, 9000.0, None)] == [0, 0, 1, 1, None]
    assert make("metric", name).direction == "minimize"


def test_slow_says_how_slow() -> None:
    """The reason tells both figures; ten seconds and one second are allowed by default."""
    verdict = make("metric", "slow").score(Case(example(), "x", latency_ms=12000.0))
    assert (verdict.value, verdict.reason) == (1.0, "12000 ms, 10000 are allowed")
    assert make("metric", "slow_first_token").over_ms == 1000


@pytest.mark.parametrize("over", [0, -1.0])
def test_slow_needs_a_time(over: float) -> None:
    """Nothing can be faster than 0 ms."""
    with pytest.raises(ValidationError, match="over_ms must be above 0"):
        make("metric", {"use": "slow", "over_ms": over})


@pytest.mark.parametrize(
    ("answer", "settings", "wanted"),
    [
        ("one two three four", {}, 2.0),
        ("one two", {}, 1.0),
        ("one", {}, 0.5),
        ("", {}, 0.0),
        ("one two three", {"limit": 6}, 0.5),
        ("12345678", {"length": "characters"}, 2.0),
    ],
)
def test_verbosity_by_hand(answer: str, settings: dict[str, Any], wanted: float) -> None:
    """Length by that of the longest reference (two words of four characters in all and a blank), or by the limit."""
    references = ("a", "b cd") if settings else ("a", "b c")
    assert value({"use": "verbosity", **settings}, Case(example(references), answer)) == wanted


def test_verbosity_needs_something_to_compare_with() -> None:
    """Without references it does not apply, with empty ones it has no value; a limit needs none; less is better."""
    metric = make("metric", "verbosity")
    assert not metric.applies(example()) and not metric.applies(example(("x",), expected="abstain"))
    assert metric.score(Case(example(("", " ")), "some words")) is None
    assert value({"use": "verbosity", "limit": 2}, Case(example(expected="abstain"), "I do not know")) == 2
    assert (metric.direction, metric.low, metric.high) == ("minimize", 0, None)
    with pytest.raises(ValidationError, match="limit must be at least 1"):
        make("metric", {"use": "verbosity", "limit": 0})
    with pytest.raises(ValidationError, match="or write words"):
        make("metric", {"use": "verbosity", "length": "lines"})


@pytest.mark.parametrize(
    ("passages", "by_passages", "by_characters"),
    [
        ((), None, None),
        ((passage("a.md", 10, 20),), 0.0, 0.0),
        ((passage("a.md", 10, 20), passage("c.md", 0, 30)), 0.5, 0.75),
        ((passage("a.md", 0, 40),), 0.0, 0.75),
        ((passage("a.md", 20, 40),), 1.0, 1.0),
        ((passage("a.md", 10, 20), passage("a.md", 10, 20)), 0.0, 0.5),
    ],
)
def test_noise_by_hand(passages: tuple[Passage, ...], by_passages: float | None, by_characters: float | None) -> None:
    """A passage that only touches evidence holds none; repeated characters count as noise; nothing is no noise."""
    case = retrieved(*passages, evidence=EVIDENCE)
    assert value("retrieval_noise", case) == by_passages
    assert value({"use": "retrieval_noise", "by": "characters"}, case) == by_characters


def test_noise_is_of_what_was_retrieved() -> None:
    """Two good passages of two are no noise, where precision@5 finds three places wasted; less is better."""
    case = retrieved(passage("a.md", 0, 15), passage("b.md", 5, 15), evidence=EVIDENCE)
    assert value("retrieval_noise", case) == 0
    assert value("precision@5", case) == pytest.approx(0.4)
    assert make("metric", "retrieval_noise").direction == "minimize"


def test_noise_needs_evidence_and_by_characters_spans() -> None:
    """A document alone is evidence for passages, but has no characters to count."""
    document = example(evidence=(Evidence("a.md"),))
    by_characters = make("metric", {"use": "retrieval_noise", "by": "characters"})
    assert make("metric", "retrieval_noise").applies(document) and not by_characters.applies(document)
    assert not make("metric", "retrieval_noise").applies(example())


SPANS = st.builds(
    lambda document, start, length: passage(document, start, start + length),
    st.sampled_from(["a.md", "b.md", "c.md"]),
    st.integers(0, 40),
    st.integers(1, 40),
)


@given(st.lists(SPANS, min_size=1, max_size=6))
def test_noise_and_precision_make_one(passages: list[Passage]) -> None:
    """By characters it is what span_precision lacks; by passages what precision at that many lacks."""
    case = retrieved(*passages, evidence=EVIDENCE)
    precise, noise = value("span_precision", case), value({"use": "retrieval_noise", "by": "characters"}, case)
    assert precise is not None and noise == pytest.approx(1 - precise)
    at, count = value(f"precision@{len(passages)}", case), value("retrieval_noise", case)
    assert at is not None and count == pytest.approx(1 - at)
