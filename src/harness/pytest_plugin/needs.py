"""What a sweep needs besides itself: a network, and keys."""

from __future__ import annotations

import os
from typing import Any

from harness.config import SweepConfig
from harness.plugins import name, parts_within
from harness.sweeps.retrieval.groups import parts_of


def over_network(config: SweepConfig) -> list[str]:
    """The names of the models, judges, embedders, rerankers and stores that are asked over a network."""
    asked = [part for part in _asked(config) if not part.local]
    return _names([*asked, *(index for index in _indexes(config) if getattr(index, "url", None))])


def missing_keys(config: SweepConfig) -> list[str]:
    """The environment variables that the sweep needs and that are not set."""
    needed = [variable for part in (*_asked(config), *_indexes(config)) for variable in part.environment]
    return [variable for variable in dict.fromkeys(needed) if not os.environ.get(variable)]


def _asked(config: SweepConfig) -> list[Any]:
    """Whatever is asked for answers, verdicts, vectors or order."""
    models = [variant.chatbot.model for variant in config.variants]
    judges = [part for metric in config.metrics for part in parts_within(metric.part)]
    retrieval = [part for v in config.variants if v.chatbot.retrieval for part in parts_of(v.chatbot.retrieval)]
    return list(dict.fromkeys([*models, *retrieval, *judges]))


def _indexes(config: SweepConfig) -> list[Any]:
    return list(dict.fromkeys(v.chatbot.retrieval.index for v in config.variants if v.chatbot.retrieval))


def _names(parts: list[Any]) -> list[str]:
    return list(dict.fromkeys(name(part) for part in parts))
