"""Query writers: what is searched with, and what the model is asked, its replies being scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from harness.errors import ProviderError
from harness.plugins import Ask, identity, make, part, registry
from harness.records import Lookup, Message, Query
from harness.testing import check_query_writer

HISTORY = (
    Message("user", "What does a seat cost?"),
    Message("assistant", "14 EUR per month."),
    Message("user", "Is VAT in it?"),
    Message("assistant", "It is."),
)
FOLLOW_UP = Query("And for a year?", HISTORY)
MODEL = {"model": "local/extractive"}


def written(spec: Any, query: Query = FOLLOW_UP, reply: str = "") -> tuple[list[Lookup], list[str], list[Any]]:
    """The texts to search with, the prompts that the model got, and the sampling settings."""
    prompts: list[str] = []
    settings: list[Any] = []

    async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
        [message] = messages
        prompts.append(message.content)
        settings.append(sampling)
        return reply

    return asyncio.run(make("query", spec).lookups(query, ask)), prompts, settings


def texts(spec: Any, query: Query = FOLLOW_UP, reply: str = "") -> list[str]:
    """The texts to search with."""
    return [lookup.text for lookup in written(spec, query, reply)[0]]


@pytest.mark.parametrize(
    "spec",
    [
        "question",
        "conversation",
        {"use": "conversation", "turns": 2, "assistant": True},
        *({"use": use, **MODEL} for use in ("rewrite", "multi_query", "hyde")),
        {"use": "multi_query", "model": {"use": "openai/gpt-4o-mini", "timeout_s": 5.0}, "original": False},
        {"use": "hyde", **MODEL, "original": True, "temperature": 0},
    ],
    ids=str,
)
def test_built_in_query_writers_keep_the_contract(spec: Any) -> None:
    """Each passes the contract test that plug-in authors run."""
    check_query_writer(make("query", spec))


def test_the_question_is_taken_as_it_is() -> None:
    """Whatever was said before."""
    assert written("question") == ([Lookup("And for a year?", "query")], [], [])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "And for a year?\nIs VAT in it?\nWhat does a seat cost?"),
        ({"turns": 1}, "And for a year?"),
        ({"turns": 2}, "And for a year?\nIs VAT in it?"),
        ({"turns": 2, "assistant": True}, "And for a year?\nIt is.\nIs VAT in it?"),
        ({"turns": 1, "assistant": True}, "And for a year?"),
    ],
)
def test_a_conversation_is_its_last_turns(settings: dict[str, Any], text: str) -> None:
    """So many messages of the user, the newest first, with the assistant's between them where these are wanted."""
    assert texts({"use": "conversation", **settings}) == [text]


def test_a_first_question_is_not_written_anew() -> None:
    """No call is made for it."""
    assert written({"use": "rewrite", **MODEL}, Query("What?"), "never asked") == ([Lookup("What?")], [], [])


def test_a_follow_up_is_written_anew_from_the_conversation() -> None:
    """The model sees all turns and the question; what it writes is searched with."""
    found, [prompt], [sampling] = written({"use": "rewrite", **MODEL}, reply="What does a seat cost per year?")
    assert found == [Lookup("What does a seat cost per year?", "query")]
    assert "user: Is VAT in it?\nassistant: It is.\n" in prompt
    assert prompt.endswith("Next message: And for a year?\n\nQuestion:")
    assert sampling == {"max_tokens": 128}


@pytest.mark.parametrize(
    "reply",
    [
        "What does a seat cost per year?",
        ' "What does a seat cost per year?"\n',
        "Here is the question:\n\n**What does a seat cost per year?**",
        "Standalone question: What does a seat cost per year?",
        "Question: \u201cWhat does a seat cost per year?\u201d",
        "```\nWhat does a seat cost per year?\n```",
        "<think>The user means:\na seat.</think>\nWhat does a seat cost per year?",
    ],
)
def test_what_models_put_around_a_question_is_left_out(reply: str) -> None:
    """Quotes, labels, introductions, fences, thoughts."""
    assert texts({"use": "rewrite", **MODEL}, reply=reply) == ["What does a seat cost per year?"]


@pytest.mark.parametrize("use", ["rewrite", "multi_query", "hyde"])
@pytest.mark.parametrize("reply", ["", " \n", "<think>What could", "<think></think>"])
def test_where_the_model_writes_nothing_the_question_is_taken(use: str, reply: str) -> None:
    """As a question, not as a passage."""
    assert written({"use": use, **MODEL}, reply=reply)[0] == [Lookup("And for a year?", "query")]


@pytest.mark.parametrize(
    "reply",
    [
        "Yearly price?\nPrice of twelve months?\nAnnual billing?",
        "Here are 3 wordings:\n\n1. Yearly price?\n2. Price of twelve months?\n3. Annual billing?\n",
        "- Yearly price?\n* Price of twelve months?\n\u2022 Annual billing?",
        '1) "Yearly price?"\n(2) "Price of twelve months?"\n\n3: `Annual billing?`\n---',
        "Yearly price?\nyearly  PRICE?\nand for a year?\nPrice of twelve months?\nAnnual billing?\nA fifth?",
        'Query 1: Yearly price?\nQuery 2: Price of twelve months?\n"Annual billing?"',
        '```json\n["Yearly price?", "Price of twelve months?", "Annual billing?", 7]\n```',
    ],
)
def test_wordings_are_read_from_any_list(reply: str) -> None:
    """Numbers, bullets and quotes go; repeats and what is more than asked for too; the question itself comes first."""
    wordings = ["Yearly price?", "Price of twelve months?", "Annual billing?"]
    assert texts({"use": "multi_query", **MODEL}, reply=reply) == ["And for a year?", *wordings]
    assert texts({"use": "multi_query", **MODEL, "original": False}, reply=reply) == wordings


def test_numbers_that_belong_to_a_wording_stay() -> None:
    """A year, a decimal, a quarter."""
    lines = ["2024 prices?", "3.5 inch disks?", "Q1 revenue?", "-5 degrees?"]
    spec = {"use": "multi_query", **MODEL, "queries": 4, "original": False}
    assert texts(spec, reply="\n".join(lines)) == lines


def test_wordings_are_asked_for_by_number() -> None:
    """The prompt says how many, and knows nothing of the turns before."""
    _, [prompt], [sampling] = written({"use": "multi_query", **MODEL, "queries": 5, "temperature": 1})
    assert "Write 5 other wordings" in prompt
    assert "VAT" not in prompt
    assert sampling == {"max_tokens": 256, "temperature": 1}


def test_a_hypothetical_passage_is_embedded_as_a_passage() -> None:
    """Its line breaks stay; the question comes before it where that is wanted."""
    reply = "A year costs 140 EUR.\n\n1. Billed at once."
    assert written({"use": "hyde", **MODEL}, reply=reply)[0] == [Lookup(reply, "passage")]
    both = [Lookup("And for a year?", "query"), Lookup(reply, "passage")]
    assert written({"use": "hyde", **MODEL, "original": True}, reply=reply)[0] == both


def test_a_prompt_of_ones_own() -> None:
    """It is a template, and what is in a question is none."""
    spec = {"use": "hyde", **MODEL, "prompt": "Answer: {{ question }}"}
    assert written(spec, Query("{{ 7 * 7 }}?"))[1] == ["Answer: {{ 7 * 7 }}?"]
    spec = {"use": "rewrite", **MODEL, "prompt": "{{ history[-1].content }} {{ question }}"}
    assert written(spec)[1] == ["It is. And for a year?"]


def test_a_prompt_that_cannot_be_filled_for_a_question_is_a_failure() -> None:
    """Recorded like one of the provider's; the sample of the check had two turns, this history has one."""
    writer = make("query", {"use": "rewrite", **MODEL, "prompt": "{{ history[1].content }}"})

    async def ask(messages: Sequence[Message], sampling: Mapping[str, Any]) -> str:
        raise AssertionError("nothing to ask")

    with pytest.raises(ProviderError, match="cannot be filled") as caught:
        asyncio.run(writer.lookups(Query("And?", HISTORY[:1]), ask))
    assert caught.value.kind == "template" and not caught.value.retryable


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("rewrite", "model"),
        ({"use": "rewrite", "model": "openapi-gpt"}, "no model is called 'openapi-gpt'"),
        ({"use": "hyde", "model": "openai/o3-mini", "temperature": 0.5}, "does not take temperature"),
        ({"use": "hyde", **MODEL, "prompt": "{{ history }}"}, "prompt: template: unknown name 'history'"),
        ({"use": "rewrite", **MODEL, "prompt": "{{ history[0].text }}"}, "has no attribute 'text'"),
        ({"use": "multi_query", **MODEL, "prompt": "{% if %}"}, "prompt: template: "),
        ({"use": "hyde", **MODEL, "prompt": "\n"}, "prompt is empty"),
        ({"use": "hyde", **MODEL, "max_tokens": 0}, "max_tokens must be at least 1, found 0"),
        ({"use": "hyde", **MODEL, "temperature": 3}, "temperature must be between 0 and 2, found 3"),
        ({"use": "hyde", **MODEL, "fetch_k": 0}, "fetch_k must be at least 1, found 0"),
        ({"use": "multi_query", **MODEL, "fetch_k": 0}, "fetch_k must be at least 1, found 0"),
        ({"use": "multi_query", **MODEL, "queries": 0}, "queries must be at least 1, found 0"),
        ({"use": "conversation", "turns": 0}, "turns must be at least 1, found 0"),
    ],
)
def test_impossible_settings_are_refused(spec: Any, words: str) -> None:
    """Before anything is asked, with what was found."""
    with pytest.raises(ValidationError) as caught:
        make("query", spec)
    assert words in str(caught.value)


def test_the_model_and_the_prompt_are_part_of_the_identity() -> None:
    """Another model writes other texts."""
    a, b = (make("query", {"use": "hyde", "model": {"use": "local/extractive", "sentences": n}}) for n in (1, 2))
    assert identity(a)["model"]["sentences"] == 1
    assert identity(a) != identity(b)


@dataclass(frozen=True)
class _Broken:
    version: ClassVar[int] = 1
    reads_history: ClassVar[bool] = False
    way: str = "none"

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        if self.way == "none":
            return []
        if self.way == "history":
            return [Lookup(query.question + str(len(query.history)))]
        if self.way == "purpose":
            return [Lookup(query.question, "answer")]
        try:
            return [Lookup(await ask([Message("user", query.question)], {}))]
        except ProviderError:
            return [Lookup(query.question)]


@pytest.mark.parametrize(
    ("way", "replies", "words"),
    [
        ("none", ("x",), "one text or more"),
        ("history", ("x",), "reads_history"),
        ("purpose", ("x",), "purpose must be"),
        ("empty", ("",), "a text is empty"),
        ("swallows", ("x",), "must go through"),
    ],
)
def test_broken_query_writers_are_found_out(
    way: str, replies: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract test names what is wrong."""
    monkeypatch.setattr(registry, "_register", dict(registry._register))
    broken = part("query", "broken")(_Broken)
    with pytest.raises(AssertionError, match=words):
        check_query_writer(broken(way), replies)
