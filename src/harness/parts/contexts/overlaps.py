"""Passages that share characters of a document: given once, joined, or left out. All lists are best first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from harness.records import Passage
from harness.records.intervals import common, union

_DROP_SHARE = 0.5
"""A passage is left out when so much of it, or more, is given already."""


def distinct(passages: Sequence[Passage]) -> Sequence[Passage]:
    """Each span once, where it stands first. Two chunks of one parent give the same span."""
    spans = {(p.document, p.start, p.end) for p in passages}
    if len(spans) == len(passages):
        return passages
    best: dict[tuple[str, int, int], Passage] = {}
    for passage in passages:
        best.setdefault((passage.document, passage.start, passage.end), passage)
    return list(best.values())


def merged(passages: Sequence[Passage]) -> list[Passage]:
    """Passages that overlap or touch become one, with the place, score and similarity of the best of them."""
    ranks = {id(passage): rank for rank, passage in enumerate(passages)}
    groups: list[list[Passage]] = []
    end = 0
    for passage in sorted(passages, key=lambda p: (p.document, p.start, p.end)):
        if groups and groups[-1][0].document == passage.document and passage.start <= end:
            groups[-1].append(passage)
            end = max(end, passage.end)
        else:
            groups.append([passage])
            end = passage.end
    groups.sort(key=lambda group: min(ranks[id(passage)] for passage in group))
    return [_joined(group, min(group, key=lambda p: ranks[id(p)])) for group in groups]


def _joined(group: list[Passage], best: Passage) -> Passage:
    """One passage of those that follow each other without a gap, ordered by their starts."""
    if len(group) == 1:
        return best
    end, texts = group[0].start, []
    for passage in group:
        if passage.end > end:
            texts.append(passage.text[end - passage.start :])
            end = passage.end
    return dataclasses.replace(best, start=group[0].start, end=end, text="".join(texts))


def without_repeats(passages: Sequence[Passage]) -> list[Passage]:
    """Leaves out a passage of whose characters better ones hold half or more."""
    given: dict[str, list[tuple[str, int, int]]] = {}
    kept = []
    for passage in passages:
        span = (passage.document, passage.start, passage.end)
        before = given.setdefault(passage.document, [])
        held = common(union(before), union([span])) if before else 0
        if not held or held < _DROP_SHARE * (passage.end - passage.start):
            before.append(span)
            kept.append(passage)
    return kept
