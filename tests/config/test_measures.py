"""Names, thresholds and weights of metrics: what is read, and every mistake with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
import yaml

from harness.config import SweepConfig, load
from harness.config.schema import sweep_schema
from harness.errors import UserError
from harness.plugins import known, part, registry
from harness.records import Example, Scale
from tests.workspaces import CONFIG, make_workspace

HEAD = CONFIG.split("metrics:")[0]
LATENCY = "{latency_ms: {as: slow, at_most: 3000}}"


def read(folder: Path, metrics: str, objective: str = "") -> SweepConfig:
    """The sweep with these metrics and this objective."""
    tail = f"metrics: {metrics}\n" + (f"objective: {objective}\n" if objective else "")
    return load(make_workspace(folder, HEAD + tail))


def mistakes(folder: Path, metrics: str, objective: str = "") -> list[str]:
    """Every mistake as the text it stands at, what was found and the advice, in the order of the file."""
    with pytest.raises(UserError) as caught:
        read(folder, metrics, objective)
    lines = (folder / "configs/small.yaml").read_text().splitlines()
    found = caught.value.mistakes
    return [f"{lines[m.place.line - 1][m.place.column - 1 :][:12]} | {m.found} | {m.advice}" for m in found]


def test_an_entry_may_have_a_name_and_thresholds(tmp_path: Path) -> None:
    """In either way of writing; what is not given is the part's own."""
    config = read(
        tmp_path, "[{token_f1: {as: overlap, at_least: 0.5}}, {use: latency_ms, at_least: 1, at_most: 3000}, correct]"
    )
    assert [(m.name, m.scale) for m in config.metrics] == [
        ("overlap", Scale("maximize", 0.0, 1.0, 0.5, None)),
        ("latency_ms", Scale("minimize", 0.0, None, 1.0, 3000.0)),
        ("correct", Scale("maximize", 0.0, 1.0)),
    ]
    assert config.objective.metric == "overlap"


def test_the_same_metric_may_have_two_names(tmp_path: Path) -> None:
    """Two thresholds of one metric are two columns."""
    config = read(tmp_path, "[token_f1, {token_f1: {as: strict, at_least: 0.9}}]", "{maximize: strict}")
    assert [m.name for m in config.metrics] == ["token_f1", "strict"]
    assert config.metrics[0].part == config.metrics[1].part
    assert config.objective.metric == "strict"


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("[{token_f1: {as: ''}}]", "''}}] | metrics.token_f1.as: expected text"),
        ("[{token_f1: {as: 3}}]", "3}}] | metrics.token_f1.as: expected text, found 3"),
        ("[{token_f1: {as: 'a`b'}}]", "metrics.token_f1.as: 'a`b' is no name | no backticks"),
        ("[{token_f1: {as: ' a'}}]", "' a' is no name"),
        ("[{token_f1: {as: status}}]", "'status' is another column of the table of runs | choose another name"),
        ("[correct, {token_f1: {as: correct}}]", "{token_f1: { | metrics: correct is given twice | give one a name"),
        ("[token_f1, token_f1]", "token_f1 is given twice"),
        ("[{token_f1: {at_least: high}}]", "high}}] | metrics.token_f1.at_least: expected a number, found 'high'"),
        ("[{token_f1: {at_least: null}}]", "expected a number, found nothing (null)"),
        ("[{token_f1: {at_least: true}}]", "expected a number, found True"),
        ("[{token_f1: {at_least: 1.5}}]", "1.5 is not possible | the metric's values are at least 0 and at most 1"),
        ("[{latency_ms: {at_most: -1}}]", "-1 is not possible | the metric's values are at least 0"),
        ("[{token_f1: {at_least: 0.9, at_most: 0.2}}]", "nothing is at least 0.9 and at most 0.2"),
        ("[{token_f1: null, at_least: 0.5}]", "a single `name: {settings}` | as, at_least and at_most stand among"),
        ("[{token_f1: {use: correct}}]", "use: correct | metrics: token_f1 has no setting 'use'"),
        ("[{token_f1: {at_leas: 0.5}}]", "at_leas: 0.5 | metrics: token_f1 has no setting 'at_leas'"),
        ("[token_f1, all_pass]", "all_pass] | metrics: no metric has a threshold; give one at_least or at_most"),
        ("[token_f1, {all_pass: {of: [token_f1]}}]", "token_f1]}}] | metrics: 'token_f1' has no threshold; give it"),
        (
            "[token_f1, {all_pass: {of: [tokn]}}]",
            "tokn]}}] | metrics: 'tokn' is not among the metrics; did you mean 'to",
        ),
        ("[token_f1, {all_pass: {of: [a, a]}}]", "'a' is named twice"),
        ("[token_f1, weighted]", "weighted] | metrics: weighted needs 'of'"),
        ("[token_f1, {weighted: {of: {}}}]", "{}}}] | metrics: expected weights by metric"),
        ("[token_f1, {weighted: {of: [token_f1]}}]", "expected weights by metric, such as {token_f1: 0.7, …}, found ["),
        ("[token_f1, {weighted: {of: token_f1}}]", "expected weights by metric"),
        ("[token_f1, {weighted: {of: {token_f1: 0}}}]", "the weight of 'token_f1' must be a number above 0, found 0"),
        ("[token_f1, {weighted: {of: {token_f1: much}}}]", "must be a number above 0, found 'much'"),
        ("[token_f1, {weighted: {of: {token_f1: {worst: 1}}}}]", "'token_f1' needs a weight"),
        ("[token_f1, {weighted: {of: {token_f1: {weigth: 1}}}}]", "no 'weigth'; did you mean 'weight'"),
        (
            "[token_f1, {weighted: {of: {token_f1: {weight: 1, best: x}}}}]",
            "the best of 'token_f1' must be a number, f",
        ),
        (
            "[token_f1, {weighted: {of: {tokn_f1: 1}}}]",
            "tokn_f1: 1}} | metrics: 'tokn_f1' is not among the metrics; did",
        ),
        (
            "[latency_ms, {weighted: {of: {latency_ms: 0.2}}}]",
            "latency_ms:  | metrics: 'latency_ms' has no worst value of its own; "
            "write latency_ms: {weight: 0.2, worst: …}",
        ),
        (
            "[latency_ms, {weighted: {of: {latency_ms: {weight: 1, worst: 0, best: 9}}}}]",
            "'latency_ms' is minimized, but worst is 0 and best is 9",
        ),
        (
            "[token_f1, {weighted: {of: {token_f1: {weight: 1, worst: 1}}}}]",
            "'token_f1' is maximized, but worst is 1 and best is 1",
        ),
        (
            "[{weighted: {of: {token_f1: 1}, as: q}}, token_f1, {weighted: {of: {q: 1}, as: r}}]",
            "q: 1}, as: r | metrics: 'q' is not among the metrics | 'q' is itself made of others",
        ),
        (
            "[{weighted: {of: {token_f1: 1}, as: q, at_least: 0.5}}, token_f1, {all_pass: {of: [q]}}]",
            "'q' is itself made of others; name those that it is made of",
        ),
    ],
)
def test_a_wrong_entry_is_told_apart(metrics: str, said: str, tmp_path: Path) -> None:
    """One mistake each, at its own place."""
    [found] = mistakes(tmp_path, metrics)
    assert said in found


def test_all_mistakes_of_metrics_come_at_once(tmp_path: Path) -> None:
    """Names, thresholds and members; a metric that is named but broken is not called unknown besides."""
    found = mistakes(
        tmp_path,
        "[{token_f1: {at_least: 2}}, {edit_similarity: {distance: far, as: near}}, latency_ms,"
        " {weighted: {of: {near: 1, nowhere: 1, latency_ms: 1}}}]",
    )
    assert [line.split(" | ")[0] for line in found] == ["2}}, {edit_s", "far, as: nea", "nowhere: 1, ", "latency_ms: "]


def test_a_metric_that_is_made_of_others_names_them_by_their_columns(tmp_path: Path) -> None:
    """Under the name that `as` gave, thresholds included; a composite may have a threshold of its own."""
    weights = "{of: {overlap: 3, slow: {weight: 1, worst: 5000}}, as: quality, at_least: 0.7}"
    config = read(
        tmp_path, f"[{{token_f1: {{as: overlap, at_least: 0.5}}}}, {LATENCY}, {{weighted: {weights}}}, all_pass]"
    )
    scales = {m.name: m.scale for m in config.metrics[:2]}
    quality, both = config.metrics[2:]
    assert quality.scale == Scale("maximize", 0.0, 1.0, 0.7, None)
    assert set(quality.part.members(scales)) == {"overlap", "slow"}
    assert both.part.members(scales) == ("overlap", "slow")


def test_an_objective_of_weights_is_a_metric_of_its_own(tmp_path: Path) -> None:
    """It is called objective, stands last, and is maximized."""
    config = read(tmp_path, f"[token_f1, {LATENCY}]", "{maximize: {token_f1: 0.7, slow: {weight: 0.3, worst: 5000}}}")
    assert [m.name for m in config.metrics] == ["token_f1", "slow", "objective"]
    assert (config.objective.metric, config.objective.direction) == ("objective", "maximize")
    assert config.metrics[2].part.combine({"token_f1": 1.0}, {"token_f1": Scale("maximize", 0, 1)}).value == 1.0


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("{maximize: {nowhere: 1}}", "nowhere: 1}} | objective: 'nowhere' is not among the metrics; metrics: "),
        ("{maximize: {token_f1: 0}}", "{token_f1: 0 | objective: the weight of 'token_f1' must be a number above 0"),
        ("{maximize: {}}", "objective: expected weights by metric"),
        ("{maximize: {slow: 1}}", "slow: 1}} | objective: 'slow' has no worst value"),
        ("{maximize: {quality: 1}}", "quality: 1}} | objective: 'quality' is not among the metrics | 'quality' is it"),
        ("{minimize: {token_f1: 1}}", "objective: weights are maximized | write maximize"),
        ("{maximize: [token_f1]}", "is not among the metrics"),
    ],
)
def test_a_wrong_objective_of_weights_is_told_apart(objective: str, said: str, tmp_path: Path) -> None:
    """One mistake each, at its place."""
    [found] = mistakes(
        tmp_path, f"[token_f1, {LATENCY}, {{weighted: {{of: {{token_f1: 1}}, as: quality}}}}]", objective
    )
    assert said in found


def test_weights_as_objective_take_no_name_that_there_is(tmp_path: Path) -> None:
    """A metric that the user called objective is not overwritten."""
    [found] = mistakes(tmp_path, "[token_f1, {correct: {as: objective}}]", "{maximize: {token_f1: 1}}")
    assert "there is one already" in found
    assert read(tmp_path, "[token_f1, {correct: {as: objective}}]", "{maximize: objective}").objective.metric


@pytest.fixture
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    known("metric")
    monkeypatch.setattr(registry, "_register", dict(registry._register))


@pytest.mark.usefixtures("_fresh")
def test_a_part_may_not_have_a_setting_that_every_entry_has(tmp_path: Path) -> None:
    """A stranger's field `at_least` could not be told from the threshold."""

    @part("metric", "rival")
    @dataclass(frozen=True)
    class Rival:
        version: ClassVar[int] = 1
        direction: ClassVar[str] = "maximize"
        low: ClassVar[float | None] = 0.0
        high: ClassVar[float | None] = 1.0
        unit: ClassVar[str] = ""
        reads: ClassVar[tuple[str, ...]] = ()
        at_least: int = 3

        def applies(self, example: Example) -> bool:
            return True

        def score(self, case: Any) -> float:
            return 1.0

    [found] = mistakes(tmp_path, "[rival]")
    assert "its class has a field 'at_least', which every metric's entry has | rename it" in found


@pytest.mark.parametrize(
    ("metrics", "objective", "good"),
    [
        ("[{token_f1: {as: x, at_least: 0.5}}, {use: token_f1, at_most: 1}, {token_f1: null}]", "", True),
        ("[{'recall@3': {at_least: 0.5}}, {weighted: {of: {a: 1, b: {weight: 1, worst: 5}}, as: q}}]", "", True),
        ("[token_f1]", "{maximize: {token_f1: 0.7, slow: {weight: 1, worst: 9, best: 0}}}", True),
        ("[{token_f1: {at_leas: 0.5}}]", "", False),
        ("[{tokn_f1: {at_least: 0.5}}]", "", False),
        ("[{token_f1: {at_least: high}}]", "", False),
        ("[{token_f1: {use: token_f1}}]", "", False),
        ("[{edit_similarity: {distance: far}}]", "", False),
        ("[{weighted: {as: q}}]", "", False),
        ("[{weighted: {of: {a: 0}}}]", "", False),
        ("[{token_f1: {}, correct: {}}]", "", False),
        ("[token_f1]", "{minimize: {token_f1: 1}}", False),
        ("[token_f1]", "{maximize: {token_f1: {worst: 1}}}", False),
    ],
)
def test_the_schema_knows_names_thresholds_and_weights(metrics: str, objective: str, good: bool) -> None:
    """An editor takes what the reader takes, and marks what it refuses."""
    text = f"{HEAD}metrics: {metrics}\n" + (f"objective: {objective}\n" if objective else "")
    schema = json.loads(json.dumps(sweep_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text)) is good
