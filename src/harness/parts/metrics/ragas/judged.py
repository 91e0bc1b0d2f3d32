"""What the metrics of ragas have in common that ask a judge."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.errors import ProviderError
from harness.parts.metrics.panel import Opinion, Panel
from harness.parts.metrics.ragas.flaws import not_binary
from harness.parts.metrics.ragas.judge import SYSTEM, Judge, Reply, Vectors, admit
from harness.parts.metrics.ragas.library import collections, release
from harness.parts.metrics.replies import ABSTENTIONS, HANDOFFS, abstains, offers_human
from harness.plugins import Asker, name
from harness.records import Case, Example, Verdict, digest

_SLACK = 1e-6
"""How far rounding may lead out of the bounds."""
_LISTED = 3
_SHOWN = 100


@dataclass(frozen=True)
class Judged(Panel, ABC):
    """A metric of ragas: its prompts and its formula, asked through the harness.

    `takes` are the arguments of its `ascore`. `if_lacking` is the value where the answer is empty or nothing was
    retrieved, and ragas needs it; None: it does not apply there. `digits` rounds what ragas divides by a number a
    little too large. `prompts` are the calls of one opinion.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer", "passages")
    takes: ClassVar[tuple[str, ...]] = ("user_input", "response", "retrieved_contexts")
    if_lacking: ClassVar[float | None] = 0.0
    digits: ClassVar[int | None] = None
    prompts: ClassVar[int] = 2

    def ready(self) -> None:
        """Raise UserError where ragas is missing."""
        collections()

    def identity_extra(self) -> dict[str, Any]:
        """The release of ragas, which decides prompts and formula, and what the judge is told besides."""
        return {"ragas": release(), "system": digest(SYSTEM.content)}

    def applies(self, example: Example) -> bool:
        """Where an answer is expected, with a reference where it takes one."""
        return example.expected == "answer" and ("reference" not in self.takes or bool(reference(example)))

    @abstractmethod
    def made(self, library: Any, judge: Judge, vectors: Vectors | None) -> Any:
        """The metric's object of ragas."""

    @abstractmethod
    def flaw(self, reply: Reply, before: Sequence[Reply], case: Case) -> str | None:
        """What is wrong with a reply that fits its form."""

    @abstractmethod
    def told(self, replies: Sequence[Reply], value: float) -> str:
        """The reason for a value, for people."""

    def asks(self, case: Case) -> int:
        """How many calls an opinion takes, one after the other."""
        return self.prompts

    def sample(self, case: Case) -> dict[str, Any]:
        """The arguments of `ascore`."""
        known = {
            "user_input": case.example.question,
            "response": case.answer,
            "retrieved_contexts": [passage.text for passage in case.passages],
            "reference": reference(case.example),
        }
        return {key: known[key] for key in self.takes}

    def vectors(self, asker: Asker) -> Vectors | None:
        """The embedder, where the metric has one."""
        return None

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """The mean of the opinions; no judge is asked where there is nothing to judge."""
        lack = self.lacking(case)
        if lack is None:
            return await super().assess(case, asker)
        return None if self.if_lacking is None else Verdict(self.if_lacking, lack)

    def lacking(self, case: Case) -> str | None:
        """What ragas needs and the case has not."""
        if "response" in self.takes and not case.answer.strip():
            return "the answer is empty"
        if "retrieved_contexts" in self.takes and not any(passage.text.strip() for passage in case.passages):
            return "nothing was retrieved"
        return None

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """What ragas makes of the replies of one judge.

        Raises what asking raised, as it was, and ProviderError of kind `broken_answer` where no number came of them.
        """
        admit()

        def flaw(reply: Reply, before: Sequence[Reply]) -> str | None:
            return not_binary(reply) or self.flaw(reply, before, case)

        judge = Judge(asker, model, self.sampling, draw, flaw)
        vectors = self.vectors(asker)
        metric = self.made(collections(), judge, vectors)
        value = tidy(await evaluated(metric, self.sample(case), judge, vectors), self)
        if value is None:
            raise ProviderError(f"{name(model)}: ragas made no usable number of its replies", kind="broken_answer")
        return Opinion(value, self.told(judge.replies, value), {"replies": judge.replies})


@dataclass(frozen=True)
class Stated(Judged, ABC):
    """One that looks at what the answer states, whatever was expected.

    A reply that rightly abstains or hands over states nothing: the metric does not apply to it.
    """

    def identity_extra(self) -> dict[str, Any]:
        """The phrases too by which such a reply is known."""
        return {**super().identity_extra(), "silence": digest(ABSTENTIONS, HANDOFFS)}

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """As all do; None for a reply that is rightly silent."""
        return None if rightly_silent(case) else await super().assess(case, asker)


async def evaluated(metric: Any, sample: Mapping[str, Any], *askers: Judge | Vectors | None) -> float:
    """The number that a metric's object of ragas gives.

    What an asker raised comes out as it went in, whatever ragas did with it; ragas' own complaints are ValueErrors.
    """
    complaint: Exception | None = None
    found = math.nan
    try:
        found = float((await metric.ascore(**sample)).value)
    except Exception as error:  # noqa: BLE001  (ragas raises all kinds)
        complaint = error
    for asker in askers:
        if asker is not None and asker.failure is not None:
            raise asker.failure
    if complaint is not None:
        raise ValueError(f"ragas gave up: {type(complaint).__name__}: {complaint}") from complaint
    return found


def tidy(value: float, metric: Any) -> float | None:
    """A value without what divisors that are a little too large did to it; None where it is no number in bounds."""
    if not math.isfinite(value):
        return None
    digits = getattr(metric, "digits", None)
    value = value if digits is None else round(value, digits)
    low = -math.inf if metric.low is None else metric.low
    high = math.inf if metric.high is None else metric.high
    inside = min(max(value, low), high)
    return inside if abs(inside - value) <= _SLACK else None


def reference(example: Example) -> str:
    """The first reference that holds a word: ragas compares with one. Empty where there is none."""
    return next((text for text in example.references if text.strip()), "")


def rightly_silent(case: Case) -> bool:
    """Whether no answer was expected and none was given: the reply claims nothing that could be unfaithful."""
    expects_none = case.example.expected != "answer"
    return expects_none and (abstains(case.answer, ABSTENTIONS) or offers_human(case.answer, HANDOFFS))


def quoted(texts: Iterable[str]) -> str:
    """The first of several texts, shortened, for a reason."""
    every = list(texts)
    shown = [text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\u2026" for text in every[:_LISTED]]
    more = len(every) - len(shown)
    return "; ".join(f"\u201c{text}\u201d" for text in shown) + (f"; and {more} more" if more else "")


def shares(found: int, of: int, what: str, missing: str, texts: Iterable[str]) -> str:
    """ "2 of 3 statements supported; not supported: …"."""
    rest = quoted(texts)
    return f"{found} of {of} {what}" + (f"; {missing}: {rest}" if rest else "")
