"""What a provider's refusal is made into, where a live server is not needed to see it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from harness.plugins import failures


def of(status: int, body: Any = None, **headers: str) -> Any:
    """The failure made of an SDK's error."""
    response = SimpleNamespace(headers={name.replace("_", "-"): value for name, value in headers.items()})
    return failures.of_sdk(SimpleNamespace(status_code=status, body=body, response=response), "openai/x (key from K)")


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable", "fatal"),
    [
        (429, "rate_limit_exceeded", "rate_limit", True, False),
        (429, "insufficient_quota", "quota", False, True),
        (402, None, "quota", False, True),
        (400, "context_length_exceeded", "context_length", False, False),
        (400, "content_filter", "content_filter", False, False),
        (422, None, "bad_request", False, False),
        (599, None, "server", True, False),
    ],
)
def test_status_and_code_decide(status: int, code: str | None, kind: str, retryable: bool, fatal: bool) -> None:
    """An empty account is not waited for; a filtered or too long request is told apart from a wrong one."""
    found = of(status, {"error": {"message": "m", "code": code}})
    assert (found.kind, found.retryable, found.fatal) == (kind, retryable, fatal)
    assert str(found) == f"openai/x (key from K): HTTP {status}: m"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "3"}, 3.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "-1"}, 0.0),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_nothing(headers: dict[str, str], seconds: float | None) -> None:
    """A value that is no number of seconds is as good as none."""
    assert of(429, None, **headers).retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    """HTTP allows a point in time; one in the past is no wait."""
    now = datetime.now(UTC)
    found = of(503, None, retry_after=format_datetime(now + timedelta(seconds=60), usegmt=True)).retry_after
    assert math.isclose(found, 60, abs_tol=3)
    assert of(503, None, retry_after=format_datetime(now - timedelta(days=1), usegmt=True)).retry_after == 0


@pytest.mark.parametrize(
    "message",
    [
        "Incorrect API key provided: sk-proj-abc123",
        "wrong: Bearer abcabcabc",
        "GET https://x/y?key=abcabcabc failed",
        "abcabcabc",
    ],
)
def test_no_secret_stays_in_a_message(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment holds under a name like a key's, and what looks like a key, is crossed out."""
    monkeypatch.setenv("ANY_ACCESS_TOKEN", "abcabcabc")
    text = str(of(401, {"error": {"message": message}}))
    assert "***" in text
    assert "abc" not in text


def test_a_message_has_a_readable_length() -> None:
    """A server's page of HTML does not fill the screen."""
    assert len(str(of(500, {"error": "x" * 10_000}))) < 400
