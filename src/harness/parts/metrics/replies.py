"""What kind of reply is it: an answer, an abstention, an offer of a human? Told by phrases."""

from __future__ import annotations

import re
from functools import lru_cache

ABSTENTIONS = (
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "i cannot answer",
    "i can't answer",
    "i am unable to answer",
    "i'm unable to answer",
    "cannot be answered",
    "can't be answered",
    "cannot find",
    "can't find",
    "could not find",
    "couldn't find",
    "not in the context",
    "not in the knowledge base",
    "does not say",
    "doesn't say",
    "does not mention",
    "doesn't mention",
    "does not contain",
    "doesn't contain",
    "does not provide",
    "doesn't provide",
    "not mentioned",
    "no information",
    "not enough information",
    "don't have information",
    "do not have information",
)
HANDOFFS = (
    "human colleague",
    "human agent",
    "support agent",
    "hand you over",
    "hand this over",
    "handing you over",
    "pass you on to",
    "pass this on to",
    "transfer you to",
    "connect you with",
    "connect you to",
    "put you in touch",
    "a member of our team",
    "escalate this",
    "escalated this",
    "speak to a human",
    "talk to a human",
    "contact our support team",
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "`": "'"})


def abstains(answer: str, phrases: tuple[str, ...]) -> bool:
    """Whether the reply declines: it is empty, or its first sentence holds one of the phrases."""
    text = answer.strip().lower().translate(_APOSTROPHES)
    if not text:
        return True
    return _pattern(phrases).search(_SENTENCE_END.split(text, maxsplit=1)[0]) is not None


def offers_human(answer: str, phrases: tuple[str, ...]) -> bool:
    """Whether the reply holds one of the phrases that offer a human."""
    return _pattern(phrases).search(answer.lower().translate(_APOSTROPHES)) is not None


@lru_cache(maxsize=64)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(phrase.lower()) for phrase in phrases) or r"(?!)")
