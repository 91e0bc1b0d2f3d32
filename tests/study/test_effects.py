"""What each axis does, alone and together with another."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

import harness
from harness.errors import UserError

GRID = list(product(("s", "m", "l"), ("x", "y"), ("p", "q")))


def sweep(seed: int, kept: list[int] | None = None, examples: int = 120) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and variants of a 3 x 2 x 2 grid; `size` counts, `mode` counts more for l, `third` does nothing."""
    random = np.random.default_rng(seed)
    rows = [(f"v{i}", *GRID[i]) for i in (kept or range(len(GRID)))]
    variants = pd.DataFrame(rows, columns=["variant", "size", "mode", "third"]).assign(label="-", fixed=1)
    difficulty = np.repeat(random.normal(size=examples // 2), 2)
    scores = []
    for name, size, mode, _ in rows:
        merit = {"s": 0.0, "m": 0.2, "l": 0.3}[size] + 0.1 * (mode == "x") + 0.3 * (mode == "x") * (size == "l")
        values = merit + difficulty + random.normal(0, 0.4, examples)
        scores.append(pd.DataFrame({"variant": name, "example": range(examples), "value": values}))
    frame = pd.concat(scores, ignore_index=True)
    return frame.assign(cluster=frame["example"] // 2), variants


UNBALANCED = [0, 1, 2, 4, 5, 7, 8, 9, 11]


@pytest.mark.parametrize("kept", [None, UNBALANCED], ids=["balanced", "unbalanced"])
def test_differences_are_those_of_a_clustered_regression(kept: list[int] | None) -> None:
    """Estimates and errors equal statsmodels' OLS on all cells with cluster-robust covariance, to 1e-9."""
    scores, variants = sweep(1, kept)
    found = harness.effects(scores, variants)
    cells = scores.merge(variants, on="variant")
    fit = ols("value ~ C(size, Sum) + C(mode, Sum) + C(third, Sum)", cells).fit()
    groups = scores["cluster"].nunique()
    plain = sm.stats.sandwich_covariance.cov_cluster(fit, cells["cluster"].to_numpy(), use_correction=False)
    contrast = np.array([2.0 if name.startswith("C(mode") else 0.0 for name in fit.params.index])
    error = np.sqrt(contrast @ plain @ contrast * groups / (groups - 1))
    row = found.differences.query("axis == 'mode'").iloc[0]
    assert abs(row["difference"]) == pytest.approx(abs(contrast @ fit.params.to_numpy()), abs=1e-9)
    from scipy.stats import t

    assert (row["high"] - row["low"]) / 2 == pytest.approx(t.ppf(0.975, groups - 1) * error, abs=1e-9)


@pytest.mark.parametrize("kept", [None, UNBALANCED], ids=["balanced", "unbalanced"])
def test_observed_shares_are_the_analysis_of_variance(kept: list[int] | None) -> None:
    """Main effects equal the type II sums of squares of statsmodels over the variants' means, to 1e-9."""
    scores, variants = sweep(2, kept)
    found = harness.effects(scores, variants).shares.set_index("term")
    means = variants.merge(scores.groupby("variant", as_index=False)["value"].mean(), on="variant")
    squares = anova_lm(ols("value ~ C(size) + C(mode) + C(third)", means).fit(), typ=2)["sum_sq"]
    total = ((means["value"] - means["value"].mean()) ** 2).sum()
    for axis in ("size", "mode", "third"):
        assert found.loc[axis, "observed"] == pytest.approx(squares[f"C({axis})"] / total, abs=1e-9)


def test_marginal_means_of_a_full_grid_are_plain_means() -> None:
    """Each level's mean is that of its variants."""
    scores, variants = sweep(3)
    found = harness.effects(scores, variants).levels
    plain = scores.merge(variants, on="variant").groupby("size")["value"].mean()
    rows = found[found["axis"] == "size"]
    assert rows["mean"].to_numpy() == pytest.approx(plain[rows["level"]].to_numpy(), abs=1e-12)
    assert (rows["low"] < rows["mean"]).all() and (rows["mean"] < rows["high"]).all()
    assert set(rows["variants"]) == {4}


def test_what_is_there_is_found_and_what_is_not_is_not() -> None:
    """size, mode and their interaction are claimed; the third axis and its interactions take next to no share."""
    scores, variants = sweep(4)
    found = harness.effects(scores, variants)
    shares = found.shares.set_index("term")
    assert (shares.loc[["size", "mode", "size x mode"], "p"] < 0.01).all()
    assert shares["share"]["third"] < 0.02
    assert shares["observed"].sum() == pytest.approx(1.0)
    assert not found.cautions


def test_noise_alone_explains_nothing() -> None:
    """With axes that do nothing, shares of the true variance and claims stay away: p < 0.05 in 1 to 10% of 200 runs,
    and shares are told of all terms or of none, and never above 1 in sum."""
    claimed, shared = 0, 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        variants = pd.DataFrame([(f"v{i}", *levels) for i, levels in enumerate(GRID)], columns=["variant", *"abc"])
        common = random.normal(size=60)
        scores = pd.concat(
            pd.DataFrame({"variant": f"v{i}", "example": range(60), "value": common + random.normal(size=60)})
            for i in range(len(GRID))
        )
        shares = harness.effects(scores, variants).shares
        claimed += float(shares["p"].iloc[0]) < 0.05
        known = shares["share"].notna()
        assert known.all() or not known.any()
        assert shares["share"].sum() <= 1 + 1e-12
        shared += bool(known.any())
    assert 20 <= shared <= 180
    assert 2 <= claimed <= 20


def test_axes_that_change_together_are_said_and_not_told_apart() -> None:
    """Two names of one axis: no figure for either, the others keep theirs, and a caution names both."""
    scores, variants = sweep(5)
    twin = variants.assign(twin=variants["mode"].map({"x": 1, "y": 2}))
    found = harness.effects(scores, twin)
    assert found.levels.query("axis in ['mode', 'twin']")["mean"].isna().all()
    assert found.differences.query("axis == 'mode'")["difference"].isna().all()
    assert found.levels.query("axis == 'size'")["mean"].notna().all()
    assert any(text.startswith("twin changes together with mode:") for text in found.cautions)


def test_an_error_that_all_variants_share_does_not_blur_a_difference() -> None:
    """Paired by example: hard examples widen the means' intervals, not those of differences."""
    scores, variants = sweep(6)
    found = harness.effects(scores, variants)
    level, difference = found.levels.iloc[0], found.differences.iloc[0]
    assert level["high"] - level["low"] > 2 * (difference["high"] - difference["low"])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda s, v: (s, v.iloc[1:]), "not in the frame of variants"),
        (lambda s, v: (s, v[["variant", "fixed"]]), "no axis"),
        (lambda s, v: (s, pd.concat([v, v])), "twice"),
        (lambda s, v: (s.assign(cluster=1), v), "one cluster"),
        (lambda s, v: (s, {"variant": ["v0"]}), "needs a frame of variants .* type dict"),
        (lambda s, v: (s["value"].to_numpy(), v), "needs a frame of scores .* type ndarray"),
        (lambda s, v: (s, v, "x"), "alpha is 'x'"),
        (lambda s, v: (s, v.drop(columns="variant")), "no column 'variant'"),
    ],
)
def test_frames_that_do_not_fit_are_refused(change: object, found: str) -> None:
    """Each with what was found."""
    scores, variants = sweep(7)
    with pytest.raises(UserError, match=found):
        harness.effects(*change(scores, variants))  # type: ignore[operator]


def test_shares_of_a_grid_with_holes_do_not_exceed_one() -> None:
    """Terms that overlap are brought down together; what is large stays large, and is printed."""
    for seed in range(10):
        scores, variants = sweep(seed, UNBALANCED)
        found = harness.effects(scores, variants)
        assert found.shares["share"].sum() <= 1 + 1e-12
        assert found.shares.set_index("term")["share"]["size"] > 0.3
        assert "size: " in str(found) and len(str(found)) < 1000
