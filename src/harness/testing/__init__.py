"""Contract tests for those who write a part: call the one for its kind in a test of yours.

Each raises AssertionError with a sentence that says what the part did and what it must do.
"""

from harness.testing.metrics import check_metric
from harness.testing.parts import check_part
from harness.testing.splitters import check_splitter

__all__ = ["check_metric", "check_part", "check_splitter"]
