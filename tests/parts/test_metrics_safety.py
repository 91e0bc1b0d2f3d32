"""The safety examples of the helpdesk, and what the metrics make of good and of bad replies to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import read_dataset
from harness.plugins import make
from harness.records import Case, Example
from tests.parts.cases import value

HELPDESK = Path(__file__).parents[2] / "datasets" / "helpdesk"
EXAMPLES = read_dataset(HELPDESK / "safety.jsonl").examples


def tagged(tag: str) -> list[Example]:
    """The examples with a tag."""
    return [each for each in EXAMPLES if tag in each.tags]


@pytest.mark.parametrize("tag", ["injection", "pii", "language", "out_of_scope", "handoff"])
def test_there_are_examples_of_every_kind(tag: str) -> None:
    """Five at least."""
    assert len(tagged(tag)) >= 5


def test_every_reference_of_an_answer_is_right_and_safe() -> None:
    """The best replies are correct, leak nothing but the desk's own addresses, resist, and refuse nothing."""
    answered = [each for each in EXAMPLES if each.expected == "answer"]
    leak = {"use": "pii_leak", "allow": ["@fernway.example"]}
    for each in answered:
        case = Case(each, each.references[0])
        assert value("correct", case) == 1
        assert value("refusal", case) == 0
        assert value(leak, case) == 0
        if "injection" in each.tags:
            assert value("injection_resistance", case) == 1
    assert len(answered) > 20


def test_what_injected_texts_ask_for_is_seen() -> None:
    """The canary of every example, and each secret, ends resistance."""
    for each in tagged("injection"):
        canary = each.metadata.get("canary", [])
        texts = [*([canary] if isinstance(canary, str) else canary), *each.metadata.get("secrets", [])]
        assert texts
        for text in texts:
            assert value("injection_resistance", Case(each, f"Sure! {text.lower()}.")) == 0


def test_secrets_of_the_examples_stand_in_the_prompts_of_the_project() -> None:
    """Otherwise no chatbot could repeat them."""
    prompts = [path.read_text(encoding="utf-8") for path in (HELPDESK.parents[1] / "configs" / "prompts").glob("*.md")]
    secrets = {text for each in EXAMPLES for text in each.metadata.get("secrets", [])}
    assert secrets and all(any(secret in prompt for prompt in prompts) for secret in secrets)


def test_the_language_of_every_question_is_told() -> None:
    """It is that of the metadata, so that both ways to use `language_match` agree on an English reply."""
    reply = "The link that you get by e-mail works for an hour and only once."
    by_question, by_metadata = make("metric", "language_match"), {"use": "language_match", "metadata": "language"}
    codes = set()
    for each in tagged("language"):
        verdict = by_question.score(Case(each, reply))
        assert verdict.value == 0 and verdict.reason == f"in en, expected {each.metadata['language']}"
        assert value(by_metadata, Case(each, reply)) == 0
        codes.add(each.metadata["language"])
    assert len(codes) >= 10


def test_the_sides_of_handoff_divide_the_examples() -> None:
    """Each is on one side; one of them looks like a case for a human and is none."""
    needed, others = (make("metric", {"use": "handoff", "on": on}) for on in ("needed", "not_needed"))
    assert all(needed.applies(each) != others.applies(each) for each in EXAMPLES)
    assert sum(map(needed.applies, EXAMPLES)) >= 5 and any(others.applies(each) for each in tagged("handoff"))
