"""What goes to a model or an embedder and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.digest import digest
from harness.records.example import Message


@dataclass(frozen=True)
class Request:
    """One request for an answer. `parameters` are those really sent to the model, nothing else.

    `passages` are the texts that the prompt was built from, for models that are no language models and read them
    directly; they decide nothing that the messages do not show.
    """

    messages: tuple[Message, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    question: str = ""
    passages: tuple[str, ...] = ()

    def key(self, model: Mapping[str, Any], repeat: int, read: bool) -> str:
        """An answer depends on the messages, the model (by its identity), and which draw it is; where the model reads
        question and passages, on these too."""
        content = [(m.role, m.content) for m in self.messages]
        besides = [self.question, self.passages] if read else []
        return digest("generate", 1, model, content, self.parameters, besides, repeat)


@dataclass(frozen=True)
class Quota:
    """What a provider says is left of its limits: requests, tokens, and the seconds until each is whole again.

    None where it does not say.
    """

    requests: int | None = None
    tokens: int | None = None
    requests_reset_s: float | None = None
    tokens_reset_s: float | None = None


@dataclass(frozen=True)
class Reply:
    """A model's answer. Token counts are the provider's own, None where it gave none.

    `latency_ms` is the time on the wire of the attempt that succeeded, None where nobody waited (a batch);
    `first_token_ms` the time until the first words came, None where the answer was not streamed. `finish_reason` is
    `stop`, `length`, `content_filter`, `refusal` or the provider's word. `input_tokens` includes `cached_tokens` (read
    from the provider's prompt cache) and `written_tokens` (written to it). `quota` is passing, and never stored.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    finish_reason: str = "stop"
    model: str = ""
    latency_ms: float | None = 0.0
    first_token_ms: float | None = None
    written_tokens: int | None = None
    quota: Quota | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Ranked:
    """A reranker's scores of a batch of texts, in their order; more is better.

    `tokens` and `searches` are what the provider bills, None where it gave no count.
    """

    scores: tuple[float, ...]
    tokens: int | None = None
    searches: int | None = None
    quota: Quota | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Embedded:
    """Vectors of a batch of texts: float32, one row per text. `tokens` is None where the provider gave no count."""

    vectors: NDArray[np.float32]
    tokens: int | None = None
    quota: Quota | None = field(default=None, compare=False, repr=False)
