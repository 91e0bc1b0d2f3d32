"""The nouns of the house: frozen values that travel between its rooms."""

from harness.records.corpus import Chunk, Context, Corpus, Document, Hit, Passage, Span
from harness.records.digest import digest
from harness.records.example import EXPECTATIONS, Evidence, Example, Message
from harness.records.outcome import Case, Failure, Outcome, Scale, Score, Verdict
from harness.records.query import Lookup, Query
from harness.records.request import Embedded, Quota, Ranked, Reply, Request

__all__ = [
    "EXPECTATIONS",
    "Case",
    "Chunk",
    "Context",
    "Corpus",
    "Document",
    "Embedded",
    "Evidence",
    "Example",
    "Failure",
    "Hit",
    "Lookup",
    "Message",
    "Outcome",
    "Passage",
    "Query",
    "Quota",
    "Ranked",
    "Reply",
    "Request",
    "Scale",
    "Score",
    "Span",
    "Verdict",
    "digest",
]
