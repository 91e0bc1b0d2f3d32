"""A part of a dataset by limit and condition."""

from __future__ import annotations

import pytest

from harness.data import Dataset, select
from harness.errors import UserError
from harness.records import Example, Message

DATASET = Dataset(
    "d.jsonl",
    tuple(
        Example(
            f"e{n}",
            (Message("user", f"Question {n}?"),),
            references=("yes",) * (n % 2),
            expected="answer" if n % 2 else "abstain",
            tags=("billing",) if n < 3 else ("login", "hard"),
            metadata={"level": n} if n else {},
            cluster=f"c{n // 2}",
        )
        for n in range(6)
    ),
)


def ids(limit: int | None = None, where: str | None = None, seed: int = 0) -> list[str]:
    """The ids that are selected."""
    return [e.id for e in select(DATASET, limit, where, seed).examples]


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("'billing' in tags", ["e0", "e1", "e2"]),
        ("metadata.get('level', 0) > 3", ["e4", "e5"]),
        ("metadata.level is defined and metadata.level == 2", ["e2"]),
        ("expected == 'abstain' and 'hard' in tags", ["e4"]),
        ("references | length == 1 and cluster != 'c0'", ["e3", "e5"]),
        ("id in ['e5', 'e1'] or '0?' in question", ["e0", "e1", "e5"]),
        ("'}}' not in question and id == 'e3'", ["e3"]),
    ],
)
def test_where(where: str, chosen: list[str]) -> None:
    """A condition keeps the examples for which it holds, in their order."""
    assert ids(where=where) == chosen


def test_limit() -> None:
    """The limit takes the first ones that the condition left, whatever the seed."""
    assert ids(2) == ["e0", "e1"]
    assert ids(2, "'login' in tags") == ["e3", "e4"] == ids(2, "'login' in tags", seed=9)
    assert len(ids(100)) == 6


def test_digest_follows() -> None:
    """A part has its own digest; the whole keeps that of the dataset."""
    assert select(DATASET, None, None, 0).digest == DATASET.digest
    assert select(DATASET, 3, None, 0).digest != DATASET.digest


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("'billing' in tag", "unknown name 'tag'.*\n.*did you mean 'tags'"),
        ("range(3)", "unknown name 'range'"),
        ("'billing' in", "is no expression"),
        ("", "is no expression"),
        ("id }} {{ id", "is no expression"),
        ("id | shout", "is no expression.*shout"),
        ("metadata.levle == 1", "(?s)levle.*did you mean 'level'"),
        ("metadata.level == 1", r"(?s)fails for example 'e0'.*write metadata\.get\('level'\)"),
        ("metadata.level", "fails for example 'e0'"),
        ("question > 1", "fails for example 'e0'"),
        ("1 / 0", "fails for example 'e0'"),
        ("tags.append('x')", "fails for example 'e0'"),
        ("question.__class__.__mro__", "fails for example 'e0'"),
        ("id == 'none'", "holds for none of 6 examples"),
    ],
)
def test_bad_condition(where: str, said: str) -> None:
    """A condition that cannot be read, evaluated or met is the user's mistake, with advice."""
    with pytest.raises(UserError, match=said):
        select(DATASET, None, where, 0)


@pytest.mark.parametrize("limit", [0, -1])
def test_bad_limit(limit: int) -> None:
    """A limit below one is refused: an empty dataset proves nothing."""
    with pytest.raises(UserError, match=r"dataset\.limit"):
        select(DATASET, limit, None, 0)
