"""Evidence that was missed, against the stored column and naive recomputation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.store import StoredSweep
from harness.study.board.retrieval.hits import passages_of
from harness.study.board.retrieval.missed import missed, rows_of
from tests.study.retrieved import RETRIEVAL, known_rows, made

Run = Callable[..., StoredSweep]


def test_missed_evidence_is_that_of_the_outcomes(run: Run) -> None:
    """The characters that the stored `missed` holds; cells, variants and examples that they are of."""
    stored = run(RETRIEVAL)
    rows, _ = known_rows(stored)
    lost: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        for e in row["missed"]:
            lost.setdefault((row["example"], row["repeat"]), []).append({**e, "variant": row["variant"]})
    assert lost
    found = missed(passages_of(stored))
    assert {example for row in found["pieces"] for example in row["examples_named"]} == {key[0] for key in lost}
    for row in found["pieces"]:
        (mine,) = [each for key, each in lost.items() if key[0] == row["examples_named"][0]]
        length = row["end"] - row["start"]
        assert row["lacking"] == pytest.approx(sum(e["end"] - e["start"] for e in mine) / length / 8)
        assert row["missed"] == sum(e["end"] - e["start"] == length for e in mine)
        assert row["missed"] + row["in_part"] == row["variants"] == len({e["variant"] for e in mine})
        assert (row["cells"], row["of_variants"], row["of_examples"]) == (8, 8, 1)
        assert set(row["variants_named"]) <= {e["variant"] for e in mine}
    shares = [row["lacking"] for row in found["pieces"]]
    assert shares == sorted(shares, reverse=True)
    assert list(rows_of(found["documents"], ("missed", "pieces"))[0]) == ["document", "missed", "pieces"]


@pytest.mark.parametrize("seed", range(3))
def test_missed_evidence_is_that_of_the_naive_way(tmp_path: Path, seed: int) -> None:
    """With evidence that examples share, with whole documents, with several pieces in one document."""
    stored = made(tmp_path, seed)
    rows, examples = known_rows(stored)
    asked = [
        (i, row["variant"], (e["document"], e["start"], e["end"]), _lacking(row["passages"], e))
        for i, row in enumerate(rows)
        for e in examples[row["example"]]["evidence"]
    ]
    found = missed(passages_of(stored))
    for row in found["pieces"]:
        mine = [each for each in asked if each[2] == (row["document"], row["start"], row["end"])]
        assert row["lacking"] == pytest.approx(np.mean([each[3] for each in mine]))
        assert row["cells"] == len({each[0] for each in mine})
        assert row["missed"] == len({each[0] for each in mine if each[3] == 1})
        assert row["in_part"] == len({each[0] for each in mine if 0 < each[3] < 1})
    for row in found["documents"]:
        mine = [each for each in asked if each[2][0] == row["document"]]
        assert row["lacking"] == pytest.approx(np.mean([each[3] for each in mine]))
        assert row["missed"] == len({each[0] for each in mine if each[3] == 1})
        assert row["variants"] == len({each[1] for each in mine if each[3]})
        places = {each[2] for each in mine}
        assert row["pieces"] == len(places)
        assert row["never_found"] == len(places - {each[2] for each in mine if each[3] < 1})
    assert {row["document"] for row in found["documents"]} == {each[2][0] for each in asked if each[3]}


def _lacking(passages: list[dict[str, Any]], evidence: dict[str, Any]) -> float:
    given = [set(range(p["start"], p["end"])) for p in passages if p["document"] == evidence["document"]]
    if evidence["start"] is None:
        return float(not given)
    wanted = set(range(evidence["start"], evidence["end"]))
    return len(wanted - set().union(*given)) / len(wanted)
