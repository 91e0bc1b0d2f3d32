"""The examples of imported results: with names of their own, or those of a dataset that was given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.data import Dataset, read_dataset
from harness.errors import Mistake, Place, advice
from harness.importing.refusals import refusal
from harness.records import Example, Message

_NEAR = 20


def named(examples: Mapping[str, Example], title: str) -> tuple[Dataset, dict[str, Example]]:
    """The dataset of the examples, and each example by its key.

    Ids and clusters that a file leaves out are made as for a dataset: 12 hex digits of the content's digest, with `-2`,
    `-3`, … for equal content; the first evidence document, else the id. So equal questions have equal ids everywhere.
    """
    taken = {example.id for example in examples.values() if example.id}
    found = {}
    for key, example in examples.items():
        name = example.id or _free(example.digest[:12], taken)
        taken.add(name)
        default = example.evidence[0].document if example.evidence else name
        found[key] = replace(example, id=name, cluster=example.cluster or default)
    return Dataset(title, tuple(found.values())), found


def matched(examples: Mapping[str, Example], path: Path) -> tuple[Dataset, dict[str, Example]]:
    """The lines of a dataset that the examples are: by id and question, else by question. Only these are kept.

    Raises UserError for a dataset that is wrong, and with every example that is not in it, or in it more than once.
    """
    whole = read_dataset(path)
    by_id = {example.id: example for example in whole.examples}
    by_question: dict[tuple[Message, ...], list[Example]] = {}
    by_last: dict[str, list[Example]] = {}
    for example in whole.examples:
        by_question.setdefault(example.messages, []).append(example)
        by_last.setdefault(_plain(example.question), []).append(example)
    mistakes: list[Mistake] = []
    found: dict[str, Example] = {}
    for key, example in examples.items():
        known = by_id.get(example.id)
        if known is not None and (_is_bare(example) or _plain(known.question) == _plain(example.question)):
            found[key] = known
            continue
        near = by_question.get(example.messages) or by_last.get(_plain(example.question)) or []
        if len(near) == 1:
            found[key] = near[0]
        else:
            mistakes.append(_lost(example, near, path, list(by_id)))
    counts = Counter(example.id for example in found.values())
    for key, same in found.items() if not mistakes else ():
        if counts[same.id] > 1:
            said = f"{same.id!r} is what several imported examples are, such as {examples[key].question[:60]!r}"
            mistakes.append(Mistake(Place(str(path)), said, "give the imported examples the ids of the dataset"))
    if mistakes:
        raise refusal(mistakes)
    kept = {example.id for example in found.values()}
    return Dataset(str(path), tuple(example for example in whole.examples if example.id in kept)), found


def _lost(example: Example, near: list[Example], path: Path, ids: list[str]) -> Mistake:
    what = f"{example.id or 'an example'} ({example.question[:60]!r})"
    if near:
        names = ", ".join(other.id for other in near[:5])
        return Mistake(Place(str(path)), f"{what} may be any of {names}", "give it the id of one of them")
    close = advice(example.id, ids[:_NEAR], "ids") if example.id else ""
    return Mistake(Place(str(path)), f"{what} is not in the dataset", close)


def _is_bare(example: Example) -> bool:
    """Whether only the id is known."""
    return example.question == example.id


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _free(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
