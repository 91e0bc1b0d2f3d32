"""YAML -> checked configuration -> axes -> variants; all mistakes at once."""

from harness.config.chatbot import SAMPLING, Chatbot, Retrieval, Variant
from harness.config.reading import load, load_chatbot
from harness.config.sweepfile import (
    Budget,
    DatasetChoice,
    Limits,
    NamedMetric,
    Objective,
    SweepConfig,
    workspace_of,
)

__all__ = [
    "SAMPLING",
    "Budget",
    "Chatbot",
    "DatasetChoice",
    "Limits",
    "NamedMetric",
    "Objective",
    "Retrieval",
    "SweepConfig",
    "Variant",
    "load",
    "load_chatbot",
    "workspace_of",
]
