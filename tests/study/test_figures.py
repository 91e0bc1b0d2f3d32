"""Means say what they rest on, and ranking does not reward failing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness
from harness.config import load
from harness.errors import Incomplete
from harness.store import Folder, StoredSweep
from harness.study.exporting import export
from harness.study.figures import figures
from harness.study.loaded import Sweep
from harness.study.matrix import Matrix, matrices
from harness.study.ranking import rank
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import CONFIG, make_workspace, write

Run = Callable[..., StoredSweep]
FLAKY = """
def answer(request):
    if "parcels" in request.question:
        raise RuntimeError("the bot is ill")
    return request.passages[0] if request.passages else "I don't know."
"""


def matrix(columns: dict[str, list[float | None]], failed: dict[str, list[int]] | None = None) -> Matrix:
    """A matrix from columns; None is not scored, `failed` counts failed cells."""
    values = np.array([[np.nan if v is None else v for v in column] for column in columns.values()]).T
    lost = np.array(list(failed.values())).T if failed else np.zeros(values.shape, dtype=np.int64)
    scored = (~np.isnan(values)).astype(np.int64)
    examples = [str(i) for i in range(len(values))]
    return Matrix("m", list(columns), examples, np.arange(len(values)), values, scored, lost, lost)


def test_a_mean_counts_planned_scored_and_failed() -> None:
    """Two scored, one failed: the mean is over two, the bounds over three."""
    found = figures(matrix({"a": [1.0, 0.5, None]}, {"a": [0, 0, 1]}), 0.0, 1.0)["a"]
    assert (found.mean, found.n, found.failed, found.planned, found.answered) == (0.75, 2, 1, 3, 2)
    assert found.worst == 0.5
    assert found.best == pytest.approx(2.5 / 3)


def test_without_failures_the_bounds_are_the_mean() -> None:
    """Nothing to bound."""
    found = figures(matrix({"a": [1.0, 0.0]}), 0.0, 1.0)["a"]
    assert found.worst == found.best == found.mean == 0.5


def test_an_unbounded_metric_has_no_bounds_when_cells_failed() -> None:
    """Latency has no worst value."""
    found = figures(matrix({"a": [10.0, None]}, {"a": [0, 1]}), 0.0, None)["a"]
    assert found.best is None


def test_no_score_is_no_number() -> None:
    """A variant whose cells all failed has no mean, not zero and not NaN."""
    found = figures(matrix({"a": [None, None]}, {"a": [1, 1]}), 0.0, 1.0)["a"]
    assert found.mean is None
    assert found.low is None


def test_agreement_of_a_few_is_no_certainty() -> None:
    """Three examples all right: the interval reaches down to (0.025)^(1/3), not 1 to 1."""
    found = figures(matrix({"a": [1.0, 1.0, 1.0]}), 0.0, 1.0)["a"]
    assert found.high == 1.0
    assert found.low == pytest.approx(0.025 ** (1 / 3))


def test_a_variant_cannot_win_by_failing() -> None:
    """Where the hard questions failed, they count as wrong in the ranking."""
    scores = matrix(
        {"steady": [1.0, 1.0, 0.0, 1.0], "flaky": [1.0, None, None, 1.0]}, {"s": [0] * 4, "f": [0, 1, 1, 0]}
    )
    assert rank(scores, "maximize", 0.0).places[0].variant == "steady"


def test_what_cannot_be_told_apart_is_in_the_best_set() -> None:
    """Noise is in, a clearly worse variant is out."""
    random = np.random.default_rng(0)
    base = random.uniform(size=200)
    near = base + random.normal(0, 0.3, 200)
    columns = {"a": list(base + 0.01), "b": list(near), "c": list(base - 0.3 + random.normal(0, 0.1, 200))}
    found = rank(matrix(columns), "maximize", None)
    assert set(found.best_set) == {"a", "b"}
    assert found.detectable is not None


def test_minimize_ranks_the_other_way() -> None:
    """The smaller mean comes first."""
    found = rank(matrix({"a": [3.0, 3.0], "b": [1.0, 1.0]}), "minimize", None)
    assert [place.variant for place in found.places] == ["b", "a"]


def test_failed_cells_are_recorded_and_the_rest_is_scored(tmp_path: Path) -> None:
    """A bot that raises on one question: failures with their reason, no zero, no NaN; exit 3 beyond max_failures."""
    config = CONFIG.replace("model: local/extractive", "model: python:bot.py:answer")
    path = make_workspace(tmp_path, config + "max_failures: 0.5\n")
    write(tmp_path / "bot.py", FLAKY)
    stored = run_sweep(load(path), Options(), Progress())
    sweep = Sweep(stored)
    failed = sweep.outcomes[sweep.outcomes["failure"].notna()]
    assert len(failed) == 8
    assert failed["answer"].isna().all()
    assert failed["failure"].str.contains("the bot is ill").all()
    lost = sweep.scores[sweep.scores["failure"].notna()]
    assert lost["value"].isna().all()
    figure = sweep.summary["runs"][0]["metrics"]["correct"]
    assert (figure["planned"], figure["answered"], figure["n"], figure["failed"]) == (8, 7, 7, 1)
    with pytest.raises(Incomplete, match="max_failures"):
        run_sweep(load(path, ("max_failures=2",)), Options(fresh=True), Progress())


def test_frames_have_the_columns_of_the_contract(run: Run) -> None:
    """Variants, outcomes and scores as documented."""
    sweep = Sweep(run())
    assert {"variant", "run", "label", "chunk_size", "top_k"} <= set(sweep.variants)
    wanted = "variant example repeat answer passages input_tokens output_tokens cost_usd latency_ms wait_ms attempts"
    assert {*wanted.split(), "shared", "failure"} <= set(sweep.outcomes)
    assert {"variant", "example", "repeat", "metric", "value", "reason", "failure"} <= set(sweep.scores)
    passage = next(passages for passages in sweep.outcomes["passages"] if len(passages))[0]
    assert {"document", "start", "end", "text", "similarity", "score"} == set(passage)


def test_the_summary_is_the_mean_of_the_scores(run: Run) -> None:
    """Every figure can be had again with pandas."""
    sweep = Sweep(run())
    means = sweep.scores.groupby(["variant", "metric"])["value"].agg(["mean", "count"])
    for entry in sweep.summary["runs"]:
        for name, figure in entry["metrics"].items():
            expected = means.loc[(entry["variant"], name)]
            assert figure["mean"] == pytest.approx(expected["mean"], abs=1e-12)
            assert figure["n"] == expected["count"]


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("csv", pd.read_csv),
        ("parquet", pd.read_parquet),
        ("jsonl", lambda file: pd.read_json(file, lines=True)),
    ],
)
def test_exports_hold_all_rows(form: str, read: Callable[..., pd.DataFrame], run: Run, tmp_path: Path) -> None:
    """Each format gives back every row, and the same values."""
    sweep = Sweep(run())
    files = {file.stem: file for file in export(sweep, form, tmp_path / "out")}
    scores = read(files["scores"])
    assert len(scores) == len(sweep.scores)
    assert scores["value"].tolist() == pytest.approx(sweep.scores["value"].tolist())
    assert len(read(files["outcomes"])) == len(sweep.outcomes)


def test_runs_are_listed_filtered_and_sorted(run: Run, tmp_path: Path) -> None:
    """One row per run, with settings and means; conditions over both."""
    from harness.study.listing import find_rows

    run()
    frame = harness.runs(str(tmp_path / "runs"))
    assert len(frame) == 8
    assert frame["best"].sum() == 1
    rows = find_rows(str(tmp_path / "runs"), "chunk_size == 60 and `recall@3` >= 0.0", "-token_f1")
    assert len(rows) == 4
    assert [row["token_f1"] for row in rows] == sorted((row["token_f1"] for row in rows), reverse=True)


def test_a_kept_summary_can_be_deleted(run: Run) -> None:
    """It is derived: without it the same figures come from the rows."""
    stored = run()
    kept = summarise(stored, keep=True)
    (stored.folder.path / "summary.json").unlink()
    assert summarise(StoredSweep(Folder(stored.folder.path))) == kept


def test_the_matrix_has_a_cell_for_each_score(run: Run) -> None:
    """Rows are examples, columns variants; what does not apply is empty."""
    found = matrices(run())
    assert found["correct"].values.shape == (8, 8)
    assert np.isnan(found["token_f1"].values[-1]).all()
