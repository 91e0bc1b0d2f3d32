"""edit_similarity, ROUGE, BLEU and chrF: values by hand, and those of the libraries that define them."""

from __future__ import annotations

from typing import Any

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from rouge_score.rouge_scorer import RougeScorer

from harness.plugins import identity, make
from harness.records import Case
from harness.testing import check_metric
from tests.parts.cases import example, value

NAMES = ("edit_similarity", "rouge1", "rouge2", "rougeL", "bleu", "chrf")
WORDS = st.lists(
    st.sampled_from(["the", "cat", "Cat,", "sat", "on", "mat.", "10.5", "it's", "_", "-", "\n"]), max_size=14
).map(" ".join)
TEXTS = st.one_of(WORDS, st.text(st.characters(max_codepoint=126), max_size=30))


def of(references: str | tuple[str, ...], answer: str) -> Case:
    """A case with these references."""
    return Case(example((references,) if isinstance(references, str) else references), answer)


@pytest.mark.parametrize(
    ("distance", "answer", "reference", "expected"),
    [
        ("levenshtein", "kitten", "sitting", 1 - 3 / 7),
        ("levenshtein", "", "abcd", 0),
        ("levenshtein", "", "", 1),
        ("levenshtein", "ab", "ba", 0),
        ("damerau_levenshtein", "ab", "ba", 1 / 2),
        ("indel", "lewenstein", "levenshtein", 1 - 3 / 21),
        ("jaro", "MARTHA", "MARHTA", 17 / 18),
        ("jaro_winkler", "MARTHA", "MARHTA", 17 / 18 + 3 * 0.1 * (1 / 18)),
    ],
)
def test_edit_similarity_by_hand(distance: str, answer: str, reference: str, expected: float) -> None:
    """The textbooks' examples."""
    spec = {"use": "edit_similarity", "distance": distance}
    assert value(spec, of(reference, answer)) == pytest.approx(expected)


def test_edit_similarity_ignores_what_is_around_and_case_where_that_is_wanted() -> None:
    """Whitespace around a text never counts; case does, unless it is told not to."""
    assert value("edit_similarity", of(" Paris\n", "paris ")) == pytest.approx(4 / 5)
    assert value({"use": "edit_similarity", "case": False}, of("Paris", "PARIS")) == 1


def slow_distance(a: str, b: str) -> int:
    """Levenshtein's distance by its recursion, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y)))
    return row[-1]


@settings(deadline=None)
@given(answer=TEXTS, reference=TEXTS)
def test_edit_similarity_agrees_with_the_definition(answer: str, reference: str) -> None:
    """1 less the distance by the longer length."""
    a, b = answer.strip(), reference.strip()
    longest = max(len(a), len(b))
    expected = 1 - slow_distance(a, b) / longest if longest else 1.0
    assert value("edit_similarity", of(reference, answer)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("use", "measure", "expected"),
    [
        ("rouge1", "recall", 3 / 4),
        ("rouge1", "precision", 3 / 4),
        ("rouge2", "f1", 1 / 3),
        ("rougeL", "f1", 2 / 4),
        ("rougeL", "recall", 2 / 4),
    ],
)
def test_rouge_on_the_example_of_its_paper(use: str, measure: str, expected: float) -> None:
    """Lin (2004), section 3: "police killed the gunman" and "the gunman kill police"."""
    case = of("police killed the gunman", "the gunman kill police")
    assert value({"use": use, "measure": measure}, case) == pytest.approx(expected)


@settings(deadline=None, max_examples=300)
@given(answer=TEXTS, references=st.lists(TEXTS, min_size=1, max_size=3))
def test_rouge_agrees_with_rouge_score(answer: str, references: list[str]) -> None:
    """On ASCII the values are those of the package rouge-score, the best of the references."""
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    theirs = [scorer.score(reference, answer) for reference in references]
    for use in ("rouge1", "rouge2", "rougeL"):
        for measure, field in (("f1", "fmeasure"), ("precision", "precision"), ("recall", "recall")):
            expected = max(getattr(found[use], field) for found in theirs)
            ours = value({"use": use, "measure": measure}, of(tuple(references), answer))
            assert ours == pytest.approx(expected), (use, measure)


def test_rouge_knows_words_of_other_languages() -> None:
    """Letters with accents and other scripts are words; for rouge-score they would be spaces."""
    assert value("rouge1", of("caf\u00e9 f\u00fcr gr\u00fc\u00dfe", "Caf\u00e9 gr\u00fc\u00dfe")) == pytest.approx(
        4 / 5
    )
    assert value("rougeL", of("\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440", "\u043c\u0438\u0440")) > 0.6  # type: ignore[operator]
    assert RougeScorer(["rougeL"]).score("\u043c\u0438\u0440", "\u043c\u0438\u0440")["rougeL"].fmeasure == 0


def test_bleu_by_hand() -> None:
    """Four of five words, then 3/4, 2/3 and 1/2 of the longer n-grams; as long as the reference: no penalty."""
    expected = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    assert value("bleu", of("the cat sat on mats", "the cat sat on rugs")) == pytest.approx(expected)


def test_a_short_answer_is_not_punished_for_n_grams_that_it_cannot_have() -> None:
    """Two equal words are a perfect match, though there are no 4-grams; case counts unless told not to."""
    assert value("bleu", of("14 EUR", "14 EUR")) == pytest.approx(1)
    assert value("bleu", of("14 EUR", "14 eur")) < 1  # type: ignore[operator]
    assert value({"use": "bleu", "case": False}, of("14 EUR", "14 eur")) == pytest.approx(1)


@settings(deadline=None)
@given(answer=TEXTS, references=st.lists(TEXTS, min_size=1, max_size=3))
def test_bleu_and_chrf_are_sacrebleus(answer: str, references: list[str]) -> None:
    """A hundredth of what its functions for single sentences give, with all references at once."""
    case = of(tuple(references), answer)
    theirs: dict[str, Any] = {
        "bleu": sacrebleu.sentence_bleu(answer, references),
        "chrf": sacrebleu.sentence_chrf(answer, references),
    }
    for use, found in theirs.items():
        assert value(use, case) == pytest.approx(found.score / 100)
    plus = sacrebleu.sentence_chrf(answer, references, word_order=2)
    assert value({"use": "chrf", "word_order": 2}, case) == pytest.approx(plus.score / 100)


def test_tokenizers_divide_into_words_as_a_language_does() -> None:
    """One character of three differs: three words by `zh`, one word by the default."""
    case = of("\u4eca\u5929\u597d", "\u4eca\u5929\u574f")
    assert value("bleu", case) == 0
    assert value({"use": "bleu", "tokenize": "zh"}, case) > 0.3  # type: ignore[operator]


def test_the_librarys_version_is_part_of_the_identity() -> None:
    """A stored value of another version is not taken for one of this."""
    assert identity(make("metric", "bleu"))["library"] == f"sacrebleu {sacrebleu.__version__}"


@pytest.mark.parametrize("name", NAMES)
def test_equal_texts_score_1_and_the_best_reference_counts(name: str) -> None:
    """An answer that is one of the references scores 1, nothing in common 0."""
    assert value(name, of(("other words", "the cat sat down"), "the cat sat down")) == pytest.approx(1)
    assert value(name, of("xyz", "")) == 0


@pytest.mark.parametrize("name", NAMES)
def test_they_apply_where_an_answer_is_known(name: str) -> None:
    """They say nothing without references, nor where no answer is expected."""
    metric = make("metric", name)
    assert metric.applies(example(("x",)))
    assert not metric.applies(example()) and not metric.applies(example(("x",), expected="abstain"))


@pytest.mark.parametrize(
    "spec",
    [
        *({"use": "edit_similarity", "distance": d} for d in ("damerau_levenshtein", "indel", "jaro", "jaro_winkler")),
        *({"use": "bleu", "tokenize": t, "case": False} for t in ("intl", "zh", "char", "none")),
        *({"use": use, "measure": m} for use in ("rouge1", "rouge2", "rougeL") for m in ("precision", "recall")),
        {"use": "chrf", "word_order": 2, "case": False},
    ],
)
def test_their_settings_keep_the_contract(spec: dict[str, Any]) -> None:
    """With other settings than the defaults too."""
    check_metric(make("metric", spec))


@pytest.mark.parametrize("order", [-1, 5])
def test_an_impossible_word_order_is_refused(order: int) -> None:
    """chrF++ has 2."""
    with pytest.raises(ValidationError, match="word_order must be 0"):
        make("metric", {"use": "chrf", "word_order": order})
