"""The report of a sweep: one page that can be sent round, as HTML or as Markdown."""

from __future__ import annotations
