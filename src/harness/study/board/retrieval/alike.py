"""Variants that retrieve alike, and what a new cut of their passages can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.study.board.overview import short_name
from harness.study.board.retrieval.passages import Passages
from harness.study.report import amounts
from harness.study.report.texts import short

_NAME = 90


@dataclass(frozen=True)
class Group:
    """Variants that retrieve alike: `variant` stands for all. `threshold` is the one that they ran with.

    `told` is False where the settings are not there to tell it, as in imported results.
    """

    variant: str
    label: str
    variants: tuple[str, ...]
    threshold: float | None
    told: bool
    cautions: tuple[str, ...]


def grouped(
    entries: Sequence[Mapping[str, Any]], cells: Mapping[str, int], settings: Mapping[str, Mapping[str, Any]]
) -> list[Group]:
    """Variants by their settings of retrieval, those with the lowest threshold first: most can be known of them.

    The one with most cells stands for its group; `settings` (name -> variant -> value) name it. Without such settings,
    as in imported results, every variant is one of its own.
    """
    together: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        tree = tree_of(entry)
        key = json.dumps(tree, sort_keys=True, default=str) if tree else str(entry["id"])
        together.setdefault(key, []).append(entry)
    found = [_group(alike, cells, settings) for alike in together.values()]
    return sorted(found, key=lambda group: -np.inf if group.threshold is None else group.threshold)


def tree_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A variant's settings of retrieval; empty where it has none, or is imported."""
    found = (entry.get("chatbot") or {}).get("retrieval")
    return dict(found) if isinstance(found, Mapping) else {}


def least(groups: Sequence[Group]) -> float | None:
    """The lowest threshold at which all of these are known: the highest that any ran with; None where none was set."""
    given = [group.threshold for group in groups if group.threshold is not None]
    return max(given) if given else None


def limits(known: Passages, groups: Sequence[Group]) -> list[str]:
    """What figures of cut passages rest on, and what they cannot tell, as sentences; cautions begin with `!`."""
    cells, low = amounts.plural(len(known.variant), "cell"), least(groups)
    said = [f"Of {amounts.plural(len(known.cell), 'stored passage')} of {cells}; n counts cells."]
    said.append("Noise is that of cells which have a passage left: its n falls as the threshold rises.")
    if not all(group.told for group in groups):
        said.append("! These results do not tell the threshold that they were made with: what it cut off is not known.")
    elif low is None:
        said.append("The run had no threshold: every passage that was retrieved can be cut.")
    else:
        several = ", the highest of those chosen" if len({group.threshold for group in groups}) > 1 else ""
        said.append(f"The run had the threshold {low:g}{several}: what lies below was not stored, and is not known.")
    said.append(
        "The answers and their scores were made with the passages of the run, not with those that are left here."
    )
    bare = int(np.isnan(known.similarity).sum())
    if bare:
        said.append(f"! {amounts.plural(bare, 'passage')} without a similarity cannot be cut and stay throughout.")
    if not known.expects("abstain").any():
        said.append("! No example is expected to be abstained from: what a threshold is good for does not show.")
    cautions = dict.fromkeys(caution for group in groups for caution in group.cautions)
    said += [f"! A run with a higher threshold may differ: {caution}." for caution in cautions]
    shared = sum(len(group.variants) for group in groups if len(group.variants) > 1)
    if shared:
        said.append(f"{amounts.plural(shared, 'variant')} retrieve alike: the passages are those of one.")
    return said


def _group(
    entries: Sequence[Mapping[str, Any]], cells: Mapping[str, int], settings: Mapping[str, Mapping[str, Any]]
) -> Group:
    first = max(entries, key=lambda entry: cells.get(entry["id"], 0))
    tree = tree_of(first)
    named = (f"{name} {amounts.setting(by.get(first['id']))}" for name, by in settings.items())
    label = short(" · ".join(named) or ("as every variant" if tree else short_name(dict(first))), _NAME)
    threshold = tree.get("similarity_threshold")
    known = float(threshold) if isinstance(threshold, int | float) else None
    return Group(
        str(first["id"]), label, tuple(str(e["id"]) for e in entries), known, bool(tree), tuple(_cautions(tree))
    )


def _cautions(tree: Mapping[str, Any]) -> Iterator[str]:
    """Why a new cut of stored passages may differ from a run with that threshold."""
    reranker, context = tree.get("reranker") or {}, tree.get("context") or {}
    if isinstance(reranker, Mapping) and reranker.get("top_n") is not None:
        yield f"the reranker kept {reranker['top_n']} after the threshold, and others could move up"
    if isinstance(context, Mapping):
        if context.get("context_tokens") is not None:
            yield f"only {context['context_tokens']} tokens of passages were kept, and others could move up"
        if context.get("overlaps") == "merge":
            yield "passages that were merged have the similarity of the best of them, and are cut as one"
        if context.get("overlaps") == "drop":
            yield "passages that overlapped better ones were left out, and some could be back"
