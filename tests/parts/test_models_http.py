"""A deployed chatbot behind HTTP: what is sent is the template filled, what is read is where the path says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import ProviderError
from harness.plugins import identity, make, written
from harness.records import Message, Reply, Request
from tests.loopback import Loopback
from tests.parts.asking import ask

TURNS = (Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Now"))
REQUEST = Request((Message("system", "Be brief."), *TURNS), {"max_tokens": 9}, "The question?", ("A passage.",))


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A chatbot on loopback."""
    with Loopback() as running:
        yield running


def send(server: Loopback, path: str = "/bot", **settings: Any) -> Reply:
    """One request to an endpoint."""
    return ask(make("model", {"use": server.url + path, "response": "data.answers[0].text", **settings}), REQUEST)


def test_the_template_is_filled_and_keeps_its_shape(server: Loopback) -> None:
    """A text that is one name becomes the value itself, at any depth; others become texts; the rest stays."""
    template = {
        "question": "{{ question }}",
        "history": ["{{ conversation }}", {"system": "{{ system }}!"}],
        "context": "{{ passages }}",
        "limit": "{{ parameters.max_tokens }}",
        "flag": True,
        "first": "{{ messages[0].role }}: {{ question | upper }}",
    }
    send(server, request=template)
    sent = server.calls[0].body
    assert sent == {
        "question": "The question?",
        "history": [
            [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Yes?"},
                {"role": "user", "content": "Now"},
            ],
            {"system": "Be brief.!"},
        ],
        "context": ["A passage."],
        "limit": 9,
        "flag": True,
        "first": "system: THE QUESTION?",
    }


def test_by_default_the_question_is_sent(server: Loopback) -> None:
    """`{question: …}`, and the answer is read at `answer`."""
    with pytest.raises(ProviderError, match="no 'answer' for the path answer; there is data, usage") as caught:
        ask(make("model", f"{server.url}/bot"), REQUEST)
    assert caught.value.kind == "broken_answer"
    assert server.calls[0].body == {"question": "The question?"}


def test_headers_take_secrets_from_the_environment_only(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` is filled on the wire, and nowhere else; the variable is known to be needed."""
    monkeypatch.setenv("BOT_KEY", "very-secret")
    given = {"X-Key": "Bearer ${BOT_KEY}"}
    model = make("model", {"use": f"{server.url}/bot", "headers": given, "response": "usage.in"})
    with pytest.raises(ProviderError, match=r"expected a text at usage\.in, found int"):
        ask(model, REQUEST)
    assert server.calls[0].headers["X-Key"] == "Bearer very-secret"
    assert model.environment == ("BOT_KEY",)
    assert "very-secret" not in str((written(model), identity(model), repr(model)))


def test_the_whole_body_is_the_answer_where_there_is_no_path(server: Loopback) -> None:
    """An endpoint that answers in plain text."""
    assert '"answers"' in send(server, response="").text


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"request": {"q": "{{ qestion }}"}}, "unknown name 'qestion'"),
        ({"request": {"q": ["{{ question "]}}, "template"),
        ({"method": "FETCH"}, "POST"),
    ],
)
def test_wrong_settings_are_known_before_anything_is_sent(settings: dict[str, Any], found: str) -> None:
    """A typo in the template is a mistake in the sweep file."""
    with pytest.raises(ValidationError, match=found):
        make("model", {"use": "http://localhost:1/bot", **settings})


def test_a_template_that_cannot_be_filled_is_not_tried_again(server: Loopback) -> None:
    """It asks for a setting that this sweep does not have: no call, and no retry."""
    with pytest.raises(ProviderError) as caught:
        send(server, request={"t": "{{ parameters.temperature }}"})
    assert (caught.value.kind, caught.value.retryable, server.count()) == ("template", False, 0)


def test_https_is_a_part_of_its_own() -> None:
    """The scheme is part of the name, and each endpoint a provider with limits of its own."""
    model = make("model", "https://bots.example.com/v2/ask")
    assert (model.url, model.provider) == ("https://bots.example.com/v2/ask", "https://bots.example.com")
    assert model.price_name == "https://bots.example.com/v2/ask"
