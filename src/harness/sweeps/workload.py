"""The cells of a sweep and the distinct requests behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jinja2 import TemplateError

from harness.config import SweepConfig, Variant
from harness.config.prompting import messages_of, request_of, texts_of
from harness.plugins import identity
from harness.records import Context, Corpus, Example, Failure, Message, Request, digest
from harness.sweeps import keys
from harness.sweeps.retrieval.contexts import Contexts
from harness.sweeps.retrieval.cuts import NO_CONTEXT
from harness.sweeps.retrieval.findings import Findings
from harness.sweeps.retrieval.groups import Groups
from harness.sweeps.retrieval.scopes import Scopes

CellId = tuple[str, str, int]
"""Variant id, example id, repeat number."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One unit of evaluation and the key of the request it comes to; a failure where there is no request.

    `characters` is the length of the request's messages; `context` is what the model is given of the knowledge base.
    Equal contexts of one retrieval are one object.
    """

    variant: Variant
    example: Example
    repeat: int
    request: str | None
    failure: Failure | None = None
    characters: int = 0
    context: Context = NO_CONTEXT

    @property
    def id(self) -> CellId:
        """What names the cell in every table."""
        return self.variant.id, self.example.id, self.repeat


class _Asking(NamedTuple):
    """What of a variant decides its requests besides the context; equal ones have equal digests."""

    model: Any
    identity: dict[str, Any]
    parameters: dict[str, Any]
    digest: str


@dataclass
class Workload:
    """All cells of a sweep, in the order of variants, examples, repeats. `scopes` are those of before, if any."""

    config: SweepConfig
    corpus: Corpus | None
    examples: Sequence[Example]
    cells: list[Cell] = field(default_factory=list)
    scopes: Scopes | None = None

    def __post_init__(self) -> None:
        self.groups = Groups(self.config, self.corpus, self.examples, self.scopes)
        self.contexts = Contexts(self.config, self.corpus, self.groups)
        self.findings = Findings(self.config, self.contexts)
        self._rendered: dict[Any, tuple[Message, ...]] = {}
        self._resolved: dict[Any, tuple[list[str], int]] = {}

    async def resolve(self) -> None:
        """Find every cell's request; cells with equal requests share one answer."""
        for variant in self.config.variants:
            chatbot = variant.chatbot
            model, sampling = chatbot.model, dict(chatbot.sampling)
            content = (identity(model), sampling, chatbot.system_prompt, chatbot.user_prompt)
            asking = _Asking(model, content[0], model.parameters(sampling), digest(content))
            for example in self.examples:
                self.cells += self._cells(variant, example, asking)
            await asyncio.sleep(0)
        self._rendered.clear()
        self._resolved.clear()

    def _cells(self, variant: Variant, example: Example, asking: _Asking) -> Iterable[Cell]:
        repeats = range(self.config.repeats)
        context = self.contexts.context(variant, example)
        if isinstance(context, Failure):
            return [Cell(variant, example, n, None, context) for n in repeats]
        key = (asking.digest, example.id, id(context))
        try:
            if key not in self._resolved:
                self._resolved[key] = self._requests(variant, example, asking, context)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            failure = Failure("prompt", "template", str(error))
            return [Cell(variant, example, n, None, failure, context=context) for n in repeats]
        asked, size = self._resolved[key]
        return [Cell(variant, example, n, asked[n], characters=size, context=context) for n in repeats]

    def _requests(self, variant: Variant, example: Example, asking: _Asking, context: Context) -> tuple[list[str], int]:
        """The keys of the requests, one for each repeat, and their length in characters."""
        request = self._request(variant, example, asking, context)
        repeats = range(self.config.repeats)
        asked = [keys.request_key(asking.model, asking.identity, request, n) for n in repeats]
        return asked, sum(len(message.content) for message in request.messages)

    def _request(self, variant: Variant, example: Example, asking: _Asking, context: Context) -> Request:
        """The request; variants with the same prompts and passages share its messages while all are rendered."""
        chatbot = variant.chatbot
        key = (chatbot.system_prompt, chatbot.user_prompt, example.id, context)
        messages = self._rendered.get(key)
        if messages is None:
            messages = self._rendered[key] = messages_of(chatbot.system_prompt, chatbot.user_prompt, example, context)
        return Request(messages, asking.parameters, example.question, texts_of(context))

    def request(self, cell: Cell) -> Request:
        """The rendered request of a cell that has one."""
        chatbot = cell.variant.chatbot
        return request_of(chatbot, cell.example, cell.context, chatbot.model.parameters(dict(chatbot.sampling)))
