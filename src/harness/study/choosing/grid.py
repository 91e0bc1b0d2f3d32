"""The axes of variants as columns of a linear model: levels, contrasts, and which of them can be told apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.study.inference.given import frame

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

_NO_AXES = ("variant", "run", "label")
_RANK = 1e-9


@dataclass(frozen=True)
class Axis:
    """One swept setting: its levels in order of appearance, and for each variant the number of its level."""

    name: str
    levels: tuple[str, ...]
    codes: NDArray[np.int64]

    @property
    def columns(self) -> Floats:
        """Contrasts (variants x levels - 1) that sum to zero over the levels."""
        found: Floats = self.contrasts[self.codes]
        return found

    @property
    def contrasts(self) -> Floats:
        """The row of `columns` that each level has."""
        count = len(self.levels)
        return np.vstack([np.eye(count - 1), -np.ones((1, count - 1))])


@dataclass(frozen=True)
class Grid:
    """The variants' axes. A term is a tuple of one axis or two."""

    axes: tuple[Axis, ...]

    @property
    def pairs(self) -> list[tuple[Axis, Axis]]:
        """All two-way interactions."""
        return list(combinations(self.axes, 2))

    @property
    def mains(self) -> Floats:
        """Constant and all main effects."""
        count = len(self.axes[0].codes)
        return np.hstack([np.ones((count, 1)), *(axis.columns for axis in self.axes)])

    def without(self, axis: Axis) -> Floats:
        """Constant and the main effects of the other axes."""
        count = len(axis.codes)
        return np.hstack([np.ones((count, 1)), *(other.columns for other in self.axes if other is not axis)])

    def level(self, axis: Axis, level: int, observed: bool = False) -> Floats:
        """The row of `mains` for a level of one axis: the other axes averaged over their levels, or, `observed`, over
        the variants that there are."""
        parts = []
        for other in self.axes:
            mix = other.columns.mean(axis=0) if observed else np.zeros(len(other.levels) - 1)
            parts.append(axis.contrasts[level] if other is axis else mix)
        return np.concatenate([[1.0], *parts])


def grid_of(variants: pd.DataFrame, order: list[str], caller: str) -> Grid:
    """The axes of a frame with `variant` and a column per axis, for variants in the order given.

    Columns `run` and `label`, and those with one level only, are no axes. Raises UserError when a variant is missing or
    stands there twice, and when no axis has two levels.
    """
    frame(variants, "of variants with `variant` and a column per axis", caller)
    if "variant" not in variants.columns:
        raise UserError(f"{caller}: the frame of variants has no column 'variant'")
    names = [str(name) for name in variants["variant"]]
    rows = {name: i for i, name in enumerate(names)}
    if len(rows) < len(names):
        raise UserError(f"{caller}: the frame of variants has a variant twice")
    lacking = [name for name in order if name not in rows]
    if lacking:
        raise UserError(f"{caller}: {len(lacking)} scored variants are not in the frame of variants: {lacking[0]}, …")
    places = [rows[name] for name in order]
    axes = []
    for name in variants.columns:
        if name in _NO_AXES:
            continue
        texts = [_text(value) for value in variants[name].iloc[places]]
        levels = tuple(dict.fromkeys(texts))
        if len(levels) > 1:
            numbers = {level: i for i, level in enumerate(levels)}
            axes.append(Axis(str(name), levels, np.array([numbers[text] for text in texts], dtype=np.int64)))
    if not axes:
        raise UserError(f"{caller}: no column of the frame of variants has two levels, so there is no axis to look at")
    return Grid(tuple(axes))


def interaction(first: Axis, second: Axis) -> Floats:
    """Products of two axes' contrasts."""
    products = first.columns[:, :, None] * second.columns[:, None, :]
    return products.reshape(len(products), -1)


def basis(columns: Floats) -> Floats:
    """Orthonormal columns (variants x rank) that span the same space."""
    u, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    rank = int((sizes > _RANK * max(sizes.max(initial=0.0), 1e-300)).sum())
    found: Floats = u[:, :rank]
    return found


def added(columns: Floats, given: Floats) -> Floats:
    """Orthonormal directions that `columns` add to the space of `given`."""
    base = basis(given)
    rest = columns - base @ (base.T @ columns)
    if not np.abs(rest).max(initial=0.0) > _RANK * np.abs(columns).max(initial=0.0):
        return np.zeros((len(columns), 0))
    return basis(rest)


def _text(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str)
    if value is None or value != value:
        return "none"
    return str(value)
