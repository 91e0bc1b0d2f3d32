"""Panels: several judges, several draws, and what becomes of their differences."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import ProviderError
from harness.parts.metrics.structured import reader
from harness.plugins import label
from harness.testing.judges import Asked, ScriptedAsker
from tests.parts.judged import MODEL, OTHER, assess, case, judge

THIRD = "openai/third"


def panel(scores: dict[str, Sequence[int | None]], **settings: Any) -> Any:
    """The verdict of judges that give these scores of 1 to 5, one for each draw; None is a refusal."""

    def reply(asked: Asked) -> str:
        score = scores[label(asked.model)][asked.draw]
        if score is None:
            raise ProviderError("it refused", kind="content_filter")
        return json.dumps({"reasoning": f"I say {score}.", "score": score})

    draws = len(next(iter(scores.values())))
    settings = {"temperature": 1.0, **settings}
    return assess(judge("rubric", judge=list(scores), draws=draws, **settings), case(), reply)[0]


@pytest.mark.parametrize(
    ("combine", "scores", "value"),
    [
        ("mean", (1, 1, 4), 0.25),
        ("median", (1, 2, 5), 0.25),
        ("median", (1, 2, 3), 0.25),
        ("majority", (1, 1, 5), 0.0),
        ("majority", (5, 1, 5), 1.0),
        ("majority", (1, 3, 5), 0.5),
    ],
)
def test_opinions_are_combined(combine: str, scores: tuple[int, ...], value: float) -> None:
    """By their mean, their median, or what most say (the mean of those that share the lead)."""
    found = panel(dict(zip((MODEL, OTHER, THIRD), ([s] for s in scores), strict=True)), combine=combine)
    assert found.value == value


def test_judges_that_differ_are_named_as_such() -> None:
    """The reason tells how far they are apart, and every reason once; the details have every opinion."""
    found = panel({MODEL: [2, 2], OTHER: [5, 4]})
    assert found.reason == (
        "4 of 4 opinions: 0.25, 0.25, 1, 0.75; judges differ: 0.25 to 0.875. "
        "2 on 1 to 5: I say 2. 5 on 1 to 5: I say 5. 4 on 1 to 5: I say 4"
    )
    opinions = [(o["judge"], o["draw"], o["value"]) for o in found.details["opinions"]]
    assert opinions == [(MODEL, 0, 0.25), (MODEL, 1, 0.25), (OTHER, 0, 1.0), (OTHER, 1, 0.75)]


def test_a_judge_that_differs_from_itself_is_named_as_such() -> None:
    """And agreement is not remarked upon."""
    assert "; draws differ: 0 to 1" in panel({MODEL: [1, 5]}).reason
    assert "differ" not in panel({MODEL: [4, 4], OTHER: [4, 4]}).reason


def test_most_opinions_must_come() -> None:
    """One of three may fail, and is in the details; of two it may not."""
    found = panel({MODEL: [5], OTHER: [None], THIRD: [3]})
    assert found.value == 0.75 and found.reason.startswith("2 of 3 opinions")
    assert found.details["opinions"][1] == {"judge": OTHER, "draw": 0, "failure": "it refused"}
    assert found.partial and not panel({MODEL: [5], OTHER: [4], THIRD: [3]}).partial
    with pytest.raises(ProviderError, match="1 of 2 opinions failed; the first: it refused") as caught:
        panel({MODEL: [5], OTHER: [None]})
    assert caught.value.kind == "content_filter"


@pytest.mark.parametrize(
    ("claims", "value"), [((0, 0, 1), None), ((0, 1, 1), 1.0), ((0, 1, None), 1.0), ((0, 0, 0), None), ((0, 1), 1.0)]
)
def test_whether_a_metric_applies_is_what_more_judges_find(claims: tuple[int | None, ...], value: Any) -> None:
    """A judge that finds nothing to judge is no failure and no 0."""
    models = (MODEL, OTHER, THIRD)[: len(claims)]
    found_by = dict(zip(models, claims, strict=True))

    def reply(asked: Asked) -> str:
        count = found_by[label(asked.model)]
        if count is None:
            raise ProviderError("it refused", kind="content_filter")
        return json.dumps({"claims": [{"claim": "c", "reason": "", "supported": True, "passage": 1}] * count})

    found, _ = assess(judge("groundedness", judge=list(models)), case(), reply)
    assert (found and found.value) == value


def test_whether_a_metric_applies_is_not_told_by_whose_opinion_is_lacking() -> None:
    """Two of five find nothing, one finds a claim, two refuse: a failure, since the two would decide it."""
    replies = iter((0, 0, 1, None, None))

    def reply(asked: Asked) -> str:
        count = next(replies)
        if count is None:
            raise ProviderError("it refused", kind="content_filter")
        return json.dumps({"claims": [{"claim": "c", "reason": "", "supported": True, "passage": 1}] * count})

    with pytest.raises(ProviderError, match="2 of 5 opinions failed"):
        assess(judge("groundedness", draws=5, temperature=1.0), case(), reply)


def test_a_partial_score_stays_partial_with_further_details() -> None:
    """The share of citing sentences is added to the panel's verdict, and nothing is lost."""

    def reply(asked: Asked) -> str:
        if label(asked.model) == OTHER:
            raise ProviderError("it refused", kind="content_filter")
        return json.dumps({"verdicts": [{"citation": 1, "reason": "so", "supports": True}]})

    found, _ = assess(judge("citations", judge=[MODEL, OTHER, THIRD]), case(), reply)
    assert found.partial and found.details["cited_sentences"] == 1.0


def test_what_ends_the_sweep_is_raised_when_all_calls_have_ended() -> None:
    """The first such error, and no call of the panel is left to itself."""
    ended: list[str] = []

    class Slow(ScriptedAsker):
        async def ask(self, model: Any, *arguments: Any, **settings: Any) -> Any:
            if label(model) == MODEL:
                raise ProviderError("wrong key", kind="auth", fatal=True)
            for _ in range(20):
                await asyncio.sleep(0)
            ended.append(label(model))
            return await super().ask(model, *arguments, **settings)

    asker = Slow(lambda _: json.dumps({"reasoning": "So.", "score": 4}))
    with pytest.raises(ProviderError, match=r"^wrong key$"):
        asyncio.run(judge("rubric", judge=[MODEL, OTHER, THIRD]).assess(case(), asker))
    assert ended == [OTHER, THIRD]


def test_what_ends_the_sweep_is_let_through() -> None:
    """A wrong key is nobody's opinion."""

    def reply(asked: Asked) -> str:
        raise ProviderError("wrong key", kind="auth", fatal=True)

    with pytest.raises(ProviderError, match=r"^wrong key$"):
        assess(judge("rubric", judge=[MODEL, OTHER, THIRD]), case(), reply)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"draws": 0}, "draws must be at least 1"),
        ({"draws": 3}, "draws is 3 at temperature 0, .* give a temperature above 0, or temperature: null"),
        ({"judge": [MODEL, MODEL]}, "names a model twice"),
        ({"combine": "mode"}, "'mean', 'median' or 'majority'"),
    ],
)
def test_impossible_panels_are_refused(settings: dict[str, Any], words: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match=words):
        judge("rubric", **settings)


@pytest.mark.parametrize("temperature", [0.2, None])
def test_draws_may_differ_by_a_temperature_or_by_the_providers_own(temperature: float | None) -> None:
    """None leaves it out of the call."""
    metric = judge("rubric", draws=2, temperature=temperature)
    assert metric.sampling.get("temperature") == temperature


class _Form(BaseModel):
    said: str


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ('{"said": "x"}', "x"),
        ('<think>{"said": "no"}</think>\n```json\n{"said": "x"}\n```', "x"),
        ('Here: {"said": "<think> quoted"}', "<think> quoted"),
    ],
)
def test_replies_are_read_without_what_is_around_them(reply: str, said: str) -> None:
    """Thoughts before, fences, introductions; a tag that the object quotes stays."""
    assert reader(_Form)(reply).said == said
    with pytest.raises(ValueError, match="no JSON object"):
        reader(_Form)('<think>{"said": "unfinished"}')
