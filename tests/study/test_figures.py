"""Means say what they rest on, and ranking does not reward failing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import harness
from harness.cli.main import command
from harness.config import load
from harness.errors import Incomplete
from harness.records import Scale
from harness.store import Folder, StoredSweep
from harness.study.cells import Cells, cells
from harness.study.choosing.matrix import Matrix, matrices
from harness.study.choosing.ranking import rank
from harness.study.exporting import export
from harness.study.figures import figures, scale_of, whole_figures
from harness.study.loaded import Sweep
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


def cells_of(columns: list[list[list[float]]]) -> Cells:
    """Cells from values by variant, example and repeat."""
    rows = [(e, v, x) for v, column in enumerate(columns) for e, repeats in enumerate(column) for x in repeats]
    examples, variants, values = zip(*rows, strict=True)
    return Cells(np.array(examples), np.array(variants), np.array(values))


def test_the_share_that_passes_is_of_scored_cells() -> None:
    """At the threshold passes; a failed cell is told and is in neither part of the share."""
    given = [1.0, 0.5, 0.49, None]
    found = whole_figures(
        matrix({"a": given}, {"a": [0, 0, 0, 1]}),
        Scale("maximize", 0.0, 1.0, at_least=0.5),
        cells_of([[[1.0], [0.5], [0.49], []]]),
    )["a"]
    assert found.passed is not None
    assert found.passed.share == pytest.approx(2 / 3)
    assert (found.passed.n, found.passed.failed) == (3, 1)
    assert found.passed.low is not None
    assert found.passed.high is not None
    assert 0 <= found.passed.low < 2 / 3 < found.passed.high <= 1
    assert found.as_json()["passed"]["share"] == found.passed.share


def test_repeats_pass_one_by_one() -> None:
    """Values 1 and 0 of one question pass by half, though their mean 0.5 is within the threshold."""
    means = matrix({"a": [0.5, 1.0]})
    twice = Matrix(
        "m", means.variants, means.examples, means.clusters, means.values, means.scored * 2, means.failed, means.failed
    )
    found = whole_figures(twice, Scale("maximize", 0.0, 1.0, at_least=0.5), cells_of([[[1.0, 0.0], [1.0, 1.0]]]))["a"]
    assert found.passed is not None
    assert found.passed.share == 0.75
    assert found.passed.n == 4


def test_both_thresholds_count() -> None:
    """Between 10 and 20, ends included."""
    scale = Scale("minimize", 0.0, None, at_least=10.0, at_most=20.0)
    found = whole_figures(matrix({"a": [9.0, 10.0, 20.0, 21.0]}), scale, cells_of([[[9.0], [10.0], [20.0], [21.0]]]))[
        "a"
    ]
    assert found.passed is not None
    assert found.passed.share == 0.5


def test_quantiles_are_of_cells_and_only_where_the_range_is_open() -> None:
    """Of 1 to 101 ms they are 51, 91, 96 and 100; a share has none."""
    values = [float(v) for v in range(1, 102)]
    cells_given = cells_of([[[v] for v in reversed(values)]])
    found = whole_figures(matrix({"a": list(reversed(values))}), Scale("minimize", 0.0), cells_given)["a"]
    assert found.quantiles == pytest.approx({"p50": 51, "p90": 91, "p95": 96, "p99": 100})
    assert found.passed is None
    share = whole_figures(matrix({"a": [0.5]}), Scale("maximize", 0.0, 1.0), cells_of([[[0.5]]]))["a"]
    assert share.quantiles is None
    assert not {"quantiles", "passed"} & set(share.as_json())


def test_without_a_score_there_is_no_share_and_no_quantile() -> None:
    """Not zero, not NaN."""
    lost = matrix({"a": [None, None], "b": [1.0, 2.0]}, {"a": [1, 1], "b": [0, 0]})
    found = whole_figures(lost, Scale("minimize", 0.0, at_most=5.0), cells_of([[[], []], [[1.0], [2.0]]]))["a"]
    assert found.passed is not None
    assert (found.passed.share, found.passed.low, found.passed.n, found.passed.failed) == (None, None, 0, 2)
    assert found.quantiles is None


def test_clusters_with_the_same_mean_are_no_certainty() -> None:
    """Three clusters, each half right: resampling them shows no doubt, three clusters leave some."""
    halves = matrix({"a": [1.0, 0.0] * 3})
    paired = Matrix(
        "m",
        ["a"],
        halves.examples,
        np.array([0, 0, 1, 1, 2, 2]),
        halves.values,
        halves.scored,
        halves.failed,
        halves.failed,
    )
    found = figures(paired, 0.0, 1.0)["a"]
    room = (1 - 0.025 ** (1 / 3)) / 2
    assert (found.low, found.high) == pytest.approx((0.5 - room, 0.5 + room))


def test_a_sweep_tells_what_passes_and_its_quantiles(run: Run) -> None:
    """With repeats, had again from the rows; the command names thresholds, shares and quantiles."""
    metrics = (
        "metrics: [{token_f1: {as: overlap, at_least: 0.5}}, {context_tokens: {at_most: 20}}, latency_ms]\nrepeats: 2\n"
    )
    sweep = Sweep(run(CONFIG.split("metrics:")[0] + metrics))
    assert sweep.summary["thresholds"] == {
        "overlap": {"at_least": 0.5, "at_most": None},
        "context_tokens": {"at_least": None, "at_most": 20.0},
    }
    for entry in sweep.summary["runs"]:
        own = sweep.scores[sweep.scores["variant"] == entry["variant"]].set_index("metric")["value"]
        figure = entry["metrics"]
        assert figure["overlap"]["passed"]["share"] == pytest.approx((own["overlap"] >= 0.5).mean())
        assert figure["context_tokens"]["passed"]["share"] == pytest.approx((own["context_tokens"] <= 20).mean())
        assert figure["latency_ms"]["quantiles"]["p95"] == pytest.approx(np.quantile(own["latency_ms"], 0.95))
        assert "quantiles" not in figure["overlap"]
    name = f"{sweep.id}/{sweep.summary['runs'][0]['variant']}"
    text = show(sweep, name)
    assert "at least 0.5" in text
    assert "at most 20" in text
    assert "p99" in text
    assert "overlap passed" in show(sweep, sweep.id)


def show(sweep: Sweep, name: str) -> str:
    """What `harness show` prints."""
    folder = str(Path(sweep.summary["path"]).parent)
    done = CliRunner().invoke(command, ["show", name, "--runs", folder], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_header_without_thresholds_is_read_as_one_without(run: Run) -> None:
    """Sweeps of before thresholds, judges and composites: no word of them is needed."""
    stored = run()
    folder = stored.folder.path
    header = json.loads((folder / "sweep.json").read_text())
    kept = ("name", "label", "identity", "direction", "low", "high", "unit")
    header["metrics"] = [{key: metric[key] for key in kept} for metric in header["metrics"]]
    (folder / "sweep.json").write_text(json.dumps(header))
    (folder / "summary.json").unlink(missing_ok=True)
    old = StoredSweep(Folder(folder))
    assert scale_of(header["metrics"][0]) == Scale("maximize", 0.0, 1.0)
    assert summarise(old)["runs"] == summarise(stored)["runs"]
    assert summarise(old)["thresholds"] == {}
    assert set(cells(old, ["correct"])) == {"correct"}


def test_a_summary_of_before_is_still_shown(run: Run) -> None:
    """A kept summary without thresholds, judges and calls of judges."""
    stored = run()
    summary = summarise(stored, keep=True)
    for key in ("thresholds", "judges"):
        del summary[key]
    del summary["calls"]["judge_made"]
    (stored.folder.path / "summary.json").write_text(json.dumps(summary))
    sweep = Sweep(StoredSweep(Folder(stored.folder.path)))
    assert "Best: " in show(sweep, sweep.id)
    assert "Scores" in show(sweep, f"{sweep.id}/{summary['runs'][0]['variant']}")


def test_calls_of_judges_are_counted_and_named(run: Run) -> None:
    """Each line of spending with the stage judge is one; other stages are not."""
    stored = run()
    lines = [{"stage": stage, "part": "m", "usd": 0.5, "tokens": 10} for stage in ("judge", "rerank", "judge")]
    with (stored.folder.path / "spending.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    sweep = Sweep(StoredSweep(Folder(stored.folder.path)))
    fresh = summarise(sweep.stored, keep=True)
    assert fresh["calls"]["judge_made"] == 2
    assert fresh["spending"]["judge"] == {"calls": 2, "tokens": 20, "usd": 1.0}
    assert "Judge calls: 2 made." in show(sweep, sweep.id)


def test_a_judge_with_a_caution_is_marked(run: Run) -> None:
    """Its name carries a mark in every table, and the sentence stands below."""
    stored = run()
    kept = summarise(stored, keep=True)
    assert kept["judges"] == {}
    header = json.loads((stored.folder.path / "sweep.json").read_text())
    header["metrics"][0]["judge"] = True
    (stored.folder.path / "sweep.json").write_text(json.dumps(header))
    sweep = Sweep(StoredSweep(Folder(stored.folder.path)))
    assert sweep.summary["judges"] == {"correct": ["nobody calibrated this judge"]}
    assert sweep.summary["runs"] == kept["runs"]
    for name in (sweep.id, f"{sweep.id}/{kept['runs'][0]['variant']}"):
        text = show(sweep, name)
        assert "correct!" in text
        assert "token_f1!" not in text
        assert "! correct: nobody calibrated this judge." in text
