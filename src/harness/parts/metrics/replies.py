"""What kind of reply is it: an answer, an abstention, an offer of a human? Told by phrases."""

from __future__ import annotations

import re
from functools import lru_cache

ABSTENTIONS = (
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "cannot answer",
    "can't answer",
    "unable to answer",
    "cannot be answered",
    "can't be answered",
    "i cannot find",
    "i can't find",
    "could not find",
    "couldn't find",
    "unable to find",
    "not in the context",
    "not in the knowledge base",
    "not mentioned in the",
    "does not say",
    "doesn't say",
    "context does not",
    "context doesn't",
    "passages do not",
    "passages don't",
    "documents do not",
    "documents don't",
    "articles do not",
    "articles don't",
    "documentation does not",
    "documentation doesn't",
    "knowledge base does not",
    "knowledge base doesn't",
    "no information",
    "no specific information",
    "not enough information",
    "i do not have information",
    "i don't have information",
    "i do not have that information",
    "i don't have that information",
    "i do not have any information",
    "i don't have any information",
    "i do not have specific information",
    "i don't have specific information",
    "i do not have enough information",
    "i don't have enough information",
    "i do not have details",
    "i don't have details",
)
"""Whole clauses with their subject, because "does not contain" or "can't find" alone also stand in plain answers
("The free plan does not contain…", "If you can't find the invoice, …")."""

HANDOFFS = (
    "human colleague",
    "human agent",
    "human support",
    "to a human",
    "with a human",
    "to a support agent",
    "with a support agent",
    "a member of our team",
    "a member of our support team",
    "one of our colleagues",
    "hand you over",
    "hand this over",
    "handing you over",
    "handing this over",
    "pass you on to",
    "pass this on to",
    "forward this to",
    "transfer you to",
    "connect you with",
    "connect you to",
    "put you in touch",
    "escalate this",
    "escalated this",
    "escalating this",
)
"""What offers somebody; not what only names a way to reach somebody ("contact support"), which plain answers do too."""

_FIRST_SENTENCE = re.compile(r".*?(?:[.!?\u3002\uff01\uff1f](?=\s|$)|\n\s*\n|$)", re.DOTALL)
_REMEMBERED = 4096  # replies: several metrics ask about each
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4\uff07`", "'"))


@lru_cache(maxsize=_REMEMBERED)
def abstains(answer: str, phrases: tuple[str, ...]) -> bool:
    """Whether the reply declines: it is empty, or its first sentence holds one of the phrases."""
    text = answer.strip()
    if not text:
        return True
    first = _FIRST_SENTENCE.match(text)
    return _holds(first[0] if first else text, phrases)


@lru_cache(maxsize=_REMEMBERED)
def offers_human(answer: str, phrases: tuple[str, ...]) -> bool:
    """Whether the reply holds one of the phrases that offer a human."""
    return _holds(answer, phrases)


def check_phrases(*lists: tuple[str, ...]) -> None:
    """Raise ValueError for a phrase without a character, which every reply would hold."""
    if any(not phrase.strip() for phrases in lists for phrase in phrases):
        raise ValueError("phrases must not be empty: an empty one occurs in every reply; leave it out")


def _holds(text: str, phrases: tuple[str, ...]) -> bool:
    plain = _plain(text)
    return any(phrase in plain for phrase in _plain_all(phrases))


def _plain(text: str) -> str:
    """Lower case, with one kind of apostrophe and single spaces."""
    return " ".join(text.translate(_APOSTROPHES).lower().split())


@lru_cache(maxsize=64)
def _plain_all(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_plain, phrases))
