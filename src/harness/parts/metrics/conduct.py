"""Did the chatbot do what it should: answer, abstain, or hand over to a human?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.parts.metrics.replies import (
    ABSTENTIONS,
    HANDOFFS,
    REFUSALS,
    abstains,
    check_phrases,
    offers_human,
    refusal_in,
)
from harness.parts.metrics.share import Share
from harness.parts.metrics.text import matches
from harness.plugins import part, setting
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
    """1 when the reply offers a human, by one of `phrases` anywhere in it, exactly when one is needed.

    `on: needed` looks only at examples where a human must take over: its mean is the share of them where one is
    offered, what is left the share that was missed. `on: not_needed` looks at all others: what is left is the share
    where a human is offered without need.
    """

    phrases: tuple[str, ...] = HANDOFFS
    on: Literal["both", "needed", "not_needed"] = setting("both", late=True)

    def __post_init__(self) -> None:
        check_phrases(self.phrases)

    def applies(self, example: Example) -> bool:
        """Everywhere, or only where a human is needed, or only where none is."""
        return self.on == "both" or (example.expected == "handoff") == (self.on == "needed")

    def score(self, case: Case) -> Verdict:
        """0 or 1."""
        did, should = offers_human(case.answer, self.phrases), case.example.expected == "handoff"
        offered, needed = "offered" if did else "not offered", "needed" if should else "not needed"
        return Verdict(float(did == should), f"human {offered}, {needed}")


@part("metric", "refusal")
@dataclass(frozen=True)
class Refusal(Share):
    """1 when the reply refuses: one of `phrases` is in its first two sentences. Less is better.

    To refuse is to say that one may not or will not help ("I can't help with that"); to say that one does not know is
    an abstention. By default it looks at examples that should be answered, where every refusal is one too many;
    `on: all` looks at every reply. `phrases` replaces the list, which has ten languages.
    """

    direction: ClassVar[str] = "minimize"
    on: Literal["answer", "all"] = "answer"
    phrases: tuple[str, ...] = REFUSALS

    def __post_init__(self) -> None:
        check_phrases(self.phrases)

    def applies(self, example: Example) -> bool:
        """Where an answer is expected, or everywhere."""
        return self.on == "all" or example.expected == "answer"

    def score(self, case: Case) -> Verdict:
        """0 or 1; the reason names the phrase."""
        found = refusal_in(case.answer, self.phrases)
        return Verdict(float(found is not None), f"refuses: {found!r}" if found is not None else "does not refuse")


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
