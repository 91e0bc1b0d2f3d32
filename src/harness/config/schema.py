"""The JSON Schema of the sweep file, made from the parts that are registered."""

from __future__ import annotations

from harness.config.gateschema import gate_schema
from harness.config.partschema import Schema, part_schemas, ref, text
from harness.config.sweepfile import PROBLEMS
from harness.config.tree import DEFAULT_PARTS, SLOTS
from harness.plugins import KINDS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def sweep_schema() -> Schema:
    """The schema as a mapping, the same every time for the same parts."""
    definitions: Schema = {}
    for kind in KINDS:
        definitions |= part_schemas(kind)
    definitions |= {
        "prompt": _prompt(),
        "chatbot": _chatbot(),
        "axis": _axis(),
    }
    return {
        "$schema": _DRAFT,
        "title": "Harness sweep file",
        "type": "object",
        "additionalProperties": False,
        "required": ["dataset", "chatbot"],
        "properties": _top(),
        "$defs": definitions,
    }


def _whole(description: str, least: int) -> Schema:
    return {"type": "integer", "minimum": least, "description": description}


def _top() -> Schema:
    budget = {"usd": "US dollars", "calls": "model calls", "tokens": "input and output tokens"}
    price = {kind: {"type": "number", "minimum": 0} for kind in ("input", "output", "cached", "search")}
    return {
        "name": text("The sweep's name; the file's name where it is not given."),
        "dataset": {"anyOf": [text("The dataset file."), _dataset()]},
        "corpus": {"anyOf": [text("The knowledge base: a folder, a glob or a file."), _corpus()]},
        "chatbot": ref("chatbot"),
        "sweep": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "search": ref("search"),
                "axes": {"type": "object", "additionalProperties": ref("axis")},
                "exclude": {
                    "type": "array",
                    "items": text("A condition; variants for which it holds are left out."),
                },
                "include": {"type": "array", "items": {"type": "object"}},
            },
        },
        "metrics": {"type": "array", "minItems": 1, "items": ref("metricEntry")},
        "objective": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "maximize": {"anyOf": [text("A metric of this sweep."), ref("weights")]},
                "minimize": text("A metric of this sweep."),
            },
        },
        "repeats": _whole("Answers per variant and example.", 1),
        "concurrency": _whole("Calls at once, for each model of a provider.", 1),
        "requests_per_minute": _whole("Calls a minute, for each model of a provider.", 1),
        "tokens_per_minute": _whole("Input and output tokens a minute, for each model of a provider.", 1),
        "cell_timeout_s": {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "Seconds for one answer, from its first call on, with all retries.",
        },
        "batch": {"type": "boolean", "description": "Use the providers' batch APIs: half the price, within a day."},
        "budget": {
            "type": "object",
            "additionalProperties": False,
            "properties": {k: {"type": ["number", "null"], "minimum": 0, "description": d} for k, d in budget.items()},
        },
        "max_failures": {
            "type": "number",
            "minimum": 0,
            "description": "How many cells may fail: a whole number, or a share such as 0.1.",
        },
        "seed": _whole("Seed of searches and samples.", 0),
        "plugins": {"type": "array", "items": text("A Python file with parts.")},
        "prices": {
            "type": "object",
            "description": "USD per million tokens, by model.",
            "additionalProperties": {"type": "object", "additionalProperties": False, "properties": price},
        },
        "gate": gate_schema(),
    }


def _dataset() -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {
            "path": text("The dataset file."),
            "limit": _whole("Only the first examples.", 1),
            "where": text("Only examples for which this condition holds."),
        },
    }


def _corpus() -> Schema:
    path = text("A folder, a glob or a file.")
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {
            "path": {"anyOf": [path, {"type": "array", "minItems": 1, "items": path}]},
            "problems": {
                "enum": list(PROBLEMS),
                "description": "Documents that cannot be read: stop (the default), or skip them and go on.",
            },
        },
    }


def _prompt() -> Schema:
    file = {
        "type": "object",
        "additionalProperties": False,
        "required": ["file"],
        "properties": {"file": text("Path.")},
    }
    return {
        "anyOf": [{"type": "string"}, file, {"type": "null"}],
        "description": "A Jinja template, or a file with one.",
    }


def _chatbot() -> Schema:
    retrieval = {slot.split(".")[1]: ref(SLOTS[slot]) for slot in DEFAULT_PARTS}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["model"],
        "properties": {
            "model": ref("model"),
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
            "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "max_tokens": {"type": ["integer", "null"], "minimum": 1},
            "stop": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}},
                    {"type": "null"},
                ]
            },
            "system_prompt": ref("prompt"),
            "user_prompt": ref("prompt"),
            "retrieval": {
                "anyOf": [
                    {"type": "null"},
                    {"const": "none"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            **retrieval,
                            "top_k": _whole("Passages at most.", 1),
                            "similarity_threshold": {"type": ["number", "null"], "minimum": -1, "maximum": 1},
                            "filter": {
                                "type": ["string", "null"],
                                "description": "Only documents for which this condition holds: "
                                "`document.product == metadata.product`.",
                            },
                        },
                    },
                ]
            },
        },
    }


def _axis() -> Schema:
    numbers = {key: {"type": "number"} for key in ("from", "to", "step")}
    span = {
        "type": "object",
        "additionalProperties": False,
        "required": ["from", "to"],
        "properties": numbers,
    }
    labelled = {"type": "object", "not": {"required": ["from", "to"]}, "minProperties": 1}
    return {
        "anyOf": [{"type": "array", "minItems": 1}, span, labelled],
        "description": "Values: a list, a range {from, to, step}, or `label: value` pairs.",
    }
