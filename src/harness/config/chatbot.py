"""One chatbot configuration: all axes fixed, every part made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.plugins import identity, written
from harness.records import digest

SAMPLING = ("temperature", "top_p", "max_tokens", "stop")
"""The settings of a chatbot that go to the model with each request; a model may refuse one, or have no use for it."""


@dataclass(frozen=True)
class Retrieval:
    """How passages are found. Passages whose similarity is below the threshold are dropped; None drops none."""

    splitter: Any
    embedder: Any
    index: Any
    retriever: Any
    reranker: Any
    top_k: int
    similarity_threshold: float | None

    @property
    def is_whole(self) -> bool:
        """Whether every part could be made."""
        return all((self.splitter, self.embedder, self.index, self.retriever, self.reranker))

    def content(self) -> dict[str, Any]:
        """What decides the passages."""
        parts = {n: identity(getattr(self, n)) for n in ("splitter", "embedder", "index", "retriever", "reranker")}
        return {**parts, "top_k": self.top_k, "similarity_threshold": self.similarity_threshold}


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
            parts = {n: written(getattr(r, n)) for n in ("splitter", "embedder", "index", "retriever", "reranker")}
            tree["retrieval"] = {**parts, "top_k": r.top_k, "similarity_threshold": r.similarity_threshold}
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
