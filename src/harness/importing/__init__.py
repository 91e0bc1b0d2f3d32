"""Results that other tools made, read and kept as a sweep. No model is asked, and nothing is run."""

from __future__ import annotations

from harness.importing.keeping import keep
from harness.importing.reading import FORMS, Options, read

__all__ = ["FORMS", "Options", "keep", "read"]
