"""Settings without which a built-in metric cannot be made."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.plugins import known

_JUDGE = {"judge": "local/extractive"}
NEEDED: dict[str, dict[str, Any]] = {
    "regex": {"pattern": r"\d"},
    "weighted": {"of": {"token_f1": 1}},
    "embedding_similarity": {"embedder": "local/hashing"},
    "ragas/semantic_similarity": {"embedder": "local/hashing"},
    "ragas/answer_correctness": {**_JUDGE, "embedder": "local/hashing"},
    "ragas/answer_relevancy": {**_JUDGE, "embedder": "local/hashing"},
    "policy": {**_JUDGE, "rules": ["Be brief."]},
    "criteria": {**_JUDGE, "criteria": ["Is it brief?"]},
    "goal": {**_JUDGE, "goal": "The question is answered."},
    "rubric": {**_JUDGE, "criteria": "Is it brief?"},
    "tone": {**_JUDGE, "tone": "friendly"},
}
"""Settings without which a part cannot be, besides a judge."""


def needed(name: str) -> dict[str, Any]:
    """The settings that a part needs."""
    found = next((found for found in known("metric") if found.name == name), None)
    judged = found is not None and any(field.name == "judge" for field in dataclasses.fields(found.cls))
    return NEEDED.get(name, _JUDGE if judged else {})
