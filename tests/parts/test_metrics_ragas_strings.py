"""The metrics of ragas that ask nobody."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import UserError
from harness.plugins import make
from harness.records import Case, Passage, Verdict
from harness.testing import check_metric
from tests.parts.cases import example
from tests.parts.ragas_judges import case_of

THEIRS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("exact_match", {}, "ExactMatch", {}),
    ("string_presence", {}, "StringPresence", {}),
    ("string_similarity", {}, "NonLLMStringSimilarity", {}),
    ("string_similarity", {"distance": "jaro_winkler"}, "NonLLMStringSimilarity", {"distance_measure": "jaro_winkler"}),
    ("string_similarity", {"distance": "hamming"}, "NonLLMStringSimilarity", {"distance_measure": "hamming"}),
    ("bleu", {}, "BleuScore", {}),
    ("bleu", {"use_effective_order": True}, "BleuScore", {"kwargs": {"use_effective_order": True}}),
    ("chrf", {}, "CHRFScore", {}),
    ("chrf", {"word_order": 2}, "CHRFScore", {"kwargs": {"word_order": 2}}),
    ("rouge", {}, "RougeScore", {}),
    ("rouge", {"rouge_type": "rouge1", "mode": "recall"}, "RougeScore", {"rouge_type": "rouge1", "mode": "recall"}),
    ("quoted_spans", {}, "QuotedSpansAlignment", {}),
    ("quoted_spans", {"casefold": False}, "QuotedSpansAlignment", {"casefold": False}),
]


def number(part: Any, case: Case) -> float | None:
    """The bare value."""
    found = part.score(case)
    return found.value if isinstance(found, Verdict) else found


@pytest.mark.parametrize(("name", "settings", "cls", "theirs"), THEIRS)
def test_values_are_those_of_ragas(name: str, settings: dict[str, Any], cls: str, theirs: dict[str, Any]) -> None:
    """On fifty examples, the answer equal to the reference in some of them."""
    import ragas.metrics.collections as library

    if "distance_measure" in theirs:
        theirs = {"distance_measure": library.DistanceMeasure(theirs["distance_measure"])}
    made, part = getattr(library, cls)(**theirs), make("metric", {"use": f"ragas/{name}", **settings})
    values = set()
    for seed in range(50):
        case = case_of(seed)
        [reference] = case.example.references
        if seed % 5 == 0:
            case = replace(case, answer=f"{reference} {case.answer}" if seed % 10 else reference)
        passages = [passage.text.upper() for passage in case.passages] if seed % 3 else []
        case = replace(case, passages=tuple(Passage("d", 0, 1, text, None) for text in passages))
        other = {"retrieved_contexts": passages} if name == "quoted_spans" else {"reference": reference}
        wanted = asyncio.run(made.ascore(response=case.answer, **other)).value
        found = number(part, case)
        values.add(found)
        if name == "quoted_spans" and '"' not in case.answer:
            assert found is None
        else:
            assert found == min(wanted, 1.0)
    assert len(values) > 1


def test_of_several_references_the_best_counts() -> None:
    """As in the metrics of our own; a blank one is in no answer."""
    case = Case(example(("nothing", " ", "14 EUR")), "14 EUR")
    for name in ("exact_match", "string_presence", "string_similarity", "rouge"):
        assert number(make("metric", f"ragas/{name}"), case) == 1
        assert number(make("metric", f"ragas/{name}"), replace(case, answer="")) == 0
        assert not make("metric", f"ragas/{name}").applies(example(("", " ")))


def test_quotations_that_are_none_are_not_judged() -> None:
    """ragas gives 1; short ones are none either; without passages none of those there are is in them."""
    part = make("metric", "ragas/quoted_spans")
    assert part.score(Case(example(), 'He said "yes".')) is None
    assert part.score(Case(example(), "")) is None
    found = part.score(Case(example(), 'It says "a seat costs ten" and "no refunds at all".'))
    assert found == Verdict(0.0, "0 of 2 quotations in the passages")


@pytest.mark.parametrize("name", sorted({name for name, *_ in THEIRS}))
def test_they_keep_the_contract(name: str) -> None:
    """Also on empty answers and references, and on signs that are no letters."""
    check_metric(make("metric", f"ragas/{name}"))


@pytest.mark.parametrize(("name", "package"), [("rouge", "rouge-score"), ("chrf", "sacrebleu"), ("bleu", "sacrebleu")])
def test_a_missing_package_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is spent, with what to install."""
    found = importlib.util.find_spec
    gone = package.replace("-", "_")
    monkeypatch.setattr(importlib.util, "find_spec", lambda module, *a: None if module == gone else found(module, *a))
    with pytest.raises(UserError, match=f"ragas/{name} needs the package {package}: pip install {package}"):
        make("metric", f"ragas/{name}").ready()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"use": "ragas/chrf", "char_order": 0}, "at least 1"),
        ({"use": "ragas/quoted_spans", "min_span_words": 0}, "at least 1"),
        ({"use": "ragas/string_similarity", "distance": "cosine"}, "levenshtein"),
    ],
)
def test_settings_that_cannot_be_are_refused(spec: dict[str, Any], said: str) -> None:
    """With what is allowed."""
    with pytest.raises(ValidationError, match=said):
        make("metric", spec)
