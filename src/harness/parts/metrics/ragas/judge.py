"""What ragas takes for its model and its embedder: both ask through the harness, and keep what they were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from harness.parts.metrics.ragas.library import collections
from harness.parts.metrics.structured import reader
from harness.plugins import Asker, name
from harness.records import Message

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")
Reply = Mapping[str, Any]
"""What a judge replied, as plain JSON."""
Flaw = Callable[[Reply, Sequence[Reply]], str | None]
"""What is wrong with a reply that fits its form, given those before it; None where nothing is."""

SYSTEM = Message("system", "Reply with one JSON object and nothing else.")
"""The prompts of ragas hold the schema themselves."""


@dataclass
class Judge:
    """One judge in one evaluation of one case, as ragas asks it.

    The first error ends it: ragas asks on after some, and is then given that error again instead of a call.
    """

    asker: Asker
    model: Any
    sampling: Mapping[str, Any]
    draw: int
    flaw: Flaw
    replies: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None
    _seen: Counter[str] = field(default_factory=Counter)

    def generate(self, prompt: str, response_model: type[M]) -> M:
        """ragas asks this way outside an event loop only."""
        raise NotImplementedError("judges are asked in an event loop only")

    async def agenerate(self, prompt: str, response_model: type[M]) -> M:
        """A reply of a form. The same prompt asked again is another draw."""
        if self.failure is not None:
            raise self.failure
        draw = numbered(self.draw, self._seen[prompt])
        self._seen[prompt] += 1
        messages = (SYSTEM, Message("user", prompt))
        try:
            reply = await self.asker.ask(
                self.model, messages, self.sampling, self._checked(reader(response_model)), draw=draw
            )
        except Exception as error:
            self.failure = error
            raise
        self.replies.append(reply.model_dump(mode="json"))
        return reply

    def _checked(self, read: Callable[[str], M]) -> Callable[[str], M]:
        def checked(text: str) -> M:
            reply = read(text)
            found = self.flaw(reply.model_dump(mode="json"), self.replies)
            if found is not None:
                raise ValueError(found)
            return reply

        return checked


@dataclass
class Vectors:
    """An embedder as ragas asks it. `known` are vectors of texts that were embedded before, for those who cannot wait.

    Its first error is kept, as a judge's is.
    """

    asker: Asker
    embedder: Any
    known: dict[str, list[float]] = field(default_factory=dict)
    failure: Exception | None = None

    def embed_text(self, text: str, **_: Any) -> list[float]:
        """The vector of a text that is known."""
        return self.known[text]

    async def aembed_text(self, text: str, **_: Any) -> list[float]:
        """The vector of a text."""
        return (await self.aembed_texts([text]))[0]

    async def aembed_texts(self, texts: Sequence[str], **_: Any) -> list[list[float]]:
        """Vectors of texts. Raises ValueError for one without a direction, of which a cosine would be no number."""
        try:
            vectors = await self.asker.embed(self.embedder, list(texts))
            for text, vector in zip(texts, vectors, strict=True):
                if not vector.any():
                    raise ValueError(f"{name(self.embedder)} knows nothing in {text[:80]!r}: its vector is all zeros")
        except Exception as error:
            self.failure = error
            raise
        made: list[list[float]] = vectors.tolist()
        self.known.update(zip(texts, made, strict=True))
        return made


@cache
def admit() -> None:
    """Let ragas take Judge and Vectors for models and embedders of its own."""
    collections()
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.llms.base import InstructorBaseRagasLLM

    InstructorBaseRagasLLM.register(Judge)
    BaseRagasEmbedding.register(Vectors)


def numbered(draw: int, nth: int) -> int:
    """A number for the nth repetition of a prompt within a draw, another for each pair (Cantor's pairing)."""
    return (draw + nth) * (draw + nth + 1) // 2 + nth
