"""Replies of judges that are to be JSON: how they are asked for, and read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
"""What a reply may begin with. Only there: an object may quote an answer that holds such a tag."""


def instruction(schema: Mapping[str, Any]) -> str:
    """The words that ask for a reply that fits a JSON Schema."""
    asked = "Reply with one JSON object that fits this JSON Schema, and nothing else:\n"
    return asked + json.dumps(schema, ensure_ascii=False)


def reader(form: type[M]) -> Callable[[str], M]:
    """What reads a reply of a form, for `Asker.ask`: thoughts at its start, fences and words around are passed over.

    It raises ValueError, with the first thing that is wrong, for a reply that does not fit.
    """

    def read(text: str) -> M:
        from pydantic import ValidationError

        thought = _THOUGHT.match(text)
        text = text[thought.end() :] if thought else text
        start, end = text.find("{"), text.rfind("}") + 1
        if not 0 <= start < end:
            raise ValueError("it holds no JSON object")
        try:
            return form.model_validate_json(text[start:end])
        except ValidationError as error:
            [first, *_] = error.errors(include_url=False)
            where = ".".join(str(step) for step in first["loc"])
            raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None

    return read
