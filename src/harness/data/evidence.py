"""Evidence as a user writes it, checked against the knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.data.rows import kind
from harness.errors import advice, nearest
from harness.records import Corpus, Document, Evidence

FIELDS = ("document", "start", "end", "text")

# Looking for a near name costs milliseconds per thousand documents: the first few are help enough.
_MOST_GUESSES = 10

Wrong = Callable[[str, str], None]


class Sources:
    """The documents that evidence may point to; without a corpus, any. `left_out`: why others are not in it, by id."""

    def __init__(self, corpus: Corpus | None, left_out: Mapping[str, str] | None = None) -> None:
        self._left_out = left_out or {}
        self._documents = corpus.by_id if corpus is not None else None
        self._advice: dict[str, str] = {}

    def lacks(self, document: str) -> bool:
        """Whether a corpus was given and has no such document."""
        return self._documents is not None and document not in self._documents

    def left_out(self, document: str) -> str | None:
        """Why a document was left out of the corpus; None where it was not."""
        return self._left_out.get(document)

    def document(self, name: str) -> Document | None:
        """The document; None where it is not known."""
        return (self._documents or {}).get(name)

    def advice(self, document: str) -> str:
        """What the name of a document that does not exist may have been meant to be."""
        if document not in self._advice and len(self._advice) < _MOST_GUESSES:
            close = nearest(document, self._documents or ())
            self._advice[document] = f"did you mean {close!r}?" if close else ""
        return self._advice.get(document) or f"the corpus has {len(self._documents or ())} documents"


def read_evidence(items: Any, sources: Sources, wrong: Wrong) -> tuple[Evidence, ...]:
    """The evidence of one example, from a list of mappings `{document, start, end, text}`.

    `start` and `end` count characters of the document; both or neither are given. `text`, where it is given,
    must be what the document holds there. Calls `wrong(found, advice)` for every problem and leaves out what
    has one.
    """
    if not isinstance(items, list):
        wrong(f"evidence: must be a list, found {kind(items)}", "write [{document: …, start: …, end: …}]")
        return ()
    read = [_one(item, f"evidence[{index}]", sources, wrong) for index, item in enumerate(items)]
    return tuple(evidence for evidence in read if evidence)


def _one(item: Any, name: str, sources: Sources, wrong: Wrong) -> Evidence | None:
    if not isinstance(item, dict):
        wrong(f"{name}: must be a mapping, found {kind(item)}", "write {document: …, start: …, end: …}")
        return None
    for field in item:
        if field not in FIELDS:
            wrong(f"{name}: unknown field {str(field)!r}", advice(str(field), FIELDS))
    document = item.get("document")
    if not isinstance(document, str) or not document:
        wrong(f"{name}: document must be the id of a document, found {_shown(document)}", "")
        return None
    if sources.lacks(document) and (reason := sources.left_out(document)):
        found = f"{name}: the document {document!r} was left out of the corpus: {reason}"
        wrong(found, "mend the document, or take the example out")
    elif sources.lacks(document):
        wrong(f"{name}: there is no document {document!r}", sources.advice(document))
    span = _span(item, name, wrong)
    if span is None:
        return None
    _inside(item, span, name, sources.document(document), wrong)
    return Evidence(document, *span)


def _span(item: Mapping[str, Any], name: str, wrong: Wrong) -> tuple[int, int] | tuple[()] | None:
    """Start and end; empty where neither is given; None where they are wrong."""
    start, end = item.get("start"), item.get("end")
    if start is None and end is None:
        return ()
    if start is None or end is None:
        given, missing = ("start", "end") if end is None else ("end", "start")
        wrong(f"{name}: {given} without {missing}", "give both, or neither for the whole document")
        return None
    if type(start) is not int or type(end) is not int:
        field, value = ("start", start) if type(start) is not int else ("end", end)
        wrong(f"{name}: {field} must be a whole number, found {_shown(value)}", "")
        return None
    if not 0 <= start < end:
        wrong(f"{name}: start {start} and end {end} are no span", "0 <= start < end")
        return None
    return start, end


def _inside(
    item: Mapping[str, Any], span: tuple[int, int] | tuple[()], name: str, document: Document | None, wrong: Wrong
) -> None:
    """Compare the span, and the text that is said to stand there, with the document's text."""
    expected = item.get("text")
    if expected is not None and not isinstance(expected, str):
        wrong(f"{name}: text must be text, found {kind(expected)}", "")
        return
    if not span:
        if expected is not None:
            wrong(f"{name}: text without start and end", "say where in the document it stands")
        return
    if document is None:
        return
    text = document.text
    if span[1] <= document.body:
        wrong(f"{name}: end {span[1]} is in the front matter of {document.id!r}, of which nothing is retrieved", "")
    elif span[1] > len(text):
        wrong(f"{name}: end {span[1]} is behind the end of {item['document']!r} ({len(text)} characters)", "")
    elif expected is not None and text[slice(*span)] != expected:
        wrong(f"{name}: the document has {_cut(text[slice(*span)])} there", f"not {_cut(expected)}")


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, float | str) else kind(value)


def _cut(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
