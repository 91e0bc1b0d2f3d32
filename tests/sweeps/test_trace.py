"""The trace against a collector on loopback: spans by the conventions, no secrets, contents only where wanted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness.config import load
from harness.sweeps.gateway import retries
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.loopback import Loopback
from tests.workspaces import write

SECRET = "the-very-secret-key"


class Collector:
    """Takes OTLP over HTTP and keeps the spans, attributes as a mapping."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        keep = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                sent = ExportTraceServiceRequest.FromString(body)
                keep.extend(s for r in sent.resource_spans for scope in r.scope_spans for s in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def chats(self) -> list[tuple[Any, dict[str, Any]]]:
        """The spans of answers with their attributes."""
        return [(span, attributes(span)) for span in self.spans if span.name.startswith("chat ")]


def attributes(span: Any) -> dict[str, Any]:
    """The attributes by name."""
    found = {}
    for entry in span.attributes:
        kind = entry.value.WhichOneof("value")
        value = getattr(entry.value, kind)
        found[entry.key] = [v.string_value for v in value.values] if kind == "array_value" else value
    return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the environment names."""
    monkeypatch.setattr(retries, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    running = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
    yield running
    running.server.shutdown()


def run(folder: Path, server: Loopback, question: str = "Hello There?") -> None:
    """A sweep of one question at a temperature."""
    write(folder / "q.jsonl", json.dumps({"id": "q", "question": question, "references": ["x"]}) + "\n")
    model = f"{{use: openai/gpt-4o-mini, base_url: '{server.url}/v1'}}"
    path = write(folder / "s.yaml", f"dataset: q.jsonl\nchatbot: {{model: {model}, temperature: 0.5, max_tokens: 9}}\n")
    run_sweep(load(path), Options(), Progress())


def test_a_call_is_a_span_by_the_conventions(collector: Collector, tmp_path: Path) -> None:
    """Operation, provider, model, sampling, usage and finish reason have their standard names."""
    with Loopback() as server:
        run(tmp_path, server)
    [(span, found)] = collector.chats()
    assert span.name == "chat gpt-4o-mini"
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.provider.name"] == "openai"
    assert found["gen_ai.request.model"] == found["gen_ai.response.model"] == "gpt-4o-mini"
    assert (found["gen_ai.request.temperature"], found["gen_ai.request.max_tokens"]) == (0.5, 9)
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (2, 2)
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert "hELLO tHERE?" in found["gen_ai.output.messages"]
    [root] = [span for span in collector.spans if span.name.startswith("sweep ")]
    assert span.parent_span_id == root.span_id


def test_an_attempt_that_failed_is_a_span_with_its_error(collector: Collector, tmp_path: Path) -> None:
    """One span for each attempt on the wire."""
    with Loopback() as server:
        server.fail(1, 500)
        run(tmp_path, server)
    assert [found.get("error.type") for _, found in collector.chats()] == ["server", None]


def test_no_secret_reaches_the_collector(collector: Collector, tmp_path: Path) -> None:
    """Not even one that a user asks about and the server repeats."""
    with Loopback() as server:
        run(tmp_path, server, f"Is {SECRET} my key?")
    assert collector.chats()
    assert SECRET.encode() not in b"".join(span.SerializeToString() for span in collector.spans)


def test_contents_are_left_out_where_that_is_asked_for(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither question nor answer is sent; the counts are."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "false")
    with Loopback() as server:
        run(tmp_path, server)
    sent = b"".join(span.SerializeToString() for span in collector.spans)
    assert b"hELLO" not in sent and b"Hello" not in sent
    assert collector.chats()[0][1]["gen_ai.usage.output_tokens"] == 2


def test_a_collector_that_is_gone_costs_nothing_but_the_spans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The sweep ends well, in time and without a word."""
    gone = Collector()
    gone.server.server_close()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.url)
    with Loopback() as server:
        run(tmp_path, server)
    assert "Traceback" not in capfd.readouterr().err


def test_without_an_endpoint_there_is_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off is off: the libraries are not even imported."""
    import subprocess
    import sys

    for variable in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
    code = (
        "import sys; from harness.sweeps.gateway.trace import NoTrace, trace_of\n"
        "assert isinstance(trace_of('s'), NoTrace); assert 'opentelemetry.sdk' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
