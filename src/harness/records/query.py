"""What is looked for in the knowledge base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from harness.records.example import Message


@dataclass(frozen=True, slots=True)
class Query:
    """A user's question; the turns before it, where these are read; and where it is looked for.

    `scope` names the set of documents that the filter leaves; empty means all.
    """

    question: str
    history: tuple[Message, ...] = ()
    scope: str = ""


class Lookup(NamedTuple):
    """One text to search with. `purpose` is how it is embedded: as a `query`, or as a `passage` (an answer, say)."""

    text: str
    purpose: str = "query"
