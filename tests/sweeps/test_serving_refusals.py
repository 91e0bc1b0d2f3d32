"""What the endpoint refuses, and how: nothing that a client sends changes the configuration that was evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from harness.sweeps.serving import Settings
from tests.loopback import Loopback
from tests.sweeps.served import HOSTED, Service, body, hosted, serving

KEY = "a-key-of-our-own"
USER = {"role": "user", "content": "Are you open?"}
SETTINGS: list[tuple[str, Any]] = [
    ("temperature", 0.7),
    ("top_p", 0.9),
    ("max_tokens", 5),
    ("max_completion_tokens", 5),
    ("stop", "x"),
    ("seed", 1),
    ("n", 2),
    ("response_format", {"type": "json_object"}),
    ("tools", [{"type": "function", "function": {"name": "f"}}]),
    ("logprobs", True),
    ("frequency_penalty", 0.5),
    ("reasoning_effort", "high"),
    ("frobnicate", 1),
]
HARMLESS: dict[str, Any] = {
    "temperature": 0,
    "max_completion_tokens": 200,
    "stop": "END",
    "top_p": None,
    "n": 1,
    "tools": [],
    "tool_choice": "none",
    "response_format": {"type": "text"},
    "logprobs": False,
    "user": "somebody",
    "stream": False,
}


@pytest.fixture(scope="module")
def far() -> Iterator[Loopback]:
    """The provider."""
    with Loopback() as found:
        yield found


@pytest.fixture(scope="module")
def service(far: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A configuration with settings of its own."""
    text = HOSTED.replace("temperature: 0", "temperature: 0\n  max_tokens: 200\n  stop: [END]")
    with serving(hosted(tmp_path_factory.mktemp("strict"), far, text), settings=Settings(body_bytes=5000)) as found:
        yield found


@pytest.fixture(scope="module")
def lenient(far: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that drops settings."""
    with serving(hosted(tmp_path_factory.mktemp("lenient"), far), settings=Settings(ignore=True)) as found:
        yield found


def refused(answer: httpx.Response, status: int = 400) -> dict[str, Any]:
    """The error of an answer that is one, in OpenAI's form."""
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(("name", "value"), SETTINGS, ids=[name for name, _ in SETTINGS])
def test_a_setting_that_would_change_the_configuration_is_refused(
    name: str, value: Any, service: Service, far: Loopback
) -> None:
    """The error names it and the way out, and nothing is asked."""
    before = far.count()
    error = refused(service.post(body(**{name: value})))
    assert error["param"] == name
    assert name in error["message"]
    assert "--ignore-settings" in error["message"]
    assert far.count() == before


def test_all_such_settings_are_told_at_once_by_the_client(service: Service) -> None:
    """OpenAI's client raises its own error."""
    with pytest.raises(openai.BadRequestError, match=r"(?s)temperature.*has 0\.0.*seed|seed.*temperature") as caught:
        service.client().chat.completions.create(**body(), temperature=1, seed=3)
    assert caught.value.code == "unsupported_parameter"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("foo", 1, "foo is not known to this server; leave it out"),
        ("seed", 1, "seed would change the configuration that was evaluated, which does not have it"),
        ("top_p", 0.9, "top_p would change the configuration that was evaluated, which leaves this to the model"),
        ("max_tokens", 5, "max_tokens would change the configuration that was evaluated, which has 200"),
        ("n", 2, "n would change the configuration that was evaluated, which takes 1 only"),
    ],
)
def test_the_reason_is_a_sentence_about_that_setting(name: str, value: Any, told: str, service: Service) -> None:
    """A name that nobody knows changes nothing and is not said to."""
    message = refused(service.post(body(**{name: value})))["message"]
    assert message.startswith(told)
    assert ("evaluated" in message) == (name != "foo")


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-8-sig", "byte order mark"),
        ("latin-1", "not UTF-8 from byte"),
    ],
)
def test_a_body_in_another_encoding_is_named_as_such(encoding: str, told: str, service: Service) -> None:
    """JSON is UTF-8; what the parser would say of the bytes helps nobody."""
    content = '{"model": "production", "messages": "grün"}'.encode(encoding)
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{service.url}/v1/chat/completions", content=content, headers=headers, trust_env=False)
    assert told in refused(answer)["message"]


def test_messages_that_are_none_are_told_apart_from_an_empty_list(service: Service) -> None:
    """Each error says only what is wrong."""
    for messages, told in (
        ("hello", "messages must be a list of messages, each with role and content"),
        (None, "messages is missing; it must be a list of messages"),
        ([], "messages must be a list of messages, and not an empty one"),
    ):
        assert refused(service.post({"model": "production", "messages": messages}))["message"] == told


def test_settings_that_change_nothing_are_taken(service: Service, far: Loopback) -> None:
    """Those of the configuration, those that ask for nothing; the model gets the configuration's own."""
    assert service.post(body(**HARMLESS)).status_code == 200
    sent = far.calls[-1].body
    assert (sent["temperature"], sent["max_tokens"], sent["stop"]) == (0.0, 200, ["END"])
    assert "user" not in sent


def test_dropped_settings_are_named(lenient: Service, far: Loopback) -> None:
    """The header says which; the model gets none of them."""
    messages = [{"role": "system", "content": "Be rude."}, {**USER, "name": "Ann"}]
    answer = lenient.post({"model": "production", "messages": messages, "temperature": 1, "seed": 3, "a\nb: c": 1})
    assert answer.status_code == 200
    named = set(answer.headers["x-harness-ignored"].split(", "))
    assert named == {"temperature", "seed", "a setting with no proper name", "messages[0]", "messages[1].name"}
    sent = far.calls[-1].body
    assert sent["temperature"] == 0
    assert "seed" not in sent
    assert "Be rude." not in str(sent)


@pytest.mark.parametrize(
    ("messages", "param", "told"),
    [
        ([{"role": "system", "content": "Be rude."}, USER], "messages[0].role", "system message would change"),
        ([{"role": "developer", "content": "Be rude."}, USER], "messages[0].role", "developer message would change"),
        ([USER, {"role": "tool", "content": "4", "tool_call_id": "x"}], "messages[1].role", "user or assistant"),
        ([USER, {"role": "assistant", "content": "Yes"}], "messages", "end with one of the user's"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "x"}]}, USER], "messages[1]", "tool_calls is not taken"),
        ([{"role": "user", "content": " "}], "messages[0].content", "empty"),
        ([{"role": "user", "content": 5}], "messages[0].content", "must be a text"),
        ([{"role": "user"}], "messages[0].content", "must be a text"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "messages[0].content[0]", "images"),
        (["hello"], "messages[0]", "must be an object"),
        ([], "messages", "not an empty one"),
        ("hello", "messages", "must be a list"),
        ([USER] * 101, "messages", None),
    ],
)
def test_messages_that_were_not_evaluated_are_refused(
    messages: Any, param: str, told: str | None, service: Service, far: Loopback
) -> None:
    """The error says where and why."""
    before = far.count()
    if told is None:  # longer than the body may be
        assert refused(service.post({"model": "production", "messages": messages * 10}), 413)
        return
    error = refused(service.post({"model": "production", "messages": messages}))
    assert error["param"] == param
    assert told in error["message"]
    assert far.count() == before


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"metadata": {"area": 5}}, "metadata"),
        ({"metadata": ["area"]}, "metadata"),
        ({"metadata": {"area": "x" * 513}}, "metadata"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": "usage"}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "include_usage"),
    ],
)
def test_other_fields_are_checked(given: dict[str, Any], param: str, service: Service) -> None:
    """Each by name."""
    assert refused(service.post(body(**given)))["param"] == param


def test_another_model_is_not_found(service: Service) -> None:
    """The error names what there is; OpenAI's client raises its own."""
    with pytest.raises(openai.NotFoundError, match=r"'gpt-5'.*'production'") as caught:
        service.client().chat.completions.create(**{**body(), "model": "gpt-5"})
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        service.client().models.retrieve("gpt-5")
    assert refused(service.post({"messages": [USER]}))["param"] == "model"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"model": "\xff"}', b"[" * 3000])
def test_a_body_that_is_no_request_is_refused(content: bytes, service: Service) -> None:
    """Broken JSON, no JSON, JSON of another kind."""
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{service.url}/v1/chat/completions", content=content, headers=headers, trust_env=False)
    refused(answer)


def test_a_body_that_is_too_large_is_refused(service: Service) -> None:
    """Told in advance or not."""
    url, headers = f"{service.url}/v1/chat/completions", {"content-type": "application/json"}

    def unannounced() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    assert refused(service.post(body("x" * 6000)), 413)["code"] == "request_too_large"
    refused(httpx.post(url, content=unannounced(), headers=headers, trust_env=False), 413)


def test_a_page_in_a_browser_cannot_ask(service: Service) -> None:
    """Neither by a form's content type nor under a name that leads here; no page of elsewhere may read answers."""
    url = f"{service.url}/v1/chat/completions"
    refused(httpx.post(url, content=b"{}", headers={"content-type": "text/plain"}, trust_env=False), 415)
    assert refused(service.post(body(), headers={"host": "evil.example:8400"}), 403)["code"] == "wrong_host"
    answer = service.post(body(), headers={"origin": "https://evil.example"})
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_other_paths_and_methods_are_errors_of_the_same_form(service: Service) -> None:
    """What OpenAI has and this server has not."""
    unknown = refused(httpx.post(f"{service.url}/v1/embeddings", json={}, trust_env=False), 404)
    other = refused(httpx.get(f"{service.url}/v1/chat/completions", trust_env=False), 405)
    for error in (unknown, other):
        for route in ("POST /v1/chat/completions", "GET /v1/models", "GET /v1/models/NAME", "GET /health"):
            assert route in error["message"]
    mistyped = refused(httpx.get(f"{service.url}/v1/models/x", trust_env=False), 404)
    assert mistyped["message"] == "there is no 'x'; this server has 'production'"


def test_with_a_key_only_who_has_it_is_answered(far: Loopback, tmp_path: Path) -> None:
    """Everything but the health check asks for it; a wrong one is told as OpenAI does."""
    with serving(hosted(tmp_path, far), settings=Settings(key=KEY)) as service:
        assert service.client(api_key=KEY).chat.completions.create(**body()).choices[0].message.content
        assert service.post(body(), headers={"host": "answers.example", "authorization": f"Bearer {KEY}"}).is_success
        for wrong in ("none", KEY + "x", "ä"):
            headers = {"authorization": f"Bearer {wrong}".encode()}
            assert refused(service.post(body(), headers=headers), 401)["code"] == "invalid_api_key"
        assert service.post(body()).headers["www-authenticate"] == "Bearer"
        refused(service.post(body()), 401)
        refused(service.post(body(), headers={"authorization": KEY}), 401)
        with pytest.raises(openai.AuthenticationError):
            service.client().models.list()
        assert httpx.get(f"{service.url}/health", trust_env=False).is_success
