"""How far two raters agree beyond chance: a judge and people, two people, two judges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import UserError
from harness.records import Scale
from harness.study.clusters import FEW_CLUSTERS, codes_of

METHOD = "kappa: 95% delete-one-cluster jackknife on Fisher's scale, t; where all agree, Clopper-Pearson on the rest"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How a rater (`rated`) agrees with the truth (`labels`) in n answers; a yes is a value from `at` to `at_most`.

    `at` is minus infinity where no value is too low, `at_most` is None where none is too high. `kappa` is Cohen's for
    values cut in two, and with quadratic weights for `graded` ones: there it is Lin's concordance correlation. `table`
    counts true and false positives and negatives, `agree` is the share of the true ones: a yes, or a no, of both.
    `equal` is the share of equal values, where labels are graded. `sensitivity` is the share of the labels' yes that
    the rater calls so too, `specificity` that of their no. `bias` is the mean of rated minus label. What cannot be told
    is None; `note` says why.
    """

    kind: str
    n: int
    clusters: int
    at: float
    kappa: float | None
    low: float | None
    high: float | None
    agree: float | None
    table: dict[str, int]
    sensitivity: float | None
    specificity: float | None
    bias: float | None
    pearson: float | None = None
    spearman: float | None = None
    note: str = ""
    at_most: float | None = None
    equal: float | None = None
    method: str = METHOD

    def as_json(self) -> dict[str, Any]:
        """The figures by name; `yes` says in words what a yes is."""
        return {**self.__dict__, "yes": self.yes}

    @property
    def yes(self) -> str:
        """Which values are a yes."""
        if self.at_most is None:
            return f"{self.at:g} and above"
        return f"{self.at_most:g} and below" if self.at == -math.inf else f"{self.at:g} to {self.at_most:g}"


def agreement(
    rated: ArrayLike,
    labels: ArrayLike,
    clusters: Sequence[object] | None = None,
    at: float = 0.5,
    at_most: float = math.inf,
    alpha: float = 0.05,
    *,
    alike: bool = False,
) -> Agreement:
    """Compare two flat arrays without NaN, entry i of both being the same answer.

    Labels of at most two different values are taken for a yes or no, and so are the rater's values: a yes is from `at`
    to `at_most`. Labels of more are graded. `alike`: both are people's, so that neither is the measure of the other.
    Raises UserError when the lengths differ.
    """
    first, second = np.asarray(rated, dtype=float), np.asarray(labels, dtype=float)
    names = list(range(len(first))) if clusters is None else list(clusters)
    if first.shape != second.shape or first.ndim != 1 or len(names) != len(first):
        lengths = f"{first.shape}, {second.shape} and {len(names)}"
        raise UserError(f"agreement: needs two flat arrays and clusters of one length, found {lengths}")
    yes = Scale("maximize", at_least=at, at_most=at_most)
    up, true = (np.array([yes.passes(value) for value in values], dtype=bool) for values in (first, second))
    table = {
        "true_positive": int((up & true).sum()),
        "false_positive": int((up & ~true).sum()),
        "false_negative": int((~up & true).sum()),
        "true_negative": int((~up & ~true).sum()),
    }
    graded = max(len(np.unique(second)), len(np.unique(first)) if alike else 0) > 2
    a, b = (first, second) if graded else (up.astype(float), true.astype(float))
    codes = codes_of(names)
    groups = len(np.unique(codes))
    value = kappa(a, b)
    told = len(b) > 0 and (np.ptp(b) > 0 or (alike and np.ptp(a) > 0))
    value = value if told else None
    low, high = (None, None) if value is None else _interval(value, a, b, codes, alpha)
    pearson, spearman = _correlations(first, second) if graded else (None, None)
    return Agreement(
        kind="graded" if graded else "binary",
        n=len(first),
        clusters=groups,
        at=at,
        kappa=value,
        low=low,
        high=high,
        agree=float((up == true).mean()) if len(a) else None,
        table=table,
        sensitivity=_share(table["true_positive"], table["false_negative"]),
        specificity=_share(table["true_negative"], table["false_positive"]),
        bias=float((first - second).mean()) if len(first) else None,
        pearson=pearson,
        spearman=spearman,
        note=_note(a, b, groups, graded, told),
        at_most=None if at_most == math.inf else at_most,
        equal=float((a == b).mean()) if graded else None,
    )


def kappa(a: Floats, b: Floats) -> float | None:
    """Cohen's kappa with quadratic weights; None where chance alone would agree wholly (all values are equal).

    1 - mean (a_i - b_i)^2 / mean over all i, j of (a_i - b_j)^2. For values 0 and 1 it is the unweighted kappa (J.
    Cohen, Educational and Psychological Measurement 20, 1960; Psychological Bulletin 70, 1968), and for any numbers the
    concordance correlation of L. I.-K. Lin (Biometrics 45, 1989).
    """
    if not len(a):
        return None
    found = _kappas(*(np.array([s]) for s in _sums(a, b)))[0]
    return None if np.isnan(found) else float(found)


def _sums(a: Floats, b: Floats) -> tuple[float, ...]:
    return float(len(a)), float(a.sum()), float(b.sum()), float(((a - b) ** 2).sum()), float((a**2 + b**2).sum())


def _kappas(n: Floats, a: Floats, b: Floats, apart: Floats, squares: Floats) -> Floats:
    """Kappas out of sums: of a, of b, of (a - b)^2, of a^2 + b^2. NaN where chance leaves no room."""
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = squares / n - 2 * (a / n) * (b / n)
        found: Floats = np.where(chance > 1e-12, 1 - apart / n / chance, np.nan)
    return found


def _interval(
    value: float, a: Floats, b: Floats, codes: NDArray[np.int64], alpha: float
) -> tuple[float | None, float | None]:
    """The interval of a kappa whose answers depend on each other within clusters.

    Where all agree the sample shows no doubt; G clusters leave room for a share of 1 - (alpha/2)^(1/G) of others that
    disagree, as far as the sample's values lie apart. No interval where one of the two never changes its mind,
    nor where the jackknife meets a table without kappa.
    """
    from scipy.special import stdtrit

    groups = int(codes.max()) + 1
    if groups < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None, None
    whole = _sums(a, b)
    if value >= 1:
        chance = whole[4] / whole[0] - 2 * (whole[1] / whole[0]) * (whole[2] / whole[0])
        return max(-1.0, 1 - (1 - (alpha / 2) ** (1 / groups)) * float(np.ptp(a)) ** 2 / chance), 1.0
    columns = (np.ones(len(a)), a, b, (a - b) ** 2, a**2 + b**2)
    parts = [np.bincount(codes, weights=column, minlength=groups).astype(np.float64) for column in columns]
    left = _kappas(*(total - part for total, part in zip(whole, parts, strict=True)))
    if np.isnan(left).any():
        return None, None
    error = float(np.sqrt((groups - 1) / groups * np.sum((left - left.mean()) ** 2)))
    inside = max(value, -0.999)
    half = float(stdtrit(groups - 1, 1 - alpha / 2)) * error / (1 - inside**2)
    middle = np.arctanh(inside)
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def _correlations(a: Floats, b: Floats) -> tuple[float | None, float | None]:
    """Pearson's and Spearman's; None where one of the two never changes."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None, None
    from scipy.stats import rankdata

    ranks = [rankdata(each) for each in (a, b)]
    return float(np.corrcoef(a, b)[0, 1]), float(np.corrcoef(*ranks)[0, 1])


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


def _note(a: Floats, b: Floats, groups: int, graded: bool, told: bool) -> str:
    if not len(a):
        return "no answer has both"
    if not told:
        return f"all labels are {_word(b[0], graded)}: kappa cannot be told; label answers of other kinds too"
    for one in (a, b):
        if np.ptp(one) == 0:
            return f"every value is {_word(one[0], graded)}, whatever the label: agreement is no better than chance"
    if groups < FEW_CLUSTERS:
        return f"only {groups} clusters: intervals from fewer than {FEW_CLUSTERS} are too narrow"
    return ""


def _word(value: float, graded: bool) -> str:
    """A value that all have; cut in two it is a yes or a no."""
    return f"{value:g}" if graded else "a yes" if value else "a no"
