"""What every query writer must do, as checks that a plug-in's author can run in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.plugins import QueryWriter
from harness.records import Lookup, Message, Query
from harness.testing.parts import check_part

HISTORY = (
    Message("user", "What does a seat cost?"),
    Message("assistant", "14 EUR per month."),
)
QUERIES = (
    Query("And for a whole year?"),
    Query("And for a whole year?", HISTORY),
    Query("And for a whole year?", HISTORY * 4),
    Query("{{ question }} {% if %}"),
)
"""Questions without and with turns before them; one looks like a template."""

REPLIES = (
    "What does a seat cost for a year?",
    "1. What is the yearly price?\n2. What is the yearly price?\n\n- Is there a discount?",
    "",
    " \n ",
    "```\n[]\n```",
    "<think>Let me see.</think>\n",
    "\u5e74\u9593\u3044\u304f\u3089\u3067\u3059\u304b" * 200,
)
"""What a model may reply, nothing and nonsense included."""

Sent = list[tuple[tuple[Message, ...], dict[str, Any]]]


def check_query_writer(writer: QueryWriter, replies: Sequence[str] = REPLIES) -> None:
    """Check that `writer` is what harness.plugins.QueryWriter promises, with a model that gives `replies`.

    Raises AssertionError that says what is wrong.
    """
    check_part(writer)
    assert isinstance(writer.reads_history, bool), "`reads_history: ClassVar[bool]` says whether earlier turns decide"
    for query in QUERIES:
        asked = False
        for reply in replies:
            what = f"{query.question!r} after {len(query.history)} turns, the model replying {reply[:40]!r}"
            found, sent = _written(writer, query, reply)
            asked = asked or bool(sent)
            _check_lookups(found, what)
            _check_sent(sent, what)
            assert _written(writer, query, reply) == (found, sent), f"{what}: asked again it writes something else"
            if not writer.reads_history:
                assert _written(writer, Query(query.question), reply) == (found, sent), (
                    f"{what}: `reads_history` is false, but the turns before decide what is written"
                )
        if asked:
            _check_failure(writer, query)


def _written(writer: QueryWriter, query: Query, reply: str) -> tuple[list[Lookup], Sent]:
    sent: Sent = []

    async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
        sent.append((tuple(messages), dict(sampling)))
        return reply

    return asyncio.run(writer.lookups(query, ask)), sent


def _check_lookups(found: list[Lookup], what: str) -> None:
    assert isinstance(found, list) and found, f"{what}: `lookups` must return a list of one text or more: {found!r}"
    for lookup in found:
        assert isinstance(lookup, Lookup), f"{what}: {lookup!r} is no harness.records.Lookup"
        assert lookup.text.strip(), f"{what}: a text is empty; take the question itself where there is nothing else"
        assert lookup.purpose in ("query", "passage"), f"{what}: purpose must be query or passage, not {lookup.purpose}"
    assert len(set(found)) == len(found), f"{what}: a text comes twice: {found}"


def _check_sent(sent: Sent, what: str) -> None:
    for messages, sampling in sent:
        assert messages and all(isinstance(m, Message) for m in messages), f"{what}: `ask` takes Messages: {messages}"
        assert messages[-1].role == "user", f"{what}: the last message to the model must be a user's"
        try:
            orjson.dumps(sampling)
        except TypeError as error:
            raise AssertionError(f"{what}: the sampling settings are no JSON: {sampling}") from error


def _check_failure(writer: QueryWriter, query: Query) -> None:
    failure = ProviderError("refused", kind="refused")

    async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
        raise failure

    raised: ProviderError | None = None
    try:
        asyncio.run(writer.lookups(query, ask))
    except ProviderError as error:
        raised = error
    assert raised is failure, "a ProviderError of `ask` must go through: a failure is recorded, not searched with"
