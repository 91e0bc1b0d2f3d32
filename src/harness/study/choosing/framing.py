"""Scores in a frame as the matrix that the statistics of many variants work on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError, advice
from harness.records.outcome import NO_ANSWER
from harness.study.choosing.matrix import Matrix
from harness.study.clusters import codes_of
from harness.study.inference.given import frame, number, shown

if TYPE_CHECKING:
    import pandas as pd

_NEEDED = ("variant", "example", "value")
_ROUNDING = 1e-9
"""A mean of repeats may be outside of the range by so much."""


@dataclass(frozen=True)
class Bounds:
    """The ends of a metric's range; None where it has no such end."""

    low: float | None = None
    high: float | None = None

    @property
    def lowest(self) -> float:
        """The lower end, minus infinity where there is none."""
        return -math.inf if self.low is None else self.low

    @property
    def highest(self) -> float:
        """The upper end, infinity where there is none."""
        return math.inf if self.high is None else self.high

    def worst(self, direction: str) -> float | None:
        """The end that a failed cell counts as."""
        return self.low if direction == "maximize" else self.high


def matrix_of(scores: pd.DataFrame, caller: str) -> Matrix:
    """The matrix of a frame with `variant`, `example`, `value` and, where there are, `repeat`, `cluster`, `metric`.

    A row without a value is a failed cell: one without an answer, unless its `failure` says that the metric failed.
    Variants and examples stand in the order of their first row. Raises
    UserError for missing columns, more than one metric, two rows for one cell, and an example in two clusters.
    """
    frame(scores, "of scores with `variant`, `example`, `value`", caller)
    missing = [name for name in _NEEDED if name not in scores.columns]
    if missing:
        raise UserError(f"{caller}: the frame has no column {missing[0]!r}; {_columns(scores)}")
    if not len(scores):
        raise UserError(f"{caller}: the frame has no rows")
    for name in ("variant", "example"):
        if scores[name].isna().any():
            raise UserError(f"{caller}: {int(scores[name].isna().sum())} rows have no {name}")
    metric = _metric(scores, caller)
    cell = [name for name in ("variant", "example", "repeat") if name in scores.columns]
    doubled = scores.duplicated(cell)
    if doubled.any():
        first = ", ".join(f"{name} {shown(scores.loc[doubled, name].iloc[0])}" for name in cell)
        raise UserError(f"{caller}: two rows for {first}; give each its `repeat`, or keep one")
    variants, variant_codes = _coded(scores["variant"])
    examples, example_codes = _coded(scores["example"])
    values = _numbers(scores["value"], caller)
    shape = (len(examples), len(variants))
    sums, scored, failed = np.zeros(shape), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    at, good = (example_codes, variant_codes), ~np.isnan(values)
    np.add.at(sums, at, np.where(good, values, 0.0))
    np.add.at(scored, at, good.astype(np.int64))
    np.add.at(failed, at, (~good).astype(np.int64))
    unanswered = np.zeros(shape, dtype=np.int64)
    np.add.at(unanswered, at, (~good & _without_answer(scores)).astype(np.int64))
    with np.errstate(invalid="ignore"):
        means = np.where(scored > 0, sums / scored, np.nan)
    clusters = _clusters(scores, example_codes, len(examples), caller)
    return Matrix(metric, variants, examples, clusters, means, scored, failed, unanswered)


def _without_answer(scores: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows, if they have no value, have no answer either."""
    if "failure" not in scores.columns:
        return np.ones(len(scores), dtype=bool)
    told = [text if isinstance(text, str) else NO_ANSWER for text in scores["failure"]]
    return np.array([text.startswith(NO_ANSWER) for text in told], dtype=bool)


def bounds_of(matrix: Matrix, low: float | None, high: float | None, caller: str) -> Bounds:
    """The range as given; 0 to 1 where none is given and all scores lie there.

    Raises UserError for ends that are no numbers or in the wrong order, and for scores outside.
    """
    low = None if low is None else number(low, "low", caller)
    high = None if high is None else number(high, "high", caller)
    if low is not None and high is not None and low >= high:
        raise UserError(f"{caller}: low is {low:g} and high is {high:g}; low is the lower end of the metric's range")
    known = matrix.values[~np.isnan(matrix.values)]
    lowest, highest = (float(known.min()), float(known.max())) if len(known) else (math.inf, -math.inf)
    if (low is not None and lowest < low - _ROUNDING) or (high is not None and highest > high + _ROUNDING):
        ends = f"{'' if low is None else f'low={low:g}'} {'' if high is None else f'high={high:g}'}".strip()
        raise UserError(
            f"{caller}: scores lie between {lowest:g} and {highest:g}, outside of {ends}; give the ends of the "
            "metric's range, or leave them out"
        )
    if low is None and high is None and len(known) and lowest >= 0 and highest <= 1:
        return Bounds(0.0, 1.0)
    return Bounds(low, high)


def _metric(scores: pd.DataFrame, caller: str) -> str:
    if "metric" not in scores.columns:
        return "value"
    names = sorted(map(str, scores["metric"].unique()))
    if len(names) > 1:
        raise UserError(f"{caller}: the frame holds {len(names)} metrics ({', '.join(names)}); keep the rows of one")
    return names[0]


def _numbers(column: pd.Series, caller: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    try:
        values: np.ndarray[tuple[int], np.dtype[np.float64]] = column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise UserError(f"{caller}: `value` holds what is no number: {error}") from None
    if np.isinf(values).any():
        raise UserError(f"{caller}: `value` is infinite in {int(np.isinf(values).sum())} rows")
    return values


def _coded(column: pd.Series) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    import pandas as pd

    codes, names = pd.factorize(column)
    return [str(name) for name in names], np.asarray(codes, dtype=np.int64)


def _clusters(
    scores: pd.DataFrame, codes: np.ndarray[tuple[int], np.dtype[np.int64]], count: int, caller: str
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if "cluster" not in scores.columns:
        return np.arange(count)
    pairs = scores[["example", "cluster"]].drop_duplicates()
    twice = pairs["example"].duplicated()
    if pairs["cluster"].isna().any() or twice.any():
        example = pairs.loc[twice | pairs["cluster"].isna(), "example"].iloc[0]
        raise UserError(f"{caller}: example {shown(example)} must be in one cluster, the same in all its rows")
    names = np.empty(count, dtype=object)
    names[codes] = scores["cluster"].to_numpy(dtype=object)
    return codes_of(list(names))


def _columns(frame: pd.DataFrame) -> str:
    return advice("", [str(name) for name in frame.columns], "it has")
