"""Chroma behind HTTP: a real server, and a proxy before it that asks for a header, as Chroma itself cannot."""

from __future__ import annotations

import base64
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.errors import UserError
from harness.parts.indexes import collection as pages
from harness.parts.indexes.server import Server
from harness.plugins import make
from harness.records import Chunk
from harness.testing import check_part
from harness.testing.indexes import check_index

RANDOM = np.random.default_rng(6)
TOKEN = "t0ken-that-nobody-shows"
PASSWORD = base64.b64encode(b"reader:pass-that-nobody-shows").decode()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Chroma server."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--host", "127.0.0.1"]
    running = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert running.poll() is None, "chroma run has ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)


class Far(BaseHTTPRequestHandler):
    """A proxy that lets pass what carries the header; or a server that answers what it is told."""

    protocol_version = "HTTP/1.1"
    behind: ClassVar[str] = ""
    asks: ClassVar[tuple[str, str]] = ("", "")
    refusal: ClassVar[int] = 401
    answer: ClassVar[tuple[int, bytes] | None] = None
    hangs: ClassVar[bool] = False
    bodies: ClassVar[list[int]] = []

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.bodies.append(len(body))
        if self.hangs:
            time.sleep(3)
        if self.answer is not None:
            return self.give(*self.answer)
        name, value = self.asks
        if name and self.headers.get(name) != value:
            return self.give(self.refusal, f"not for {self.headers.get(name)}".encode())
        passed = http.client.HTTPConnection(self.behind.removeprefix("http://"))
        passed.request(self.command, self.path, body, {"content-type": "application/json"})
        told = passed.getresponse()
        self.give(told.status, told.read())
        passed.close()

    do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815

    def give(self, status: int, content: bytes) -> None:
        """Answer."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def far(**conduct: Any) -> Iterator[tuple[str, type[Far]]]:
    """A far side of that conduct on loopback."""
    handler = type("Told", (Far,), {**conduct, "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


def chunks(count: int, text: str = "x") -> list[Chunk]:
    """So many chunks of one document."""
    return [Chunk("a.md", i, i + 1, text) for i in range(count)]


def index(url: str, **settings: Any) -> Any:
    """An index kept by a server."""
    return make("index", {"use": "chroma", "url": url, **settings})


@pytest.mark.parametrize("search", ["exact", "approximate"])
def test_an_index_behind_a_server_keeps_the_contract(search: str, chroma: str, tmp_path: Path) -> None:
    """Exact and approximate, and it is a part as any."""
    part = index(chroma, search=search, headers={"X-Who": "me"})
    check_part(part)
    check_index(part, tmp_path, f"contract-{search}")
    assert not list(tmp_path.iterdir()), "nothing is kept in the workspace"


def test_a_server_ranks_exactly_as_the_workspace_does(
    chroma: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filled in and read back in many pages: the same hits as those of a store in a folder and of exact search."""
    vectors = RANDOM.normal(size=(1500, 32)).astype(np.float32)
    queries = RANDOM.normal(size=(40, 32)).astype(np.float32)
    monkeypatch.setattr(Server, "body", 50_000)
    monkeypatch.setattr(pages, "_PAGE", 100_000)
    allowed = RANDOM.random(1500) < 0.4
    told = []
    with far(behind=chroma) as (url, handler):
        for part in (make("index", "exact"), make("index", "chroma"), index(url)):
            opened = part.open(tmp_path, "same")
            opened.fill(chunks(1500, "a text of some length " * 5), vectors)
            told.append((opened.search(queries, 7), opened.search(queries, 7, allowed)))
            opened.close()
        assert max(handler.bodies) < 50_000
        assert sum(size > 8_000 for size in handler.bodies) > 10
    assert told[1] == told[2]
    for exact, served in zip(told[0], told[2], strict=True):
        assert [[n for n, _ in hits] for hits in exact] == [[n for n, _ in hits] for hits in served]


@pytest.mark.parametrize(
    ("asked", "given", "variables"),
    [
        (
            ("Authorization", f"Bearer {TOKEN}"),
            {"Authorization": "Bearer ${CHROMA_AT_HOME}"},
            {"CHROMA_AT_HOME": TOKEN},
        ),
        (("X-Chroma-Token", TOKEN), {"X-Chroma-Token": "${CHROMA_AT_HOME}"}, {"CHROMA_AT_HOME": TOKEN}),
        (("Authorization", f"Basic {PASSWORD}"), {"Authorization": "Basic ${BASIC}"}, {"BASIC": PASSWORD}),
    ],
)
def test_a_server_that_asks_for_authentication(
    asked: tuple[str, str],
    given: dict[str, str],
    variables: dict[str, str],
    chroma: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is used with the header from the environment, and not without; no message shows what is in it."""
    vectors = RANDOM.normal(size=(60, 8)).astype(np.float32)
    name = f"auth-{asked[0].lower()}-{len(asked[1])}"
    with far(behind=chroma, asks=asked) as (url, handler):
        with pytest.raises(UserError, match=f"{url}: HTTP 401.*authentication and no headers are sent") as without:
            index(url).open(tmp_path, name)
        with pytest.raises(
            UserError, match=f"the header {asked[0]} needs the environment variable {next(iter(variables))}"
        ):
            index(url, headers=given).open(tmp_path, name)
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        opened = index(url, headers=given).open(tmp_path, name)
        opened.fill(chunks(60), vectors)
        assert [hits[0][0] for hits in opened.search(vectors, 1)] == list(range(60))
        handler.asks = ("Authorization", "something else")
        with pytest.raises(UserError) as later:
            opened.search(vectors, 1), opened.count()
        opened.close()
        handler.refusal = 403
        with pytest.raises(UserError, match=r"HTTP 403.*do not suffice") as refused:
            index(url, headers=given).open(tmp_path, name)
    for error in (without, later, refused):
        for secret in (TOKEN, PASSWORD):
            assert secret not in str(error.value)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what to do."""
    port = free_port()
    with pytest.raises(
        UserError, match=rf"Chroma at http://127.0.0.1:{port}: no connection.*chroma run --path FOLDER --port {port}"
    ):
        index(f"http://127.0.0.1:{port}").open(tmp_path, "none")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b'"0.5.23"'), "version 0.5.23 of Chroma's protocol, needed is 1"),
        ((404, b'{"detail": "Not Found"}'), "HTTP 404 at /api/v2/version: no Chroma server"),
        ((200, b"<html>welcome</html>"), "no Chroma server of version 1"),
        ((503, b"down"), "HTTP 503"),
        ((200, b'"1.0.0"'), "unexpected answer"),
    ],
)
def test_what_is_no_server_of_version_1_is_told(answer: tuple[int, bytes], message: str, tmp_path: Path) -> None:
    """An older Chroma, another server, a gateway without one, and one that answers nonsense later."""
    with far(answer=answer) as (url, _), pytest.raises(UserError, match=f"{url}: .*{message}"):
        index(url).open(tmp_path, "other")


def test_a_server_that_is_silent_is_left(chroma: str, tmp_path: Path) -> None:
    """After timeout_s, at the start and later."""
    with far(behind=chroma) as (url, handler):
        opened = index(url, timeout_s=0.5).open(tmp_path, "silent")
        opened.fill(chunks(5), RANDOM.normal(size=(5, 4)).astype(np.float32))
        handler.hangs = True
        started = time.monotonic()
        with pytest.raises(UserError, match=r"no answer within 0.5 s; raise the index's timeout_s"):
            opened.count()
        with pytest.raises(UserError, match=r"no answer within 0.5 s"):
            index(url, timeout_s=0.5).open(tmp_path, "silent")
        assert time.monotonic() - started < 2.5
        opened.close()


def test_an_unknown_tenant_or_database_is_named(chroma: str, tmp_path: Path) -> None:
    """The server's own words."""
    with pytest.raises(UserError, match=r"Tenant \[theirs\] not found"):
        index(chroma, tenant="theirs").open(tmp_path, "none")
    with pytest.raises(UserError, match=r"Database \[other\] not found"):
        index(chroma, database="other").open(tmp_path, "none")


def test_a_database_of_its_own_keeps_collections_apart(chroma: str, tmp_path: Path) -> None:
    """The same name in two databases is two collections."""
    import chromadb

    admin = chromadb.HttpClient(host=chroma)
    admin._admin_client.create_database("apart")
    admin.close()
    vectors = RANDOM.normal(size=(20, 4)).astype(np.float32)
    here = index(chroma).open(tmp_path, "twice")
    here.fill(chunks(20), vectors)
    there = index(chroma, database="apart").open(tmp_path, "twice")
    assert (here.count(), there.count()) == (20, 0)
    here.close()
    there.close()


def test_a_collection_that_went_away_meanwhile_is_told(chroma: str, tmp_path: Path) -> None:
    """Another process deleted it."""
    import chromadb

    opened = index(chroma).open(tmp_path, "gone")
    opened.fill(chunks(20), RANDOM.normal(size=(20, 4)).astype(np.float32))
    other = chromadb.HttpClient(host=chroma)
    other.delete_collection("gone")
    other.close()
    with pytest.raises(UserError, match=f"Chroma at {chroma}: NotFoundError"):
        opened.search(RANDOM.normal(size=(1, 4)).astype(np.float32), 3)
    opened.close()
