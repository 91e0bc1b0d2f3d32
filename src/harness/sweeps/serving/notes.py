"""What the one who runs the server is told; the same text at most once a minute."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterable

from harness.records import Failure
from harness.sweeps.serving.unsaid import without

_AGAIN_S = 60.0
_MOST = 1000
_OF_THE_CONNECTION = ("auth", "quota", "not_found", "connection", "timeout", "deadline")
"""Failures that have a message of ours, where no status came."""
_STATUS = re.compile(r": HTTP \d{3}: ")
"""After it a message has the provider's own words."""
_NUMBERED = re.compile(r"\w*\d\w*")


class Notes:
    """Tells notes through `tell`. Nothing that users say gets into one: where stderr goes is not known here."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: dict[str, float] = {}

    def note(self, text: str, same: str | None = None) -> None:
        """Tell a text, unless it was told within the last minute; `same` is what two texts have in common that are."""
        now, same = time.monotonic(), text if same is None else same
        if now - self._told.get(same, -_AGAIN_S) < _AGAIN_S:
            return
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[same] = now
        self._tell(text)

    def failed(self, failure: Failure, said: Iterable[str]) -> None:
        """Tell why there was no answer to what was `said`; of the provider's words those that do not repeat it."""
        kind = f"no answer: {failure.stage}: {failure.kind}"
        own, theirs = _words(failure, said)
        # A provider gives each request a number of its own.
        self.note(f"{kind}: {own}{theirs}" if own or theirs else kind, kind + own + _NUMBERED.sub("", theirs))

    def bug(self, error: Exception) -> None:
        """Tell of a bug of ours: the type and where it was raised, without the message, which may quote a user."""
        lines = "".join(traceback.format_tb(error.__traceback__))
        self.note(f"this is a bug of ours; the lines below are what we need to mend it\n{lines}{type(error).__name__}")


def _words(failure: Failure, said: Iterable[str]) -> tuple[str, str]:
    """The message: what is ours, with the status, and the provider's words.

    Empty where no status came: what a function of the user's own raised may be all that was said.
    """
    status = _STATUS.search(failure.message)
    if status is None and failure.kind not in _OF_THE_CONNECTION:
        return "", ""
    own = status.end() if status is not None else 0
    return failure.message[:own], without(failure.message[own:], said)
