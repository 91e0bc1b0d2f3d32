"""Contract tests for those who write a part: call the one for its kind in a test of yours.

Each raises AssertionError with a sentence that says what the part did and what it must do.
"""

from harness.testing.contexts import check_context
from harness.testing.embedders import check_embedder
from harness.testing.indexes import check_index
from harness.testing.judges import Asked, ScriptedAsker
from harness.testing.metrics import check_metric
from harness.testing.models import check_model
from harness.testing.parts import check_part
from harness.testing.queries import check_query_writer
from harness.testing.rerankers import check_reranker
from harness.testing.retrievers import check_retriever
from harness.testing.splitters import check_splitter

__all__ = [
    "Asked",
    "ScriptedAsker",
    "check_context",
    "check_embedder",
    "check_index",
    "check_metric",
    "check_model",
    "check_part",
    "check_query_writer",
    "check_reranker",
    "check_retriever",
    "check_splitter",
]
