"""Values as other tools write them: numbers as text, missing ones as NaN, lists as text."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from harness.importing.found import Value
from harness.records import Passage, digest

NO_VALUE = "no value"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORDS = {"true": 1.0, "false": 0.0}


def number(value: Any) -> float | None:
    """The number that a value is, NaN included; None where it is none. True is 1, false is 0."""
    if isinstance(value, bool | int | float | Decimal):
        return float(value)
    text = str(value).strip().lower() if isinstance(value, str) else ""
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if text == "nan" else _WORDS.get(text)


def measured(value: Any, reason: str | None = None) -> Value:
    """A tool's score; what is missing or NaN is a failure, `no value`. Raises ValueError for what is no number."""
    found = math.nan if value is None else number(value)
    if found is None or math.isinf(found):
        raise ValueError(f"{_shown(value)} is no number")
    return Value(failure=NO_VALUE, reason=reason) if math.isnan(found) else Value(found, reason)


def setting(value: Any) -> Any:
    """A setting as it would be in a sweep file: numbers, true and false as such, other text as it is.

    A text that a number would not be written as stays text: versions 1.1 and 1.10 are two.
    """
    found = value
    if isinstance(value, str):
        text = value.strip()
        if text in ("true", "True", "false", "False"):
            return text.lower() == "true"
        if _NUMBER.fullmatch(text) and text in (repr(float(text)), repr(int(float(text)))):
            found = float(text)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def texts(value: Any) -> list[str]:
    """A list of texts: as it is, as JSON, or as Python prints it. Raises ValueError for what is no such list."""
    found = value
    if isinstance(value, str):
        if not value.strip():
            return []
        if not value.lstrip().startswith("["):
            return [value]
        found = _parsed(value)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ValueError(f"{_shown(value)} is no list of texts")
    return found


def parsed(value: Any) -> Any:
    """What a text holds that is JSON, or what Python prints; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        return _parsed(value)
    return value


def plain(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def jsonable(value: Any) -> Any:
    """The value as JSON can hold it: NaN and infinities become None, keys text, unknown things their text."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def passages(contexts: Sequence[str]) -> tuple[Passage, ...]:
    """Texts as passages, best first. A text's document is named by its digest: the same text, the same document."""
    found = {text: Passage(document(text), 0, len(text), text, None) for text in contexts if text.strip()}
    return tuple(found.values())


def document(text: str) -> str:
    """The name of the document that a context is taken to be."""
    return f"context-{digest('context', text)[:12]}"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise ValueError(f"{_shown(text)} is neither JSON nor a list as Python prints it") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
