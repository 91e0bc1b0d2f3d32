"""The door by which parts enter: protocols, the registry, and what every part has in common."""

from harness.plugins.parts import identity, label, make, name, registration, setting, settings, written
from harness.plugins.protocols import (
    Embedder,
    EmbedderConnection,
    Index,
    Metric,
    Model,
    ModelConnection,
    OpenIndex,
    Reranker,
    Retriever,
    Search,
    Splitter,
    View,
)
from harness.plugins.registry import KINDS, Registration, find, known, load_built_ins, load_file, names, part

__all__ = [
    "KINDS",
    "Embedder",
    "EmbedderConnection",
    "Index",
    "Metric",
    "Model",
    "ModelConnection",
    "OpenIndex",
    "Registration",
    "Reranker",
    "Retriever",
    "Search",
    "Splitter",
    "View",
    "find",
    "identity",
    "known",
    "label",
    "load_built_ins",
    "load_file",
    "make",
    "name",
    "names",
    "part",
    "registration",
    "setting",
    "settings",
    "written",
]
