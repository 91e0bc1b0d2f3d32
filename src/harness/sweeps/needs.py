"""What a sweep asks besides itself: its models, judges, embedders, rerankers, and the indexes that it opens."""

from __future__ import annotations

from typing import Any

from harness.config import SweepConfig
from harness.plugins import parts_within
from harness.sweeps.retrieval.groups import parts_of


def parts_asked(config: SweepConfig) -> list[Any]:
    """Whatever is asked for answers, verdicts, vectors or order, each once."""
    models = [variant.chatbot.model for variant in config.variants]
    retrieval = [part for v in config.variants if v.chatbot.retrieval for part in parts_of(v.chatbot.retrieval)]
    judges = [part for metric in config.metrics for part in parts_within(metric.part)]
    return list(dict.fromkeys([*models, *retrieval, *judges]))


def indexes_of(config: SweepConfig) -> list[Any]:
    """The indexes of all variants, each once."""
    return list(dict.fromkeys(v.chatbot.retrieval.index for v in config.variants if v.chatbot.retrieval))
