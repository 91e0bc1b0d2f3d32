"""What a dataset and its knowledge base are made of, and what to beware of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from harness.data.datasets import Dataset
from harness.records import Corpus, Example

FEWEST_CLUSTERS = 30
LARGEST_SHARE = 0.2
_MOST_NAMES = 20


def describe(dataset: Dataset, corpus: Corpus | None = None) -> dict[str, Any]:
    """Counts that JSON can hold; lengths are in characters. Without a corpus, `corpus` is None.

    - `examples`; `expected` and `tags`: examples by value; `follow_ups`: examples with an earlier user
      message
    - `references`, `evidence`: examples `with` and `without`, how many in all; `not_in_evidence`: examples
      with both whose evidence text holds none of the references (case and white space aside), None without a
      corpus
    - `question_length`: min, q25, median, q75, max
    - `clusters`: `number`, `largest` and its `size`
    - `duplicates`: lists of the ids of examples with the same conversation
    - `corpus`: `documents`, `characters`, `without_evidence` (how many no evidence points to), `such_as`
      (first 20)
    - `warnings`: sentences
    """
    examples = dataset.examples
    clusters = Counter(example.cluster for example in examples)
    largest, size = clusters.most_common(1)[0] if clusters else ("", 0)
    lengths = [len(example.question) for example in examples]
    found: dict[str, Any] = {
        "path": dataset.path,
        "digest": dataset.digest,
        "examples": len(examples),
        "expected": _counts(example.expected for example in examples),
        "tags": _counts(tag for example in examples for tag in set(example.tags)),
        "follow_ups": sum(_is_follow_up(example) for example in examples),
        "references": {
            **_given(len(example.references) for example in examples),
            "not_in_evidence": _not_in_evidence(examples, corpus) if corpus else None,
        },
        "evidence": {
            **_given(len(example.evidence) for example in examples),
            "spans": sum(item.start is not None for example in examples for item in example.evidence),
        },
        "question_length": _quantiles(lengths),
        "clusters": {"number": len(clusters), "largest": largest, "size": size},
        "duplicates": _duplicates(examples),
        "corpus": _corpus(examples, corpus) if corpus else None,
    }
    return {**found, "warnings": list(_warnings(found, examples))}


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _given(numbers: Iterable[int]) -> dict[str, int]:
    all_numbers = list(numbers)
    given = sum(number > 0 for number in all_numbers)
    return {"with": given, "without": len(all_numbers) - given, "total": sum(all_numbers)}


def _quantiles(lengths: list[int]) -> dict[str, float]:
    if not lengths:
        return {}
    values = np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1])
    return dict(zip(("min", "q25", "median", "q75", "max"), values.tolist(), strict=True))


def _is_follow_up(example: Example) -> bool:
    return any(message.role == "user" for message in example.messages[:-1])


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _duplicates(examples: tuple[Example, ...]) -> list[list[str]]:
    """Of whole conversations: two follow-ups may end with the same words and ask different things."""
    same: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for example in examples:
        conversation = tuple((message.role, _normal(message.content)) for message in example.messages)
        same.setdefault(conversation, []).append(example.id)
    return [ids for ids in same.values() if len(ids) > 1]


def _not_in_evidence(examples: tuple[Example, ...], corpus: Corpus) -> int:
    return sum(not _occurs(example, corpus) for example in examples if example.references and example.evidence)


def _occurs(example: Example, corpus: Corpus) -> bool:
    """Whether a reference stands in the evidence; one word inside another counts, since this only warns."""
    documents = (corpus.by_id.get(item.document) for item in example.evidence)
    texts = [
        _normal(document.text[item.start : item.end])
        for item, document in zip(example.evidence, documents, strict=True)
        if document
    ]
    return any(_normal(reference) in text for reference in example.references for text in texts)


def _corpus(examples: tuple[Example, ...], corpus: Corpus) -> dict[str, Any]:
    pointed_to = {item.document for example in examples for item in example.evidence}
    others = [document.id for document in corpus.documents if document.id not in pointed_to]
    return {
        "documents": len(corpus.documents),
        "characters": sum(len(document.text) for document in corpus.documents),
        "without_evidence": len(others),
        "such_as": others[:_MOST_NAMES],
    }


def _warnings(found: dict[str, Any], examples: tuple[Example, ...]) -> Iterable[str]:
    clusters, total = found["clusters"], found["examples"]
    if clusters["number"] < FEWEST_CLUSTERS:
        yield (
            f"{clusters['number']} clusters: an interval over fewer than {FEWEST_CLUSTERS} is rough: it is too narrow "
            "more often than it says"
        )
    if clusters["number"] > 1 and clusters["size"] > LARGEST_SHARE * total:
        yield f"cluster {clusters['largest']!r} holds {clusters['size']} of {total} examples"
    if missing := found["references"]["not_in_evidence"]:
        yield f"{missing} examples have no reference that occurs in the text of their evidence"
    if repeated := sum(len(ids) for ids in found["duplicates"]):
        yield f"{repeated} examples ask what another one asks"
    bare = sum(e.expected == "answer" and not e.references and not e.evidence for e in examples)
    if bare:
        yield f"{bare} examples expect an answer but have neither references nor evidence to compare it with"
