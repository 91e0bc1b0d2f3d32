"""A configuration behind a real port, in a thread of the test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai

from harness.config import SweepConfig, load, load_chatbot
from harness.records import Message
from harness.store import StoredSweep
from harness.study.registry.sweepfile import sweep_file
from harness.sweeps.progress import Progress
from harness.sweeps.serving import Log, Promoted, Server, Settings, Stamp, serve
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import make_workspace

HOSTED = """
name: hosted
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: {use: openai/small, base_url: "URL/v1"}
  temperature: 0
  system_prompt: "Answer from: {{ context }}"
  user_prompt: "{{ question }}"
  retrieval: {splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}, index: exact, top_k: 2}
metrics: [token_f1]
objective: {maximize: token_f1}
prices: {openai/small: {input: 1, output: 2}}
"""
STAMP = Stamp("production", "20261124-100000-hosted-ab12/0123456789", 3, "feedbeef" * 4)


@dataclass
class Service:
    """What listens: its address, what it told, and clients for it."""

    url: str
    server: Server
    told: list[str] = field(default_factory=list)

    def client(self, **given: Any) -> openai.OpenAI:
        """OpenAI's own client, which asks once."""
        return openai.OpenAI(**{"base_url": f"{self.url}/v1", "api_key": "none", "max_retries": 0, **given})

    def async_client(self) -> openai.AsyncOpenAI:
        """The same for an event loop, with room for two hundred requests."""
        limits = httpx.Limits(max_connections=300, max_keepalive_connections=300)
        http = httpx.AsyncClient(limits=limits, timeout=60, trust_env=False)
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, http_client=http)

    def post(self, content: Any, **given: Any) -> httpx.Response:
        """The answer to a body, as it comes over the wire."""
        return httpx.post(f"{self.url}/v1/chat/completions", json=content, timeout=30, trust_env=False, **given)


@contextmanager
def serving(
    config: SweepConfig, *, stamp: Stamp = STAMP, settings: Settings | None = None, **given: Any
) -> Iterator[Service]:
    """Serve a configuration until the block ends; what was under way is answered then."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port, told, found = listening.getsockname()[1], list[str](), list[Server]()
    is_ready, errors = threading.Event(), list[BaseException]()

    def ready(server: Server) -> None:
        found.append(server)
        is_ready.set()

    def run() -> None:
        try:
            promoted = Promoted(stamp, config, None)
            serve(promoted, settings or Settings(), listening, tell=told.append, ready=ready, **given)
        except BaseException as error:  # noqa: BLE001  (raised in the test)
            errors.append(error)
            is_ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert is_ready.wait(60)
    try:
        if found:
            yield Service(f"http://127.0.0.1:{port}", found[0], told)
    finally:
        if found:
            found[0].stop()
        thread.join(60)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def hosted(folder: Path, server: Loopback, text: str = HOSTED) -> SweepConfig:
    """A sweep with one variant that asks the loopback provider."""
    return load(make_workspace(folder, text.replace("URL", server.url), "hosted.yaml"))


def swept(config: SweepConfig, **options: Any) -> StoredSweep:
    """The sweep, run."""
    return run_sweep(config, Options(runs=str(config.workspace / "runs"), **options), Progress())


def of_run(stored: StoredSweep, workspace: Path, variant: int = 0) -> SweepConfig:
    """The configuration of a run, as `harness serve` gets it."""
    return load_chatbot(sweep_file(stored.header, stored.variants[variant]), workspace, "run")


def body(question: str = "When is the shop open?", **given: Any) -> dict[str, Any]:
    """A request's body."""
    return {"model": "production", "messages": [{"role": "user", "content": question}], **given}


def log_of(path: Path, told: list[str]) -> Log:
    """A log."""
    return Log(path, told.append)


def turns(*texts: str) -> tuple[Message, ...]:
    """A conversation, the user first."""
    return tuple(Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts))
