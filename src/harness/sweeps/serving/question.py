"""A request for a chat completion, read: the conversation, and what is wanted of the answer."""

from __future__ import annotations

import codecs
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from harness.records import Message
from harness.sweeps.serving.refusal import Refused, unknown_model
from harness.sweeps.serving.wishes import objections

MOST_MESSAGES = 1000
_PAIRS, _KEY_LENGTH, _VALUE_LENGTH = 16, 64, 512
"""OpenAI's limits of `metadata`."""
_SYSTEM = ("system", "developer")
_OFTEN_EMPTY = ("refusal", "annotations", "audio", "function_call", "tool_calls")
"""Fields that the clients write into an assistant's turn although there is nothing in them."""
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TODO = "leave it out, or start the server with --ignore-settings"


@dataclass(frozen=True)
class Asked:
    """What a client asks. `ignored` names what was dropped because it would have changed the configuration.

    `id` and `created` (seconds since 1970) are those of the answer.
    """

    id: str
    created: int
    messages: tuple[Message, ...]
    metadata: Mapping[str, str]
    stream: bool
    with_usage: bool
    ignored: tuple[str, ...] = ()


def read(content: bytes, model: str, sampling: Mapping[str, Any], ignore: bool) -> Asked:
    """Read the body of a request to the configuration that is served as `model`.

    `ignore`: drop what would change the configuration, rather than refuse it. Raises Refused.
    """
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refused(400, _not_json(content, error)) from None
    if not isinstance(body, dict):
        raise Refused(400, "the body must be a JSON object")
    _check_model(body.get("model"), model)
    ignored = _settings(body, sampling, ignore)
    messages = _messages(body.get("messages"), ignored, ignore)
    stream = _truth(body, "stream")
    return Asked(
        id=f"chatcmpl-{secrets.token_hex(12)}",
        created=int(time.time()),
        messages=messages,
        metadata=_metadata(body.get("metadata")),
        stream=stream,
        with_usage=stream and _with_usage(body.get("stream_options")),
        ignored=tuple(ignored),
    )


def _not_json(content: bytes, error: orjson.JSONDecodeError) -> str:
    """What is wrong with it. A body in another encoding is often no broken JSON at all."""
    if content.startswith(_MARKS) or b"\0" in content[:4]:
        return "the body is not JSON in UTF-8: it begins as UTF-16, UTF-32 or with a byte order mark"
    try:
        content.decode()
    except UnicodeDecodeError as wrong:
        return f"the body is not UTF-8 from byte {wrong.start + 1} on, and JSON must be"
    return f"the body is no JSON: {error.msg} (line {error.lineno}, column {error.colno})"


def _check_model(given: Any, model: str) -> None:
    if given is None:
        raise Refused(400, f"model is missing; this server has {model!r}", param="model")
    if given != model:
        raise unknown_model(given, model, "model")


def _settings(body: Mapping[str, Any], sampling: Mapping[str, Any], ignore: bool) -> list[str]:
    """The names of settings that are to be ignored."""
    found = objections(body, sampling)
    if found and not ignore:
        told = "; ".join(f"{name} {why}" for name, why in found.items())
        todo = _TODO if len(found) == 1 else _TODO.replace("it", "them", 1)
        raise Refused(400, f"{told}; {todo}", code="unsupported_parameter", param=next(iter(found)))
    return list(found)


def _truth(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(400, f"{name} must be true or false", param=name)
    return bool(value)


def _with_usage(options: Any) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict):
        raise Refused(400, "stream_options must be an object", param="stream_options")
    return _truth(options, "include_usage")


def _metadata(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused(400, "metadata must be an object whose values are texts", param="metadata")
    too_long = any(len(key) > _KEY_LENGTH or len(value) > _VALUE_LENGTH for key, value in given.items())
    if len(given) > _PAIRS or too_long:
        said = f"metadata holds at most {_PAIRS} texts of {_VALUE_LENGTH} characters, under names of {_KEY_LENGTH}"
        raise Refused(400, said, param="metadata")
    return given


def _messages(given: Any, ignored: list[str], ignore: bool) -> tuple[Message, ...]:
    if not isinstance(given, list):
        missing = "messages is missing; it must be a list of messages"
        said = missing if given is None else "messages must be a list of messages, each with role and content"
        raise Refused(400, said, param="messages")
    if not given:
        raise Refused(400, "messages must be a list of messages, and not an empty one", param="messages")
    if len(given) > MOST_MESSAGES:
        raise Refused(400, f"{len(given)} messages are more than the {MOST_MESSAGES} allowed", param="messages")
    found = []
    for number, item in enumerate(given):
        message = _message(item, f"messages[{number}]", ignored, ignore)
        if message is not None:
            found.append(message)
    if not found or found[-1].role != "user":
        raise Refused(400, "messages must end with one of the user's", param="messages")
    return tuple(found)


def _message(item: Any, where: str, ignored: list[str], ignore: bool) -> Message | None:
    """The message; None for one that is ignored, or an assistant's turn that says nothing."""
    if not isinstance(item, dict):
        raise Refused(400, f"{where} must be an object", param=where)
    role = item.get("role")
    if role in _SYSTEM:
        if not ignore:
            said = f"{where}: a {role} message would change the configuration that was evaluated; {_TODO}"
            raise Refused(400, said, code="unsupported_value", param=f"{where}.role")
        ignored.append(where)
        return None
    if role not in ("user", "assistant"):
        raise Refused(400, f"{where}.role must be user or assistant", code="unsupported_value", param=f"{where}.role")
    _check_fields(item, where, ignored, ignore)
    content = item.get("content")
    if content is None and role == "assistant":
        content = item.get("refusal") or ""
    text = _text(content, f"{where}.content")
    if not text.strip():
        if role == "user":
            raise Refused(400, f"{where}.content is empty", param=f"{where}.content")
        return None
    return Message(role, text)


def _check_fields(item: Mapping[str, Any], where: str, ignored: list[str], ignore: bool) -> None:
    for name, value in item.items():
        if name in ("role", "content", "refusal") or (name in _OFTEN_EMPTY and not value):
            continue
        if name == "name" and ignore:
            ignored.append(f"{where}.name")
            continue
        shown = name if name in (*_OFTEN_EMPTY, "name", "tool_call_id") else "a field"
        todo = f"; {_TODO}" if name == "name" else ""
        said = f"{where}: {shown} is not taken: this configuration gets role and content{todo}"
        raise Refused(400, said, code="unsupported_value", param=where)


def _text(content: Any, where: str) -> str:
    """The content's text; that of several parts is joined, each on a line of its own."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise Refused(400, f"{where} must be a text, or a list of parts with text", param=where)
    texts = []
    for number, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get("text" if kind == "text" else "refusal") if kind in ("text", "refusal") else None
        if not isinstance(text, str):
            said = f"{where}[{number}] is no text: images, sound and files were not evaluated, and are not taken"
            raise Refused(400, said, code="unsupported_value", param=f"{where}[{number}]")
        texts.append(text)
    return "\n".join(texts)
