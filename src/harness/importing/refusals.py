"""What is wrong in someone else's file: told all at once, up to a count."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import Mistake, UserError

SHOWN = 20


def refusal(mistakes: Sequence[Mistake]) -> UserError:
    """The error of all mistakes; its text has the first 20 and their count."""
    error = UserError(mistakes)
    if len(mistakes) > SHOWN:
        shown = "\n".join(str(mistake) for mistake in mistakes[:SHOWN])
        error.args = (f"{len(mistakes)} mistakes, the first {SHOWN} of them:\n{shown}",)
    return error
