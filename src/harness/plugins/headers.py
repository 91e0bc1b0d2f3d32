"""What the headers of a provider's answer say about its limits: how long to wait, and how much is left.

OpenAI's `x-ratelimit-remaining-requests: 59`, `x-ratelimit-reset-requests: 6m0s`; Anthropic's
`anthropic-ratelimit-requests-remaining: 59`, `anthropic-ratelimit-requests-reset: 2026-01-01T00:00:00Z`. What cannot be
read is taken as not said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harness.records import Quota

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def quota(headers: Mapping[str, str]) -> Quota | None:
    """What is left, or None where no header says so."""
    if not any("ratelimit" in header.lower() for header in headers):
        return None
    left = {kind: _whole(_either(headers, kind, "remaining")) for kind in ("requests", "tokens")}
    if left["requests"] is None and left["tokens"] is None:
        return None
    reset = {kind: _seconds(_either(headers, kind, "reset")) for kind in ("requests", "tokens")}
    return Quota(left["requests"], left["tokens"], reset["requests"], reset["tokens"])


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or from `retry-after` as a number or a date."""
    milliseconds, given = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return _sensible(float(milliseconds) / 1000)
        return None if given is None else _sensible(float(given))
    except ValueError:
        return _until_http_date(given or "")


def _either(headers: Mapping[str, str], kind: str, what: str) -> str | None:
    return headers.get(f"x-ratelimit-{what}-{kind}") or headers.get(f"anthropic-ratelimit-{kind}-{what}")


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _seconds(text: str | None) -> float | None:
    """Seconds from `1m30s`, `120ms`, a bare number, or a moment in ISO 8601."""
    if not text:
        return None
    spans = _SPAN.findall(text)
    if spans and "".join(number + unit for number, unit in spans) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in spans)
    try:
        return _sensible(float(text))
    except ValueError:
        pass
    try:
        return _until(datetime.fromisoformat(text))
    except ValueError:
        return None


def _until_http_date(date: str) -> float | None:
    try:
        return _until(parsedate_to_datetime(date))
    except ValueError:
        return None


def _until(moment: datetime) -> float | None:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _sensible((moment - datetime.now(UTC)).total_seconds())


def _sensible(seconds: float) -> float | None:
    return max(0.0, seconds) if math.isfinite(seconds) else None
