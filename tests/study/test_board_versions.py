"""The registry as the dashboard shows and changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.board.versions import (
    Intent,
    between,
    carried_out,
    in_full,
    previous,
    proposed,
    shown,
    state_of,
    weight_of,
)
from harness.study.registry import promote, registry_of, rollback
from harness.study.registry.record import record_of

Run = Callable[..., StoredSweep]


class Sweep(NamedTuple):
    """A folder of runs, and three runs in it."""

    runs: str
    names: list[str]


@pytest.fixture
def swept(run: Run) -> Sweep:
    """A sweep of which nothing was promoted."""
    stored = run()
    return Sweep(str(stored.folder.path.parent), [f"{stored.id}/{entry['id']}" for entry in stored.variants[:3]])


def promoted(swept: Sweep, *order: int, alias: str = "production") -> None:
    """Promote runs, one after the other."""
    runs = Folder(swept.runs)
    stored = StoredSweep(runs / swept.names[0].partition("/")[0])
    for number in order:
        record = record_of(stored, stored.variants[number])
        promote(runs, record, alias, reason=f"run {number}", by="ann", force=True, without_calibration=True)


def intent(swept: Sweep, number: int, **more: Any) -> Intent:
    """The intent to promote a run, as it looks now."""
    told = proposed(swept.runs, swept.names[number])
    overruled = tuple(each["option"] for each in told["objections"])
    entries = len(registry_of(swept.runs).entries)
    made = Intent("promote", "production", swept.names[number], "why", "bob", entries, told["seen"], overruled)
    return replace(made, **more)


def test_an_alias_shows_what_the_registry_holds(swept: Sweep) -> None:
    """Score, digests, since when, by whom, why; the history is that of the registry."""
    assert shown(swept.runs) == {"aliases": [], "versions": [], "history": [], "entries": 0}
    promoted(swept, 0, 1)
    found, version = shown(swept.runs), registry_of(swept.runs).current("production")
    [alias] = found["aliases"]
    assert (alias["alias"], alias["by"], alias["reason"], alias["since"]) == (
        "production",
        "ann",
        "run 1",
        registry_of(swept.runs).history()[-1].time,
    )
    told = alias["evidence"]
    assert (told["version"], told["run"], told["mean"], told["n"]) == (
        2,
        swept.names[1],
        version.score["mean"],
        version.score["n"],
    )
    assert told["dataset"] == version.record["dataset"]["digest"]
    assert [each["aliases"] for each in found["versions"]] == [[], ["production"]]
    assert in_full(swept.runs, 2)["yaml"] == version.yaml()
    assert state_of(swept.runs, 2) == {"state": "unchanged", "files": []}
    assert between(swept.runs, 1, 2)["settings"]


def test_a_promotion_is_that_of_the_command(swept: Sweep) -> None:
    """Entry, version, who, why, what was overruled."""
    change = carried_out(swept.runs, intent(swept, 0))
    assert (change.version, change.by, change.reason) == (1, "bob", "why")
    told = proposed(swept.runs, swept.names[0])
    assert list(change.overruled) == [each["found"] for each in told["objections"]]
    again = replace(intent(swept, 0), source="@v1", alias="staging", seen=proposed(swept.runs, "@v1")["seen"])
    assert carried_out(swept.runs, again).version == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"expected": 7}, "fewer entries than it had"),
        ({"seen": "another"}, "no longer what was shown"),
        ({"reason": " "}, "the reason is empty"),
        ({"by": " "}, "nobody is named"),
        ({"alias": "latest"}, "cannot be an alias"),
        ({"source": "../x/y"}, "there is no sweep"),
    ],
)
def test_what_is_refused_writes_nothing(swept: Sweep, more: dict[str, Any], said: str) -> None:
    """Each with its reason."""
    made = intent(swept, 0, **more)
    with pytest.raises(UserError, match=said):
        carried_out(swept.runs, made)
    assert not (Path(swept.runs) / "_registry").exists()


def test_an_objection_that_was_not_overruled_stands(swept: Sweep) -> None:
    """However the intent was made."""
    exit_ = Path(swept.runs) / swept.names[0].partition("/")[0] / "exit.json"
    exit_.write_text(exit_.read_text().replace("complete", "interrupted"))
    with pytest.raises(UserError, match="its sweep is interrupted"):
        carried_out(swept.runs, intent(swept, 0, overruled=()))
    assert carried_out(swept.runs, intent(swept, 0)).overruled[0] == "its sweep is interrupted"


def test_who_came_in_between_is_named(swept: Sweep) -> None:
    """The first of those who did."""
    made = intent(swept, 0)
    promoted(swept, 1)
    with pytest.raises(UserError, match="production was made version 1 by ann"):
        carried_out(swept.runs, made)
    assert len(registry_of(swept.runs).entries) == 1


def test_a_rollback_offers_first_what_the_command_would_take(swept: Sweep) -> None:
    """After each of several promotions and rollbacks in a row."""
    promoted(swept, 0, 1, 2)
    for left in (2, 1):
        first = previous(shown(swept.runs)["history"], "production")[0]
        assert rollback(Folder(swept.runs), "production", reason="x", by="ann").version == first == left
    promoted(swept, 2, 0)
    held = previous(shown(swept.runs)["history"], "production")
    change = carried_out(swept.runs, Intent("rollback", "production", str(held[0]), "x", "eve", 7))
    assert (held[0], change.version, change.by) == (3, 3, "eve")
    assert previous([], "production") == []


def test_the_weight_of_a_run_is_known_on_a_disk_alone(swept: Sweep) -> None:
    """In object storage its files are read when somebody asks."""
    sweep = swept.names[0].partition("/")[0]
    assert (weight_of(swept.runs, sweep) or 0) > 1000
    assert weight_of(swept.runs, "gone") == 0
    assert weight_of("memory://runs", sweep) is None
