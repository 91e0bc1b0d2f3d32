"""Where the variance of scores comes from: the questions, the model's sampling, the judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.study.inference.nested import nested_variances

if TYPE_CHECKING:
    import pandas as pd

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

NAMES = {"cluster": "clusters", "example": "examples", "repeat": "the model's sampling", "draw": "the judge"}


@dataclass(frozen=True)
class Component:
    """One source of variance. `estimate` is that of the method of moments and may be negative; `variance` is then 0,
    and `share` is of the sum of the variances.
    """

    estimate: float
    variance: float
    share: float


@dataclass(frozen=True)
class Components:
    """Variance by source, where it is told: `cluster`, `example`, `repeat` (the model's sampling), `draw` (the judge).

    `score` is of one score of one variant. `difference` is of the difference of two variants on one example: what is
    hard for both alike is not in it; None with a single variant. `repeats` and `draws` are means per example and
    answer, `size` examples per cluster, `clusters` None where no cluster has two examples. `notes` say what could not
    be told.
    """

    score: dict[str, Component]
    difference: dict[str, Component] | None
    variants: int
    examples: int
    clusters: int | None
    size: float
    repeats: float
    draws: float
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """A row per source: `of` (score or difference), `source`, `estimate`, `variance`, `share`."""
        import pandas as pd

        parts = {"score": self.score, "difference": self.difference or {}}
        rows = [{"of": of, "source": name, **vars(c)} for of, found in parts.items() for name, c in found.items()]
        return pd.DataFrame(rows, columns=["of", "source", "estimate", "variance", "share"])

    def __str__(self) -> str:
        lines = [f"variance of a score: {_told(self.score)}"]
        if self.difference is not None:
            lines.append(f"variance of a difference of two variants: {_told(self.difference)}")
        return "; ".join([*lines, *self.notes])


def components(frame: pd.DataFrame) -> Components:
    """Components of variance of a frame: `variant`, `example`, `value` and, where there are, `repeat`, `draw` (several
    judgements of one answer) and `cluster`.

    Rows without a value are left out. Raises UserError where columns lack, rows stand twice, or fewer than two examples
    have values.
    """
    keys = _checked(frame)
    try:
        frame = frame.assign(value=frame["value"].astype(float))
    except (TypeError, ValueError) as error:
        raise UserError(f"components: values must be numbers, or missing ({error})") from None
    rows = frame[frame["value"].notna()]
    if rows["example"].nunique() < 2:
        raise UserError(f"components: {rows['example'].nunique()} example has values; needs at least two")
    codes = {key: _codes(rows[key]) for key in keys}
    values = rows["value"].to_numpy(dtype=float)
    notes = [f"{len(frame) - len(rows)} rows without a value left out"] if len(rows) < len(frame) else []
    cell = _numbered(codes["variant"], codes["example"])
    answer = _numbered(cell, codes["repeat"]) if "repeat" in codes else cell
    several = {
        "cluster": "cluster" in codes and _numbered(codes["variant"], codes["cluster"]).max() < cell.max(),
        "repeat": answer.max() > cell.max(),
        "draw": len(values) > answer.max() + 1,
    }
    notes += _untold(several, "cluster" in codes)
    outer = [codes["variant"], *([codes["cluster"]] if several["cluster"] else [])]
    inner = [codes["example"]] if several["repeat"] or several["draw"] else []
    inner += [answer] if several["repeat"] and several["draw"] else []
    names = [*(["cluster"] if several["cluster"] else []), "example", *(k for k in ("repeat", "draw") if several[k])]
    score = dict(zip(names, _solve(values, outer + inner), strict=True))
    difference = None
    if codes["variant"].max() > 0:
        difference = _difference(values, codes, cell, answer, several, score)
    size = (codes["example"].max() + 1) / (codes["cluster"].max() + 1) if several["cluster"] else 1.0
    return Components(
        _shares(score, notes, "of a score"),
        None if difference is None else _shares(difference, notes, "of a difference"),
        int(codes["variant"].max()) + 1,
        int(codes["example"].max()) + 1,
        int(codes["cluster"].max()) + 1 if several["cluster"] else None,
        float(size),
        float((answer.max() + 1) / (cell.max() + 1)),
        float(len(values) / (answer.max() + 1)),
        tuple(notes),
    )


def _difference(
    values: Floats,
    codes: dict[str, Codes],
    cell: Codes,
    answer: Codes,
    several: dict[str, bool],
    score: dict[str, float],
) -> dict[str, float]:
    """Twice the components of a variant's deviation from the mean of all variants, on the examples that all have."""
    answers = np.bincount(answer, weights=values) / np.bincount(answer)
    of = _first_of(answer, cell)
    means = np.bincount(of, weights=answers) / np.bincount(of)
    variant, example = _first_of(cell, codes["variant"]), _first_of(cell, codes["example"])
    count = int(variant.max()) + 1
    whole = (np.bincount(example) == count)[example]
    if len(np.unique(example[whole])) < 2:
        raise UserError(
            "components: fewer than two examples have values for every variant; a difference has no variance"
        )
    deviations = means - (np.bincount(example, weights=means) / np.bincount(example))[example]
    levels = [variant[whole]]
    if several["cluster"]:
        levels.append(_first_of(cell, codes["cluster"])[whole])
    scale = 2 * count / (count - 1)
    found = [scale * part for part in _solve(deviations[whole], levels)]
    noise = {name: 2 * part for name, part in score.items() if name in ("repeat", "draw")}
    repeats = np.bincount(of)[whole]
    draws = (np.bincount(of, weights=1 / np.bincount(answer)) / np.bincount(of) ** 2)[whole]
    lost = max(0.0, noise.get("repeat", 0.0)) * float((1 / repeats).mean())
    lost += max(0.0, noise.get("draw", 0.0)) * float(draws.mean())
    names = ["cluster"] if several["cluster"] else []
    return {**dict(zip([*names, "example"], [*found[:-1], found[-1] - lost], strict=True)), **noise}


def _solve(values: Floats, levels: list[Codes]) -> list[float]:
    try:
        return [float(part) for part in nested_variances(values, levels)]
    except ValueError as error:
        raise UserError(f"components: too few values for what they are to tell: {error}") from None


def _shares(found: dict[str, float], notes: list[str], of: str) -> dict[str, Component]:
    whole = sum(max(0.0, value) for value in found.values())
    for name, value in found.items():
        if value < 0:
            notes.append(f"the estimate for {NAMES[name]} {of} is below zero ({value:.3g}): too small to be seen")
    return {
        name: Component(value, max(0.0, value), max(0.0, value) / whole if whole else 0.0)
        for name, value in found.items()
    }


def _untold(several: dict[str, bool], clusters: bool) -> list[str]:
    notes = []
    if clusters and not several["cluster"]:
        notes.append("no cluster has two examples: clusters and examples are one")
    if not several["repeat"]:
        notes.append("one repeat: the model's sampling is within the examples' variance")
    if not several["draw"]:
        notes.append("one judgement of an answer: the judge's noise is within the variance above it")
    return notes


def _told(found: dict[str, Component]) -> str:
    return ", ".join(f"{NAMES[name]} {100 * part.share:.0f}%" for name, part in found.items())


def _checked(frame: pd.DataFrame) -> list[str]:
    """The columns that name what a value is of."""
    for column in ("variant", "example", "value"):
        if column not in frame:
            raise UserError(f"components: the frame lacks the column {column!r}")
    if "metric" in frame and frame["metric"].nunique() > 1:
        raise UserError(f"components: the frame holds {frame['metric'].nunique()} metrics; select one first")
    named = [key for key in ("variant", "example", "repeat", "draw") if key in frame]
    twice = frame[frame.duplicated(named)]
    if len(twice):
        where = ", ".join(f"{key} {twice.iloc[0][key]!r}" for key in named)
        raise UserError(f"components: {where} stands twice; give `repeat` for answers and `draw` for judgements of one")
    if "cluster" in frame:
        if (frame.groupby("example")["cluster"].nunique(dropna=False) > 1).any() or frame["cluster"].isna().any():
            raise UserError("components: an example has no cluster, or two; each belongs to one")
        named.append("cluster")
    return named


def _codes(column: Any) -> Codes:
    found: Codes = np.unique(column.astype(str).to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)
    return found


def _numbered(outer: Codes, inner: Codes) -> Codes:
    found: Codes = np.unique(outer * (inner.max() + 1) + inner, return_inverse=True)[1].astype(np.int64)
    return found


def _first_of(groups: Codes, values: Codes) -> Codes:
    """What all members of each group share."""
    found = np.empty(int(groups.max()) + 1, dtype=np.int64)
    found[groups] = values
    return found
