"""Two sets of scores on the same examples, as pairs: from arrays by position, from frames by example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.study.clusters import codes_of
from harness.study.inference.given import shown

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """`differences` (first minus second) of the examples with both scores, and the number 0, 1, … of their clusters.

    `dropped` examples lack a score. `binary`: all scores are 0 or 1; `unit`: all lie between 0 and 1. `repeats` is the
    largest number of repeats whose mean is a score. `span` is the width of the scores' range: 1 where all lie between 0
    and 1, else that of the scores that there are.
    """

    differences: Floats
    clusters: NDArray[np.int64]
    dropped: int
    binary: bool
    unit: bool
    repeats: int = 1
    span: float = 1.0

    @property
    def sums(self) -> Floats:
        """Sum of the differences of each cluster."""
        return np.bincount(self.clusters, weights=self.differences).astype(np.float64)

    @property
    def sizes(self) -> Floats:
        """Number of examples of each cluster."""
        return np.bincount(self.clusters).astype(np.float64)

    @property
    def clustered(self) -> bool:
        """Whether some cluster has more than one example."""
        return len(self.sizes) < len(self.differences)


def paired(a: Any, b: Any, clusters: Iterable[object] | None = None) -> Pairs:
    """Pairs of two flat arrays (entry i of both is the same example) or of two frames (see `framed`).

    Raises UserError when lengths differ, a value is infinite, or no example has both scores.
    """
    if hasattr(a, "columns") or hasattr(b, "columns"):
        return framed(a, b, clusters)
    if hasattr(a, "index") and hasattr(b, "index") and hasattr(a, "equals") and not a.index.equals(b.index):
        raise UserError("compare: the two series have different indexes; align them, or give frames with `example`")
    first, second = _numbers(a), _numbers(b)
    if first.shape != second.shape or first.ndim != 1:
        raise UserError(f"compare: needs two flat arrays of equal length, got shapes {first.shape} and {second.shape}")
    names: list[object] = list(clusters if clusters is not None else range(len(first)))
    if len(names) != len(first):
        raise UserError(f"compare: {len(first)} examples, but {len(names)} cluster names")
    lacking = [i for i, name in enumerate(names) if name is None or name != name]
    if lacking:
        raise UserError(f"compare: entry {lacking[0]} has no cluster; name one for each example, or give none")
    return _pairs(first, second, names, 1)


def framed(a: pd.DataFrame, b: pd.DataFrame, clusters: Iterable[object] | None = None) -> Pairs:
    """Pairs of two frames with `example`, `value` and, where there are, `repeat` and `cluster`.

    The score of an example is the mean of its repeats that have a value, so repeats are never counted as examples.
    Examples of one frame alone are dropped and counted. Raises UserError for lacking columns, an example that stands
    twice in a repeat, two clusters of one example, several metrics or variants in a frame.
    """
    if clusters is not None:
        raise UserError("compare: frames name their clusters in a column `cluster`, not by the argument")
    for name, frame in (("first", a), ("second", b)):
        _check(name, frame)
    import pandas as pd

    values = [pd.Series(_numbers(frame["value"]), index=frame["example"]) for frame in (a, b)]
    means = [one.groupby(level=0, sort=False).mean() for one in values]
    joined = pd.concat(means, axis=1, keys=["a", "b"])
    names: list[object] = list(joined.index)
    both = [frame[["example", "cluster"]] for frame in (a, b) if "cluster" in frame]
    if both:
        rows = pd.concat(both).drop_duplicates()
        twice = rows["example"][rows["example"].duplicated()]
        if len(twice):
            raise UserError(f"compare: example {shown(twice.iloc[0])} has two clusters; an example belongs to one")
        known = rows.set_index("example")["cluster"].reindex(joined.index)
        if known.isna().any():
            raise UserError(
                f"compare: example {shown(known.index[known.isna()][0])} has no cluster; name one or drop the column"
            )
        names = known.tolist()
    repeats = max(int(frame.groupby("example").size().max()) if len(frame) else 1 for frame in (a, b))
    return _pairs(joined["a"].to_numpy(), joined["b"].to_numpy(), names, repeats)


def _pairs(first: Floats, second: Floats, names: list[object], repeats: int) -> Pairs:
    for scores in (first, second):
        if np.isinf(scores).any():
            raise UserError("compare: a score is infinite; give NaN for a score that is missing")
    kept = ~(np.isnan(first) | np.isnan(second))
    if not kept.any():
        raise UserError("compare: no example has both scores")
    scores = np.concatenate([first[kept], second[kept]])
    unit = bool((scores >= 0).all() and (scores <= 1).all())
    return Pairs(
        first[kept] - second[kept],
        codes_of([name for name, there in zip(names, kept, strict=True) if there]),
        int((~kept).sum()),
        bool(np.isin(scores, (0.0, 1.0)).all()),
        unit,
        repeats,
        1.0 if unit else float(np.ptp(scores)),
    )


def _numbers(values: Any) -> Floats:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise UserError(f"compare: scores must be numbers, NaN where missing ({error})") from None


def _check(name: str, frame: Any) -> None:
    lacking = [column for column in ("example", "value") if column not in getattr(frame, "columns", ())]
    if lacking:
        raise UserError(f"compare: the {name} frame lacks the column {lacking[0]!r}; both need `example` and `value`")
    for column in ("metric", "variant"):
        if column in frame and frame[column].nunique() > 1:
            raise UserError(f"compare: the {name} frame holds {frame[column].nunique()} {column}s; select one first")
    keys = ["example", *(["repeat"] if "repeat" in frame else [])]
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        where = ", ".join(f"{key} {shown(twice.iloc[0][key])}" for key in keys)
        raise UserError(f"compare: the {name} frame has {where} twice; repeats need a column `repeat` that tells them")
