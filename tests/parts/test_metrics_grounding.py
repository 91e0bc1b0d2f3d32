"""lexical_groundedness and embedding_similarity: nearness of an answer to passages, and to references."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.plugins import JudgingMetric, label, make
from harness.records import Case, Passage, Verdict
from harness.testing import ScriptedAsker, check_metric, check_part
from harness.testing.cases import CASES
from tests.parts.cases import example, value

TEXT = "A seat on the Team plan costs 14 EUR each month, or 1,250.50 EUR for larger groups. Seats can be added."


def grounded(answer: str, *texts: str, **settings: Any) -> Verdict | None:
    """What the metric makes of an answer on passages with these texts."""
    passages = tuple(Passage("a.md", 0, len(text), text, 0.5) for text in texts)
    found: Verdict | None = make("metric", {"use": "lexical_groundedness", **settings}).score(
        Case(example(), answer, passages)
    )
    return found


@pytest.mark.parametrize(
    ("answer", "wanted", "said"),
    [
        ("A seat costs 14 EUR.", 1.0, "all words are in the passages"),
        ("Seats COST 14.", 1.0, "all words are in the passages"),
        ("A seat costs 15 EUR.", 2 / 3, "not in the passages: 15"),
        ("It costs 1,250.50 EUR.", 1.0, "all words are in the passages"),
        ("It costs 1,250 EUR.", 0.5, "not in the passages: 1,250"),
        ("Unicorns graze nearby", 0.0, "not in the passages: Unicorns, graze, nearby"),
        ("one1 alpha bravo delta gamma sigma omega", 0.0, "not in the passages: 1, alpha, bravo, delta, gamma …"),
    ],
)
def test_words_by_hand(answer: str, wanted: float, said: str) -> None:
    """Content words by their stems; figures as a whole; what is lacking is named."""
    verdict = grounded(answer, "Nothing here.", TEXT)
    assert verdict is not None and verdict.value == pytest.approx(wanted)
    assert verdict.reason == said


@pytest.mark.parametrize("answer", ["", "I don't know.", "No.", "It is so on it."])
def test_without_content_it_has_no_value(answer: str) -> None:
    """Abstentions and answers of function words claim nothing that passages could hold."""
    assert grounded(answer, TEXT) is None


def test_nothing_retrieved_grounds_nothing() -> None:
    """An answer from memory is 0, not left out."""
    assert grounded("A seat costs 14 EUR.") == Verdict(0.0, "not in the passages: seat, costs, 14")


def test_words_in_a_row() -> None:
    """Pairs must stand side by side in one passage; words of one that stand in two are not enough."""
    assert grounded("The Team plan", TEXT, n=2) == Verdict(1.0, "all words are in the passages")
    assert grounded("The plan Team", TEXT, n=2) == Verdict(0.0, "not in the passages: The plan, plan Team")
    assert grounded("Team plan", "our Team", "plan B", n=2) == Verdict(0.0, "not in the passages: Team plan")
    assert grounded("Team", TEXT, n=2) is None
    with pytest.raises(ValidationError, match="n must be 1"):
        make("metric", {"use": "lexical_groundedness", "n": 0})


def test_its_documented_limit() -> None:
    """A negation changes nothing."""
    assert grounded("Seats cannot be added", "Seats cannot or can be added").value == 1  # type: ignore[union-attr]
    assert grounded("It does not support teams", "It does support teams").value == 1  # type: ignore[union-attr]


def test_japanese_is_compared_by_characters() -> None:
    """There are no blanks to divide words by."""
    verdict = grounded("\u6599\u91d1\u306f\u9ad8", "\u6599\u91d1\u306f14")
    assert verdict is not None and verdict.value == pytest.approx(0.75)


def test_it_applies_where_an_answer_is_expected_and_keeps_the_contract() -> None:
    """With passages that hold words of the answers, too."""
    metric = make("metric", "lexical_groundedness")
    assert metric.applies(example()) and not metric.applies(example(expected="abstain"))
    passages = (Passage("prices.md", 0, 20, "A seat costs 14 EUR.", 0.9),)
    check_metric(metric, [*CASES, *(dataclasses.replace(case, passages=passages) for case in CASES)])


@given(st.text(), st.text())
def test_groundedness_is_a_share_and_a_quote_has_all_of_it(text: str, answer: str) -> None:
    """Whatever the texts."""
    verdict, quoted = grounded(answer, text), grounded(text, text)
    assert verdict is None or 0 <= verdict.value <= 1
    assert quoted is None or quoted.value == 1


@dataclass
class Silent:
    """An asker whose embedder gives the same vector for every text."""

    vector: list[float]

    async def embed(self, embedder: Any, texts: Any) -> NDArray[np.float32]:
        """One row for each text."""
        return np.array([self.vector] * len(texts), dtype=np.float32)


def similar(references: tuple[str, ...], answer: str, asker: Any = None) -> Verdict | None:
    """What embedding_similarity makes of an answer, by the hashing embedder."""
    metric = make("metric", {"use": "embedding_similarity", "embedder": "local/hashing"})
    case = Case(example(references), answer)
    assert metric.applies(case.example)
    asker = asker or ScriptedAsker(lambda asked: pytest.fail("no model is asked"))
    found: Verdict | None = asyncio.run(metric.assess(case, asker))
    return found


def test_the_same_text_is_as_near_as_can_be() -> None:
    """1, to six decimals, and the nearest of several references counts."""
    exact = similar(("Delivery takes a week", "A seat costs 14 EUR"), "A seat costs 14 EUR")
    assert exact == Verdict(1.0, "nearest reference: 'A seat costs 14 EUR'")
    near, far = similar(("A seat costs 14 EUR",), "14 EUR a seat"), similar(("A seat costs 14 EUR",), "Ask Bob.")
    assert near is not None and far is not None and far.value < near.value < 1
    assert round(near.value, 6) == near.value


def test_what_cannot_be_compared() -> None:
    """Empty references have no value, an empty answer is 0 without a call, a zero vector is a failure."""
    unused: Any = None
    assert similar(("", " "), "A seat") is None
    assert asyncio.run(
        make("metric", {"use": "embedding_similarity", "embedder": "local/hashing"}).assess(
            Case(example(("x",)), " \n"), unused
        )
    ) == Verdict(0.0, "the answer is empty")
    with pytest.raises(ValueError, match=r"embedder local/hashing: the vector of the answer \('\?!'\) is zero"):
        similar(("A seat",), "?!")
    with pytest.raises(ValueError, match=r"the vector of a reference \('\?!'\) is zero"):
        similar(("?!",), "A seat")
    with pytest.raises(ValueError, match="holds what is no number"):
        similar(("x",), "y", Silent([float("nan"), 1.0]))


def test_opposite_vectors_stay_within_the_bounds() -> None:
    """Rounding never leaves -1 to 1."""
    found = similar(("x",), "y", Silent([0.1, 0.7, 0.3]))
    assert found is not None and found.value == 1.0


def test_it_is_a_judging_metric_whose_embedder_is_a_part() -> None:
    """It applies where answers can be compared; its label names the embedder; without one it is refused."""
    metric = make("metric", {"use": "embedding_similarity", "embedder": {"use": "local/hashing", "dimensions": 64}})
    assert isinstance(metric, JudgingMetric) and (metric.low, metric.high) == (-1, 1)
    assert not metric.applies(example()) and not metric.applies(example(("x",), expected="abstain"))
    assert "local/hashing(dimensions=64)" in label(metric)
    check_part(metric)
    with pytest.raises(ValidationError, match="embedder"):
        make("metric", "embedding_similarity")
    with pytest.raises(ValidationError, match="no embedder is called"):
        make("metric", {"use": "embedding_similarity", "embedder": "none"})


def test_groundedness_reads_the_passages() -> None:
    """Through the same door as every metric."""
    case = Case(example(), "Seats cost 14", (Passage("a.md", 0, len(TEXT), TEXT, 0.5),))
    assert value("lexical_groundedness", case) == 1
