"""Chroma: in this process, one store folder for each corpus, or behind a server; one collection for each index key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from harness.parts.indexes.collection import Collection
from harness.parts.indexes.embedded import Embedded
from harness.parts.indexes.server import VARIABLE, Server
from harness.plugins import OpenIndex, addresses, part, setting
from harness.records import digest

_LEAST = {"exact_limit": 1, "ef_construction": 1, "ef_search": 1, "max_neighbors": 2}
_UNUSED_GRAPH = {"ef_construction": 8, "ef_search": 8, "max_neighbors": 4}
"""Chroma always builds a graph; where ranking is exact nobody asks it, so it is the cheapest there is."""


@part("index", "chroma")
@dataclass(frozen=True)
class Chroma:
    """Keeps our vectors in Chroma, in cosine space.

    Chroma's graph is approximate and differs between two builds of the same data, which would be noise between
    variants. So `search: exact` (the default) ranks exactly over the vectors that Chroma keeps, up to `exact_limit`
    chunks; beyond that, and with `search: approximate`, the graph is asked for more than is needed and the answer
    is put in a fixed order. `ef_construction`, `ef_search` and `max_neighbors` are the graph's settings.

    With `url` (`http://localhost:8000`) the vectors are kept by a server, else in the workspace. `headers` go with each
    of its requests and may hold `${VARIABLE}`s of the environment. `timeout_s` is how long to wait for an answer of the
    server, or for another process that uses the workspace's store.
    """

    version: ClassVar[int] = 1
    search: Literal["exact", "approximate"] = "exact"
    exact_limit: int = 50_000
    ef_construction: int = 400
    ef_search: int = 400
    max_neighbors: int = 32
    url: str | None = setting(None, late=True)
    tenant: str = setting("default_tenant", late=True)
    database: str = setting("default_database", late=True)
    headers: dict[str, str] = field(default_factory=dict, metadata={"inert": True})
    timeout_s: float = setting(600.0, inert=True)

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, found {getattr(self, name)}")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0, found {self.timeout_s:g}")
        for problem in self._problems_of_server():
            raise ValueError(problem)

    def __hash__(self) -> int:
        graph = tuple(self.graph().values())
        return hash((self.search, self.exact_limit, graph, self.url, self.tenant, self.database, digest(self.headers)))

    def _problems_of_server(self) -> Iterator[str]:
        if self.url is None:
            given = {"headers": self.headers != {}, "tenant": self.tenant != "default_tenant"}
            given["database"] = self.database != "default_database"
            yield from (f"{name} is for a server; write its url too" for name, said in given.items() if said)
            return
        addresses.refuse_secrets("url", self.url, addresses.HEADERS)
        parsed = urlsplit(self.url)
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            yield f"url must be like http://localhost:8000, found {self.url!r}"
        elif parsed.query or parsed.fragment:
            yield "url must end with the host, the port or a path; take out what follows the ? or the #"
        if not self.tenant or not self.database:
            yield "tenant and database must not be empty"

    @property
    def environment(self) -> tuple[str, ...]:
        """The variables that the headers name."""
        return tuple(dict.fromkeys(name for text in self.headers.values() for name in VARIABLE.findall(text)))

    def graph(self) -> dict[str, int]:
        """Chroma's settings of the graph."""
        return {name: getattr(self, name) for name in ("ef_construction", "ef_search", "max_neighbors")}

    def ranks_exactly(self, count: int) -> bool:
        """Whether so many chunks are ranked exactly."""
        return self.search == "exact" and count <= self.exact_limit

    def open(self, folder: Path, collection: str) -> OpenIndex:
        """Open the store in `folder`, waiting for another process that holds it; or the server's. Raises UserError."""
        store: Embedded | Server
        if self.url is None:
            store = Embedded(folder, self.timeout_s)
        else:
            store = Server(self.url, self.headers, self.tenant, self.database, self.timeout_s)
        try:
            return Collection(store, collection, self.ranks_exactly, self._hnsw)
        except BaseException:
            store.close()
            raise

    def _hnsw(self, count: int) -> dict[str, str | int]:
        return {"space": "cosine", **(_UNUSED_GRAPH if self.ranks_exactly(count) else self.graph())}
