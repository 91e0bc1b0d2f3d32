"""A Python function as a metric."""

from __future__ import annotations

import inspect
import numbers
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.parts.metrics import signatures
from harness.plugins import functions, part, setting
from harness.records import Case, Example, Verdict, digest


@part("metric", "python:", argument="target")
@dataclass(frozen=True)
class PythonFunction:
    """What `function` of `file.py`, sync or async, makes of a case; the path is relative to the workspace.

    By the names of its parameters it gets `answer`, `question`, `references`, `passages`, `messages`, `metadata`,
    `evidence`, `expected`, `tags`, `example`, or another field of harness.records.Case; a single parameter of any other
    name, or `case`, gets the Case. It returns a number, True or False, a (value, reason), a Verdict, or None where it
    does not apply. `direction`, `low`, `high` (null: no end) and `unit` say how to read the values.

    Values are kept; the file's content is part of their keys, but not that of files which it imports. A sync function
    runs in a thread, one call after the other; `threads` lets more calls run at once.
    """

    version: ClassVar[int] = 1
    reads: ClassVar[tuple[str, ...]] = signatures.OUTCOME
    target: str = ""
    direction: Literal["maximize", "minimize"] = "maximize"
    low: float | None = 0.0
    high: float | None = 1.0
    unit: str = ""
    threads: int = setting(1, inert=True)
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        if not self._name:
            raise ValueError(f"expected python:FILE.py:FUNCTION, found python:{self.target}")
        if not self._file.is_file():
            raise ValueError(f"no such file: {self._file}")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}; write null where there is no end")
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, found {self.threads}")
        object.__setattr__(self, "reads", self._signature.reads)

    def identity_extra(self) -> dict[str, Any]:
        """The digest of the file's content."""
        return {"content": digest(self._file.read_text(encoding="utf-8"))}

    def applies(self, example: Example) -> bool:
        """Everywhere; the function may return None."""
        return True

    def ready(self) -> None:
        """Run the file. Raises UserError when that fails or the function is not there."""
        _ = self._function

    async def score(self, case: Case) -> Verdict | None:
        """What the function returned. Raises an error with its type, message and line when it raised one."""
        arguments, named = self._signature.arguments(case)
        try:
            if inspect.iscoroutinefunction(self._function):
                returned = await self._function(*arguments, **named)
            else:
                returned = await self._threads.call(self._function, *arguments, **named)
                returned = await returned if inspect.isawaitable(returned) else returned
        except (Exception, SystemExit) as error:
            raise functions.failed(error, self._file, self._about) from error
        return self._verdict(returned)

    def _verdict(self, returned: Any) -> Verdict | None:
        if returned is None:
            return None
        value, reason = returned, None
        if isinstance(returned, Verdict):
            value, reason = returned.value, returned.reason
        elif isinstance(returned, tuple) and len(returned) == 2:
            value, reason = returned
        if not _is_number(value) or not isinstance(reason, str | None):
            raise TypeError(
                f"{self._about}: returned {type(returned).__name__} {str(returned)[:60]!r}; expected a number, "
                "True or False, (value, reason), a Verdict or None"
            )
        number = float(value)
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise ValueError(
                f"{self._about}: returned {number:g}, which is not within low {_end(self.low)} and high "
                f"{_end(self.high)}; set low and high to what the function returns, null where there is no end"
            )
        return Verdict(number, reason)

    @property
    def _about(self) -> str:
        return f"python:{self.target}"

    @property
    def _file(self) -> Path:
        return Path(self.workspace) / self.target.rpartition(":")[0]

    @property
    def _name(self) -> str:
        file, _, name = self.target.rpartition(":")
        return name if file else ""

    @cached_property
    def _signature(self) -> signatures.Signature:
        return signatures.read(self._file, self._name)

    @cached_property
    def _function(self) -> Any:
        return functions.load(self._file, self._name, f"metric {self._about}")

    @cached_property
    def _threads(self) -> functions.Threads:
        return functions.Threads(self.threads)


def _is_number(value: Any) -> bool:
    """Whether it is a number, a truth value, or one of numpy's."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return isinstance(value, numbers.Real) or (kind in ("b", "i", "u", "f") and value.ndim == 0)


def _end(bound: float | None) -> str:
    return "none" if bound is None else f"{bound:g}"
