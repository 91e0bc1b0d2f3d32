"""What the one who runs the server is told; the same text at most once a minute."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

from harness.errors import ProviderError

_AGAIN_S = 60.0
_MOST = 1000
_OF_THE_CONNECTION = ("auth", "quota", "not_found", "connection", "timeout")
"""Failures whose message tells of the provider, never of what somebody said."""


class Notes:
    """Tells notes through `tell`. Nothing that users say gets into one: where stderr goes is not known here."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: dict[str, float] = {}

    def note(self, text: str) -> None:
        """Tell a text, unless it was told within the last minute."""
        now = time.monotonic()
        if now - self._told.get(text, -_AGAIN_S) < _AGAIN_S:
            return
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[text] = now
        self._tell(text)

    def failed(self, error: Exception) -> None:
        """Tell why there was no answer."""
        if isinstance(error, ProviderError):
            self.note(f"no answer: {error}" if error.kind in _OF_THE_CONNECTION else f"no answer: {error.kind}")
        else:
            self.note(f"no answer: {error}")

    def bug(self, error: Exception) -> None:
        """Tell of a bug of ours: the type and where it was raised, without the message, which may quote a user."""
        lines = "".join(traceback.format_tb(error.__traceback__))
        self.note(f"this is a bug of ours; the lines below are what we need to mend it\n{lines}{type(error).__name__}")
