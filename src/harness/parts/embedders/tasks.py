"""How providers behind litellm are told what a text is embedded for; a question and a passage get other vectors.

The names are those of the providers' APIs: Cohere and Voyage `input_type`, Gemini and Vertex `taskType`, Jina `task`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """The parameter as litellm takes it, its two values, and the models (by name, all: empty) that know it."""

    parameter: str
    query: str
    passage: str
    models: str = ""

    def told(self, purpose: str) -> dict[str, str]:
        """The argument for litellm."""
        return {self.parameter: self.query if purpose == "query" else self.passage}


_COHERE = Task("input_type", "search_query", "search_document")
_TASKS = {
    "cohere": _COHERE,
    "bedrock": Task("input_type", "search_query", "search_document", r"cohere\.embed"),
    "gemini": Task("task_type", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", r"(^|/)(gemini-embedding-00\d|text-emb|emb)"),
    "jina_ai": Task("task", "retrieval.query", "retrieval.passage", r"embeddings-v[3-9]"),
    "nvidia_nim": Task("input_type", "query", "passage"),
    "vertex_ai": Task("task_type", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", r"(^|/)(gemini-embedding-00\d|text-)"),
    "voyage": Task("input_type", "query", "document"),
}


def task_of(name: str) -> Task | None:
    """How the model with this litellm name is told the purpose; None where it is not."""
    provider, _, model = name.partition("/")
    task = _TASKS.get(provider)
    return task if task and re.search(task.models, model) else None
