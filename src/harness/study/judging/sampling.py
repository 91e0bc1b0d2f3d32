"""A random sample of answers for people to label, blind: neither the variant nor a judge's score is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.store import StoredSweep
from harness.study.judging.judgements import judgements_of
from harness.study.judging.labels import labels_of, settle
from harness.study.judging.sights import Sight, sights_of


def draw(
    stored: StoredSweep, metric: str, count: int, seed: int = 0, by_variant: bool = False, passages: bool = True
) -> list[dict[str, Any]]:
    """Lines to be labelled, at most `count`, in random order.

    Each distinct answer has the same chance, hence each cell too, since a label holds for all cells with that answer.
    `by_variant` draws the same number from each variant instead; the lines then carry the weight that undoes it.
    Without `passages` they are not shown, and answers that differ only in them are one. What is labelled already is
    passed over, but for `by_variant`. Raises UserError where nothing is left to label.
    """
    sights = sights_of(stored)
    cells = [cell for cell in judgements_of(stored, metric) if cell in sights.of_cell]
    distinct = sights.of(cells, passages)
    random = np.random.default_rng(seed)
    if by_variant:
        chosen = _by_variant(distinct, count, random)
    else:
        known = settle([label for label in labels_of(stored) if label.metric == metric], distinct)
        left = [sight for sight in distinct if sight.id not in known]
        order = random.permutation(len(left))[:count]
        chosen = [(left[i], 1.0) for i in order]
    if not chosen:
        what = "is labelled already" if distinct else f"has a score of {metric}"
        raise UserError(f"{stored.id}: {'every' if distinct else 'no'} answer {what}; nothing is left to label")
    examples = {entry["id"]: entry for entry in stored.examples}
    scale = next(entry for entry in stored.metrics if entry["name"] == metric)
    texts = stored.texts if passages else {}
    return [
        {
            "id": sight.id,
            "sweep": stored.id,
            "metric": metric,
            "scale": {name: scale[name] for name in ("direction", "low", "high")},
            **shown(examples[sight.example]),
            **({"passages": passages_shown(sights.passages[sight.cells[0]], texts)} if passages else {}),
            "answer": sight.answer,
            "value": None,
            "by": "",
            "note": "",
            "weight": weight,
        }
        for sight, weight in chosen
    ]


def _by_variant(distinct: list[Sight], count: int, random: np.random.Generator) -> list[tuple[Sight, float]]:
    """An equal number from each variant. A sight that several variants gave is likelier to be drawn, by all of them."""
    groups: dict[str, list[int]] = {}
    for i, sight in enumerate(distinct):
        for variant in dict.fromkeys(cell[0] for cell in sight.cells):
            groups.setdefault(variant, []).append(i)
    each = max(1, count // max(1, len(groups)))
    missed = np.ones(len(distinct))
    drawn: set[int] = set()
    for members in groups.values():
        taken = min(each, len(members))
        drawn.update(int(i) for i in random.choice(members, taken, replace=False))
        missed[members] *= 1 - taken / len(members)
    order = random.permutation(sorted(drawn))
    return [(distinct[i], float(1 / (1 - missed[i]))) for i in order]


def shown(example: dict[str, Any]) -> dict[str, Any]:
    """What a person needs to know of an example."""
    *history, last = example["messages"]
    return {
        "question": last["content"],
        "history": history,
        "references": example["references"],
        "expected": example["expected"],
    }


def passages_shown(passages: list[dict[str, Any]], texts: Mapping[tuple[str, int, int], str]) -> list[dict[str, Any]]:
    """What a person sees of passages: document and text (None where it is not stored); no similarity."""
    return [{"document": p["document"], "text": texts.get((p["document"], p["start"], p["end"]))} for p in passages]
