"""The nouns of the house: frozen values that travel between its rooms."""

from harness.records.corpus import Chunk, Corpus, Document, Passage, Span
from harness.records.digest import digest
from harness.records.example import EXPECTATIONS, Evidence, Example, Message
from harness.records.outcome import Case, Failure, Outcome, Score, Verdict
from harness.records.request import Embedded, Quota, Reply, Request

__all__ = [
    "EXPECTATIONS",
    "Case",
    "Chunk",
    "Corpus",
    "Document",
    "Embedded",
    "Evidence",
    "Example",
    "Failure",
    "Message",
    "Outcome",
    "Passage",
    "Quota",
    "Reply",
    "Request",
    "Score",
    "Span",
    "Verdict",
    "digest",
]
