"""The JSON Schema of the section `gate`."""

from __future__ import annotations

from harness.config.gate import LIMITS
from harness.config.partschema import Schema, text


def gate_schema() -> Schema:
    """The schema as a mapping."""
    share = {"type": "number", "minimum": 0.0001, "maximum": 0.5}
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "additionalProperties": False,
        "description": "What harness gate decides by.",
        "properties": {
            "baseline": text("A run, an alias or a sweep file to compare with."),
            "variant": text("The candidate: label or id of a variant of this sweep."),
            "margins": {**numbers, "description": "What each metric may lose, in its own units."},
            "floors": {**numbers, "description": "Means that must be reached (minimized metrics: not exceeded)."},
            "limits": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {"type": "number", "minimum": 0} for name in LIMITS},
            },
            "must_pass": {
                "type": "object",
                "additionalProperties": False,
                "required": ["metric"],
                "properties": {
                    "examples": texts,
                    "tag": text("All examples with this tag."),
                    "metric": text("A metric of this sweep."),
                    "at_least": {"type": "number"},
                    "at_most": {"type": "number"},
                },
            },
            "slices": {**texts, "description": "Tags that are looked at, too."},
            "strict_slices": {"type": "boolean", "description": "Slices that cannot be told hold the gate up."},
            "alpha": {**share, "description": "Error of one verdict."},
            "false_alarms": {**share, "description": "Chance of any false alarm in a quarter of nights."},
            "nights": {"type": "integer", "minimum": 1, "maximum": 400, "description": "Nights of a quarter."},
            "uncalibrated_judges": {"type": "boolean", "description": "Judges that nobody calibrated may decide."},
        },
    }
