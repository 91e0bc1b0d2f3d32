"""Is the answer JSON, and does it fit a schema?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from harness.parts.metrics.share import Share
from harness.plugins import part, setting
from harness.records import Case, Example, Verdict

_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")
_LONGEST = 200


class _SchemaText:
    """A field that takes a JSON Schema as a mapping, as its text, or as a path, and keeps a text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._text, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "object"}]}

    def _text(self, value: Any) -> Any:
        if isinstance(value, dict):
            return value["file"] if list(value) == ["file"] else json.dumps(value, sort_keys=True)
        return value


@part("metric", "is_json")
@dataclass(frozen=True)
class IsJson(Share):
    """1 when the answer is JSON and, where a `schema` is given, fits that JSON Schema.

    `schema` is a mapping, or the path of a JSON file in the workspace; `$ref` finds what is in it, nothing is fetched,
    and `format` is not checked. `where: fenced` also takes a fenced code block out of the answer, `where: anywhere` any
    object or list that stands in it: one that fits is enough.
    """

    schema: Annotated[str, _SchemaText()] = ""
    where: Literal["whole", "fenced", "anywhere"] = "whole"
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        if not self._is_path:
            object.__setattr__(self, "workspace", "")  # it decides nothing, and stays out of run records
        _ = self._validator

    def identity_extra(self) -> dict[str, Any]:
        """What a file says in place of its path."""
        return {"schema": json.dumps(self._validator.schema, sort_keys=True)} if self._is_path else {}

    def applies(self, example: Example) -> bool:
        """Everywhere."""
        return True

    def score(self, case: Case) -> Verdict:
        """0 or 1; the reason tells what does not fit, and where."""
        reason = "no JSON"
        for document in self._documents(case.answer):
            problem = self._problem(document)
            if problem is None:
                return Verdict(1.0, "fits" if self.schema else "JSON")
            reason = problem if reason == "no JSON" else reason
        return Verdict(0.0, reason)

    @property
    def _is_path(self) -> bool:
        return bool(self.schema) and not self.schema.lstrip().startswith("{")

    @cached_property
    def _validator(self) -> Any:
        """The schema, ready to check. Raises ValueError for what is none."""
        import jsonschema
        from referencing import Registry

        schema = self._read()
        cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            cls.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise ValueError(f"schema: no JSON Schema: at {error.json_path}: {error.message}") from None
        return cls(schema, registry=Registry())  # of its own: the default one fetches what a $ref names

    def _read(self) -> Any:
        text, about = self.schema or "{}", "schema"
        if self._is_path:
            path = Path(self.workspace) / self.schema
            about = f"schema {self.schema}"
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
                raise ValueError(f"{about}: {reason}: {path}; paths are relative to the workspace") from None
        try:
            schema = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{about}: no JSON: {error}") from None
        if not isinstance(schema, dict):
            raise ValueError(f"{about}: expected an object, found {text[:20]!r}")
        return schema

    def _problem(self, document: Any) -> str | None:
        import jsonschema
        from referencing.exceptions import Unresolvable

        try:
            error = jsonschema.exceptions.best_match(self._validator.iter_errors(document))
        except Unresolvable as unknown:
            raise ValueError(f"schema: nothing is found at {unknown.ref}; $ref leads to places in the schema") from None
        return None if error is None else f"at {error.json_path}: {error.message}"[:_LONGEST]

    def _documents(self, answer: str) -> Iterator[Any]:
        texts = [answer, *(_FENCED.findall(answer) if self.where != "whole" else [])]
        for text in texts:
            try:
                yield _DECODER.decode(text)
            except (ValueError, RecursionError):
                continue
        if self.where == "anywhere":
            yield from _within(answer)


def _within(text: str) -> Iterator[Any]:
    """The objects and lists that stand in a text, but not those within another."""
    start = _OPENING.search(text)
    while start:
        end = start.end()
        try:
            document, end = _DECODER.raw_decode(text, start.start())
            yield document
        except ValueError:
            pass
        except RecursionError:
            return  # far too deep, and so is what stands within
        start = _OPENING.search(text, end)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
