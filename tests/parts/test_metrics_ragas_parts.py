"""The metrics of ragas as parts: what they read, where they apply, what they refuse, what is imported when."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from harness.parts.metrics.ragas import judged
from harness.plugins import identity, make, names
from harness.records import Case, Example, Message
from harness.testing import check_metric, check_part
from harness.testing.judges import ScriptedAsker
from tests.parts.ragas_judges import case_of, scripted
from tests.parts.test_metrics_ragas import EMBEDDER, JUDGE, JUDGED, assess, metric


def test_nothing_is_imported_before_a_metric_is_used() -> None:
    """To know the parts, to make one and to ask where it applies takes no ragas; to use it silences ragas first."""
    code = (
        "import sys; from harness.plugins import make, known; known('metric')\n"
        "m = make('metric', {'use': 'ragas/faithfulness', 'judge': 'openai/x'})\n"
        "from harness.records import Example; m.applies(Example('e', ()))\n"
        "from harness.plugins import identity; identity(m)\n"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'ragas', 'pandas', 'langchain_core', 'datasets'}))\n"
        "m.ready(); import os; print('ragas' in sys.modules, os.environ['RAGAS_DO_NOT_TRACK'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True true"]


def test_every_metric_keeps_the_contract_of_parts() -> None:
    """Names, identities, copies, and what a YAML file would hold of them."""
    found = [name.removeprefix("ragas/") for name in names("metric") if name.startswith("ragas/")]
    assert len(found) == 22
    for name in found:
        needed = {**JUDGE, **JUDGED[name]} if name in JUDGED else EMBEDDER if name == "semantic_similarity" else {}
        part = make("metric", {"use": f"ragas/{name}", **needed})
        check_part(part)
        assert identity(part)["ragas"] == "0.4.3"
    check_part(metric("answer_correctness", weights=[1.0, 0.0], embedder=None))


@pytest.mark.parametrize("name", JUDGED)
def test_they_keep_the_contract_of_metrics_that_ask(name: str) -> None:
    """On every kind of example with every kind of outcome: numbers within their ends, or none."""
    check_metric(metric(name), asker=ScriptedAsker(scripted))


@pytest.mark.parametrize("name", JUDGED)
def test_reads_names_all_that_decides_the_value(name: str) -> None:
    """What it does not name may change, and no prompt changes; what it names changes prompts."""
    part, case = metric(name), case_of(5)
    others: dict[str, Any] = {"answer": case_of(6).answer, "passages": case_of(6).passages, "latency_ms": 9.0}

    def prompts(case: Case) -> list[str]:
        asker = ScriptedAsker(scripted)
        assess(part, case, asker)
        return [call.messages[-1].content for call in asker.asked]

    for key, value in others.items():
        assert (prompts(replace(case, **{key: value})) != prompts(case)) == (key in part.reads), key


@pytest.mark.parametrize(
    ("name", "direction", "low", "high"),
    [
        ("faithfulness", "maximize", 0, 1),
        ("answer_relevancy", "maximize", -1, 1),
        ("noise_sensitivity", "minimize", 0, 1),
        ("rubrics", "maximize", 1, 5),
    ],
)
def test_how_values_are_read(name: str, direction: str, low: float, high: float) -> None:
    """Which way is better, and where they end."""
    part = metric(name)
    assert (part.direction, part.low, part.high) == (direction, low, high)


def test_where_they_apply() -> None:
    """Where an answer is expected, with a reference if it takes one; claims are judged everywhere."""
    with_reference, without = Example("a", (), ("x",)), Example("b", (), (" ",))
    abstain = Example("c", (), expected="abstain")
    taking = {"context_precision", "context_recall", "context_entity_recall", "noise_sensitivity"} | {
        name for name in JUDGED if name.startswith(("answer_a", "answer_c", "factual"))
    }
    anywhere = {"faithfulness", "response_groundedness", "rubrics"}
    for name in JUDGED.keys() - {"summary_score"}:
        found = [metric(name).applies(example) for example in (with_reference, without, abstain)]
        assert found == [True, name not in taking, name in anywhere], name
    summary = metric("summary_score", metadata="text")
    assert summary.applies(Example("d", (), metadata={"text": "x"})) and not summary.applies(with_reference)
    rubrics = metric("rubrics", metadata="rubric", with_reference=True)
    noted = replace(with_reference, metadata={"rubric": []})
    assert rubrics.applies(noted) and not rubrics.applies(replace(noted, references=()))


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("answer_relevancy", {"strictness": 0}, "strictness must be at least 1"),
        ("answer_correctness", {"embedder": None}, r"needs an embedder.*write weights: \[1.0, 0.0\]"),
        ("answer_correctness", {"weights": [0.0, 0.0]}, "not all 0"),
        ("factual_correctness", {"beta": 0.0}, "beta must be above 0"),
        ("factual_correctness", {"mode": "f2"}, "f1"),
        ("rubrics", {"rubric": ["bad", "good"]}, "expected five texts"),
        ("rubrics", {"rubric": ["x"] * 5, "metadata": "m"}, "both given"),
        ("summary_score", {"coeff": 2.0}, "between 0 and 1"),
        ("faithfulness", {"draws": 0}, "draws must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(name: str, settings: dict[str, Any], said: str) -> None:
    """Before anything is spent, with what to do."""
    with pytest.raises(ValidationError, match=said):
        metric(name, **settings)


@pytest.mark.parametrize("name", JUDGED)
def test_what_decides_a_score_besides_settings_is_in_the_identity(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of the system message; for those that leave silent replies out, the phrases that tell them."""
    known = identity(metric(name))
    with monkeypatch.context() as patch:
        patch.setattr(judged, "SYSTEM", Message("system", "Reply in JSON."))
        assert identity(metric(name)) != known
    silent = Case(Example("e", (), expected="abstain"), "No idea.", case_of(5).passages)
    for phrases, phrase in (("ABSTENTIONS", "no idea"), ("HANDOFFS", "no idea")):
        with monkeypatch.context() as patch:
            before = judged.rightly_silent(silent)
            patch.setattr(judged, phrases, (phrase,))
            assert judged.rightly_silent(silent) and not before
            assert (identity(metric(name)) != known) == (name in {"faithfulness", "response_groundedness"})


def test_an_embedder_must_be_named() -> None:
    """There is no default that would be honest: cosines mean other things with each."""
    for name in ("answer_relevancy", "semantic_similarity"):
        judge = JUDGE if name == "answer_relevancy" else {}
        with pytest.raises(ValidationError, match="embedder"):
            make("metric", {"use": f"ragas/{name}", **judge})
