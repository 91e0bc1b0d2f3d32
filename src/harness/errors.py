"""What a user may see go wrong. Everything else that is raised is our bug."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """Where in the user's input something was found. Lines and columns count from 1; 0 means not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        numbers = [str(n) for n in (self.line, self.column) if n]
        return ":".join([self.file, *numbers])


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in the user's input: where, what was found, what to do."""

    place: Place
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.found}" + (f"\n    {self.advice}" if self.advice else "")


class HarnessError(Exception):
    """Base of all errors meant for the user; `exit_code` is what the command line ends with."""

    exit_code = 70


class UserError(HarnessError):
    """The user's input is wrong; carries every mistake that was found, not only the first."""

    exit_code = 2

    def __init__(self, mistakes: Mistake | str | Iterable[Mistake]) -> None:
        if isinstance(mistakes, str):
            self.mistakes: tuple[Mistake, ...] = ()
            super().__init__(mistakes)
            return
        found = (mistakes,) if isinstance(mistakes, Mistake) else tuple(mistakes)
        self.mistakes = found
        count = f"{len(found)} mistakes:\n" if len(found) > 1 else ""
        super().__init__(count + "\n".join(str(mistake) for mistake in found))


class Incomplete(HarnessError):
    """The sweep ended before all of it was done (too many failures, or the budget is spent); it can go on later."""

    exit_code = 3


class Interrupted(HarnessError):
    """The user stopped the sweep; what was done is on disk."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted; run the same command to go on where it stopped")


class ProviderError(HarnessError):
    """A model or an embedder did not answer.

    `kind` is a short word for counting (`timeout`, `rate_limit`, `server`, `auth`, `refused`, …). `retryable`: asking
    again may help. `fatal`: no other request to this provider can succeed either (a wrong key, an unknown model).
    `retry_after` is in seconds, when the provider named one.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retryable: bool = False,
        fatal: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.fatal = fatal
        self.retry_after = retry_after


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that `name` was most likely meant to be, or None when none is close."""
    names = list(allowed)
    lowered = {n.lower(): n for n in names}
    matches = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[matches[0]] if matches else None


def advice(name: str, allowed: Sequence[str], noun: str = "allowed") -> str:
    """A sentence that names the nearest of the allowed names, and all of them."""
    close = nearest(name, allowed)
    hint = f"did you mean {close!r}? " if close else ""
    return f"{hint}{noun}: {', '.join(sorted(allowed)) or 'nothing'}"
