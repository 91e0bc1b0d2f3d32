"""What every part must keep, whatever its kind."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

from harness.plugins import identity, label, make, registration, written


def check_part(part: Any) -> None:
    """Assert what keys and run records need of any part.

    It is a registered frozen dataclass with a version, hashable; its identity is JSON; an equal part has the same
    identity; what a YAML file would hold of it makes an equal part again.
    """
    name = type(part).__name__
    _check_class(part, name)
    _check_value(part, name)
    _check_identity(part, name)
    _check_written(part, name)


def _check_class(part: Any, name: str) -> None:
    assert dataclasses.is_dataclass(part) and not isinstance(part, type), (
        f"{name}: a part is an instance of a frozen dataclass, found {part!r}"
    )
    assert type(part).__dataclass_params__.frozen, f"{name}: write @dataclass(frozen=True)"  # type: ignore[attr-defined]
    assert getattr(vars(type(part)).get("registration"), "cls", None) is type(part), (
        f"{name}: not registered; write @part(KIND, NAME) above @dataclass(frozen=True)"
    )
    assert "version" not in {field.name for field in dataclasses.fields(part)}, (
        f"{name}: version is a field; write `version: ClassVar[int] = 1`, or users could set it"
    )
    version = getattr(part, "version", None)
    assert type(version) is int and version >= 1, f"{name}: version is {version!r}; it must be a whole number from 1 on"
    assert label(part), f"{name}: has no label"


def _check_value(part: Any, name: str) -> None:
    try:
        hash(part)
    except TypeError as error:
        raise AssertionError(f"{name}: not hashable ({error}); make its fields tuples, not lists or dicts") from error
    again = dataclasses.replace(part)
    assert again == part and hash(again) == hash(part), (
        f"{name}: a copy with the same fields is not equal; leave __eq__ and __hash__ to the dataclass"
    )


def _check_identity(part: Any, name: str) -> None:
    try:
        first = orjson.dumps(identity(part), option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise AssertionError(
            f"{name}: its identity is no JSON ({error}); fields are numbers, texts and tuples"
        ) from error
    copied = orjson.dumps(identity(dataclasses.replace(part)), option=orjson.OPT_SORT_KEYS)
    assert copied == first, f"{name}: equal parts have different identities, {first!r} and {copied!r}"


def _check_written(part: Any, name: str) -> None:
    spec = orjson.loads(orjson.dumps(written(part)))
    try:
        made = make(registration(part).kind, spec, getattr(part, "workspace", None))
    except (LookupError, ValueError) as error:
        raise AssertionError(f"{name}: what a YAML file would hold of it, {spec}, is refused: {error}") from error
    assert made == part, f"{name}: written to YAML and made again it is {made!r}, not {part!r}"
