"""The context: passages in an order, each as a template shows it, within a budget of tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.errors import UserError
from harness.parts.contexts.overlaps import distinct, merged, without_repeats
from harness.plugins import part, setting, templates
from harness.plugins.lengths import Measured, Unit
from harness.records import Context, Passage

_PLAIN = "{{ text }}"
_SAMPLE = {"number": 1, "text": "a", "document": "a.md", "start": 0, "end": 1, "similarity": 0.5, "score": 0.5}


@dataclass
class _Tokens(Measured):
    """The unit of a budget."""

    length: str
    workspace: str


@part("context", "passages")
@dataclass(frozen=True)
class Passages:
    """All passages, one after the other.

    `passage_order` is how the text has them: `best_first`, `best_last` (next to the question), or `document` (as they
    stand in their documents, the document of the best passage first). `passage_template` (Jinja) shows one; it may name
    `number`, `text`, `document`, `start`, `end`, `similarity` and `score`. `passage_separator` stands between them.
    `citations` writes each one's number before it, `[1] `, unless the template names `number`; numbers are ranks, in
    whatever order. `overlaps` says what becomes of passages that share characters: `keep` gives them as they are,
    `merge` joins those that overlap or touch, `drop` leaves out one of which better ones hold half or more. The same
    span is never given twice. `context_tokens` is how many tokens of `tokenizer` the context may have: the best
    passages are taken up to the first that no longer fits.
    """

    version: ClassVar[int] = 1
    passage_order: Literal["best_first", "best_last", "document"] = "best_first"
    passage_template: str = _PLAIN
    passage_separator: str = "\n\n"
    citations: bool = False
    overlaps: Literal["keep", "merge", "drop"] = "keep"
    context_tokens: int | None = None
    tokenizer: Unit = "cl100k_base"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        templates.check("passage_template", self.passage_template, _SAMPLE)
        if self.context_tokens is not None and self.context_tokens < 1:
            raise ValueError(f"context_tokens must be at least 1, found {self.context_tokens}; null sets no bound")
        budget = self._budget()
        if budget is not None:
            try:
                budget.check_length()
                budget.measure()
            except UserError as error:
                raise ValueError(f"tokenizer: {error}") from None
        # Where no file is read, the workspace decides nothing, and stays out of run records.
        object.__setattr__(self, "workspace", budget.workspace if budget else "")

    def identity_extra(self) -> dict[str, Any]:
        """What a tokenizer's file holds, in place of its path."""
        budget = self._budget()
        found = budget.identity_extra() if budget else {}
        return {"tokenizer": found["length"]} if found else {}

    def build(self, passages: Sequence[Passage]) -> Context:
        """The context of passages that come best first. Raises jinja2.TemplateError where one cannot be shown."""
        whole = self._context(passages)
        budget = self._budget()
        if budget is None or self.context_tokens is None:
            return whole
        count = budget.measure()
        if count(whole.text) <= self.context_tokens:
            return whole
        sizes = range(1, len(passages))
        fitting = bisect_right(sizes, self.context_tokens, key=lambda n: count(self._context(passages[:n]).text))
        return self._context(passages[:fitting])

    def _budget(self) -> _Tokens | None:
        return None if self.context_tokens is None else _Tokens(self.tokenizer, self.workspace)

    def _context(self, passages: Sequence[Passage]) -> Context:
        """The context of all of these, however long."""
        kept = distinct(passages)
        if self.overlaps != "keep":
            kept = merged(kept) if self.overlaps == "merge" else without_repeats(kept)
        order = self._order(kept)
        if self.passage_template == _PLAIN and not self.citations:
            shown = [kept[i].text for i in order]
        else:
            cited = self.citations and "number" not in templates.names_in(self.passage_template)
            shown = [(f"[{i + 1}] " if cited else "") + self._shown(kept[i], i + 1) for i in order]
        return Context(tuple(kept), self.passage_separator.join(shown), tuple(order))

    def _order(self, kept: Sequence[Passage]) -> Sequence[int]:
        if self.passage_order == "best_first":
            return range(len(kept))
        if self.passage_order == "best_last":
            return range(len(kept) - 1, -1, -1)
        first: dict[str, int] = {}
        for rank, passage in enumerate(kept):
            first.setdefault(passage.document, rank)
        return sorted(range(len(kept)), key=lambda i: (first[kept[i].document], kept[i].start, kept[i].end))

    def _shown(self, passage: Passage, number: int) -> str:
        if self.passage_template == _PLAIN:
            return passage.text
        values: dict[str, Any] = {name: getattr(passage, name) for name in _SAMPLE if name != "number"}
        return templates.render(self.passage_template, {"number": number, **values})
