"""Conditions that users write (`exclude`, `--where`): sandboxed Jinja expressions over named values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.errors import UserError, advice

_QUOTED = re.compile(r"`([^`]+)`")
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


@dataclass(frozen=True)
class Expression:
    """A condition such as `chunk_size == 400 and token_f1 > 0.5`; names that are no identifiers go in backticks."""

    text: str
    aliases: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def names(self) -> set[str]:
        """The names that the condition uses. Raises UserError when it is not an expression."""
        try:
            undeclared = meta.find_undeclared_variables(_ENVIRONMENT.parse("{{ (" + self._source + ") }}"))
        except TemplateError as error:
            raise UserError(f"cannot read the condition {self.text!r}: {error}") from error
        return {name for name in undeclared if not name.startswith("_q")} | set(_QUOTED.findall(self.text))

    @property
    def _source(self) -> str:
        quoted = _QUOTED.findall(self.text)
        return _QUOTED.sub(lambda m: f"_q{quoted.index(m.group(1))}", self.text)

    def check(self, known: Iterable[str]) -> None:
        """Raise UserError when the condition names something that is not known."""
        allowed = sorted(set(known))
        for name in sorted(self.names - set(allowed)):
            raise UserError(
                f"the condition {self.text!r} names {name!r}, unknown here; {advice(name, allowed, 'known')}"
            )

    def compiled(self) -> Any:
        """A function from a mapping of values to the condition's value."""
        quoted = _QUOTED.findall(self.text)
        try:
            run = _ENVIRONMENT.compile_expression(self._source, undefined_to_none=False)
        except TemplateError as error:
            raise UserError(f"cannot read the condition {self.text!r}: {error}") from error

        def holds(values: Mapping[str, Any]) -> bool:
            given = {f"_q{i}": values.get(name) for i, name in enumerate(quoted)}
            try:
                return bool(run(values, **given))
            except TypeError:  # a missing value compares with nothing
                return False

        return holds
