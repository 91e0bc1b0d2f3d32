"""The cells of a sweep and the distinct work behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError

from harness.config import Chatbot, Retrieval, SweepConfig, Variant
from harness.plugins import identity
from harness.records import Corpus, Example, Failure, Message, Passage, Request
from harness.sweeps import keys
from harness.sweeps.embedding import vector_keys
from harness.sweeps.progress import Progress
from harness.sweeps.prompting import messages_of, request_of
from harness.sweeps.retrieval import Retrievals, Retrieved

CellId = tuple[str, str, int]
"""Variant id, example id, repeat number."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One unit of evaluation and the key of the request it comes to; a failure where there is no request.

    `characters` is the length of the request's messages.
    """

    variant: Variant
    example: Example
    repeat: int
    request: str | None
    failure: Failure | None = None
    characters: int = 0

    @property
    def id(self) -> CellId:
        """What names the cell in every table."""
        return self.variant.id, self.example.id, self.repeat


@dataclass
class Group:
    """Variants that ask the same of the same index; asked once, for the largest `top_k` among them."""

    settings: Retrieval
    top_k: int


@dataclass
class Workload:
    """All cells of a sweep, in the order of variants, examples, repeats."""

    config: SweepConfig
    corpus: Corpus | None
    examples: Sequence[Example]
    retrieved: dict[str, Retrieved] = field(default_factory=dict)
    by_variant: dict[str, Retrieved] = field(default_factory=dict)
    _rendered: dict[tuple[Any, ...], tuple[Message, ...]] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)

    @property
    def questions(self) -> list[str]:
        """The distinct questions."""
        return list(dict.fromkeys(example.question for example in self.examples))

    def groups(self) -> dict[str, Group]:
        """The distinct retrievals."""
        found: dict[str, Group] = {}
        for variant in self.config.variants:
            settings = variant.chatbot.retrieval
            if settings is None or self.corpus is None:
                continue
            key = keys.retrieval_key(self.corpus, settings)
            group = found.setdefault(key, Group(settings, settings.top_k))
            group.top_k = max(group.top_k, settings.top_k)
        return found

    async def retrieve(self, retrievals: Retrievals, progress: Progress) -> None:
        """Run the stages before the first model call."""
        groups = self.groups()
        questions = self.questions
        progress.stages["chunk"].total = len(self.chunk_keys())
        progress.stages["index"].total = len(self.index_keys())
        progress.stages["retrieve"].total = len(groups) * len(questions)
        for key, group in groups.items():
            self.retrieved[key] = await retrievals.ask(group.settings, group.top_k, questions)
        for variant in self.config.variants:
            settings = variant.chatbot.retrieval
            if settings is not None and self.corpus is not None:
                self.by_variant[variant.id] = self.retrieved[keys.retrieval_key(self.corpus, settings)]

    async def resolve(self) -> None:
        """Render every cell's request; cells with equal requests share one answer."""
        for variant in self.config.variants:
            model = variant.chatbot.model
            model_identity = identity(model)
            sampling = dict(variant.chatbot.sampling)
            parameters = model.parameters(sampling)
            for example in self.examples:
                self.cells += self._cells(variant, example, model, model_identity, parameters)
            await asyncio.sleep(0)
        self._rendered.clear()

    def _cells(
        self,
        variant: Variant,
        example: Example,
        model: Any,
        model_identity: dict[str, Any],
        parameters: dict[str, Any],
    ) -> Iterable[Cell]:
        repeats = range(self.config.repeats)
        failure = self._retrieval_failure(variant)
        if failure is None:
            try:
                request = self._request(variant.chatbot, example, self.passages(variant, example), parameters)
                size = sum(len(message.content) for message in request.messages)
                asked = [keys.request_key(model, model_identity, request, n) for n in repeats]
                return [Cell(variant, example, n, asked[n], characters=size) for n in repeats]
            except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
                failure = Failure("prompt", "template", str(error))
        return [Cell(variant, example, n, None, failure) for n in repeats]

    def _request(
        self, chatbot: Chatbot, example: Example, passages: tuple[Passage, ...], parameters: dict[str, Any]
    ) -> Request:
        """The request; variants with the same prompts and passages share its messages while all are rendered."""
        key = (chatbot.system_prompt, chatbot.user_prompt, example.id, passages)
        messages = self._rendered.get(key)
        if messages is None:
            messages = self._rendered[key] = messages_of(chatbot, example, passages)
        return Request(messages, parameters, example.question, tuple(p.text for p in passages))

    def _retrieval_failure(self, variant: Variant) -> Failure | None:
        found = self.by_variant.get(variant.id)
        return found.failure if found else None

    def passages(self, variant: Variant, example: Example) -> tuple[Passage, ...]:
        """What the variant retrieves for the example: the group's hits, cut."""
        settings, found = variant.chatbot.retrieval, self.by_variant.get(variant.id)
        if settings is None or found is None or found.failure:
            return ()
        return found.passages(example.question, settings.top_k, settings.similarity_threshold)

    def request(self, cell: Cell) -> Request:
        """The rendered request of a cell that has one."""
        chatbot = cell.variant.chatbot
        parameters = chatbot.model.parameters(dict(chatbot.sampling))
        return request_of(chatbot, cell.example, self.passages(cell.variant, cell.example), parameters)

    def chunk_keys(self) -> dict[str, Any]:
        """The distinct chunkings: splitters by key."""
        assert self.corpus is not None or not self.groups()
        corpus = self.corpus
        return {
            keys.chunks_key(corpus, g.settings.splitter): g.settings.splitter
            for g in self.groups().values()
            if corpus is not None
        }

    def index_keys(self) -> dict[str, Retrieval]:
        """The distinct indexes: settings by key."""
        corpus = self.corpus
        return {keys.index_key(corpus, g.settings): g.settings for g in self.groups().values() if corpus is not None}

    def hits_keys(self) -> list[str]:
        """The keys of all retrievals: one for each group and question."""
        return [keys.hits_key(key, question) for key in self.groups() for question in self.questions]

    async def embedding_keys(self, retrievals: Retrievals) -> tuple[int, set[str]]:
        """How many texts a tool that shares nothing would embed, and the keys of the distinct ones."""
        naive, distinct = 0, set[str]()
        counts: dict[str, int] = {}
        for key, settings in self.index_keys().items():
            chunks = await retrievals.chunks(settings.splitter)
            counts[key] = len(chunks)
            if settings.retriever.uses_vectors:
                distinct.update(vector_keys(settings.embedder, list({c.text for c in chunks}), "passage"))
                distinct.update(vector_keys(settings.embedder, self.questions, "query"))
        for variant in self.config.variants:
            settings_ = variant.chatbot.retrieval
            if settings_ is not None and self.corpus is not None and settings_.retriever.uses_vectors:
                naive += counts[keys.index_key(self.corpus, settings_)] + len(self.examples)
        return naive, distinct
