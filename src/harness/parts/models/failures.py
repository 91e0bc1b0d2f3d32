"""What a provider's HTTP status means for us: ask again, give up on this request, or give up altogether."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.errors import ProviderError

_RETRYABLE = {408: "timeout", 409: "conflict", 425: "early", 429: "rate_limit", 529: "overloaded"}
_FATAL = {401: "auth", 403: "auth", 404: "not_found"}
_LONGEST = 300


def of_status(status: int, message: str, headers: Mapping[str, str], about: str) -> ProviderError:
    """The failure that an HTTP status stands for; `about` names the model and the key's variable."""
    text = f"{about}: HTTP {status}: {message[:_LONGEST]}"
    if status in _FATAL:
        return ProviderError(text, kind=_FATAL[status], fatal=True)
    if status in _RETRYABLE or status >= 500:
        kind = _RETRYABLE.get(status, "server")
        return ProviderError(text, kind=kind, retryable=True, retry_after=_retry_after(headers))
    return ProviderError(text, kind="bad_request")


def of_timeout(seconds: float, about: str) -> ProviderError:
    """No answer in time."""
    return ProviderError(f"{about}: no answer within {seconds:g} s", kind="timeout", retryable=True)


def of_connection(error: Exception, about: str) -> ProviderError:
    """No connection, or one that broke."""
    cause = error.__cause__ or error
    return ProviderError(f"{about}: {type(cause).__name__}: {cause}"[:_LONGEST], kind="connection", retryable=True)


def of_broken(error: Exception, about: str) -> ProviderError:
    """An answer that is not what the protocol promises."""
    return ProviderError(f"{about}: broken answer: {error}"[:_LONGEST], kind="broken_answer", retryable=True)


def of_sdk(error: Any, about: str) -> ProviderError:
    """The failure behind an APIStatusError of the openai or the anthropic SDK, or of litellm."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    message = _message(getattr(error, "body", None)) or str(error)
    return of_status(int(error.status_code), message, headers, about)


def _message(body: Any) -> str:
    """The provider's own words, out of its JSON."""
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        found = inner.get("message") if isinstance(inner, Mapping) else inner
        return str(found) if found else json.dumps(body)
    return ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds, seconds = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(seconds)) if seconds is not None else None
    except ValueError:
        return None
