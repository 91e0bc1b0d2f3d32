"""Metrics that are made of others: their arithmetic by hand, and what does not apply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.plugins import CompositeMetric, make
from harness.records import Scale, Verdict
from harness.store import StoredSweep
from harness.testing import check_part
from tests.workspaces import CONFIG, write

Run = Callable[..., StoredSweep]
SCALES = {
    "token_f1": Scale("maximize", 0.0, 1.0, at_least=0.5),
    "helpful": Scale("maximize", 1.0, 5.0),
    "latency_ms": Scale("minimize", 0.0, None, at_most=3000.0),
    "logit": Scale("maximize"),
}
HEAD = CONFIG.split("metrics:")[0]


def weighted(**of: Any) -> Any:
    """The metric with these weights."""
    return make("metric", {"use": "weighted", "of": of})


def combined(metric: Any, values: dict[str, float]) -> Verdict:
    """The verdict on a cell with these values."""
    found = metric.combine(values, SCALES)
    assert isinstance(found, Verdict)
    return found


@pytest.mark.parametrize(
    "metric", [weighted(token_f1=1, latency_ms={"weight": 0.2, "worst": 5000}), make("metric", "all_pass")]
)
def test_they_keep_the_contract_of_parts(metric: Any) -> None:
    """Hashable, JSON identity, written and made again; and they are what the protocol asks for."""
    check_part(metric)
    assert isinstance(metric, CompositeMetric)
    assert (metric.direction, metric.low, metric.high, metric.reads) == ("maximize", 0.0, 1.0, ())


def test_the_order_of_weights_is_no_part_of_the_metric() -> None:
    """The same weights in another order are the same metric."""
    assert weighted(a=1, b=2) == weighted(b=2, a=1)


def test_a_weighted_value_by_hand() -> None:
    """0.5 x 0.8, 0.3 x (4 - 1) / (5 - 1), 0.2 x (5000 - 1000) / (5000 - 0): 0.4 + 0.225 + 0.16."""
    metric = weighted(token_f1=0.5, helpful=0.3, latency_ms={"weight": 0.2, "worst": 5000, "best": 0})
    assert set(metric.members(SCALES)) == {"token_f1", "helpful", "latency_ms"}
    found = combined(metric, {"token_f1": 0.8, "helpful": 4.0, "latency_ms": 1000.0})
    assert found.value == pytest.approx(0.785)
    assert found.reason == "helpful 0.75 x 0.3 + latency_ms 0.8 x 0.2 + token_f1 0.8 x 0.5"


def test_only_the_ratio_of_weights_counts() -> None:
    """1 and 3 are 0.25 and 0.75."""
    values = {"token_f1": 0.4, "helpful": 2.0}
    assert combined(weighted(token_f1=1, helpful=3), values).value == pytest.approx(0.25 * 0.4 + 0.75 * 0.25)
    assert combined(weighted(token_f1=10, helpful=30), values) == combined(weighted(token_f1=1, helpful=3), values)


@pytest.mark.parametrize(("value", "level"), [(-1.0, 1.0), (0.0, 1.0), (2000.0, 0.5), (4000.0, 0.0), (9000.0, 0.0)])
def test_beyond_worst_and_best_nothing_counts(value: float, level: float) -> None:
    """The missing end is the metric's own: 0 ms is the best latency."""
    metric = weighted(latency_ms={"weight": 1, "worst": 4000})
    assert combined(metric, {"latency_ms": value}).value == level


def test_given_ends_replace_those_of_the_metric() -> None:
    """A share of 0.6 is all that is hoped for, 0.2 worth nothing."""
    metric = weighted(token_f1={"weight": 1, "worst": 0.2, "best": 0.6})
    assert combined(metric, {"token_f1": 0.3}).value == pytest.approx(0.25)


def test_what_does_not_apply_is_left_out_and_the_rest_weighs_more() -> None:
    """Of 0.5, 0.3 and 0.2 the second is missing: 0.5 / 0.7 and 0.2 / 0.7; the reason says so."""
    metric = weighted(token_f1=0.5, helpful=0.3, latency_ms={"weight": 0.2, "worst": 1000})
    found = combined(metric, {"token_f1": 1.0, "latency_ms": 1000.0})
    assert found.value == pytest.approx(0.5 / 0.7)
    assert found.reason is not None
    assert found.reason.endswith("; left out, not applying: helpful")
    assert metric.combine({}, SCALES) is None


def test_every_member_that_cannot_be_weighed_is_told() -> None:
    """An unknown one, one without ends, one with ends the wrong way round: three arguments of one error."""
    metric = weighted(tokn_f1=1, logit=1, latency_ms={"weight": 1, "worst": 0, "best": 5})
    with pytest.raises(ValueError, match="latency_ms") as caught:
        metric.members(SCALES)
    about = sorted(str(message) for message in caught.value.args)
    assert about[0] == "'latency_ms' is minimized, but worst is 0 and best is 5"
    assert about[1].startswith("'logit' has no worst and best value of its own")
    assert "did you mean 'token_f1'?" in about[2]


def test_all_pass_is_one_where_every_threshold_is_met() -> None:
    """At the threshold still passes; a metric without one has no say."""
    metric = make("metric", "all_pass")
    assert metric.members(SCALES) == ("token_f1", "latency_ms")
    found = combined(metric, {"token_f1": 0.5, "latency_ms": 3000.0, "helpful": 1.0})
    assert found == Verdict(1.0, "passes: token_f1, latency_ms")


def test_all_pass_names_what_does_not_pass() -> None:
    """With the value and what was wanted."""
    metric = make("metric", "all_pass")
    found = combined(metric, {"token_f1": 0.31, "latency_ms": 5100.0})
    assert found == Verdict(0.0, "token_f1 0.31, not at least 0.5; latency_ms 5100, not at most 3000")
    assert combined(metric, {"token_f1": 0.6, "latency_ms": 5100.0}).value == 0.0


def test_all_pass_looks_at_those_that_are_named_and_apply() -> None:
    """What does not apply neither passes nor fails; where nothing applies there is no value."""
    assert combined(make("metric", "all_pass"), {"latency_ms": 10.0}) == Verdict(1.0, "passes: latency_ms")
    one = make("metric", {"use": "all_pass", "of": ["token_f1"]})
    assert combined(one, {"token_f1": 0.9, "latency_ms": 5100.0}).value == 1.0
    assert one.combine({"latency_ms": 10.0}, SCALES) is None


def test_a_sweep_scores_them_from_the_scores_of_the_same_cell(run: Run) -> None:
    """Every composite value is had again from its members' rows; where one does not apply the rest counts."""
    metrics = (
        "metrics: [correct, {token_f1: {at_least: 0.5}}, {abstention: {as: silent}}, "
        "{weighted: {of: {correct: 1, token_f1: 3}, as: quality}}, all_pass]\n"
        "objective: {maximize: {correct: 1, silent: 1}}\n"
    )
    stored = run(HEAD + metrics)
    cells: dict[tuple[str, str], dict[str, float]] = {}
    for row in stored.scores.to_pylist():
        assert row["failure"] is None
        cells.setdefault((row["variant"], row["example"]), {})[row["metric"]] = row["value"]
    assert len(cells) == 64
    for values in cells.values():
        if "token_f1" in values:
            assert values["quality"] == pytest.approx((values["correct"] + 3 * values["token_f1"]) / 4)
            assert values["all_pass"] == float(values["token_f1"] >= 0.5)
        else:
            assert values["quality"] == values["correct"]
            assert "all_pass" not in values
        if "silent" in values:
            assert values["objective"] == pytest.approx((values["correct"] + values["silent"]) / 2)
        else:
            assert values["objective"] == values["correct"]
    assert {len(values) for values in cells.values()} == {3, 4, 6}


def test_a_failed_member_makes_a_failed_composite(run: Run, tmp_path: Path) -> None:
    """No value from the rest: the composite fails with the member's name and reason, or for want of an answer."""
    code = "def score(question):\n    if 'sue' in question:\n        return 1\n    raise RuntimeError('it broke')\n"
    write(tmp_path / "broken.py", code)
    metrics = (
        'metrics: [correct, {"python:broken.py:score": {as: broken, at_least: 0.5}}, '
        "{weighted: {of: {correct: 1, broken: 1}, as: quality}}, all_pass]\n"
        "objective: {maximize: correct}\nmax_failures: 1.0\n"
    )
    stored = run(HEAD + metrics)
    rows = [row for row in stored.scores.to_pylist() if row["metric"] in ("quality", "all_pass")]
    broken = [row for row in rows if row["example"] != "q7"]
    assert (len(rows), len(broken)) == (128, 112)
    assert all(row["value"] is None and "broken" in row["failure"] and "it broke" in row["failure"] for row in broken)
    assert all(row["failure"] is None for row in rows if row["example"] == "q7")
