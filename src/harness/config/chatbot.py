"""One chatbot configuration: all axes fixed, every part made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.plugins import identity, label, written
from harness.records import digest

SAMPLING = ("temperature", "top_p", "max_tokens", "stop")
"""The settings of a chatbot that go to the model with each request; a model may refuse one, or have no use for it."""


PARTS = ("splitter", "embedder", "index", "query", "retriever", "reranker", "context")
"""The parts of a retrieval, in the order of the work."""
_LATE = {"query": "question", "context": "passages"}
"""Parts that came after the first variants had their ids: at their default they are not part of an id."""


@dataclass(frozen=True)
class Retrieval:
    """How passages are found and given to the model.

    Of the `top_k` passages that the retriever finds, those whose similarity to the question is below the threshold are
    dropped (None drops none); the reranker orders the rest. `filter` is a condition on documents; None takes all.
    """

    splitter: Any
    embedder: Any
    index: Any
    query: Any
    retriever: Any
    reranker: Any
    context: Any
    top_k: int
    similarity_threshold: float | None
    filter: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every part could be made."""
        return all(getattr(self, name) is not None for name in PARTS)

    @property
    def parts(self) -> dict[str, Any]:
        """The parts by slot."""
        return {name: getattr(self, name) for name in PARTS}

    def content(self) -> dict[str, Any]:
        """What decides the passages."""
        parts = {n: identity(part) for n, part in self.parts.items() if label(part) != _LATE.get(n)}
        late = {"filter": self.filter} if self.filter is not None else {}
        return {**parts, "top_k": self.top_k, "similarity_threshold": self.similarity_threshold, **late}


@dataclass(frozen=True)
class Chatbot:
    """A model, its prompts and sampling, and its retrieval; `retrieval` None means no knowledge base."""

    model: Any
    system_prompt: str | None
    user_prompt: str
    sampling: Mapping[str, Any]
    retrieval: Retrieval | None

    def content(self) -> dict[str, Any]:
        """What decides the answers, as plain data."""
        return {
            "model": identity(self.model),
            "system_prompt": self.system_prompt,
            "user_prompt": self.user_prompt,
            "sampling": dict(self.sampling),
            "retrieval": self.retrieval.content() if self.retrieval else None,
        }

    def written(self) -> dict[str, Any]:
        """The configuration as the `chatbot` section of a sweep file, with nothing left to defaults."""
        tree: dict[str, Any] = {"model": written(self.model), **self.sampling}
        tree |= {"system_prompt": self.system_prompt, "user_prompt": self.user_prompt, "retrieval": None}
        if self.retrieval:
            r = self.retrieval
            cut = {"top_k": r.top_k, "similarity_threshold": r.similarity_threshold, "filter": r.filter}
            tree["retrieval"] = {**{name: written(part) for name, part in r.parts.items()}, **cut}
        return tree


@dataclass(frozen=True)
class Variant:
    """A chatbot with its place in the sweep: `params` are its settings by axis name, labels where they have one."""

    id: str
    label: str
    params: Mapping[str, Any]
    chatbot: Chatbot


def variant_id(chatbot: Chatbot) -> str:
    """Ten hex digits that name the configuration's content: the same in every sweep and on every machine."""
    return digest("variant", chatbot.content())[:10]
