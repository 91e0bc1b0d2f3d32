"""What each kind of part must be able to do. A part is a frozen dataclass; a connection is its live counterpart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness.errors import ProviderError
from harness.records import (
    Chunk,
    Context,
    Embedded,
    Hit,
    Lookup,
    Message,
    Passage,
    Query,
    Ranked,
    Reply,
    Request,
    Span,
)

Embed = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]
"""Vectors of texts as passages, one row each."""

Ask = Callable[[Sequence[Message], Mapping[str, Any]], Awaitable[str]]
"""A model's answer to messages, with sampling settings."""

T = TypeVar("T")


class Splitter(Protocol):
    """Cuts a document into chunks."""

    version: ClassVar[int]

    def split(self, text: str) -> list[Span]:
        """Spans of `text` in document order, each not empty; they may overlap."""


@runtime_checkable
class GivingSplitter(Protocol):
    """A splitter whose chunks are small to be found, and larger when they are given to the model."""

    def given(self, text: str, spans: Sequence[Span]) -> list[Span]:
        """For each of `spans`, as `split` made them, the span that holds it and is given in its place."""


@runtime_checkable
class EmbeddingSplitter(Protocol):
    """A splitter that looks at vectors; `split` is not called. Its chunks depend on the variant's embedder too."""

    async def split_by(self, text: str, embed: Embed) -> list[Span]:
        """Spans, as of `split`."""


class EmbedderConnection(Protocol):
    """An embedder, ready to be asked."""

    async def embed(self, texts: Sequence[str], purpose: str) -> Embedded:
        """Vectors of at most `batch_size` texts; `purpose` is `query` or `passage`. Raises ProviderError."""

    async def close(self) -> None:
        """Release what the connection holds."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    version: ClassVar[int]
    local: ClassVar[bool]
    batch_size: int
    """Texts in one call at the most. One with an attribute `batch_tokens` bounds their tokens too."""

    @property
    def price_name(self) -> str | None:
        """The name in the price table; None where a call costs nothing."""

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of the environment variables that must be set before it can be asked."""

    def connect(self) -> EmbedderConnection:
        """Make a connection for the running event loop."""


class OpenIndex(Protocol):
    """One collection of vectors, open for use by one process."""

    def count(self) -> int:
        """How many vectors the collection holds."""

    def fill(self, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        """Write all chunks with their vectors; row i of `vectors` is chunk i. Writing twice changes nothing."""

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[list[tuple[int, float]]]:
        """For each query the best `k` as (chunk number, cosine similarity rounded to 6 digits), best first.

        Equal similarities come in chunk order, so that the same content always gives the same ranking. Only chunks
        that are `allowed` (by number; None: all) are found.
        """

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """The vectors of chunks, scaled to length 1 (a zero vector stays zero): one row each."""

    @property
    def exact(self) -> bool:
        """Whether the ranking is exact, not approximate."""

    def close(self) -> None:
        """Release files and locks."""


class Index(Protocol):
    """Keeps vectors and finds the nearest."""

    version: ClassVar[int]

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of the environment variables that must be set before it can be opened."""

    def open(self, folder: Path, collection: str) -> OpenIndex:
        """Open or create a collection in `folder`; its name is 3 to 60 characters of [a-z0-9-]."""


class QueryWriter(Protocol):
    """Makes of a user's question the texts to search with. `reads_history`: the turns before it decide them too."""

    version: ClassVar[int]
    reads_history: ClassVar[bool]

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        """One text or several, none empty; what several find is fused by reciprocal ranks.

        `ask` asks the model in the part's field `model`, through the gateway. Raises ProviderError.
        """


class View(Protocol):
    """What a retriever may look at: one corpus, cut, embedded and indexed. A filter is applied already."""

    chunks: Sequence[Chunk]
    allowed: NDArray[np.bool_] | None
    """Which chunks may be found, by number; None: all."""

    async def embed(self, lookups: Sequence[Lookup]) -> NDArray[np.float32]:
        """Vectors by the variant's embedder, one row each."""

    def search(self, vectors: NDArray[np.float32], k: int) -> list[list[tuple[int, float]]]:
        """The `k` nearest chunks of each vector as (number, cosine similarity), best first."""

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """The vectors of chunks, of length 1: one row each."""

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What `make` makes of the chunks, made once for each chunking and `name` (a lexical index)."""


class Retriever(Protocol):
    """Finds the chunks for a question. Only where `uses_vectors` is true the corpus is embedded for it.

    One that combines lists has a field `fetch_k`, how long they are: fixed, so that a smaller k is a prefix of a
    larger; the sweep file must not ask for a larger `top_k`.
    """

    version: ClassVar[int]
    uses_vectors: ClassVar[bool]

    async def retrieve(self, lookups: Sequence[Lookup], k: int, view: View) -> list[list[Hit]]:
        """For each text at most `k` hits, best first; a smaller k is a prefix of a larger."""


class RerankerConnection(Protocol):
    """A reranker, ready to be asked."""

    async def score(self, question: str, texts: Sequence[str]) -> Ranked:
        """How well each of at most `batch_size` texts fits, whatever the others are. Raises ProviderError."""

    async def close(self) -> None:
        """Release what the connection holds."""


class Reranker(Protocol):
    """Orders passages anew, by a score of question and text. `top_n` are kept of them; None keeps all."""

    version: ClassVar[int]
    local: ClassVar[bool]
    batch_size: int
    top_n: int | None

    @property
    def price_name(self) -> str | None:
        """The name in the price table; None where a call costs nothing."""

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of the environment variables that must be set before it can be asked."""

    def connect(self) -> RerankerConnection:
        """Make a connection for the running event loop."""


class ContextBuilder(Protocol):
    """Makes of the passages the text that goes into the prompt; may leave out or join some."""

    version: ClassVar[int]

    def build(self, passages: Sequence[Passage]) -> Context:
        """The context of passages that come best first."""


class ModelConnection(Protocol):
    """A model, ready to be asked."""

    async def complete(self, request: Request) -> Reply:
        """One answer; retries and caching are the gateway's. Raises ProviderError."""

    async def close(self) -> None:
        """Release what the connection holds."""


Tell = Callable[[str], None]
"""Takes the words of an answer as they come."""


@runtime_checkable
class StreamingConnection(Protocol):
    """A model connection that can also tell the words of an answer while it is made."""

    async def stream(self, request: Request, tell: Tell) -> Reply:
        """One answer, as of `complete`; `tell` gets its text piece by piece. Raises ProviderError."""


@runtime_checkable
class BatchConnection(Protocol):
    """A model connection that can also hand in many requests at once, for later and for less money."""

    most: ClassVar[int]
    """How many requests one batch takes."""

    async def submit(self, requests: Mapping[str, Request], tag: str) -> str:
        """Hand in requests by id; returns the batch's id. `tag` is kept with it where the provider allows that."""

    async def find(self, tag: str, count: int, since: float, others: Collection[str]) -> str | None:
        """The batch that was handed in under `tag` with `count` requests, after `since` (seconds since 1970).

        For one whose id was lost; it is none of `others`. None where there is none.
        """

    async def collect(self, batch: str) -> Mapping[str, Reply | ProviderError] | None:
        """What came of each request; those that never ran are missing. None while the batch is still worked on."""


class Model(Protocol):
    """Answers a request."""

    version: ClassVar[int]
    local: ClassVar[bool]

    @property
    def provider(self) -> str:
        """The name under which limits are shared."""

    @property
    def price_name(self) -> str | None:
        """The name in the price table; None where a call costs nothing."""

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of the environment variables that must be set before it can be asked."""

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """What of `sampling` (temperature, max_tokens, …) is really sent. ValueError where the model refuses one."""

    def connect(self) -> ModelConnection:
        """Make a connection for the running event loop."""


class Search(Protocol):
    """Chooses which points of the grid become variants."""

    version: ClassVar[int]

    def choose(self, points: Sequence[Mapping[str, Any]], seed: int) -> list[Mapping[str, Any]]:
        """The points to run, in the order given."""
