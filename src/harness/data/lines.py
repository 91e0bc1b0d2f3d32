"""One line of a dataset as a user writes it, made into an example or into a list of what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from harness.data.evidence import Sources, read_evidence
from harness.data.rows import Row, kind, not_json
from harness.errors import Mistake, Place, advice
from harness.records import EXPECTATIONS, Evidence, Example, Message
from harness.records.example import Expectation

FIELDS = (
    "id",
    "question",
    "messages",
    "references",
    "evidence",
    "expected",
    "tags",
    "metadata",
    "cluster",
)
ROLES = ("system", "user", "assistant")


def read_line(row: Row, file: str, sources: Sources) -> Example | list[Mistake]:
    """The example that a row describes, or everything that is wrong with it.

    A field that is null counts as not given. The example's `id` and `cluster` are empty where the row gives
    none: their defaults depend on the whole file.
    """
    line = _Line(row, file)
    line.check_fields()
    example = Example(
        id=line.name("id"),
        messages=line.messages(),
        references=line.references(),
        evidence=line.evidence(sources),
        expected=line.expected(),
        tags=line.texts("tags"),
        metadata=line.metadata(),
        cluster=line.name("cluster"),
    )
    return line.mistakes or example


def unknown_field(name: str, place: Place) -> Mistake:
    """The mistake of a field or a column that no line of a dataset has."""
    return Mistake(place, f"unknown field {name!r}", advice(name, FIELDS) + "; all else belongs into `metadata`")


class _Line:
    """The fields of one row, and the mistakes found so far."""

    def __init__(self, row: Row, file: str) -> None:
        self.place = Place(file, row.line)
        self.fields: dict[str, Any] = {k: v for k, v in row.fields.items() if v is not None}
        self.broken = set(row.broken)
        self.mistakes: list[Mistake] = []

    def wrong(self, found: str, advice: str = "") -> None:
        self.mistakes.append(Mistake(self.place, found, advice))

    def check_fields(self) -> None:
        """Name unknown fields, and drop values that JSON cannot hold: no digest could be made of them."""
        for field, value in list(self.fields.items()):
            if field not in FIELDS:
                self.mistakes.append(unknown_field(str(field), self.place))
            elif problem := not_json(value):
                self.wrong(f"{field}: holds what JSON cannot hold: {problem}", "write it as text")
                del self.fields[field]
                self.broken.add(field)

    def name(self, field: str) -> str:
        value = self.fields.get(field, "")
        if not isinstance(value, str):
            self.wrong(f"{field}: must be text, found {kind(value)}", "put it in quotes")
            return ""
        if field in self.fields and not value.strip():
            self.wrong(f"{field}: is empty", "leave it out to have one made")
        return value

    def messages(self) -> tuple[Message, ...]:
        if "question" in self.fields and "messages" in self.fields:
            self.wrong("has both question and messages", "put the question into the last of the messages")
            return ()
        if "messages" in self.fields:
            return self._conversation(self.fields["messages"])
        if self.broken & {"question", "messages"}:
            return ()
        if "question" not in self.fields:
            self.wrong("has no question", "give `question`, or `messages` that end with the user's")
            return ()
        question = self.fields["question"]
        if not isinstance(question, str):
            self.wrong(f"question: must be text, found {kind(question)}", "put it in quotes")
        elif not question.strip():
            self.wrong("question: is empty")
        return (Message("user", str(question)),)

    def _conversation(self, items: Any) -> tuple[Message, ...]:
        if not isinstance(items, list) or not items:
            found = "an empty one" if items == [] else kind(items)
            self.wrong(f"messages: must be a list of messages, found {found}", "write [{role: …, content: …}]")
            return ()
        before = len(self.mistakes)
        for index, item in enumerate(items):
            self._check_message(item, f"messages[{index}]")
        if len(self.mistakes) > before:
            return ()
        if items[-1]["role"] != "user":
            self.wrong(f"messages: the last one is the {items[-1]['role']}'s", "end with the user's question")
        return tuple(Message(item["role"], item["content"]) for item in items)

    def _check_message(self, item: Any, name: str) -> None:
        if not isinstance(item, dict):
            self.wrong(f"{name}: must be a mapping, found {kind(item)}", "write {role: …, content: …}")
            return
        for field in item:
            if field not in ("role", "content"):
                self.wrong(f"{name}: unknown field {field!r}", advice(str(field), ("role", "content")))
        role, content = item.get("role"), item.get("content")
        if role not in ROLES:
            self.wrong(f"{name}: role is {role!r}", advice(str(role), ROLES))
        if not isinstance(content, str):
            self.wrong(f"{name}: content must be text, found {kind(content)}")
        elif not content.strip():
            self.wrong(f"{name}: content is empty")

    def references(self) -> tuple[str, ...]:
        value = self.fields.get("references")
        if isinstance(value, str):
            self.fields["references"] = [value]
        return self.texts("references")

    def texts(self, field: str) -> tuple[str, ...]:
        value = self.fields.get(field, [])
        if not isinstance(value, list):
            self.wrong(f"{field}: must be a list of texts, found {kind(value)}", 'write ["one", "two"]')
            return ()
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.wrong(f"{field}[{index}]: must be text, found {kind(item)}", "put it in quotes")
            elif not item.strip():
                self.wrong(f"{field}[{index}]: is empty", f"leave it out; without any, write {field}: []")
        return tuple(str(item) for item in value)

    def evidence(self, sources: Sources) -> tuple[Evidence, ...]:
        return read_evidence(self.fields.get("evidence", []), sources, self.wrong)

    def expected(self) -> Expectation:
        value = self.fields.get("expected", "answer")
        if value not in EXPECTATIONS:
            self.wrong(f"expected: is {value!r}", advice(str(value), EXPECTATIONS))
        return cast(Expectation, value)

    def metadata(self) -> Mapping[str, Any]:
        value = self.fields.get("metadata", {})
        if not isinstance(value, dict):
            self.wrong(f"metadata: must be a mapping, found {kind(value)}")
            return {}
        return value
