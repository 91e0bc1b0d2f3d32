"""An example and its passages -> the rendered request, the thing that an answer depends on."""

from __future__ import annotations

from typing import Any

from harness.config.chatbot import Chatbot
from harness.config.prompts import render
from harness.records import Example, Message, Passage, Request


def request_of(
    chatbot: Chatbot, example: Example, passages: tuple[Passage, ...], parameters: dict[str, Any]
) -> Request:
    """The request as the model gets it. Raises jinja2.TemplateError when a template cannot be filled."""
    texts = tuple(p.text for p in passages)
    return Request(messages_of(chatbot, example, passages), parameters, example.question, texts)


def messages_of(chatbot: Chatbot, example: Example, passages: tuple[Passage, ...]) -> tuple[Message, ...]:
    """System prompt, the conversation so far, the user's prompt.

    Raises jinja2.TemplateError when a template cannot be filled for this example.
    """
    values = _values(example, passages)
    messages: list[Message] = []
    if chatbot.system_prompt:
        messages.append(Message("system", render(chatbot.system_prompt, values)))
    messages += example.messages[:-1]
    messages.append(Message("user", render(chatbot.user_prompt, values)))
    return tuple(messages)


def _values(example: Example, passages: tuple[Passage, ...]) -> dict[str, Any]:
    return {
        "question": example.question,
        "context": "\n\n".join(p.text for p in passages),
        "passages": passages,
        "history": example.messages[:-1],
        "metadata": example.metadata,
        "tags": example.tags,
    }
