"""answer_match, exact_match and token_f1."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plugins import make
from harness.records import Case
from tests.parts.cases import example, value

WORDS = st.lists(
    st.sampled_from(
        ["the", "a", "An", "Paris", "paris,", "10", "100", "10.5", "it's", "caf\u00e9", "-", "\n", "theory"]
    ),
    max_size=12,
).map(" ".join)


@pytest.mark.parametrize(
    ("answer", "references", "found"),
    [
        ("It costs 14 EUR.", ("14 EUR",), 1),
        ("it costs 14 eur a month", ("15 EUR", "The 14 EUR"), 1),
        ("100 seats", ("10",), 0),
        ("10.5 seats", ("10",), 0),
        ("seats: 10.", ("10",), 1),
        ("The answer is (Paris)!", ("paris",), 1),
        ("Parisian", ("Paris",), 0),
        ("14 or 20 EUR", ("14 EUR",), 0),
        ("the cat on a mat", ("cat on mat",), 1),
        ("anything", ("The",), 0),
        ("", ("x",), 0),
    ],
)
def test_answer_match_finds_whole_words(answer: str, references: tuple[str, ...], found: int) -> None:
    """A reference is found in the answer as whole words after SQuAD's normalisation, and any of them is enough."""
    assert value("answer_match", Case(example(references), answer)) == found


@pytest.mark.parametrize(
    ("answer", "references", "equal"),
    [
        ("The Paris.", ("paris",), 1),
        ("Paris, France", ("Paris",), 0),
        ("Lyon", ("Paris", "a LYON!"), 1),
        ("", ("The",), 1),
    ],
)
def test_exact_match_compares_normalised_texts(answer: str, references: tuple[str, ...], equal: int) -> None:
    """Nothing but case, punctuation, articles and whitespace may differ."""
    assert value("exact_match", Case(example(references), answer)) == equal


@pytest.mark.parametrize(
    ("answer", "references", "f1"),
    [
        ("the cat sat", ("cat",), 2 / 3),
        ("cat cat", ("cat",), 2 / 3),
        ("cat cat dog", ("cat cat cat",), 2 / 3),
        ("dog", ("cat", "a big dog"), 2 / 3),
        ("dog", ("cat",), 0),
        ("", ("cat",), 0),
        ("the", ("an",), 1),
    ],
)
def test_token_f1_by_hand(answer: str, references: tuple[str, ...], f1: float) -> None:
    """Repeated tokens count as often as both have them; the best reference counts."""
    assert value("token_f1", Case(example(references), answer)) == pytest.approx(f1)


def squad_tokens(text: str) -> list[str]:
    """SQuAD's normalisation, step by step."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def slow_f1(answer: str, reference: str) -> float:
    """F1 with common tokens crossed off one by one."""
    said, wanted = squad_tokens(answer), squad_tokens(reference)
    if not said or not wanted:
        return 1.0 if said == wanted else 0.0
    left, common = list(wanted), 0
    for token in said:
        if token in left:
            left.remove(token)
            common += 1
    return 2 * common / (len(said) + len(wanted))


@settings(deadline=None)
@given(answer=st.one_of(WORDS, st.text(max_size=30)), references=st.lists(WORDS, min_size=1, max_size=3))
def test_text_metrics_agree_with_slow_ones(answer: str, references: list[str]) -> None:
    """The three metrics equal versions written from the definition without any of their code."""
    case = Case(example(tuple(references)), answer)
    said = squad_tokens(answer)
    assert value("token_f1", case) == pytest.approx(max(slow_f1(answer, reference) for reference in references))
    assert value("exact_match", case) == any(said == squad_tokens(reference) for reference in references)
    windows = [said[i:j] for i in range(len(said)) for j in range(i + 1, len(said) + 1)]
    assert value("answer_match", case) == any(squad_tokens(reference) in windows for reference in references)


@pytest.mark.parametrize("name", ["answer_match", "exact_match", "token_f1"])
def test_text_metrics_apply_where_an_answer_is_known(name: str) -> None:
    """They say nothing without references, nor where no answer is expected."""
    metric = make("metric", name)
    assert metric.applies(example(("x",)))
    assert not metric.applies(example())
    assert not metric.applies(example(("x",), expected="abstain"))
    assert not metric.applies(example(("x",), expected="handoff"))
