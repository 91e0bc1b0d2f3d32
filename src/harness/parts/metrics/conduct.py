"""Did the chatbot do what it should: answer, abstain, or hand over to a human?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.parts.metrics.replies import ABSTENTIONS, HANDOFFS, abstains, check_phrases, offers_human
from harness.parts.metrics.share import Share
from harness.parts.metrics.text import matches
from harness.plugins import part
from harness.records import Case, Example, Verdict


@part("metric", "abstention")
@dataclass(frozen=True)
class Abstention(Share):
    """1 when the reply abstains exactly when it should: it is empty, or its first sentence holds one of `phrases`.

    `on: abstain` looks only at examples that should be abstained from, `on: answer` only at those that should be
    answered: the two sides of the trade that a threshold makes.
    """

    on: Literal["both", "answer", "abstain"] = "both"
    phrases: tuple[str, ...] = ABSTENTIONS

    def __post_init__(self) -> None:
        check_phrases(self.phrases)

    def applies(self, example: Example) -> bool:
        """Where an answer or an abstention is expected, or only the one of them."""
        return example.expected in (("answer", "abstain") if self.on == "both" else (self.on,))

    def score(self, case: Case) -> Verdict:
        """0 or 1."""
        did, should = abstains(case.answer, self.phrases), case.example.expected == "abstain"
        return Verdict(float(did == should), f"{'abstained' if did else 'answered'}, {_should(should)}")


def _should(abstain: bool) -> str:
    return "should have abstained" if abstain else "should have answered"


@part("metric", "handoff")
@dataclass(frozen=True)
class Handoff(Share):
    """1 when the reply offers a human, by one of `phrases` anywhere in it, exactly when one is needed."""

    phrases: tuple[str, ...] = HANDOFFS

    def __post_init__(self) -> None:
        check_phrases(self.phrases)

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def score(self, case: Case) -> Verdict:
        """0 or 1."""
        did, should = offers_human(case.answer, self.phrases), case.example.expected == "handoff"
        offered, needed = "offered" if did else "not offered", "needed" if should else "not needed"
        return Verdict(float(did == should), f"human {offered}, {needed}")


@part("metric", "correct")
@dataclass(frozen=True)
class Correct(Share):
    """1 when the reply is what was expected: a matching answer, an abstention, or the offer of a human.

    An answer matches as in `answer_match`, and must be neither an abstention nor a handoff. A reply that abstains and
    offers a human is right where either is expected.
    """

    abstention_phrases: tuple[str, ...] = ABSTENTIONS
    handoff_phrases: tuple[str, ...] = HANDOFFS

    def __post_init__(self) -> None:
        check_phrases(self.abstention_phrases, self.handoff_phrases)

    def applies(self, example: Example) -> bool:
        """Everywhere but where an answer is expected and no reference says which."""
        return example.expected != "answer" or bool(example.references)

    def score(self, case: Case) -> Verdict:
        """0 or 1; the reason names what was found."""
        answer, expected = case.answer, case.example.expected
        hands_over = offers_human(answer, self.handoff_phrases)
        declines = abstains(answer, self.abstention_phrases)
        if expected == "handoff":
            return Verdict(float(hands_over), "offers a human" if hands_over else "offers no human")
        if expected == "abstain":
            return Verdict(float(declines), "abstains" if declines else "does not abstain")
        if hands_over or declines:
            return Verdict(0.0, "offers a human" if hands_over else "abstains")
        right = matches(answer, case.example.references)
        return Verdict(float(right), "right answer" if right else "wrong answer")
