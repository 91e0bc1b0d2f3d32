"""The page of one sweep: where it comes from, what its charts leave out, tables that people can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from harness.app.sweep import axes
from harness.store import StoredSweep
from harness.study.board.overview import short_name
from tests.app.conftest import Draw, table, texts
from tests.workspaces import CONFIG

Run = Callable[..., StoredSweep]
MANY = CONFIG.replace("[60, 120]", "[60, 70, 80, 90, 100, 110, 120, 130]")
OURS = {"place", "metric", "unit", "mean", "difference", "p", "level", "axis", "variants", "tag", "examples"}
OURS |= {"clusters", "verdict", "caution", "cells", "messages"}
"""Names of columns that are words as they are."""


def drawn(test: AppTest, column: str) -> Any:
    """The first table with that column, as it is drawn."""
    return next(each for each in test.dataframe if column in each.value.columns)


def labels(shown: Any) -> dict[str, str]:
    """What a drawn table says above its columns, by their names."""
    config = json.loads(shown.proto.columns)
    return {name: str(config.get(name, {}).get("label") or name) for name in shown.value.columns}


def test_a_sweep_tells_where_it_comes_from(draw: Draw, stories: StoredSweep) -> None:
    """When in UTC, who, which commit, which dataset: in one line below its name."""
    test = draw(stories.folder.path.parent, "sweep", sweep=stories.id)
    header = stories.header
    said = texts(test)
    began = header["created"][:16].replace("T", " ")
    assert f"Began {began} UTC · by {header['by']} · " in said
    assert f"dataset questions.jsonl, 8 examples, digest {header['dataset']['digest'][:8]}" in said


def test_charts_say_what_they_leave_out(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 variants are drawn of 32, and levels likewise; the tables have all."""
    monkeypatch.setattr(axes, "LEVELS", 10)
    stored = run(MANY)
    test = draw(stored.folder.path.parent, "sweep", sweep=stored.id)
    assert not test.exception and not test.error
    said = texts(test)
    assert "The first 30 of 32 variants are drawn; the table has all." in said
    assert "The first 10 of 12 levels are drawn; the table has all." in said
    assert (len(table(test, "in_best_set")), len(table(test, "variants"))) == (32, 12)


def test_charts_that_have_all_say_nothing_of_it(draw: Draw, stories: StoredSweep) -> None:
    """Eight variants, six levels."""
    assert "are drawn" not in texts(draw(stories.folder.path.parent, "sweep", sweep=stories.id))


def test_tables_have_names_that_people_read(draw: Draw, run: Run) -> None:
    """Above each column of each table, units too; an empty cell is empty."""
    stored = run(overrides=("metrics=[correct, latency_ms]",))
    test = draw(stored.folder.path.parent, "sweep", sweep=stored.id)
    assert len(test.dataframe) == 6
    for shown in test.dataframe:
        assert shown.proto.placeholder == "" and shown.proto.HasField("placeholder")
        for name, label in labels(shown).items():
            own = name in OURS or name.endswith((" ", "(mean)"))
            assert own or label != name, f"{name} is a raw name"
    ranking = labels(drawn(test, "in_best_set"))
    assert (ranking["score"], ranking["usd_per_1000"]) == ("correct, mean", "cost of 1,000 answers, USD")
    assert (ranking["latency_ms (mean)"], ranking["chunk_size "]) == ("latency_ms, ms", "chunk_size")


def test_variants_have_their_short_names_and_their_ids_last(draw: Draw, stories: StoredSweep) -> None:
    """In the ranking, the front and the slices; settings that are numbers can be sorted as such."""
    test = draw(stories.folder.path.parent, "sweep", sweep=stories.id)
    short = {entry["id"]: short_name(entry) for entry in stories.variants}
    for column in ("in_best_set", "on_front"):
        rows = table(test, column)
        assert list(rows.columns[:2]) == ["place", "name"] and rows.columns[-1] == "variant"
        assert list(rows["name"]) == [short[variant] for variant in rows["variant"]]
    tags = table(test, "ahead_name")
    assert list(tags["ahead_name"]) == [short[variant] for variant in tags["ahead"]]
    assert table(test, "in_best_set")["chunk_size "].dtype.kind == "i"


def test_two_kinds_of_intervals_are_told_apart(draw: Draw, stories: StoredSweep) -> None:
    """Those of one variant's metrics hold for one mean alone, those of the ranking for all at once."""
    said = texts(draw(stories.folder.path.parent, "sweep", sweep=stories.id))
    assert "Intervals hold for all variants at once." in said
    assert "holds for its one mean alone. Those of the ranking hold for all variants at once, and are wider." in said


def test_damaged_files_are_told(draw: Draw, run: Run) -> None:
    """By file and line, without where on the machine they lie; a sound sweep has no such hint."""
    stored = run()
    runs = stored.folder.path.parent
    assert "damaged" not in texts(draw(runs, "sweep", sweep=stored.id))
    variants = stored.folder.path / "variants.jsonl"
    variants.write_bytes(variants.read_bytes() + b'{"id": "x", "lab\n')
    test = draw(runs, "sweep", sweep=stored.id)
    [warning] = test.warning
    said = str(warning.value).replace("\\", "")
    assert "Some files of this sweep are damaged" in said and "variants.jsonl:10: this line is broken" in said
    assert str(runs) not in said
