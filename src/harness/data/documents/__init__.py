"""Documents from files: one file per format, each giving text with stable offsets."""

from __future__ import annotations

from harness.data.documents.entry import Entry
from harness.data.documents.formats import ENDINGS, FORMATS, IN_FOLDERS, OTHER, Format
from harness.data.documents.jsonlines import json_line
from harness.data.documents.metadata import SIDECARS, Sidecars, is_sidecar

__all__ = [
    "ENDINGS",
    "FORMATS",
    "IN_FOLDERS",
    "OTHER",
    "SIDECARS",
    "Entry",
    "Format",
    "Sidecars",
    "is_sidecar",
    "json_line",
]
