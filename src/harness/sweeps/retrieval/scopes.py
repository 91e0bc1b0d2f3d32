"""Where is looked: the documents that a filter leaves for an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError
from jinja2 import nodes as syntax
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.config.expressions import Expression
from harness.errors import UserError, advice
from harness.records import Corpus, Example, digest

_REMEMBERED = 10_000


class Scopes:
    """Sets of documents by name. A name is the digest of the ids; empty means all documents."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._documents: list[tuple[str, Mapping[str, Any]]] = [
            (document.id, {**document.metadata, "id": document.id}) for document in corpus.documents
        ]
        self._sets: dict[str, frozenset[str]] = {}
        self._known: dict[tuple[str, str], str] = {}

    def check(self, condition: str, examples: Iterable[Example]) -> None:
        """Raise UserError when a filter reads what no document, or no example, has."""
        of_documents = {key for _, values in self._documents for key in values}
        of_examples = {key for example in examples for key in example.metadata}
        for name, whose, has in (("document", "document", of_documents), ("metadata", "example", of_examples)):
            for field in sorted(_fields(condition, name) - has):
                raise UserError(
                    f"retrieval.filter {condition!r} reads {name}.{field}, which no {whose} has; "
                    f"{advice(field, sorted(has), f'metadata of the {whose}s')}"
                )

    def caution(self, condition: str, examples: Sequence[Example]) -> str | None:
        """What is odd about what a filter leaves: nothing for some questions, or not their evidence; None if not."""
        left = [(example, self._sets.get(self.of(condition, example))) for example in examples]
        empty = sum(documents is not None and not documents for _, documents in left)
        lost = sum(
            bool(documents) and not {e.document for e in example.evidence} <= documents
            for example, documents in left
            if documents is not None
        )
        said = [f"leaves no document for {empty} of {len(examples)} questions"] if empty else []
        said += [f"leaves out evidence of {lost}"] if lost else []
        hint = "; compare the types too: 2 is not '2'" if empty else ""
        return f"the filter {condition!r} {' and '.join(said)}{hint}" if said else None

    def of(self, condition: str | None, example: Example) -> str:
        """The scope that a filter gives an example. A document that lacks what the condition reads is left out."""
        if condition is None:
            return ""
        expression = Expression(condition)
        reads = expression.names & {"metadata", "tags"}
        key = (condition, digest(example.metadata, example.tags) if reads else "")
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()  # a server meets ever new metadata
            self._known[key] = self._named(expression, example)
        return self._known[key]

    def documents(self, scope: str) -> frozenset[str]:
        """The ids of a scope that is not empty."""
        return self._sets[scope]

    def _named(self, expression: Expression, example: Example) -> str:
        holds = expression.compiled()
        kept = []
        for name, values in self._documents:
            try:
                if holds({"document": values, "metadata": example.metadata, "tags": example.tags}):
                    kept.append(name)
            except (TemplateError, ArithmeticError, ValueError, LookupError, AttributeError):
                continue  # the document, or the example, has no such field, or one that this cannot be done with
        if len(kept) == len(self._documents):
            return ""
        scope = digest("scope", kept)
        self._sets[scope] = frozenset(kept)
        return scope


def _fields(condition: str, name: str) -> set[str]:
    """The fields of `name` that a condition reads, as `name.field` or `name['field']`."""
    tree = ImmutableSandboxedEnvironment().parse("{{ (" + condition + ") }}")
    found = set()
    for node in tree.find_all((syntax.Getattr, syntax.Getitem)):
        if not isinstance(node.node, syntax.Name) or node.node.name != name:  # type: ignore[attr-defined]
            continue
        if isinstance(node, syntax.Getattr):
            found.add(node.attr)
        elif isinstance(node.arg, syntax.Const) and isinstance(node.arg.value, str):  # type: ignore[attr-defined]
            found.add(node.arg.value)  # type: ignore[attr-defined]
    return found
