"""An example and its context -> the rendered request, the thing that an answer depends on."""

from __future__ import annotations

from typing import Any

from harness.config.chatbot import Chatbot
from harness.config.prompts import render
from harness.records import Context, Example, Message, Request

_SHOWN = ("document", "start", "end", "text", "similarity", "score")


def request_of(chatbot: Chatbot, example: Example, context: Context, parameters: dict[str, Any]) -> Request:
    """The request as the model gets it. Raises jinja2.TemplateError when a template cannot be filled."""
    messages = messages_of(chatbot.system_prompt, chatbot.user_prompt, example, context)
    return Request(messages, parameters, example.question, texts_of(context))


def texts_of(context: Context) -> tuple[str, ...]:
    """The passages' texts in the order in which the prompt has them."""
    return tuple([context.passages[place].text for place in context.order])


def messages_of(system: str | None, user: str, example: Example, context: Context) -> tuple[Message, ...]:
    """System prompt, the conversation so far, the user's prompt; `system` and `user` are their templates.

    Raises jinja2.TemplateError when a template cannot be filled for this example.
    """
    prompts = (system or "") + user
    values = _values(example, context, _numbered(context) if "passages" in prompts else [])
    messages: list[Message] = []
    if system:
        messages.append(Message("system", render(system, values)))
    messages += example.messages[:-1]
    messages.append(Message("user", render(user, values)))
    return tuple(messages)


def _values(example: Example, context: Context, passages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "question": example.question,
        "context": context.text,
        "passages": passages,
        "history": example.messages[:-1],
        "metadata": example.metadata,
        "tags": example.tags,
    }


def _numbered(context: Context) -> list[dict[str, Any]]:
    """The passages as a template sees them, in the order of the text; a number is the passage's rank."""
    shown = []
    for place in context.order:
        passage = context.passages[place]
        fields = {name: getattr(passage, name) for name in _SHOWN}
        shown.append({"number": place + 1, **fields})
    return shown
