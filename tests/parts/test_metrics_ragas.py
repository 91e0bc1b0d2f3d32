"""The metrics of ragas that ask: the values of ragas itself, by judges that are the same for both."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from harness.plugins import make
from harness.records import Case, Verdict
from harness.testing.judges import ScriptedAsker
from tests.parts.ragas_judges import DRAWS, case_of, form_of, reply, scripted

JUDGE = {"judge": "openai/judge"}
EMBEDDER = {"embedder": "local/hashing"}
JUDGED: dict[str, dict[str, Any]] = {
    "faithfulness": {},
    "answer_relevancy": EMBEDDER,
    "context_precision": {},
    "context_utilization": {},
    "context_recall": {},
    "context_entity_recall": {},
    "context_relevance": {},
    "response_groundedness": {},
    "answer_accuracy": {},
    "answer_correctness": EMBEDDER,
    "factual_correctness": {},
    "noise_sensitivity": {},
    "rubrics": {},
    "summary_score": {},
}
CLASSES = {
    "rubrics": "DomainSpecificRubrics",
    **{name: "".join(word.title() for word in name.split("_")) for name in JUDGED if name != "rubrics"},
}
CALLS = {
    "faithfulness": 2,
    "answer_relevancy": 3,
    "context_precision": "k",
    "context_utilization": "k",
    "context_recall": 1,
    "context_entity_recall": 2,
    "context_relevance": 2,
    "response_groundedness": 2,
    "answer_accuracy": 2,
    "answer_correctness": 3,
    "factual_correctness": 4,
    "noise_sensitivity": "3 + 2k",
    "rubrics": 1,
    "summary_score": 3,
}
DIGITS = {"context_precision", "context_utilization", "context_entity_recall", "summary_score"}
"""Those whose formula of ragas divides by a number a little too large."""
VARIANTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    *((name, {}, {}) for name in JUDGED),
    ("answer_relevancy", {"strictness": 5}, {"strictness": 5}),
    ("answer_correctness", {"weights": [0.5, 0.5], "beta": 2.0}, {"weights": [0.5, 0.5], "beta": 2.0}),
    ("factual_correctness", {"mode": "precision", "atomicity": "high"}, {"mode": "precision", "atomicity": "high"}),
    ("factual_correctness", {"mode": "recall", "coverage": "high"}, {"mode": "recall", "coverage": "high"}),
    ("factual_correctness", {"beta": 0.5}, {"beta": 0.5}),
    ("noise_sensitivity", {"mode": "irrelevant"}, {"mode": "irrelevant"}),
    ("summary_score", {"coeff": 0.2}, {"coeff": 0.2}),
    ("summary_score", {"length_penalty": False}, {"length_penalty": False}),
]


def metric(name: str, **settings: Any) -> Any:
    """A metric of ragas with a judge, and an embedder where it needs one."""
    return make("metric", {"use": f"ragas/{name}", **JUDGE, **JUDGED.get(name, {}), **settings})


def assess(part: Any, case: Case, asker: ScriptedAsker | None = None) -> Verdict:
    """A verdict, which there must be."""
    found = asyncio.run(part.assess(case, asker or ScriptedAsker(scripted)))
    assert isinstance(found, Verdict)
    return found


def samples(case: Case) -> dict[str, Any]:
    """Everything that any metric of ragas takes."""
    return {
        "user_input": case.example.question,
        "response": case.answer,
        "retrieved_contexts": [passage.text for passage in case.passages],
        "reference": case.example.references[0],
        "reference_contexts": case.example.metadata["reference_contexts"],
    }


def by_ragas(name: str, case: Case, settings: dict[str, Any], only: tuple[str, ...] = ()) -> float:
    """The value of ragas' own class with a model and an embedder that are subclasses of its own."""
    import inspect

    import ragas.metrics.collections
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.llms.base import InstructorBaseRagasLLM

    class Fake(InstructorBaseRagasLLM):  # type: ignore[misc]
        def __init__(self) -> None:
            self.seen: Counter[str] = Counter()

        def generate(self, prompt: str, response_model: Any) -> Any:
            raise NotImplementedError

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            self.seen[prompt] += 1
            return response_model.model_validate_json(reply(prompt, self.seen[prompt] - 1))

    class Embedding(BaseRagasEmbedding):  # type: ignore[misc]
        def embed_text(self, text: str, **kwargs: Any) -> list[float]:
            raise NotImplementedError

        async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
            found = await ScriptedAsker(scripted).embed(make("embedder", "local/hashing"), [text])
            vector: list[float] = found[0].tolist()
            return vector

    embedding = {"embeddings": Embedding()} if JUDGED.get(name) else {}
    made = getattr(ragas.metrics.collections, CLASSES.get(name, name))(llm=Fake(), **embedding, **settings)
    taken = only or tuple(inspect.signature(made.ascore).parameters)
    sample = {key: value for key, value in samples(case).items() if key in taken}
    return float(asyncio.run(made.ascore(**sample)).value)


@pytest.mark.parametrize(("name", "settings", "theirs"), VARIANTS)
def test_values_are_those_of_ragas(name: str, settings: dict[str, Any], theirs: dict[str, Any]) -> None:
    """On fifty examples, digit for digit but where ragas divides by a little too much; they are not all the same."""
    part = metric(name, **settings)
    shown = ("user_input", "response") if name == "rubrics" else ()
    values = []
    for seed in range(50):
        case = case_of(seed)
        wanted = by_ragas(name, case, theirs, shown)
        values.append(assess(part, case).value)
        assert values[-1] == (round(wanted, 6) if name in DIGITS else wanted)
        assert part.low <= values[-1] <= part.high
    assert len(set(values)) > 2


@pytest.mark.parametrize("kind", ["given", "metadata"])
def test_rubrics_of_a_user_are_those_of_ragas(kind: str) -> None:
    """One for all examples, or one for each; with the reference and the passages shown."""
    import ragas.metrics.collections as library

    for seed in range(50):
        case = case_of(seed)
        rubric = case.example.metadata["rubric"]
        rubrics = {f"score{n}_description": text for n, text in enumerate(rubric, start=1)}
        own = {"rubric": rubric} if kind == "given" else {"metadata": "rubric"}
        part = metric("rubrics", with_reference=True, with_passages=True, **own)
        asker = ScriptedAsker(scripted)
        found = assess(part, case, asker)
        [asked] = asker.asked
        prompt = asked.messages[-1].content
        given = json.loads(prompt.rsplit("\ninput: ", 1)[1].removesuffix("\nOutput: "))
        assert given["retrieved_contexts"] == [passage.text for passage in case.passages]
        assert given["reference"] == case.example.references[0]
        assert (given["rubrics"] == rubrics) if kind == "metadata" else all(text in prompt for text in rubric)
        wanted = json.loads(reply(prompt, 0))
        assert (found.value, found.reason) == (wanted["score"], wanted["feedback"])
    assert library.InstanceSpecificRubrics  # the class behind it is there under this name


def test_semantic_similarity_is_the_cosine_of_the_nearest_reference() -> None:
    """Vectors come from the embedder before ragas asks for them; with a threshold it is 0 or 1."""
    import numpy as np

    plain = make("metric", {"use": "ragas/semantic_similarity", **EMBEDDER})
    strict = make("metric", {"use": "ragas/semantic_similarity", **EMBEDDER, "threshold": 0.4})
    for seed in range(50):
        case = case_of(seed)
        other = case_of(seed + 100).example.references[0]
        case = replace(case, example=replace(case.example, references=(*case.example.references, other)))
        texts = [case.answer, *case.example.references]
        rows = asyncio.run(ScriptedAsker(scripted).embed(plain.embedder, texts)).astype(float)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        wanted = max(float(rows[0] @ row) for row in rows[1:])
        assert assess(plain, case).value == pytest.approx(wanted, abs=1e-12)
        assert assess(strict, case).value == (wanted >= 0.4)


@pytest.mark.parametrize("name", JUDGED)
def test_calls_for_an_answer(name: str) -> None:
    """As many as the documentation says, of the settings given; no prompt is sent twice as the same draw."""
    case = case_of(3)
    k = len(case.passages)
    asker = ScriptedAsker(scripted)
    assess(metric(name, temperature=None, max_tokens=77), case, asker)
    wanted = {"k": k, "3 + 2k": 3 + 2 * k}.get(str(CALLS[name]), CALLS[name])
    assert len(asker.asked) == wanted == metric(name).asks(case)
    assert len({(call.messages, call.draw) for call in asker.asked}) == len(asker.asked)
    assert all(call.sampling == {"max_tokens": 77} for call in asker.asked)


def test_settings_decide_how_many_calls_are_foreseen() -> None:
    """The plan counts as many as are made."""
    for name, settings in (("answer_relevancy", {"strictness": 5}), ("factual_correctness", {"mode": "precision"})):
        part, asker = metric(name, **settings), ScriptedAsker(scripted)
        assess(part, case_of(1), asker)
        assert part.asks(case_of(1)) == len(asker.asked)


def test_questions_of_answer_relevancy_are_separate_draws() -> None:
    """Of one prompt; the draws of a panel are others still."""
    asker = ScriptedAsker(lambda asked: reply(asked.messages[-1].content, asked.draw))
    found = assess(metric("answer_relevancy", draws=2, temperature=1.0), case_of(1), asker)
    assert len({call.messages for call in asker.asked}) == 1
    assert len({call.draw for call in asker.asked}) == len(asker.asked) == 6
    assert found.details is not None
    assert [opinion["draw"] for opinion in found.details["opinions"]] == [0, 1]


def test_equal_passages_are_judged_as_draws_of_their_own() -> None:
    """ragas asks of each; the replies may differ."""
    case = case_of(2)
    case = replace(case, passages=(case.passages[0],) * 4)
    asker = ScriptedAsker(scripted)
    found = assess(metric("context_precision"), case, asker)
    assert [DRAWS[call.draw] for call in asker.asked] == [0, 1, 2, 3]
    assert found.value == round(by_ragas("context_precision", case, {}), 6)


@pytest.mark.parametrize("name", ["answer_relevancy", "faithfulness", "context_precision"])
def test_evaluations_at_once_do_not_mix_up(name: str) -> None:
    """Two hundred at once, forty of each case: the values, draws and details of one after the other."""
    part = metric(name)
    cases = [case_of(seed % 5) for seed in range(200)]

    class Slow(ScriptedAsker):
        async def ask(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            made = await super().ask(*args, **kwargs)
            await asyncio.sleep(0)
            return made

    async def at_once() -> list[Verdict]:
        asker = Slow(scripted)
        return list(await asyncio.gather(*(part.assess(case, asker) for case in cases)))

    alone = [assess(part, case_of(seed)) for seed in range(5)]
    assert asyncio.run(at_once()) == [alone[n % 5] for n in range(200)]


@pytest.mark.parametrize("name", JUDGED)
def test_details_hold_what_the_judge_said(name: str) -> None:
    """Every structured reply, in the order of asking, as plain JSON; the reason is a short text."""
    asker = ScriptedAsker(scripted)
    found = assess(metric(name), case_of(4), asker)
    assert found.details is not None
    [opinion] = json.loads(json.dumps(found.details))["opinions"]
    said = [json.loads(scripted(call)) for call in asker.asked]
    assert opinion["details"] == {"replies": said}
    assert opinion["value"] == found.value
    assert found.reason and len(found.reason) < 1000


@pytest.mark.parametrize(
    ("name", "said", "reason"),
    [
        (
            "faithfulness",
            [
                {"statements": ["A.", "B.", "C."]},
                {"statements": [{"statement": s, "reason": "", "verdict": int(s != "B.")} for s in ("A.", "B.", "C.")]},
            ],
            "2 of 3 statements supported; not supported: \u201cB.\u201d",
        ),
        (
            "answer_correctness",
            [
                {"statements": ["A.", "B."]},
                {"statements": ["A.", "C."]},
                {
                    "TP": [{"statement": "A.", "reason": ""}],
                    "FP": [{"statement": "B.", "reason": ""}],
                    "FN": [{"statement": "C.", "reason": ""}],
                },
            ],
            "1 statements right, 1 wrong, 1 missing; wrong: \u201cB.\u201d; missing: \u201cC.\u201d",
        ),
        (
            "context_entity_recall",
            [{"entities": ["Paris", "1879", "Paris"]}, {"entities": ["Paris"]}],
            "1 of 2 entities in the passages; not in them: \u201c1879\u201d",
        ),
        ("answer_accuracy", [{"rating": 4}, {"rating": 2}], "rated 4 and 2 of 4"),
        (
            "answer_relevancy",
            [{"question": "Why?", "noncommittal": 0}] * 2 + [{"question": "", "noncommittal": 1}],
            "evasive by 1 of 3 replies; it answers: \u201cWhy?\u201d",
        ),
    ],
)
def test_reasons_are_for_people(name: str, said: list[Any], reason: str) -> None:
    """They name what was counted and what was wrong."""
    left = [json.dumps(entry) for entry in said]
    assert assess(metric(name), case_of(1), ScriptedAsker(lambda asked: left.pop(0))).reason == reason


def test_prompts_ask_for_their_form_and_say_so_in_front() -> None:
    """The system message asks for JSON only; the prompt of ragas follows as it is, schema and all."""
    asker = ScriptedAsker(scripted)
    assess(metric("faithfulness"), case_of(0), asker)
    assert [form_of(call.messages[1].content) for call in asker.asked] == [
        "StatementGeneratorOutput",
        "NLIStatementOutput",
    ]
    assert all([message.role for message in call.messages] == ["system", "user"] for call in asker.asked)
