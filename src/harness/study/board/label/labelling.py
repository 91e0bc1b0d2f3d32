"""People who label answers blind: which come next, what was given, how far two agree. Labels are only ever added."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from harness.errors import UserError
from harness.records import digest
from harness.store import Folder, StoredSweep, additions
from harness.store.layout import EXIT, HEADER, LABELS, OUTCOMES_TABLE, PASSES, SCORES_TABLE
from harness.study.board.label.pool import Item
from harness.study.board.label.questions import Question
from harness.study.judging.agreement import Agreement, agreement
from harness.study.judging.cautions import calibration_of, poor, runs_of
from harness.study.judging.labels import Label, Settled, labels_in, settle

LONGEST_NAME = 80
_PLAIN = 1.0
"""The weight of an answer that had the same chance of being drawn as any other."""


def reviewer(name: str) -> str:
    """The name that labels are given under. Raises UserError for one that cannot be."""
    found = " ".join(name.split())
    if not found or len(found) > LONGEST_NAME or not found.isprintable():
        raise UserError(f"name yourself in 1 to {LONGEST_NAME} printable characters, found {name[:100]!r}")
    return found


def marks(runs: str, name: str) -> tuple[Any, ...]:
    """A value that changes when a sweep's answers or scores do, and not when labels come in; () in object storage."""
    folder = Folder(runs) / name
    if not folder.is_local:
        return ()
    found: list[Any] = [sorted(each.name for each in os.scandir(folder.path / PASSES))] if folder.has(PASSES) else []
    for file in (HEADER, EXIT, OUTCOMES_TABLE, SCORES_TABLE):
        told = (folder.path / file).stat() if folder.has(file) else None
        found.append(told and (told.st_size, told.st_mtime_ns))
    return tuple(map(str, found))


class Kept:
    """The labels of a sweep. A file is read once, since none is ever changed."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder / LABELS
        self._files: dict[str, list[Label]] = {}

    def look(self) -> list[Label]:
        """All labels that are there now, oldest first. Raises UserError for files that cannot be read."""
        names = additions.names(self._folder, ".jsonl")
        for name in names:
            if name not in self._files:
                self._files[name] = labels_in(additions.lines_of(self._folder, name))
        return [label for name in names for label in self._files[name]]


@dataclass(frozen=True)
class Sample:
    """One person's part: the items by id in the drawn order, what the person gave, and what is to come, next first."""

    items: dict[str, Item]
    own: dict[str, Label]
    queue: list[str]

    @property
    def given(self) -> list[str]:
        """The items with a label of this person, that of the last label last."""
        return [each for each in self.own if each in self.items]


def sample(items: Sequence[Item], labels: Iterable[Label], asked: Question, by: str, count: int, seed: int) -> Sample:
    """Which of the items (in the drawn order) are this person's, and in which order they come.

    Those with a label of the person's own count first, then those that others labelled, so that both have the same,
    then the first ones in the drawn order. What comes next is shuffled for each person, those that others labelled
    first. Where labels have weights of their own (`harness labels sample --by-variant`), nothing is added to that draw.
    """
    mine, known = _of(labels, asked), _settled(items, labels, asked)
    own = _own(items, mine, by)
    theirs = {name for name, each in known.items() if asked.metric is None or each.weight is not None}
    mixed = any(each.weight not in (None, _PLAIN) for each in known.values())
    names = [item.sight.id for item in items if not mixed or item.sight.id in theirs or item.sight.id in own]
    chosen = sorted(names, key=lambda name: (name not in own, name not in theirs))[:count]
    to_come = (name for name in chosen if name not in own)
    queue = sorted(to_come, key=lambda name: (name not in theirs, digest("order", by, seed, name)))
    by_id = {item.sight.id: item for item in items}
    return Sample({name: by_id[name] for name in chosen}, own, queue)


def outside(items: Iterable[Item], labels: Iterable[Label], asked: Question) -> frozenset[tuple[str, str]]:
    """Example and answer of the labels that are of none of the items."""
    known = {(item.sight.example, item.sight.answer) for item in items}
    return frozenset((label.example, label.answer) for label in _of(labels, asked)) - known


def give(
    folder: Folder,
    asked: Question,
    item: Item,
    labels: Iterable[Label],
    *,
    value: float,
    by: str,
    note: str = "",
    adjudicated: bool = False,
) -> Label:
    """Keep a label, in a file of its own, at once. Raises UserError where it cannot be written."""
    known = _settled([item], labels, asked).get(item.sight.id)
    drawn = _PLAIN if known is None or known.weight is None else known.weight
    label = Label(
        item.sight.example,
        item.sight.answer,
        asked.name,
        value,
        by,
        note=note,
        context=item.sight.context,
        weight=None if asked.metric is None else drawn,
        adjudicated=adjudicated,
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        asked=asked.way,
    )
    additions.add_lines(folder / LABELS, [label.as_json()])
    return label


def agreements(found: Sample, labels: Iterable[Label], asked: Question) -> list[tuple[tuple[str, str], Agreement]]:
    """How each two people agree in the answers that the person of this sample labelled, too."""
    settled = _both(found, labels, asked)
    people = sorted({name for each in settled.values() for name in each.by})
    rows = []
    for pair in combinations(people, 2):
        both = [name for name, each in settled.items() if all(one in each.by for one in pair)]
        if both:
            first, second = ([settled[name].by[one] for name in both] for one in pair)
            clusters = [found.items[name].cluster for name in both]
            rows.append((pair, agreement(first, second, clusters, asked.at, asked.at_most, alike=True)))
    return rows


def disputes(found: Sample, labels: Iterable[Label], asked: Question) -> list[dict[str, Any]]:
    """The answers of the sample that people disagree about: `id`, `by` (values by person), `settled` (None: open)."""
    mine = _of(labels, asked)
    final = _settled(list(found.items.values()), [label for label in mine if label.adjudicated], asked)
    return [
        {"id": name, "by": dict(each.by), "settled": final[name].value if name in final else None}
        for name, each in _both(found, mine, asked).items()
        if len(set(each.by.values())) > 1
    ]


def calibrated(stored: StoredSweep, asked: Question) -> dict[str, Any] | None:
    """The calibration of the question's metric that counts, with what speaks against it (`poor`); None without any."""
    if asked.metric is None:
        return None
    record = calibration_of(runs_of(stored), asked.identity)
    return None if record is None else {**record, "poor": poor(record)}


def _of(labels: Iterable[Label], asked: Question) -> list[Label]:
    return [label for label in labels if label.metric == asked.name]


def _settled(items: Sequence[Item], labels: Iterable[Label], asked: Question) -> dict[str, Settled]:
    return settle(_of(labels, asked), [item.sight for item in items])


def _both(found: Sample, labels: Iterable[Label], asked: Question) -> Mapping[str, Settled]:
    """What is known of the items that the person of the sample labelled."""
    return _settled([found.items[name] for name in found.given], labels, asked)


def _own(items: Sequence[Item], labels: Iterable[Label], by: str) -> dict[str, Label]:
    """A person's last label of each item, the last given last; one without passages holds whatever they were."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for item in items:
        for context in {item.sight.context, ""}:
            places.setdefault((item.sight.example, item.sight.answer, context), []).append(item.sight.id)
    own: dict[str, Label] = {}
    for label in labels:
        if label.by == by and not label.adjudicated:
            for name in places.get((label.example, label.answer, label.context), []):
                if name not in own or label.context or not own[name].context:
                    own.pop(name, None)
                    own[name] = label
    return own
