"""What the query writers that ask a model have in common: their settings, the request, and how replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import orjson
from jinja2 import TemplateError

from harness.errors import ProviderError
from harness.plugins import Ask, PartOf, templates
from harness.records import Message, Query

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(
    r"(?:stand-?alone |rewritten |search |alternative )*(?:question|query|wording|version)(?: ?\d+)?:\s*", re.I
)
_BULLET = re.compile(r"(?:[-*+\u2022\u2013]|\(?\d{1,2}[.):]|\(?[a-h]\))\s+")
_QUOTES = {'"': '"', "'": "'", "`": "`", "**": "**", "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb"}


@dataclass(frozen=True)
class Asking:
    """The model that writes, and how it is asked. `prompt` is a Jinja template over the names in `sample`."""

    version: ClassVar[int] = 1
    reads_history: ClassVar[bool] = False
    sample: ClassVar[Mapping[str, Any]] = {"question": "a question"}
    model: Annotated[Any, PartOf("model")]
    prompt: str = ""
    max_tokens: int = 128
    temperature: float | None = None

    def __post_init__(self) -> None:
        templates.check("prompt", self.prompt, self.sample)
        if not self.prompt.strip():
            raise ValueError("prompt is empty; leave it out for the default")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, found {self.max_tokens}")
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature must be between 0 and 2, found {self.temperature}")
        self.model.parameters(self.sampling)

    @property
    def sampling(self) -> dict[str, Any]:
        """What is sent beside the prompt; a temperature that is None is left to the provider."""
        chosen = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return {name: value for name, value in chosen.items() if value is not None}

    async def reply(self, query: Query, ask: Ask, **values: Any) -> str:
        """The model's reply to the prompt, without its thoughts. Raises ProviderError."""
        try:
            text = templates.render(self.prompt, {"question": query.question, **values})
        except TemplateError as error:
            raise ProviderError(f"the prompt cannot be filled for this question: {error}", kind="template") from error
        return _THOUGHT.sub("", await ask([Message("user", text)], self.sampling)).strip()


def lines_of(reply: str) -> list[str]:
    """The texts in a reply that should hold one in each line: no numbers, bullets, labels, quotes or introductions."""
    listed = _listed(reply)
    lines = [_plain(line) for line in (reply.splitlines() if listed is None else listed)]
    return [line for line in lines if _says_something(line)]


def _says_something(line: str) -> bool:
    return any(c.isalnum() for c in line) and not line.startswith("```") and not line.endswith((":", "\uff1a"))


def _listed(reply: str) -> list[str] | None:
    """The texts of a reply that is a JSON list after all; None where it is none."""
    start, end = reply.find("["), reply.rfind("]") + 1
    if not 0 <= start < end or reply[:start].strip().strip("`") not in ("", "json"):
        return None
    try:
        found = orjson.loads(reply[start:end])
    except orjson.JSONDecodeError:
        return None
    return [text for text in found if isinstance(text, str)]


def _plain(line: str) -> str:
    line = line.strip()
    bullet = _BULLET.match(line)
    line = _unquoted(line[bullet.end() :].strip() if bullet else line)
    label = _LABEL.match(line)
    return _unquoted(line[label.end() :].strip()) if label else line


def _unquoted(line: str) -> str:
    for opening, closing in _QUOTES.items():
        inner = line[len(opening) : -len(closing)]
        if inner.strip() and line.startswith(opening) and line.endswith(closing) and opening not in inner:
            return inner.strip()
    return line
