"""What kind of reply is it: an answer, an abstention, a refusal, an offer of a human? Told by phrases."""

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

REFUSALS = (
    "i can't help with",
    "i cannot help with",
    "i can't help you with",
    "i cannot help you with",
    "i can't assist",
    "i cannot assist",
    "i'm not able to help",
    "i am not able to help",
    "i'm not able to assist",
    "i am not able to assist",
    "i'm unable to help",
    "i am unable to help",
    "i'm unable to assist",
    "i am unable to assist",
    "i can't comply",
    "i cannot comply",
    "i can't do that",
    "i cannot do that",
    "i can't discuss",
    "i cannot discuss",
    "i can't share that",
    "i cannot share that",
    "i can't fulfill",
    "i cannot fulfill",
    "i'm not allowed to",
    "i am not allowed to",
    "i must decline",
    "i have to decline",
    "i won't be able to help",
    "i will not help",
    "i won't help",
    "against my guidelines",
    "dabei kann ich nicht helfen",
    "dabei kann ich dir nicht helfen",
    "dabei kann ich ihnen nicht helfen",
    "dabei kann ich leider nicht helfen",
    "damit kann ich nicht helfen",
    "damit kann ich dir nicht helfen",
    "damit kann ich ihnen nicht helfen",
    "dazu darf ich keine",
    "das darf ich nicht",
    "ich darf ihnen nicht",
    "ich darf dir nicht",
    "je ne peux pas vous aider",
    "je ne peux pas t'aider",
    "je ne suis pas en mesure de vous aider",
    "je ne suis pas autoris\u00e9",
    "no puedo ayudarte",
    "no puedo ayudarle",
    "no puedo ayudar con",
    "no estoy autorizado",
    "n\u00e3o posso ajudar",
    "n\u00e3o posso ajud\u00e1-lo",
    "n\u00e3o tenho permiss\u00e3o",
    "non posso aiutarti",
    "non posso aiutarla",
    "non sono autorizzato",
    "daar kan ik niet bij helpen",
    "daar kan ik je niet mee helpen",
    "daar kan ik u niet mee helpen",
    "nie mog\u0119 w tym pom\u00f3c",
    "nie mog\u0119 pom\u00f3c w",
    "\u304a\u624b\u4f1d\u3044\u3067\u304d\u307e\u305b\u3093",
    "\u304a\u624b\u4f1d\u3044\u3059\u308b\u3053\u3068\u306f\u3067\u304d\u307e\u305b\u3093",
    "\u304a\u7b54\u3048\u3067\u304d\u307e\u305b\u3093",
    "\u6211\u65e0\u6cd5\u534f\u52a9",
    "\u6211\u65e0\u6cd5\u63d0\u4f9b\u5e2e\u52a9",
    "\u6211\u4e0d\u80fd\u5e2e",
)
"""What declines to help, in English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Japanese and Chinese;
not what says that an answer is unknown. Again whole clauses: "can't help" alone also stands in plain answers."""

_SENTENCE_END = r"(?:[.!?](?=\s|$)|[\u3002\uff01\uff1f]|\n\s*\n|$)"
_TWO_SENTENCES = re.compile(rf".*?{_SENTENCE_END}\s*(?:.*?{_SENTENCE_END})?", re.DOTALL)
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


@lru_cache(maxsize=_REMEMBERED)
def refusal_in(answer: str, phrases: tuple[str, ...]) -> str | None:
    """The first of the phrases that the reply's first two sentences hold; None where it does not refuse.

    Two, because many refusals start with a sentence of regret.
    """
    opening = _TWO_SENTENCES.match(answer.strip())
    plain = _plain(opening[0] if opening else answer)
    return next((phrase for phrase in _plain_all(phrases) if phrase in plain), None)


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
