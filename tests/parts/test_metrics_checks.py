"""contains, starts_with, equals, regex and length_within."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from harness.plugins import identity, make
from harness.records import Case, Verdict
from harness.testing import check_metric
from tests.parts.cases import example, value

PRICE = "A seat costs 14 EUR per month."


def noted(**metadata: Any) -> Case:
    """A case whose example has metadata, and no reference."""
    return Case(dataclasses.replace(example(), metadata=metadata), PRICE)


@pytest.mark.parametrize(
    ("use", "settings", "expected"),
    [
        ("contains", {"texts": ["14 EUR"]}, 1),
        ("contains", {"texts": ["14 eur"]}, 0),
        ("contains", {"texts": ["14 eur"], "case": False}, 1),
        ("contains", {"texts": ["99", "14"]}, 1),
        ("contains", {"texts": ["99", "14"], "need": "all"}, 0),
        ("contains", {"texts": ["seat", "14"], "need": "all"}, 1),
        ("contains", {"texts": ["refund"], "negate": True}, 1),
        ("contains", {"texts": ["seat"], "negate": True}, 0),
        ("contains", {"texts": ["seat", "refund"], "need": "all", "negate": True}, 1),
        ("starts_with", {"texts": ["A seat"]}, 1),
        ("starts_with", {"texts": ["seat", "The"]}, 0),
        ("starts_with", {"texts": ["a SEAT"], "case": False}, 1),
        ("equals", {"texts": [f" {PRICE}\n"]}, 1),
        ("equals", {"texts": [PRICE.rstrip(".")]}, 0),
        ("equals", {"texts": [PRICE.upper()], "case": False}, 1),
        ("equals", {"texts": ["yes", "no"], "negate": True}, 1),
        ("regex", {"pattern": r"\d+ EUR"}, 1),
        ("regex", {"pattern": r"^\d+"}, 0),
        ("regex", {"pattern": r"\d+", "whole": True}, 0),
        ("regex", {"pattern": r"a seat .*\.", "whole": True, "case": False}, 1),
        ("regex", {"pattern": r"\bUSD\b", "negate": True}, 1),
        ("regex", {"pattern": r"\p{Lu}{3}"}, 1),
        ("length_within", {}, 1),
        ("length_within", {"most": 7}, 1),
        ("length_within", {"most": 6}, 0),
        ("length_within", {"least": 8}, 0),
        ("length_within", {"most": 30, "length": "characters"}, 1),
        ("length_within", {"most": 29, "length": "characters"}, 0),
        ("length_within", {"least": 9, "most": 9, "length": "cl100k_base"}, 1),
    ],
)
def test_checks_by_hand(use: str, settings: dict[str, Any], expected: int) -> None:
    """What each setting does to one answer; none of them needs a reference."""
    assert value({"use": use, **settings}, Case(example(expected="handoff"), f"\n{PRICE} "[1:-1])) == expected


@pytest.mark.parametrize(
    ("use", "references", "answer", "expected"),
    [
        ("contains", ("15 EUR", "14 EUR"), PRICE, 1),
        ("contains", ("15 EUR",), PRICE, 0),
        ("contains", ("",), PRICE, 0),
        ("starts_with", ("A seat",), f"  {PRICE}", 1),
        ("starts_with", ("",), PRICE, 0),
        ("equals", ("14 EUR",), "14 EUR ", 1),
        ("equals", ("14 EUR",), "14 EUR.", 0),
        ("equals", ("",), " ", 1),
    ],
)
def test_without_texts_the_references_are_looked_for(
    use: str, references: tuple[str, ...], answer: str, expected: int
) -> None:
    """One reference is enough; one without a character is found nowhere."""
    assert value(use, Case(example(references), answer)) == expected


@pytest.mark.parametrize("use", ["contains", "starts_with", "equals"])
def test_they_apply_where_something_is_looked_for(use: str) -> None:
    """References are looked for only where an answer is expected, given texts everywhere, metadata where it is."""
    references, given = make("metric", use), make("metric", {"use": use, "texts": ["x"]})
    kept = make("metric", {"use": use, "metadata": "must"})
    refused = example(("x",), expected="abstain")
    assert [references.applies(e) for e in (example(("x",)), example(), refused)] == [True, False, False]
    assert given.applies(example()) and given.applies(refused)
    assert kept.applies(noted(must="x").example) and not kept.applies(example(("x",)))


@pytest.mark.parametrize(
    ("use", "must", "expected"),
    [
        ("contains", ["seat", "refund"], 1),
        ("contains", "refund", 0),
        ("contains", [], None),
        ("starts_with", "A seat", 1),
        ("starts_with", [], None),
        ("equals", [PRICE], 1),
        ("equals", [], None),
        ("regex", [r"^seat", r"EUR\b"], 1),
        ("regex", r"^EUR", 0),
        ("regex", [], None),
    ],
)
def test_each_example_may_keep_what_is_looked_for(use: str, must: Any, expected: int | None) -> None:
    """A text or a list under a key of the example's metadata; an empty list looks for nothing."""
    assert value({"use": use, "metadata": "must"}, noted(must=must)) == expected


@pytest.mark.parametrize("use", ["contains", "regex"])
def test_metadata_that_is_no_text_fails_the_score(use: str) -> None:
    """The message names the key and what was found."""
    with pytest.raises(ValueError, match="metadata 'must' is 5; expected a text or a list of texts"):
        make("metric", {"use": use, "metadata": "must"}).score(noted(must=5))


def test_a_pattern_of_an_example_may_be_wrong() -> None:
    """It is known only when the example is scored, and fails that score."""
    with pytest.raises(ValueError, match=r"'\(' is no regular expression"):
        make("metric", {"use": "regex", "metadata": "must"}).score(noted(must="("))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"use": "contains", "texts": ["x", "seat"]}, "holds 'seat'"),
        ({"use": "contains", "texts": ["x", "y"]}, "holds none of 2"),
        ({"use": "contains", "texts": ["seat", "y"], "need": "all"}, "lacks 'y'"),
        ({"use": "starts_with", "texts": ["A"]}, "starts with 'A'"),
        ({"use": "starts_with", "texts": ["The"]}, "starts with 'A seat costs 14 EUR '"),
        ({"use": "equals", "texts": ["The"]}, "equals none of 1"),
        ({"use": "regex", "pattern": r"1\d"}, "matches '14'"),
        ({"use": "regex", "pattern": "USD"}, "no match"),
        ({"use": "length_within", "most": 3}, "7 words"),
        ({"use": "length_within", "most": 3, "length": "cl100k_base"}, "9 tokens"),
    ],
)
def test_the_reason_tells_what_was_found(spec: dict[str, Any], reason: str) -> None:
    """A reader sees why without reading the answer."""
    verdict = make("metric", spec).score(Case(example(), PRICE))
    assert isinstance(verdict, Verdict) and verdict.reason == reason


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"use": "contains", "texts": ["x", " "]}, "texts must not be empty"),
        ({"use": "equals", "texts": ["x"], "metadata": "must"}, "both given"),
        ({"use": "contains", "need": "some"}, "'any' or 'all'"),
        ({"use": "regex"}, "needs a pattern, or metadata"),
        ({"use": "regex", "pattern": "x", "metadata": "must"}, "write one of them"),
        ({"use": "regex", "pattern": "a(b"}, r"'a\(b' is no regular expression: missing \)"),
        ({"use": "regex", "pattern": "a", "timeout_s": 0.0}, "above 0"),
        ({"use": "length_within", "least": -1}, "must not be negative"),
        ({"use": "length_within", "least": 5, "most": 4}, "exchange them"),
        ({"use": "length_within", "length": "pages"}, "characters, cl100k_base.*or write words"),
        ({"use": "length_within", "length": "tokenizer:nowhere.json"}, "no such file"),
    ],
)
def test_settings_that_cannot_be_are_refused(spec: dict[str, Any], said: str) -> None:
    """Before anything is spent, with what to do."""
    with pytest.raises(ValidationError, match=said):
        make("metric", spec)


def test_a_pattern_that_takes_ages_is_given_up() -> None:
    """A pattern that would run for years on a short answer fails that one score instead of stopping the sweep."""
    metric = make("metric", {"use": "regex", "pattern": r"(a|aa)+$", "timeout_s": 0.05})
    with pytest.raises(TimeoutError, match=r"more than 0.05 s on an answer of 61 characters; avoid repetitions"):
        metric.score(Case(example(), "a" * 60 + "b"))
    assert identity(metric) == identity(make("metric", {"use": "regex", "pattern": r"(a|aa)+$"}))


def test_length_within_counts_with_any_tokenizer(tmp_path: Path) -> None:
    """The tokenizer's content is part of the identity; its path is not."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    for name in ("a.json", "b.json"):
        tokenizer.save(str(tmp_path / name))
    one, two = (
        make("metric", {"use": "length_within", "most": 8, "length": f"tokenizer:{name}"}, str(tmp_path))
        for name in ("a.json", "b.json")
    )
    assert one.score(Case(example(), PRICE)).reason == "8 tokens"
    assert identity(one) == identity(two)
    assert make("metric", "length_within", str(tmp_path)).workspace == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"use": "contains", "texts": ["14 EUR", "seat"], "need": "all", "case": False, "negate": True},
        {"use": "contains", "metadata": "must"},
        {"use": "starts_with", "texts": ["A"]},
        {"use": "equals", "texts": ["14 EUR"], "case": False},
        {"use": "regex", "pattern": r"\d+", "whole": True, "negate": True},
        {"use": "length_within", "least": 0, "most": 5, "length": "o200k_base"},
        {"use": "length_within", "least": 3, "length": "characters"},
    ],
)
def test_checks_with_settings_keep_the_contract(spec: dict[str, Any]) -> None:
    """With other settings than the defaults too."""
    check_metric(make("metric", spec))
