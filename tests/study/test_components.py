"""Where variance comes from, and what to add of what."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from harness.errors import UserError
from harness.study.inference.components import components
from harness.study.inference.nested import nested_variances
from harness.study.inference.outlay import outlay


def simulated(
    seed: int = 0, variants: int = 2, clusters: int = 40, size: int = 5, repeats: int = 3, draws: int = 2
) -> pd.DataFrame:
    """Scores with variances of a difference: cluster 0.02, example 0.08, repeat 0.125, draw 0.045."""
    random = np.random.default_rng(seed)
    shape = (variants, clusters, size, repeats, draws)

    def noise(sd: float, *kept: int) -> np.ndarray[Any, Any]:
        return random.normal(0, sd, [shape[i] if i in kept else 1 for i in range(5)])

    values = noise(0.3, 1) + noise(0.4, 1, 2) + noise(0.1, 0, 1) + noise(0.2, 0, 1, 2)
    values = values + noise(0.25, 0, 1, 2, 3) + noise(0.15, 0, 1, 2, 3, 4)
    at = np.indices(shape).reshape(5, -1)
    frame = pd.DataFrame(at.T, columns=["variant", "cluster", "example", "repeat", "draw"])
    frame["example"] += frame["cluster"] * size
    return frame.assign(value=values.ravel())


def test_the_components_come_out() -> None:
    """Means over 40 simulations, within 4 errors of the truth."""
    found = [components(simulated(seed, variants=3, clusters=20, size=4)) for seed in range(40)]
    score = {"cluster": 0.1, "example": 0.2, "repeat": 0.0625, "draw": 0.0225}
    difference = {"cluster": 0.02, "example": 0.08, "repeat": 0.125, "draw": 0.045}
    for name, truth in score.items():
        estimates = [f.score[name].estimate for f in found]
        assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates) / np.sqrt(40)
    for name, truth in difference.items():
        estimates = [f.difference[name].estimate for f in found if f.difference]
        assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates) / np.sqrt(40)


def test_unbalanced_rows_bias_nothing() -> None:
    """A third of the rows lost at random: means over 40 simulations, within 4 errors of the truth."""
    random, found = np.random.default_rng(1), []
    for seed in range(40):
        frame = simulated(seed, clusters=20, size=4)
        found.append(components(frame[random.random(len(frame)) > 0.33]))
    for name, truth in {"cluster": 0.02, "example": 0.08, "repeat": 0.125, "draw": 0.045}.items():
        estimates = [f.difference[name].estimate for f in found if f.difference]
        assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates) / np.sqrt(40)


def test_mean_squares_are_those_of_statsmodels() -> None:
    """One level, unbalanced, to 1e-9 by the ANOVA table."""
    random = np.random.default_rng(2)
    groups = np.repeat(np.arange(12), random.integers(1, 6, 12))
    values = random.normal(size=12)[groups] + random.normal(size=len(groups))
    table = sm.stats.anova_lm(smf.ols("y ~ C(g)", pd.DataFrame({"y": values, "g": groups})).fit())
    between, within = table["mean_sq"]
    n, sizes = len(groups), np.bincount(groups)
    size = (n - (sizes**2).sum() / n) / 11
    found = nested_variances(values, [np.zeros(n, dtype=np.int64), groups])
    assert found == pytest.approx([(between - within) / size, within], abs=1e-9)


def test_on_balanced_data_the_estimates_are_reml() -> None:
    """statsmodels' MixedLM with clusters and examples within them, as near as its optimiser comes."""
    frame = simulated(5, variants=1, clusters=30, size=4, repeats=3, draws=1).drop(columns="draw")
    found = components(frame).score
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = smf.mixedlm("value ~ 1", frame, groups="cluster", re_formula="1", vc_formula={"e": "0 + C(example)"})
        fitted = model.fit(reml=True, method=["lbfgs", "powell"])
    expected = [float(fitted.cov_re.iloc[0, 0]), float(fitted.vcomp[0]), float(fitted.scale)]
    assert [found[name].estimate for name in ("cluster", "example", "repeat")] == pytest.approx(expected, rel=2e-3)


def test_the_difference_of_two_variants_has_the_components_of_its_own_values() -> None:
    """With one repeat: those of a minus b, to 1e-9."""
    frame = simulated(6, repeats=1, draws=1).drop(columns=["repeat", "draw"])
    found = components(frame)
    a, b = (frame[frame["variant"] == v].sort_values("example")["value"].to_numpy() for v in (0, 1))
    cluster, example = nested_variances(a - b, [np.zeros(200, dtype=np.int64), np.arange(200) // 5])
    assert found.difference is not None
    assert found.difference["cluster"].estimate == pytest.approx(cluster, abs=1e-9)
    assert found.difference["example"].estimate == pytest.approx(example, abs=1e-9)


def test_an_estimate_below_zero_is_kept_and_said() -> None:
    """As a component it counts for nothing; shares add up to one."""
    frame = pd.DataFrame({
        "variant": ["v"] * 8, "example": list("aabbccdd"), "repeat": [0, 1] * 4,
        "value": [0.0, 1, 1, 0, 0.1, 1, 0, 0.9],
    })  # fmt: skip
    found = components(frame)
    assert found.score["example"].estimate < 0
    assert (found.score["example"].variance, found.score["repeat"].share) == (0, 1)
    assert any("examples of a score is below zero" in note for note in found.notes)
    assert found.difference is None


def test_what_cannot_be_told_is_said() -> None:
    """One repeat, one judgement, clusters of one."""
    frame = simulated(7, size=1, repeats=1, draws=1)
    found = components(frame)
    assert list(found.score) == ["example"]
    assert found.clusters is None
    assert [word in " ".join(found.notes) for word in ("one repeat", "one judgement", "clusters and examples")] == [
        True
    ] * 3
    assert list(found.table["source"]) == ["example", "example"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="value"), "lacks the column 'value'"),
        (lambda f: f.assign(value="good"), "must be numbers"),
        (lambda f: pd.concat([f, f.iloc[:1]]), "stands twice"),
        (lambda f: f.assign(metric=np.arange(len(f)) % 2), "2 metrics"),
        (lambda f: f.assign(cluster=np.arange(len(f))), "or two"),
        (lambda f: f[f["example"] == 0], "at least two"),
        (lambda f: f[f["example"] % 2 == f["variant"]], "every variant"),
    ],
)
def test_frames_without_an_answer_are_refused(change: Any, said: str) -> None:
    """With what was found."""
    with pytest.raises(UserError, match=said):
        components(change(simulated(8, clusters=4, size=2)))


def test_the_width_that_is_promised_is_the_width_that_comes() -> None:
    """Half the mean width of the intervals of `compare` on data of the plan, within 10%."""
    import harness

    found = components(simulated(9, clusters=200))
    plan = outlay(found, answer=1.0, judgement=0.1, most_examples=200 * 5, half_width=0.05)
    widths = []
    for seed in range(10):
        frame = simulated(seed, clusters=plan.examples // 5, repeats=plan.repeats, draws=plan.draws)
        means = frame.groupby(["variant", "example", "cluster"], as_index=False)["value"].mean()
        one = harness.compare(means[means["variant"] == 0], means[means["variant"] == 1])
        widths.append((one.high - one.low) / 2)
    assert np.mean(widths) == pytest.approx(plan.half_width, rel=0.1)


def test_free_examples_are_added_first_and_dear_ones_last() -> None:
    """Without a price of an example answers are best spent on new ones; where examples cost, repeats are cheaper."""
    found = components(simulated(10, repeats=2, draws=2))
    free = outlay(found, answer=1.0, judgement=0.2)
    assert (free.repeats, free.draws) == (2, 2)
    assert free.examples > 3 * found.examples
    dear = outlay(found, answer=1.0, judgement=0.2, example=1000.0, half_width=0.8 * free.now)
    assert dear.repeats > 2
    assert dear.cost < (dear.alone["examples"] or 0)
    assert dear.half_width <= 0.8 * free.now


def test_no_other_plan_is_cheaper() -> None:
    """Every plan of up to 6 repeats and 6 judgements, one by one."""
    found = components(simulated(11, repeats=2, draws=2))
    target = 0.07
    best = outlay(found, answer=1.0, judgement=0.5, example=9.0, half_width=target, most=6)
    spent = 200 * (9 + 2 * 2 * (1 + 2 * 0.5))
    for repeats in range(2, 7):
        for draws in range(2, 7):
            n = outlay(
                _only(found, repeats, draws), answer=1.0, judgement=0.5, example=9.0, half_width=target, most=1
            ).examples
            assert n * (9 + 2 * repeats * (1 + draws * 0.5)) - spent >= best.cost - 1e-9


def _only(found: Any, repeats: int, draws: int) -> Any:
    from dataclasses import replace

    return replace(found, repeats=float(repeats), draws=float(draws))


def test_what_no_plan_reaches_is_refused() -> None:
    """With the narrowest that one would; so are one variant and prices below zero."""
    found = components(simulated(12))
    with pytest.raises(UserError, match="the narrowest is"):
        outlay(found, answer=1.0, half_width=0.01, most_examples=300)
    with pytest.raises(UserError, match="prices"):
        outlay(found, answer=-1.0)
    with pytest.raises(UserError, match="two"):
        outlay(components(simulated(12, variants=1)), answer=1.0)


def test_repeats_that_were_not_made_are_not_promised() -> None:
    """With one repeat and one judgement only examples are added, and it is said."""
    plan = outlay(components(simulated(13, repeats=1, draws=1)), answer=1.0)
    assert (plan.repeats, plan.draws) == (1, 1)
    assert len(plan.notes) == 2
    assert plan.alone["repeats"] is None
