"""Converters of other people's datasets, by name."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

from harness.data.importers.imported import Imported, write
from harness.errors import UserError, advice

IMPORTERS = {
    "beir": "harness.data.importers.beir",
    "squad": "harness.data.importers.squad",
}

__all__ = ["IMPORTERS", "Imported", "convert", "write"]


def convert(name: str, source: Path, **options: Any) -> Imported:
    """Convert `source` with the named importer.

    Raises UserError for an unknown name or option, and for a source that is broken.
    """
    if name not in IMPORTERS:
        raise UserError(f"unknown importer {name!r}: {advice(name, list(IMPORTERS))}")
    function = importlib.import_module(IMPORTERS[name]).convert
    allowed = [p for p in inspect.signature(function).parameters if p != "source"]
    for option in options:
        if option not in allowed:
            raise UserError(f"the importer {name!r} has no option {option!r}: {advice(option, allowed)}")
    converted: Imported = function(source, **options)
    return converted
