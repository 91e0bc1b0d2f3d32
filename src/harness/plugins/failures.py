"""What a provider's HTTP status means for us: ask again, give up on this request, or give up altogether.

For the network parts of every kind, so that a 429 is the same thing wherever it comes from. No message keeps a secret.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.errors import ProviderError
from harness.plugins.headers import retry_after

_RETRYABLE = {408: "timeout", 409: "conflict", 425: "early", 429: "rate_limit", 529: "overloaded"}
_FATAL = {401: "auth", 402: "quota", 403: "auth", 404: "not_found"}
_NO_CREDIT = "insufficient_quota"
_CODES = {
    "context_length_exceeded": "context_length",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
}
_TRANSPORTS = ("httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "h11")
_LONGEST = 300
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
_SECRET = re.compile(r"\b(?:sk|pk|rk)-[\w*-]{4,}|(?<=[Bb]earer )\S+|(?<=[?&]key=)[^&\s'\"]+")
_SHORTEST_SECRET = 6


def of_status(status: int, message: str, headers: Mapping[str, str], about: str, code: str = "") -> ProviderError:
    """The failure that an HTTP status stands for.

    `about` names the model and the key's variable; `code` is the provider's own word for the error, if it gave one.
    """
    text = _text(about, f"HTTP {status}: {message}")
    if status in _FATAL:
        return ProviderError(text, kind=_FATAL[status], fatal=True)
    if code == _NO_CREDIT or (status == 429 and _NO_CREDIT in message):
        return ProviderError(text, kind="quota", fatal=True)
    if status in _RETRYABLE or status >= 500:
        kind = _RETRYABLE.get(status, "server")
        return ProviderError(text, kind=kind, retryable=True, retry_after=retry_after(headers))
    return ProviderError(text, kind=_CODES.get(code, "bad_request"))


def of_sdk(error: Any, about: str) -> ProviderError:
    """The failure behind an APIStatusError of the openai or the anthropic SDK, or of litellm.

    litellm looks for numbers in messages: a refused connection to port 44035 is a 403 to it.
    """
    fatal = int(error.status_code) in _FATAL and isinstance(error, BaseException)
    refused = _connection_behind(error) if fatal else None
    if refused is not None:
        return ProviderError(_text(about, f"{type(refused).__name__}: {refused}"), kind="connection", retryable=True)
    response = getattr(error, "response", None)
    headers = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}
    message, code = _words(getattr(error, "body", None))
    return of_status(int(error.status_code), message or str(error), headers, about, code)


def of_body(status: int, body: Any, about: str, given: Mapping[str, str] | None = None) -> ProviderError:
    """The failure behind a status, the JSON that came with it and, if there are any, the headers."""
    message, code = _words(body)
    return of_status(status, message, given or {}, about, code)


class ToldInStream(Exception):
    """A provider told an error in the midst of an answer; `body` is its JSON."""

    def __init__(self, body: Any) -> None:
        super().__init__(str(body))
        self.body = body


def of_event(error: Any, about: str) -> ProviderError:
    """The failure that a stream told in the midst of an answer, or an answer that the SDK could not read."""
    message, code = _words(getattr(error, "body", None))
    if code in _CODES:
        return ProviderError(_text(about, message), kind=_CODES[code])
    return ProviderError(_text(about, message or str(error)), kind="broken_answer", retryable=True)


@contextmanager
def of_calls(sdk: Any, seconds: float, about: str) -> Iterator[None]:
    """Whatever goes wrong in the block with a call of the openai or the anthropic SDK becomes a ProviderError."""
    try:
        yield
    except ProviderError:
        raise
    except sdk.APIStatusError as error:
        raise of_sdk(error, about) from error
    except (TimeoutError, sdk.APIConnectionError) as error:
        raise of_no_answer(error, seconds, about) from error
    except (ToldInStream, sdk.APIError) as error:
        raise of_event(error, about) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise of_broken(error, about) from error
    except Exception as error:
        # The SDKs let the errors of the libraries below them pass that break a stream; another error is a bug of ours.
        if type(error).__module__.split(".")[0] in _TRANSPORTS:
            raise of_no_answer(error, seconds, about) from error
        raise


@contextmanager
def of_litellm(litellm: Any, seconds: float, about: str) -> Iterator[None]:
    """Whatever goes wrong in the block with a call of litellm becomes a ProviderError."""
    import openai

    try:
        yield
    except (TimeoutError, litellm.exceptions.Timeout, litellm.exceptions.APIConnectionError) as error:
        if is_of_json(error):  # litellm calls an answer that it cannot read a broken connection
            raise of_broken(error, about) from error
        raise of_no_answer(error, seconds, about) from error
    except openai.OpenAIError as error:
        if isinstance(getattr(error, "status_code", None), int) and not is_of_json(error):
            raise of_sdk(error, about) from error
        raise of_broken(error, about) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise of_broken(error, about) from error


def is_of_json(error: BaseException) -> bool:
    """Whether JSON that cannot be read lies behind an error that says something else."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, json.JSONDecodeError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _connection_behind(error: BaseException) -> BaseException | None:
    """The connection that did not come about behind an error that says something else; None where there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionError) or type(seen).__name__ in ("ClientConnectorError", "ConnectError"):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def of_no_answer(error: Exception, seconds: float, about: str) -> ProviderError:
    """No answer in time, or no connection, or one that broke.

    Which of them tells the innermost cause: the SDKs' aiohttp transport calls a refused connection a timeout.
    """
    root = error
    while isinstance(root.__cause__, Exception):
        root = root.__cause__
    if isinstance(root, TimeoutError) or "Timeout" in type(root).__name__:
        return ProviderError(f"{about}: no answer within {seconds:g} s", kind="timeout", retryable=True)
    return ProviderError(_text(about, f"{type(root).__name__}: {root}"), kind="connection", retryable=True)


def of_broken(error: Exception, about: str) -> ProviderError:
    """An answer that is not what the protocol promises."""
    return ProviderError(_text(about, f"broken answer: {error}"), kind="broken_answer", retryable=True)


def of_python(error: BaseException, about: str) -> ProviderError:
    """A user's own code failed."""
    return ProviderError(_text(about, f"{type(error).__name__}: {error}"), kind="python")


def without_secrets(text: str) -> str:
    """A text with the values of secret environment variables, and what looks like a key, crossed out."""
    for variable, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(variable):
            text = text.replace(value, "***")
    return _SECRET.sub("***", text)


def _text(about: str, found: str) -> str:
    """The message: what was asked, what was found, cut to a readable length, with the secrets crossed out."""
    return f"{about}: {without_secrets(found)[:_LONGEST]}"


def _words(body: Any) -> tuple[str, str]:
    """The provider's own message and its code, out of its JSON."""
    if not isinstance(body, Mapping):
        return "", ""
    inner = body.get("error", body)
    if not isinstance(inner, Mapping):
        return str(inner), ""
    message = inner.get("message")
    return str(message) if message else json.dumps(body, default=str), str(inner.get("code") or inner.get("type") or "")
