"""What a client is told that gets no answer, in the form in which OpenAI tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import Incomplete, ProviderError
from harness.records import Failure
from harness.sweeps.retrieval.standing import Lacking

_OF_THE_QUESTION = {"content_filter": "content_filter", "context_length": "context_length_exceeded"}
"""What a provider refuses because of the question, and OpenAI's word for it."""

_SHOWN = 200
"""A name that is longer is not repeated."""


class Refused(Exception):
    """No answer. `status` is that of HTTP; `kind`, `code` and `param` are OpenAI's `type`, `code` and `param`.

    The message is for the client: it holds no secret, no path, and nothing of other clients.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def content(self) -> dict[str, Any]:
        """The body."""
        return {"error": {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}}


def unknown_model(given: object, known: str, param: str | None = None) -> Refused:
    """There is no such model; this server has `known`."""
    shown = repr(given) if isinstance(given, str) and len(given) < _SHOWN else "this model"
    said = f"there is no {shown}; this server has {known!r}"
    return Refused(404, said, code="model_not_found", param=param)


def because_of(error: Exception) -> Refused:
    """What the client is told about what was raised while its question was answered."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Lacking):
        return Refused(400, str(error), code="metadata_missing", param="metadata")
    if isinstance(error, Incomplete):
        # The openai clients ask again after a 429, unless they are told that it is of no use.
        said = "the budget of this server is spent"
        kind = "insufficient_quota"
        return Refused(429, said, kind=kind, code=kind, headers={"x-should-retry": "false"})
    if isinstance(error, ProviderError):
        return _of_the_provider("generate", error.kind)
    return Refused(500, "this is a bug of the server; its log tells more", kind="server_error", code="internal_error")


def because_of_failure(failure: Failure) -> Refused:
    """What the client is told about a failure in place of an answer."""
    if failure.stage == "prompt":
        said = f"the prompt of this configuration cannot be filled: {failure.message}"
        return Refused(400, said, code="metadata_missing", param="metadata")
    if failure.kind in _OF_THE_QUESTION:
        code = _OF_THE_QUESTION[failure.kind]
        return Refused(400, f"the model does not take this conversation: {code}", code=code, param="messages")
    return _of_the_provider(failure.stage, failure.kind)


def _of_the_provider(stage: str, kind: str) -> Refused:
    """The provider's own words stay here: they may tell of keys and addresses."""
    return Refused(502, f"no answer from the provider: {stage}: {kind}", kind="api_error", code=kind)
