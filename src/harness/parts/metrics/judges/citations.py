"""Does each passage that the answer cites bear out the sentence that cites it?

Source: T. Gao et al., "Enabling Large Language Models to Generate Text with Citations" (2023), citation precision; here
each citation is judged alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel

from harness.parts.metrics.judges.fences import Fence
from harness.parts.metrics.judges.judge import Judge, numbered, shipped
from harness.parts.metrics.panel import Opinion
from harness.parts.metrics.replies import ABSTENTIONS, abstains, check_phrases
from harness.plugins import Asker, part
from harness.records import Case, Verdict

_END = re.compile(r"[.!?](?=\s)\s+|[\u3002\uff01\uff1f]\s*|\n+")
_NUMBER = re.compile(r"\d{1,6}")


class _Checked(BaseModel):
    citation: int
    reason: str
    supports: bool


class _Form(BaseModel):
    verdicts: list[_Checked]


class Citation(NamedTuple):
    """A sentence and the number of a passage that it cites."""

    sentence: str
    passage: int


def sentences_of(answer: str, citing: re.Pattern[str]) -> list[str]:
    """The sentences of an answer; citations that follow a sentence's end belong to it."""
    starts = [0, *(match.end() for match in _END.finditer(answer))]
    found: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(answer)], strict=True):
        piece = answer[start:end]
        length = _cited_at_start(piece, citing) if found else 0
        if length:
            found[-1] += piece[:length]
        if any(c.isalnum() for c in piece[length:]):
            found.append(piece[length:])
    return [sentence.strip() for sentence in found]


def _cited_at_start(piece: str, citing: re.Pattern[str]) -> int:
    """The length of the citations that a piece begins with."""
    end = 0
    while match := citing.match(piece, end + len(piece[end:]) - len(piece[end:].lstrip())):
        end = match.end()
    return end


@part("metric", "citations")
@dataclass(frozen=True)
class Citations(Judge):
    """The share of the answer's citations whose passage, as a model finds, supports the sentence that cites it.

    `pattern` finds citations (`[1]`, `[1, 2]`); the numbers in its group are passages, 1 the best. One that does not
    exist is wrong without being asked about. An answer that cites nothing is 0 where an answer is expected, there are
    passages and it does not abstain, by one of `phrases` in its first sentence; else the metric does not apply to it.
    The prompt may also name `citations`, with `sentence` and `passage`. The details tell which share of the sentences
    cite.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer", "passages")
    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {**Judge.added, "citations": [{"sentence": "a", "passage": 1}]}
    prompt: str = shipped("citations")
    pattern: str = r"\[(\d+(?:\s*[,;]\s*\d+)*)\]"
    phrases: tuple[str, ...] = ABSTENTIONS

    def __post_init__(self) -> None:
        super().__post_init__()
        check_phrases(self.phrases)
        try:
            groups = self._citing.groups
        except re.error as error:
            raise ValueError(f"pattern: {error}") from None
        if groups != 1:
            raise ValueError(f"pattern: needs one group, for the numbers, found {groups}; write others as (?:…)")
        if self._citing.search(""):
            raise ValueError("pattern matches the empty text, which is no citation")

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0 to 1; None where there is nothing to cite."""
        cited, share = self._found(case.answer)
        if not cited:
            declines = case.example.expected != "answer" or abstains(case.answer, self.phrases)
            return None if declines or not case.passages else Verdict(0.0, "cites nothing")
        if not any(1 <= citation.passage <= len(case.passages) for citation in cited):
            return Verdict(0.0, _reason(cited, [], len(case.passages)), {"cited_sentences": share})
        verdict = await super().assess(case, asker)
        if verdict is None:
            return None
        return replace(verdict, details={**(verdict.details or {}), "cited_sentences": share})

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """The share of right citations, and which are wrong."""
        cited, _ = self._found(case.answer)
        asked = [citation for citation in cited if 1 <= citation.passage <= len(case.passages)]

        def check(found: _Form) -> None:
            numbered([entry.citation for entry in found.verdicts], len(asked), "citation")

        def shown(fence: Fence) -> Mapping[str, Any]:
            each = [{"sentence": fence.of("sentence", text), "passage": number} for text, number in asked]
            return {"citations": each}

        found: _Form = await self.verdict(case, asker, model, draw, shown=shown, check=check)
        verdicts = sorted(found.verdicts, key=lambda entry: entry.citation)
        right = [citation for citation, entry in zip(asked, verdicts, strict=True) if entry.supports]
        details = [
            {**citation._asdict(), "supports": entry.supports, "reason": entry.reason}
            for citation, entry in zip(asked, verdicts, strict=True)
        ]
        return Opinion(len(right) / len(cited), _reason(cited, right, len(case.passages)), {"citations": details})

    @cached_property
    def _citing(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def _found(self, answer: str) -> tuple[list[Citation], float]:
        """The citations, each once for its sentence, and the share of sentences that cite."""
        sentences = sentences_of(answer, self._citing)
        cited = [
            [Citation(sentence, int(number)) for match in self._citing.finditer(sentence) for number in _numbers(match)]
            for sentence in sentences
        ]
        share = sum(map(bool, cited)) / len(cited) if cited else 0.0
        return list(dict.fromkeys(citation for each in cited for citation in each)), share


def _numbers(match: re.Match[str]) -> list[str]:
    return _NUMBER.findall(match[1] or "")


def _reason(cited: Sequence[Citation], right: Sequence[Citation], passages: int) -> str:
    """How many are right, and which are wrong."""
    absent = sorted({citation.passage for citation in cited if not 1 <= citation.passage <= passages})
    wrong = [c for c in cited if c not in right and c.passage not in absent]
    parts = [f"{len(right)} of {len(cited)} citations right"]
    parts += [f"no such passage: {', '.join(map(str, absent))}"] if absent else []
    parts += [f"[{citation.passage}] does not support: {citation.sentence}" for citation in wrong]
    return "; ".join(parts)
