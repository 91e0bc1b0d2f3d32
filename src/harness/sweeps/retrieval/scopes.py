"""Where is looked: the documents that a filter leaves for an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError
from jinja2 import nodes as syntax
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.config.expressions import Expression
from harness.errors import UserError, advice
from harness.records import Corpus, Example, digest


class Scopes:
    """Sets of documents by name. A name is the digest of the ids; empty means all documents."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._documents: list[tuple[str, Mapping[str, Any]]] = [
            (document.id, {**document.metadata, "id": document.id}) for document in corpus.documents
        ]
        self._sets: dict[str, frozenset[str]] = {}
        self._known: dict[tuple[str, str], str] = {}

    def check(self, condition: str) -> None:
        """Raise UserError when a filter reads what no document has."""
        has = {key for _, values in self._documents for key in values}
        for field in _fields(condition, "document"):
            if field not in has:
                raise UserError(
                    f"retrieval.filter {condition!r} reads document.{field}, which no document has; "
                    f"{advice(field, sorted(has), 'metadata of the documents')}"
                )

    def of(self, condition: str | None, example: Example) -> str:
        """The scope that a filter gives an example. A document that lacks what the condition reads is left out."""
        if condition is None:
            return ""
        expression = Expression(condition)
        reads = expression.names & {"metadata", "tags"}
        key = (condition, digest(example.metadata, example.tags) if reads else "")
        if key not in self._known:
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
            except TemplateError:  # the document, or the example, has no such field
                continue
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
