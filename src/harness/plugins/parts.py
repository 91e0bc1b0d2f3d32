"""What every part has: an identity that enters keys, a label that people read, fields that a YAML file sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from harness.plugins.registry import Registration, find

_SHOWN = 60
"""Characters of a setting in a label at the most."""


def setting(default: Any = dataclasses.MISSING, *, inert: bool = False, late: bool = False, **kwargs: Any) -> Any:
    """A field of a part. `inert` marks what cannot change a result (a timeout): it stays out of every key.

    `late` marks what a part learned after it was first used: at its default it stays out of the key too, so that
    what was made before is still found.
    """
    return dataclasses.field(default=default, metadata={"inert": inert, "late": late}, **kwargs)


class PartOf:
    """The annotation of a field that holds a part of its own: `model: Annotated[Any, PartOf("model")]`.

    In YAML it is a name or a mapping with `use`, as everywhere.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(self._made)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"partOf": self.kind}

    def _made(self, value: Any, info: Any) -> Any:
        return _made(self.kind, value, info.context)


class PartsOf(PartOf):
    """The annotation of a field that holds one part or several, always a tuple: `judge: Annotated[tuple[Any, ...],
    PartsOf("model")]`.

    In YAML it is one name or mapping with `use`, or a list of them.
    """

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"partsOf": self.kind}

    def _made(self, value: Any, info: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        if not values:
            raise ValueError(f"expected at least one {self.kind}, found an empty list")
        return tuple(_made(self.kind, entry, info.context) for entry in values)


def _made(kind: str, value: Any, workspace: str | None) -> Any:
    """A part that a field of another holds. Raises ValueError, which pydantic reports."""
    from pydantic import ValidationError

    if not isinstance(value, str | dict):
        raise ValueError(f"expected the name of a {kind}, or a mapping with `use`, found {value!r}")
    try:
        return make(kind, value, workspace)
    except LookupError as error:
        raise ValueError(str(error)) from None
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        where = ".".join(str(step) for step in first["loc"])
        if first["type"].startswith("missing"):
            raise ValueError(f"needs {where!r}") from None
        raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def is_part(value: Any) -> bool:
    """Whether a value is a part."""
    return hasattr(type(value), "registration")


def registration(part: Any) -> Registration:
    """How this part is registered."""
    found: Registration = type(part).registration
    return found


def parts_within(part: Any) -> list[Any]:
    """The parts that the fields of a part hold, each once, those within them included."""
    held = [entry for value in settings(part).values() for entry in (value if isinstance(value, tuple) else (value,))]
    found = [entry for entry in held if is_part(entry)]
    return list(dict.fromkeys([*found, *(inner for entry in found for inner in parts_within(entry))]))


def _mapped(value: Any, make_of: Callable[[Any], Any]) -> Any:
    """A field's value with the parts in it replaced by what is made of them."""
    if isinstance(value, tuple) and any(map(is_part, value)):
        return [make_of(entry) for entry in value]
    return make_of(value) if is_part(value) else value


def settings(part: Any) -> dict[str, Any]:
    """All fields of a part with their values."""
    return {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}


def identity(part: Any) -> dict[str, Any]:
    """What decides the part's results: its name, its fields but for the inert ones, its version.

    A part whose results hang on more than its fields (a file's content) tells it by a method `identity_extra`.
    """
    fields = {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if _decides(f, getattr(part, f.name))}
    fields = {key: _mapped(value, identity) for key, value in fields.items()}
    extra = part.identity_extra() if hasattr(part, "identity_extra") else {}
    return {"use": registration(part).name, **fields, **extra, "version": part.version}


def _decides(field: Any, value: Any) -> bool:
    inert, late = field.metadata.get("inert", False), field.metadata.get("late", False)
    return not inert and not (late and value == field.default)


def name(part: Any) -> str:
    """The part's name as a user writes it, without its other settings."""
    known = registration(part)
    return known.name + (str(getattr(part, known.argument)) if known.argument else "")


def provider_of(part: Any) -> str:
    """Whom a model or an embedder asks; its own name where it does not say."""
    return str(getattr(part, "provider", "") or name(part))


def label(part: Any) -> str:
    """The part's name and, in brackets, the settings that differ from their defaults."""
    known = registration(part)
    parts = []
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.name == known.argument or field.metadata.get("inert", False):
            continue
        if field.default is dataclasses.MISSING or value != field.default:
            parts.append(f"{field.name}={_shown(_mapped(value, label))}")
    return name(part) + (f"({', '.join(parts)})" if parts else "")


def _shown(value: Any) -> str:
    """A setting in a label; a long text by its beginning."""
    text = " ".join((", ".join(value) if isinstance(value, list) else str(value)).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}\u2026"


def written(part: Any) -> dict[str, Any]:
    """The part as a mapping that a YAML file may hold: `use`, then every field but the workspace's folder."""
    hidden = (registration(part).argument, "workspace")
    fields = {k: _mapped(v, written) for k, v in settings(part).items() if k not in hidden}
    return {"use": name(part), **fields}


def make(kind: str, spec: str | dict[str, Any], workspace: str | None = None) -> Any:
    """Make a part from its name, or from `{use: name, field: value}`.

    A field called `workspace` of it, and of the parts that its fields hold, is filled with `workspace`.
    Raises LookupError for an unknown name and pydantic.ValidationError for wrong fields.
    """
    import orjson
    from pydantic import TypeAdapter

    fields = {"use": spec} if isinstance(spec, str) else dict(spec)
    found, given = find(kind, str(fields.pop("use", "")))
    if workspace is not None and any(field.name == "workspace" for field in dataclasses.fields(found.cls)):
        given["workspace"] = workspace
    content = orjson.dumps({**fields, **given})
    return TypeAdapter(found.cls).validate_json(content, strict=True, context=workspace)
