"""How parts look in the JSON Schema of the sweep file."""

from __future__ import annotations

import re
from typing import Any

from harness.config.sweepfile import METRIC_KEYS
from harness.plugins import Registration, known

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def text(description: str) -> Schema:
    """A text that is not empty."""
    return {"type": "string", "minLength": 1, "description": description}


def part_schemas(kind: str) -> Schema:
    """Definitions by name: the kind's own, a part by name or as a mapping with `use`, and those that it refers to."""
    return _metrics() if kind == "metric" else _kind(kind)


def _kind(kind: str) -> Schema:
    definitions: Schema = {}
    choices: list[Schema] = []
    for registration in known(kind):
        choices += [_named(registration), _mapping(registration, definitions)]
    if kind == "reranker":
        choices.append({"type": "null"})
    return {**definitions, kind: {"anyOf": choices}}


def _metrics() -> Schema:
    """Metrics can also be written as `{name: {settings}}`; both forms share a definition of each one's settings."""
    definitions: Schema = {
        "as": text("The name of its column, by which other metrics and the objective name it."),
        "at_least": {"type": "number", "description": "The least that passes."},
        "at_most": {"type": "number", "description": "The most that passes."},
    }
    own = {key: ref(key) for key in METRIC_KEYS}
    names: Schema = {}
    patterns: Schema = {}
    choices: list[Schema] = []
    for registration in known("metric"):
        named, key = _named(registration), f"metric.{_plain(registration.name)}"
        whole = _mapping(registration, definitions)
        whole["required"] = [name for name in whole["required"] if name != "use"]
        definitions[key] = {**whole, "properties": {**whole["properties"], **own}}
        choices += [named, {**ref(key), "required": ["use"]}]
        entries, name = (names, named["const"]) if "const" in named else (patterns, named["pattern"])
        below = {**ref(key), "properties": {"use": False}}
        entries[name] = below if whole["required"] else {"anyOf": [{"type": "null"}, below]}
        if registration.name == "weighted":
            definitions["weights"] = whole["properties"]["of"]
    single = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": names,
        "patternProperties": patterns,
    }
    return {**definitions, "metric": {"anyOf": choices}, "metricEntry": {"anyOf": [ref("metric"), single]}}


def _plain(name: str) -> str:
    """A name that needs no escape in a reference."""
    return re.sub(r"[^a-zA-Z0-9_]", "-", name)


def _named(registration: Registration) -> Schema:
    if registration.fallback:
        return {"type": "string", "pattern": "^[^/]+/.+$"}
    if registration.is_prefix:
        return {"type": "string", "pattern": f"^{re.escape(registration.name)}.+$"}
    return {"const": registration.name}


def _mapping(registration: Registration, definitions: Schema) -> Schema:
    from pydantic import TypeAdapter

    generated = TypeAdapter(registration.cls).json_schema(ref_template="#/$defs/{model}")
    definitions.update(generated.pop("$defs", {}))
    hidden = {registration.argument, "workspace"}
    fields = {
        name: _without_title(schema) for name, schema in generated.get("properties", {}).items() if name not in hidden
    }
    required = [name for name in generated.get("required", []) if name not in hidden]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["use", *required],
        "properties": {"use": _named(registration), **fields},
    }


def _without_title(schema: Schema) -> Schema:
    """A field's schema as it stands here; a field that holds a part refers to its kind."""
    if "partOf" in schema:
        return ref(schema["partOf"])
    if "partsOf" in schema:
        one = ref(schema["partsOf"])
        return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}
    if any("partOf" in choice for choice in schema.get("anyOf", ())):
        return {**schema, "anyOf": [_without_title(choice) for choice in schema["anyOf"]]}
    return {key: value for key, value in schema.items() if key != "title"}
