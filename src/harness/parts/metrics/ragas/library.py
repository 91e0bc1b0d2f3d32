"""The library ragas as these metrics use it: loaded when one is used, silent, and named where it is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from functools import cache
from typing import Any

from harness.errors import UserError

_PINS = "'ragas==0.4.3' 'langchain-community>=0.4.1,<0.4.2'"


@cache
def collections() -> Any:
    """The module `ragas.metrics.collections`.

    It takes seconds and 200 MB to load. Raises UserError where it cannot be loaded.
    """
    os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")  # ragas reads it once, and would count its uses otherwise
    try:
        import ragas.metrics.collections
    except ImportError as error:
        raise UserError(f"the metrics ragas/\u2026 are unavailable: {error}; install {_PINS} with pip") from error
    return ragas.metrics.collections


@cache
def release() -> str:
    """The version of ragas that is installed, which decides its prompts and formulas; empty where none is."""
    try:
        return importlib.metadata.version("ragas")
    except importlib.metadata.PackageNotFoundError:
        return ""


def require(metric: str, module: str, package: str) -> None:
    """Raise UserError where a module that a metric of ragas imports is not installed."""
    if importlib.util.find_spec(module) is None:
        raise UserError(f"{metric} needs the package {package}: pip install {package}")
