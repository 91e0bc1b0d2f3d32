"""A chatbot that is already deployed: any HTTP endpoint that takes JSON and gives JSON."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import orjson

from harness.errors import ProviderError, advice
from harness.plugins import ModelConnection, addresses, failures, headers, part, setting
from harness.records import Reply, Request, digest

NAMES = ("question", "messages", "conversation", "system", "passages", "parameters")
"""What the request template may name: the user's question as the dataset has it; the rendered messages, all of them, or
those that are no system prompt; the system prompt; the texts of the passages; the sampling settings."""
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_STEP = re.compile(r"[^.\[\]]+")
_ALONE = re.compile(r"\{\{(.*)\}\}", re.DOTALL)


@dataclass(frozen=True)
class _Endpoint:
    """What the two schemes have in common.

    `request` is the JSON to send, its texts being Jinja templates; a text that is one `{{ name }}` and no more becomes
    the value itself (a list stays a list). `response` is the path of the answer in the JSON that comes back
    (`choices[0].message.content`); an empty one takes the whole body as text. `headers` may hold `${VARIABLE}`s of the
    environment. `input_tokens` and `output_tokens` are paths of counts, where the endpoint gives them.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    reads_passages: ClassVar[bool] = True
    deployed: ClassVar[bool] = True
    """What it answers may change while the settings stay: a gate asks it afresh."""
    scheme: ClassVar[str] = ""
    address: str = ""
    request: dict[str, Any] = field(default_factory=lambda: {"question": "{{ question }}"})
    response: str = "answer"
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    input_tokens: str | None = None
    output_tokens: str | None = None
    timeout_s: float = setting(60.0, inert=True)

    def __post_init__(self) -> None:
        addresses.refuse_secrets("the address", self.url, addresses.HEADERS)
        if not urlsplit(self.url).hostname:
            raise ValueError(f"{self.url} has no host")
        for text in _texts(self.request):
            _check(text)

    def __hash__(self) -> int:
        return hash((self.url, digest(self.request, self.headers), self.response, self.method))

    @property
    def url(self) -> str:
        """The whole address."""
        return self.scheme + self.address

    @property
    def provider(self) -> str:
        """The server."""
        return self.scheme + urlsplit(self.url).netloc

    @property
    def price_name(self) -> str | None:
        """The address: what a call costs there only the sweep file can say."""
        return self.url

    @property
    def environment(self) -> tuple[str, ...]:
        """The variables that the headers name."""
        return tuple(dict.fromkeys(name for text in self.headers.values() for name in _VARIABLE.findall(text)))

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """All of them, for the template."""
        return dict(sampling)

    def connect(self) -> ModelConnection:
        """A client of its own."""
        return _Connection(self)


@part("model", "http://", argument="address")
@dataclass(frozen=True)
class Http(_Endpoint):
    """A deployed chatbot behind HTTP (`http://localhost:8000/chat`): `request` says what to send, `response` where in
    the JSON that comes back the answer is."""

    scheme: ClassVar[str] = "http://"
    __hash__ = _Endpoint.__hash__


@part("model", "https://", argument="address")
@dataclass(frozen=True)
class Https(_Endpoint):
    """A deployed chatbot behind HTTPS: `request` says what to send, `response` where in the JSON that comes back the
    answer is."""

    scheme: ClassVar[str] = "https://"
    __hash__ = _Endpoint.__hash__


class _Connection:
    def __init__(self, model: _Endpoint) -> None:
        import aiohttp

        self._model = model
        self._error = aiohttp.ClientError
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=model.timeout_s), connector=aiohttp.TCPConnector(limit=0)
        )
        self._headers = {
            "content-type": "application/json",
            **{name: _VARIABLE.sub(_from_environment, text) for name, text in model.headers.items()},
        }

    async def complete(self, request: Request) -> Reply:
        model, about = self._model, self._model.url
        body = self._body(request)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(model.timeout_s):
                sent = self._session.request(model.method, model.url, data=body, headers=self._headers)
                async with sent as answer:
                    content = await answer.read()
            latency_ms = (time.perf_counter() - started) * 1000
            if answer.status >= 400:
                raise failures.of_body(answer.status, _words(content), about, answer.headers)
            return _reply(model, content, latency_ms, answer.headers)
        except (TimeoutError, self._error) as error:
            raise failures.of_no_answer(error, model.timeout_s, about) from error
        except (ValueError, TypeError, LookupError) as error:
            raise failures.of_broken(error, about) from error

    async def close(self) -> None:
        await self._session.close()

    def _body(self, request: Request) -> bytes:
        """What is sent. Raises ProviderError, not to be retried, when the template asks for what this request lacks."""
        from jinja2 import TemplateError

        try:
            return orjson.dumps(_filled(self._model.request, _values(request)))
        except (TemplateError, TypeError, ValueError) as error:
            message = f"{self._model.url}: the template `request` cannot be filled: {error}"
            raise ProviderError(message, kind="template") from error


def _reply(model: _Endpoint, content: bytes, latency_ms: float, given: Mapping[str, str]) -> Reply:
    if not model.response:
        return Reply(content.decode(), latency_ms=latency_ms, quota=headers.quota(given))
    read = orjson.loads(content)
    text = _at(read, model.response)
    if not isinstance(text, str):
        raise TypeError(f"expected a text at {model.response}, found {type(text).__name__}")
    sent, received = (_at(read, path) if path else None for path in (model.input_tokens, model.output_tokens))
    return Reply(text, sent, received, latency_ms=latency_ms, quota=headers.quota(given))


def _at(content: Any, path: str) -> Any:
    """The value at a path such as `choices[0].message.content`. Raises LookupError, naming what is there."""
    for step in _STEP.findall(path):
        try:
            content = content[int(step)] if isinstance(content, list) else content[step]
        except (LookupError, ValueError, TypeError):
            there = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise LookupError(f"no {step!r} for the path {path}; there is {there}") from None
    return content


def _words(content: bytes) -> Any:
    """What the endpoint says about an error, in JSON or in plain text."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"message": content.decode(errors="replace")}


def _from_environment(match: re.Match[str]) -> str:
    return os.environ.get(match.group(1), "")


def _values(request: Request) -> dict[str, Any]:
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    return {
        "question": request.question,
        "messages": messages,
        "conversation": [m for m in messages if m["role"] != "system"],
        "system": "\n\n".join(m["content"] for m in messages if m["role"] == "system"),
        "passages": list(request.passages),
        "parameters": dict(request.parameters),
    }


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its texts filled."""
    from jinja2 import StrictUndefined

    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    alone = _ALONE.fullmatch(template.strip())
    if alone and "{{" not in alone.group(1):
        value = _environment().compile_expression(alone.group(1), undefined_to_none=False)(values)
        if isinstance(value, StrictUndefined):
            raise ValueError(f"{template}: there is no such thing here")
        return value
    return _environment().from_string(template).render(values)


def _texts(template: Any) -> list[str]:
    if isinstance(template, dict):
        return [text for value in template.values() for text in _texts(value)]
    if isinstance(template, list):
        return [text for value in template for text in _texts(value)]
    return [template] if isinstance(template, str) else []


def _check(text: str) -> None:
    """Raise ValueError when a template is no Jinja, or names what there is not."""
    from jinja2 import TemplateError, meta

    try:
        unknown = sorted(meta.find_undeclared_variables(_environment().parse(text)) - set(NAMES))
    except TemplateError as error:
        raise ValueError(f"request: the template {text!r}: {error}") from None
    if unknown:
        raise ValueError(f"request: unknown name {unknown[0]!r}; {advice(unknown[0], NAMES)}")


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
