"""What a sweep needs besides itself: a network, and keys."""

from __future__ import annotations

import os
from typing import Any

from harness.config import SweepConfig
from harness.plugins import name
from harness.sweeps.needs import indexes_of, parts_asked


def over_network(config: SweepConfig) -> list[str]:
    """The names of the models, judges, embedders, rerankers and stores that are asked over a network."""
    asked = [part for part in parts_asked(config) if not part.local]
    return _names([*asked, *(index for index in indexes_of(config) if getattr(index, "url", None))])


def missing_keys(config: SweepConfig) -> list[str]:
    """The environment variables that the sweep needs and that are not set."""
    needed = [variable for part in (*parts_asked(config), *indexes_of(config)) for variable in part.environment]
    return [variable for variable in dict.fromkeys(needed) if not os.environ.get(variable)]


def _names(parts: list[Any]) -> list[str]:
    return list(dict.fromkeys(name(part) for part in parts))
