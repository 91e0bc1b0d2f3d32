"""What the page of a sweep says of its origin, and names of variants that fit."""

from __future__ import annotations

from typing import Any

from harness.study.board.overview import origin_of, ranking_rows, short_name


def header(**more: Any) -> dict[str, Any]:
    """A sweep's header, as far as its origin goes."""
    dataset = {"path": "/data/sets/questions.jsonl", "examples": 1, "digest": "0123456789abcdef"}
    git = {"commit": "fedcba9876543210", "dirty": True}
    return {"created": "2026-03-01T01:30:00+02:00", "by": "ann", "git": git, "dataset": dataset, **more}


def test_the_origin_is_one_line() -> None:
    """The time in UTC, whatever zone it was stored in; no folder of the machine; short digests."""
    assert origin_of(header()) == (
        "Began 2026-02-28 23:30 UTC · by ann · commit fedcba98, with uncommitted changes · "
        "dataset questions.jsonl, 1 example, digest 01234567"
    )


def test_an_origin_that_was_not_recorded_says_so() -> None:
    """Imported results, a header of an older version."""
    bare = header(imported=True, git={}, by=None, dataset={"path": ""}, created="yesterday")
    assert origin_of(bare) == "Imported yesterday · who is not recorded · no commit · dataset without a name"
    assert origin_of({}).startswith("Began at a time that was not recorded · ")


def test_short_names_cut_the_longest_value_first() -> None:
    """So that variants which differ in a setting behind it keep names of their own."""
    names = {
        short_name({"id": "x", "params": {"prompt": "p" * 60, "top_k": k, "threshold": t}}, 30)
        for k in (1, 3)
        for t in (0.1, 0.2)
    }
    assert len(names) == 4 and all(len(name) <= 30 for name in names)
    assert short_name({"id": "x", "label": "as run", "params": {}}) == "as run"


def test_settings_in_the_ranking_are_numbers_where_all_are() -> None:
    """An empty one is an empty text, no dash; true and false are texts."""
    params: list[dict[str, Any]] = [
        {"top_k": 1, "reranker": None, "strict": True},
        {"top_k": 3, "reranker": "cross", "strict": False},
    ]
    blank = dict.fromkeys(("score", "low", "high", "p", "usd", "latency_ms"))
    counts = {"place": 1, "in_best_set": True, "n": 0, "failed": 0, "metrics": {}}
    rows = [{"variant": f"v{i}", "label": f"v{i}", "params": each, **blank, **counts} for i, each in enumerate(params)]
    first, second = ranking_rows({"axes": list(params[0]), "rows": rows}, {"v0": "the first"})
    assert (first["top_k "], first["reranker "], first["strict "]) == (1, "", "true")
    assert (second["top_k "], second["reranker "], second["strict "]) == (3, "cross", "false")
    assert (first["name"], second["name"]) == ("the first", "v1")
