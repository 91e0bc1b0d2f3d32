"""A reader that quotes: no language model, but an honest baseline that needs no key and no download."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.models.sentences import Sentence, bigrams, content_stems, sentences_of
from harness.plugins import ModelConnection, part
from harness.records import Reply, Request

ABSTENTION = "I don't know: the knowledge base does not say."
HANDOFF = "I will hand you over to a human colleague."
_TOKEN = re.compile(r"\w+|[^\w\s]")
"""What counts as one token: a word or number, or a punctuation mark. A rough stand-in for a tokenizer's count."""
_EARLIER_WEIGHT = 0.5
_BIGRAM_BONUS = 0.15
_RANK_BONUS = 0.05
_HEADING_WEIGHT = 0.6


@part("model", "local/extractive")
@dataclass(frozen=True)
class Extractive:
    """Quotes the sentences of the passages that hold most of the question's rarer words; it is no language model.

    It quotes at most `sentences` of them. Where even the best holds less than `min_overlap` of the question's words
    (weighted by rarity, between 0 and 1), it says that it does not know. In a conversation the words of the user's
    message before count half. A question with one of `handoff_cues` (words or phrases, whole, in any case) is handed
    over to a human. Of the sampling settings only `max_tokens` means anything to it: it cuts the quote between words.
    """

    version: ClassVar[int] = 2
    local: ClassVar[bool] = True
    reads_passages: ClassVar[bool] = True
    sentences: int = 1
    min_overlap: float = 0.15
    handoff_cues: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise ValueError(f"sentences must be at least 1, found {self.sentences}")
        if not 0 <= self.min_overlap <= 1:
            raise ValueError(f"min_overlap must be between 0 and 1, found {self.min_overlap}")
        if not all(cue.strip() for cue in self.handoff_cues):
            raise ValueError("handoff_cues must not hold an empty text: it would hand over every question")

    @property
    def provider(self) -> str:
        """This process."""
        return "local"

    @property
    def price_name(self) -> str | None:
        """Free."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """Needs nothing."""
        return ()

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Only `max_tokens`."""
        return {key: value for key, value in sampling.items() if key == "max_tokens"}

    def connect(self) -> ModelConnection:
        """Ready at once."""
        return _Reader(self)


class _Reader:
    def __init__(self, settings: Extractive) -> None:
        self._settings = settings
        cues = "|".join(r"\s+".join(map(re.escape, cue.split())) for cue in settings.handoff_cues)
        self._cues = re.compile(rf"(?<!\w)(?:{cues})(?!\w)", re.IGNORECASE) if cues else None

    async def complete(self, request: Request) -> Reply:
        started = time.perf_counter()
        text, reason = _cut(self._answer(request), request.parameters.get("max_tokens"))
        sent = sum(len(_TOKEN.findall(message.content)) for message in request.messages)
        received = len(_TOKEN.findall(text))
        elapsed = (time.perf_counter() - started) * 1000
        return Reply(text, sent, received, finish_reason=reason, model="local/extractive", latency_ms=elapsed)

    async def close(self) -> None:
        return None

    def _answer(self, request: Request) -> str:
        if self._cues is not None and self._cues.search(request.question):
            return HANDOFF
        found = [(rank, s) for rank, text in enumerate(request.passages) for s in sentences_of(text)]
        if not found:
            return ABSTENTION
        weights = _weights(request, [sentence for _, sentence in found])
        whole = sum(weights.values())
        if not whole:
            return ABSTENTION
        pairs = bigrams(request.question)
        scored = [(_score(s, weights, pairs, rank) / whole, -i) for i, (rank, s) in enumerate(found)]
        best = sorted(scored, reverse=True)
        if _overlap(found[-best[0][1]][1], weights) / whole < self._settings.min_overlap:
            return ABSTENTION
        chosen = sorted(_distinct([(score, -i) for score, i in best], found, self._settings.sentences))
        return " ".join(found[i][1].text for i in chosen)


def _distinct(best: list[tuple[float, int]], found: list[tuple[int, Sentence]], count: int) -> list[int]:
    """The best sentences, each text once (overlapping chunks repeat them)."""
    texts: dict[str, int] = {}
    for score, i in best:
        if len(texts) == count or score <= 0:
            break
        texts.setdefault(found[i][1].text, i)
    return list(texts.values())


def _weights(request: Request, sentences: list[Sentence]) -> dict[str, float]:
    """The question's stems, weighted by rarity among the sentences; those of the user's turn before count half."""
    earlier = [m.content for m in request.messages[:-1] if m.role == "user"][-1:]
    shares = dict.fromkeys(content_stems(" ".join(earlier)), _EARLIER_WEIGHT)
    shares |= dict.fromkeys(content_stems(request.question), 1.0)
    count = len(sentences)
    weights = {}
    for stem, share in shares.items():
        holding = sum(stem in s.stems for s in sentences)
        weights[stem] = share * math.log(1 + (count - holding + 0.5) / (holding + 0.5))
    return weights


def _overlap(sentence: Sentence, weights: dict[str, float]) -> float:
    total = 0.0
    for stem, weight in weights.items():
        if stem in sentence.stems:
            total += weight
        elif stem in sentence.heading_stems:
            total += _HEADING_WEIGHT * weight
    return total


def _score(sentence: Sentence, weights: dict[str, float], pairs: frozenset[str], rank: int) -> float:
    total = _overlap(sentence, weights)
    together = len(pairs & sentence.bigrams)
    return total * (1 + _BIGRAM_BONUS * together) / (1 + _RANK_BONUS * rank)


def _cut(text: str, limit: int | None) -> tuple[str, str]:
    """The text, cut to so many tokens; never within a word, so that no number or name is quoted in part."""
    if limit is None or text in (ABSTENTION, HANDOFF):
        return text, "stop"
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) <= limit:
        return text, "stop"
    end = tokens[limit].start()
    while end and not text[end - 1].isspace():
        end -= 1
    return text[:end].rstrip(), "length"
