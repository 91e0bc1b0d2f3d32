"""What a sweep's retrieval found: evidence by settings, and the variants whose passages can be cut again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from harness.errors import UserError, advice
from harness.store import StoredSweep
from harness.study.board.overview import levels_of
from harness.study.board.retrieval.alike import Group, grouped, tree_of
from harness.study.board.retrieval.hits import passages_of
from harness.study.board.retrieval.passages import Passages, Real
from harness.study.board.retrieval.recut import By, Cut, cut, values
from harness.study.report import amounts

COMPUTED = {
    "recall of evidence, characters": ("recall", "characters"),
    "recall of evidence, pieces": ("recall", "passages"),
    "noise, characters": ("noise", "characters"),
    "noise, passages": ("noise", "passages"),
}
"""Measures that are worked out from stored passages, and what of `recut.values` they are."""
_RETRIEVAL = ("span_", "recall@", "precision", "retrieval_noise", "ndcg@", "map", "mrr", "hit_rate", "index_recall")
"""How the names of metrics begin that look at passages alone; they are offered first."""
_FIRST = ("chunk_size", "chunk_overlap")


class Retrieval:
    """A sweep's retrieval. What is worked out once is kept."""

    def __init__(self, stored: StoredSweep) -> None:
        self.stored = stored

    @cached_property
    def passages(self) -> Passages:
        """The stored passages."""
        return passages_of(self.stored)

    @cached_property
    def whole(self) -> Cut:
        """What each cell has, nothing cut."""
        return cut(self.passages, None)

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """The variants that have a knowledge base."""
        present = {self.passages.variants[number] for number in np.unique(self.passages.variant)}
        told = [e for e in self.stored.variants if e["id"] in present or (e.get("chatbot") or {}).get("retrieval")]
        return [dict(entry) for entry in told]

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The settings of retrieval that differ between variants: name -> variant -> value; those of chunks first.

        The axes that the sweep file names, then the settings below them. Of imported results any setting is one.
        """
        flat = {entry["id"]: dict(_leaves(tree_of(entry))) for entry in self.entries}
        paths = list(dict.fromkeys(path for leaves in flat.values() for path in leaves))
        own = [any(tree_of(entry)) for entry in self.entries]
        named = _names(paths)
        slots = {part for path in paths for part in path.split(".")}
        found: dict[str, dict[str, Any]] = {}
        for entry in self.entries:
            for name, value in (entry.get("params") or {}).items():
                if not any(own) or name.split(".")[-1] in slots:
                    found.setdefault(name, {})[entry["id"]] = value
        for path in paths:
            name = named[path]
            if name not in found and path not in found:
                found[name] = {variant: leaves.get(path) for variant, leaves in flat.items()}
        axes = {name for entry in self.entries for name in entry.get("params") or {}}
        differ = [name for name, by in found.items() if _differ(by, list(flat), name in axes)]
        return {name: found[name] for name in [*(n for n in _FIRST if n in differ), *differ]}

    @cached_property
    def measures(self) -> list[str]:
        """What evidence can be looked at by: worked out here, where any cell has it; then the stored metrics."""
        made = [name for name in COMPUTED if not np.isnan(self._computed(name)).all()]
        stored = [str(entry["name"]) for entry in self.stored.metrics]
        return made + sorted(stored, key=lambda name: not name.startswith(_RETRIEVAL))

    def coverage(self, measure: str, across: str, up: str | None) -> dict[str, Any]:
        """Means of a measure by one setting or two, the others averaged.

        A mean is that of the means of the variants that have both levels: each variant counts alike. `across` and `up`
        are the levels, `cells` are `(column, row, mean, n)`; `rows` is the same as a table, n in cells. `uneven` are
        the other settings that are not the same in all cells, so that a difference may be theirs.
        """
        means = self._means(measure)
        variants = [entry["id"] for entry in self.entries if entry["id"] in means]
        columns, lines = self._level(across, variants), self._level(up, variants)
        rows, cells = [], []
        others = []
        for i, column in enumerate(columns[1]):
            for j, line in enumerate(lines[1]):
                mine = [v for v in variants if columns[0][v] == column and lines[0][v] == line]
                if not mine:
                    continue
                mean, n = float(np.mean([means[v][0] for v in mine])), sum(means[v][1] for v in mine)
                cells.append((i, j, mean, n))
                second = {} if up is None else {f"{up} ": line}
                rows.append({f"{across} ": column, **second, measure: mean, "n": n, "variants": len(mine)})
                others.append(self._others(mine, across, up))
        uneven = [
            name for name in (others[0] if others else {}) if any(each[name] != others[0][name] for each in others)
        ]
        return {"across": columns[1], "up": lines[1], "cells": cells, "rows": rows, "uneven": uneven}

    @cached_property
    def groups(self) -> list[Group]:
        """Variants by what they retrieve, see `alike.grouped`."""
        counts = np.bincount(self.passages.variant, minlength=len(self.passages.variants))
        cells = dict(zip(self.passages.variants, counts.tolist(), strict=True))
        return grouped(self.entries, cells, self.axes)

    def chosen(self, variants: Sequence[str]) -> tuple[Passages, list[Group]]:
        """The cells of groups, named by the variants that stand for them. Raises UserError for an unknown one."""
        groups = {group.variant: group for group in self.groups}
        for name in variants:
            if name not in groups:
                raise UserError(f"no retrieval is called {name!r}; {advice(name, list(groups)[:40], 'they are')}")
        return self.passages.of_variants(variants), [groups[name] for name in variants]

    @cached_property
    def axes(self) -> dict[str, dict[str, Any]]:
        """The settings that name a retrieval: those that are axes; where none is, all."""
        axes = {name for entry in self.entries for name in entry.get("params") or {}}
        return {name: by for name, by in self.settings.items() if name in axes} or self.settings

    def _means(self, measure: str) -> dict[str, tuple[float, int]]:
        """The mean of each variant over its cells that have the measure, and how many these are."""
        if measure in COMPUTED:
            column, names = self._computed(measure), self.passages.variants
            there = ~np.isnan(column)
            mine = self.passages.variant[there]
            n = np.bincount(mine, minlength=len(names))
            sums = np.bincount(mine, column[there], len(names))
            return {name: (float(sums[i] / n[i]), int(n[i])) for i, name in enumerate(names) if n[i]}
        import pyarrow.compute as pc

        table = self.stored.scores.select(["variant", "metric", "value"])
        finite = pc.fill_null(pc.is_finite(table.column("value")), False)
        kept = table.filter(pc.and_(pc.equal(table.column("metric"), measure), finite))
        found = kept.group_by("variant").aggregate([("value", "mean"), ("value", "count")]).to_pylist()
        return {row["variant"]: (row["value_mean"], row["value_count"]) for row in found}

    def _computed(self, measure: str) -> Real:
        what, by = COMPUTED[measure]
        return values(self.passages, self.whole, _by(by))[what]

    def _level(self, name: str | None, variants: list[str]) -> tuple[dict[str, str], list[str]]:
        """The level of each variant, and all levels in their order; one nameless level where no setting is given."""
        if name is None:
            return dict.fromkeys(variants, ""), [""]
        by = self.settings[name]
        return {v: amounts.setting(by.get(v)) for v in variants}, levels_of([by.get(v) for v in variants])

    def _others(self, variants: Sequence[str], *named: str | None) -> dict[str, list[str]]:
        """The levels that some variants have of each other setting, those of the chatbot that are axes included."""
        axes: dict[str, dict[str, Any]] = {}
        for entry in self.entries:
            for name, value in (entry.get("params") or {}).items():
                axes.setdefault(name, {})[entry["id"]] = value
        every = {**self.axes, **axes}
        return {
            name: sorted(amounts.setting(by.get(v)) for v in variants)
            for name, by in every.items()
            if name not in named
        }


def _by(name: str) -> By:
    return "characters" if name == "characters" else "passages"


def _leaves(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a tree by path; lists are leaves. The name of a part is the setting of its slot."""
    for name, value in tree.items():
        path = before if name == "use" and before else f"{before}.{name}" if before else str(name)
        if isinstance(value, Mapping):
            yield from _leaves(value, path)
        else:
            yield path, value


def _names(paths: Sequence[str]) -> dict[str, str]:
    """A setting's name: the end of its path, where no other ends so."""
    ends = [path.split(".")[-1] for path in paths]
    return {path: end if ends.count(end) == 1 else path for path, end in zip(paths, ends, strict=True)}


def _differ(by: Mapping[str, Any], variants: Sequence[str], axis: bool) -> bool:
    """Whether a setting has two levels; one that some parts have and others lack says no more than these."""
    levels = {amounts.setting(by.get(variant)) for variant in variants if axis or by.get(variant) is not None}
    return len(levels) > 1
