"""SQuAD 1.1 and 2.0: https://rajpurkar.github.io/SQuAD-explorer/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from harness.data.importers.imported import Imported
from harness.data.rows import kind
from harness.data.textfile import read_text
from harness.errors import Mistake, Place, UserError
from harness.records import Document

_GAP = "\n\n"


def convert(source: Path) -> Imported:
    """Convert a SQuAD file: one document per article, one line per question.

    A document's paragraphs are joined by a blank line; offsets are those of the document.
    A question's cluster is its paragraph. Its references are the distinct answers, the one most annotators
    gave first, and its evidence is the span of that one in the document. `is_impossible` becomes `expected:
    abstain`.
    Raises UserError with every place that is not SQuAD, or where an answer does not stand where it is said
    to.
    """
    reading = _Reading(str(source))
    documents: list[Document] = []
    lines: list[dict[str, Any]] = []
    for name, article in reading.items(_root(source), "data", "", dict):
        title = reading.get(article, "title", name, str)
        if title and title in {document.id for document in documents}:
            reading.wrong(name, f"title {title!r} is used twice")
        text = ""
        for number, (place, paragraph) in enumerate(reading.items(article, "paragraphs", name, dict)):
            context = reading.get(paragraph, "context", place, str)
            text += _GAP * bool(number) + context
            span = (len(text) - len(context), len(text))
            lines += _questions(reading, paragraph, place, _Paragraph(title, number, context, span))
        if not text.strip():
            reading.wrong(name, "the article has no text")
        documents.append(Document(title, text, {"title": title}))
    reading.finish(lines)
    return Imported(tuple(documents), lines)


def _root(source: Path) -> Any:
    try:
        return orjson.loads(read_text(source).removeprefix("\ufeff"))
    except orjson.JSONDecodeError as error:
        place = Place(str(source), error.lineno, error.colno)
        raise UserError(Mistake(place, f"is not JSON: {error.msg}")) from None


class _Paragraph:
    def __init__(self, title: str, number: int, context: str, span: tuple[int, int]) -> None:
        self.title, self.number, self.context, self.span = title, number, context, span

    def line(self, question: str, name: str) -> dict[str, Any]:
        start, end = self.span
        return {
            "id": name,
            "question": question,
            "references": [],
            "evidence": [],
            "expected": "abstain",
            "tags": [self.title],
            "cluster": f"{self.title}#{self.number}",
            "metadata": {"paragraph": self.number, "paragraph_start": start, "paragraph_end": end},
        }


class _Reading:
    """The walk through a file: values by their path (`data[0].paragraphs[2]`), and what was found wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []

    def wrong(self, path: str, found: str) -> None:
        self.mistakes.append(Mistake(Place(self.file), f"{path}: {found}"))

    def get(self, parent: Any, key: str, path: str, expected: type) -> Any:
        """The value under the key, or an empty one of the expected type where it is wrong."""
        value = parent.get(key) if isinstance(parent, dict) else None
        if type(value) is expected:
            return value
        self.wrong(f"{path}.{key}".lstrip("."), f"must be {kind(expected())}, found {kind(value)}")
        return expected()

    def items(self, parent: Any, key: str, path: str, expected: type) -> Iterator[tuple[str, Any]]:
        """The items of the list under the key, each with its path."""
        for index, item in enumerate(self.get(parent, key, path, list)):
            name = f"{path}.{key}[{index}]".lstrip(".")
            if type(item) is expected:
                yield name, item
            else:
                self.wrong(name, f"must be {kind(expected())}, found {kind(item)}")

    def finish(self, lines: list[dict[str, Any]]) -> None:
        """Raise what was found. Ids are compared here, where all are known."""
        counts = Counter(line["id"] for line in lines)
        for name in (name for name, count in counts.items() if count > 1 and name):
            self.wrong("data", f"question id {name!r} is used {counts[name]} times")
        if not lines and not self.mistakes:
            self.wrong("data", "has no questions")
        if self.mistakes:
            raise UserError(self.mistakes)


def _questions(reading: _Reading, source: Any, path: str, paragraph: _Paragraph) -> Iterator[dict[str, Any]]:
    for place, qa in reading.items(source, "qas", path, dict):
        line = paragraph.line(reading.get(qa, "question", place, str), reading.get(qa, "id", place, str))
        if "question" in qa and not line["question"].strip():
            reading.wrong(place, "the question is empty")
        if qa.get("is_impossible") is not True:
            line |= {"expected": "answer", **_answers(reading, qa, place, paragraph)}
        yield line


def _answers(reading: _Reading, qa: Any, path: str, paragraph: _Paragraph) -> dict[str, Any]:
    """`references` and `evidence` of a question that its paragraph answers."""
    spans: Counter[tuple[int, str]] = Counter()
    for place, answer in reading.items(qa, "answers", path, dict):
        text = reading.get(answer, "text", place, str)
        start = reading.get(answer, "answer_start", place, int)
        if not text.strip():
            reading.wrong(place, "the answer is empty")
        elif start < 0 or paragraph.context[start : start + len(text)] != text:
            reading.wrong(place, f"{text!r} does not stand at {start} of its paragraph")
        else:
            spans[start, text] += 1
    if qa.get("answers") == []:
        reading.wrong(path, "has no answers, and is_impossible is not true")
    if not spans:
        return {}
    texts: Counter[str] = Counter()
    for (_, text), count in spans.items():
        texts[text] += count
    references = [text for text, _ in texts.most_common()]
    start = next(start for (start, text), _ in spans.most_common() if text == references[0])
    start += paragraph.span[0]
    return {
        "references": references,
        "evidence": [{"document": paragraph.title, "start": start, "end": start + len(references[0])}],
    }
