"""What is asked, as OpenTelemetry spans with the semantic conventions for generative AI.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) names a collector. One span for each
attempt on the wire, under one for the sweep. Secrets are crossed out; prompts and answers are left out when
`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is `false`.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import orjson

from harness.errors import ProviderError
from harness.plugins import failures, name, provider_of
from harness.records import Embedded, Ranked, Reply, Request

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CONTENTS = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop": "stop_sequences",
    "stop_sequences": "stop_sequences",
}
_LAST_WORDS_S = 5
_QUEUE = 50_000


class Span(Protocol):
    """An attempt in the trace."""

    def replied(self, reply: Reply) -> None:
        """Note an answer."""

    def counted(self, made: Embedded | Ranked) -> None:
        """Note what vectors or a reranking took."""


class Trace(Protocol):
    """Where attempts are noted."""

    def chat(self, model: Any, request: Request, key: str) -> AbstractContextManager[Span]:
        """A span for an attempt to get an answer; `key` is the request's."""

    def embeddings(self, embedder: Any) -> AbstractContextManager[Span]:
        """A span for an attempt to embed."""

    def reranking(self, reranker: Any) -> AbstractContextManager[Span]:
        """A span for an attempt to rerank."""

    def close(self) -> None:
        """Send what is left."""


class NoTrace:
    """Nothing is noted."""

    def chat(self, model: Any, request: Request, key: str) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def embeddings(self, embedder: Any) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def reranking(self, reranker: Any) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def replied(self, reply: Reply) -> None:
        pass

    def counted(self, made: Embedded | Ranked) -> None:
        pass

    def close(self) -> None:
        pass


def trace_of(sweep: str) -> Trace:
    """The trace of a sweep: a real one where the environment names a collector."""
    return OpenTelemetry(sweep) if any(os.environ.get(variable) for variable in _ENDPOINTS) else NoTrace()


class OpenTelemetry:
    """Spans, sent in the background to the collector; one that does not answer costs spans, never answers."""

    def __init__(self, sweep: str) -> None:
        import logging

        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "harness")})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        # The SDK's own queue of 2,048 spans would drop some in silence when hundreds of calls end in a second.
        queue = None if os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE") else _QUEUE
        self._provider.add_span_processor(BatchSpanProcessor(_exporter(), max_queue_size=queue))
        self._tracer = self._provider.get_tracer("harness")
        self._contents = os.environ.get(_CONTENTS, "true").lower() not in ("false", "0", "no", "no_content")
        self._root = self._tracer.start_span(f"sweep {sweep}", attributes={"harness.sweep": sweep})

    @contextmanager
    def chat(self, model: Any, request: Request, key: str) -> Iterator[Span]:
        given = {**_asked("chat", model), "harness.request": key}
        for sent, value in request.parameters.items():
            if sent in _PARAMETERS and value is not None:
                given[f"gen_ai.request.{_PARAMETERS[sent]}"] = value
        if self._contents:
            given |= _messages("input", [(m.role, m.content) for m in request.messages])
        with self._span(f"chat {model.name if hasattr(model, 'name') else name(model)}", given) as span:
            yield _Noted(span, self._contents)

    @contextmanager
    def embeddings(self, embedder: Any) -> Iterator[Span]:
        with self._span(f"embeddings {embedder.name}", _asked("embeddings", embedder)) as span:
            yield _Noted(span, self._contents)

    @contextmanager
    def reranking(self, reranker: Any) -> Iterator[Span]:
        with self._span(f"rerank {name(reranker)}", _asked("rerank", reranker)) as span:
            yield _Noted(span, self._contents)

    def close(self) -> None:
        self._root.end()
        self._provider.force_flush(_LAST_WORDS_S * 1000)
        self._provider.shutdown()

    @contextmanager
    def _span(self, title: str, given: Mapping[str, Any]) -> Iterator[Any]:
        from opentelemetry import trace

        context = trace.set_span_in_context(self._root)
        span = self._tracer.start_span(title, context, trace.SpanKind.CLIENT, given)
        try:
            yield span
        except ProviderError as error:
            span.set_attribute("error.type", error.kind)
            span.set_status(trace.StatusCode.ERROR, failures.without_secrets(str(error)))
            raise
        finally:
            span.end()


class _Noted:
    def __init__(self, span: Any, contents: bool) -> None:
        self._span = span
        self._contents = contents

    def replied(self, reply: Reply) -> None:
        counts = {
            "gen_ai.usage.input_tokens": reply.input_tokens,
            "gen_ai.usage.output_tokens": reply.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": reply.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": reply.written_tokens,
        }
        given: dict[str, Any] = {key: count for key, count in counts.items() if count is not None}
        given["gen_ai.response.finish_reasons"] = [reply.finish_reason]
        if reply.model:
            given["gen_ai.response.model"] = reply.model
        if reply.first_token_ms is not None:
            given["gen_ai.response.time_to_first_chunk"] = reply.first_token_ms / 1000
        if self._contents:
            given |= _messages("output", [("assistant", reply.text)])
        self._span.set_attributes(given)

    def counted(self, made: Embedded | Ranked) -> None:
        if made.tokens is not None:
            self._span.set_attribute("gen_ai.usage.input_tokens", made.tokens)


def _asked(operation: str, part: Any) -> dict[str, Any]:
    provider = provider_of(part)
    given = {"gen_ai.operation.name": operation, "gen_ai.request.model": str(getattr(part, "name", "") or name(part))}
    if "://" in provider:
        return {**given, "gen_ai.provider.name": getattr(part, "home", "") or "http", "server.address": provider}
    return {**given, "gen_ai.provider.name": provider}


def _messages(direction: str, messages: list[tuple[str, str]]) -> dict[str, str]:
    content = [
        {"role": role, "parts": [{"type": "text", "content": failures.without_secrets(text)}]}
        for role, text in messages
    ]
    return {f"gen_ai.{direction}.messages": orjson.dumps(content).decode()}


def _exporter() -> Any:
    """An exporter by HTTP, or by gRPC where `OTEL_EXPORTER_OTLP_PROTOCOL` says so; the SDK reads the addresses."""
    given = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"
    if "grpc" in [os.environ.get(variable) for variable in given]:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as ByGrpc

        return ByGrpc(timeout=_LAST_WORDS_S)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(timeout=_LAST_WORDS_S)
