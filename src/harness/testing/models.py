"""What every model must do, as checks that a plug-in's author can run in a test: `check_model(MyModel(...))`."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.records import Message, Reply, Request
from harness.testing.parts import check_part

REQUEST = Request(
    messages=(
        Message("system", "Answer from the text only."),
        Message("user", "The shop is open from 9 to 18.\n\nQuestion: When is the shop open?"),
    ),
    question="When is the shop open?",
    passages=("The shop is open from 9 to 18.",),
)
"""What the checks ask: one question about one passage."""


def check_model(model: Any, request: Request = REQUEST, *, asks: int = 2, deterministic: bool = False) -> list[Reply]:
    """Check that `model` is what harness.plugins.Model promises, and return its replies to `request`.

    The model is asked `asks` times in all, at once, over one connection; 0 checks what can be checked without asking.
    With `deterministic` all replies must be equal.
    Raises AssertionError that says what is wrong.
    """
    check_declaration(model)
    sent = check_parameters(model)
    replies = asyncio.run(_ask(model, dataclasses.replace(request, parameters=sent), asks)) if asks else []
    for reply in replies:
        check_reply(reply)
    texts = {reply.text for reply in replies}
    assert not deterministic or len(texts) <= 1, f"{len(texts)} different replies to one request"
    return replies


def check_declaration(model: Any) -> None:
    """Check what is known of the model without asking it: its registration, its class variables, its properties."""
    assert isinstance(model.version, int), "`version: ClassVar[int]` must be a whole number"
    assert isinstance(model.local, bool), "`local: ClassVar[bool]` says whether it runs on this machine"
    assert isinstance(model.provider, str) and model.provider, "`provider` must name what limits are shared under"
    assert model.price_name is None or isinstance(model.price_name, str), "`price_name` must be a text or None"
    assert isinstance(model.environment, tuple), "`environment` must be a tuple of variable names"
    assert all(isinstance(v, str) and v for v in model.environment), "`environment` must hold names of variables"
    check_part(model)


def check_parameters(model: Any) -> dict[str, Any]:
    """Check how the model takes sampling settings, and return what it sends for none of them."""
    sampling = {"max_tokens": 64, "temperature": 0.0, "top_p": 0.5, "stop": ["###"]}
    for key, value in sampling.items():
        given = {key: value}
        try:
            sent, refusal = model.parameters(given), None
        except ValueError as error:
            sent, refusal = {}, str(error)
        assert refusal is None or key in refusal, f"the refusal of {key} must name it, found: {refusal}"
        assert isinstance(sent, dict), "`parameters` must return a dict"
        assert given == {key: value}, "`parameters` must not change what it is given"
        orjson.dumps(sent)
    none: dict[str, Any] = model.parameters({})
    assert model.parameters({}) == none, "`parameters` must be the same each time"
    return none


def check_reply(reply: Any) -> None:
    """Check that a reply is whole: a text, counts that are None or not negative, a time on the wire."""
    assert isinstance(reply, Reply), f"`complete` must return a harness.records.Reply, found {type(reply).__name__}"
    assert isinstance(reply.text, str), "`text` must be a text"
    for field in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"):
        count = getattr(reply, field)
        assert count is None or (isinstance(count, int) and count >= 0), f"`{field}` must be None or a count"
    if reply.cached_tokens and reply.input_tokens is not None:
        assert reply.input_tokens >= reply.cached_tokens, "`input_tokens` must include `cached_tokens`"
    assert isinstance(reply.finish_reason, str) and reply.finish_reason, "`finish_reason` must be a word"
    assert reply.latency_ms is not None and reply.latency_ms > 0, "`latency_ms` must be the time that the answer took"


def check_failure(model: Any, kind: str, request: Request = REQUEST, *, retryable: bool, fatal: bool = False) -> None:
    """Check that asking fails as it should, in the circumstances that the caller has made.

    Raises AssertionError when the model answers, or fails with anything but a ProviderError of these properties.
    """
    sent = dataclasses.replace(request, parameters=model.parameters({}))
    found: ProviderError | None = None
    try:
        asyncio.run(_ask(model, sent, 1))
    except ProviderError as error:
        found = error
    assert found is not None, f"the model answered where it should have failed with {kind}"
    properties = {"kind": found.kind, "retryable": found.retryable, "fatal": found.fatal}
    wanted = {"kind": kind, "retryable": retryable, "fatal": fatal}
    assert properties == wanted, f"failed with {properties}, not {wanted}: {found}"


async def _ask(model: Any, request: Request, asks: int) -> list[Reply]:
    connection = model.connect()
    assert inspect.iscoroutinefunction(connection.complete), "`complete` must be a coroutine function"
    try:
        return list(await asyncio.gather(*(connection.complete(request) for _ in range(asks))))
    finally:
        await connection.close()
