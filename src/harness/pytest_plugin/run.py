"""One variant of a sweep as a test sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.errors import HarnessError, Incomplete, UserError, nearest
from harness.pytest_plugin.bound import lower, upper
from harness.pytest_plugin.cell import Cell, Failed
from harness.pytest_plugin.figure import Figure, Mean
from harness.pytest_plugin.material import Material
from harness.pytest_plugin.versus import Baseline, told_of, verdict_of
from harness.study.figures import figures, scale_of
from harness.study.gate.margins import PASS
from harness.study.gate.verdict import Verdict


class Run:
    """One run: its figures, its answers, and how it compares with another run."""

    def __init__(self, material: Material, variant: Mapping[str, Any]) -> None:
        self._material = material
        self.variant = dict(variant)
        self.id = f"{material.stored.id}/{variant['id']}"
        self.label: str = variant["label"]
        self.params: dict[str, Any] = dict(variant["params"])
        self._figures: dict[tuple[str, str | None], Figure] = {}

    def __repr__(self) -> str:
        return f"<run {self.id}: {self.label}>"

    @property
    def metrics(self) -> list[str]:
        """The names of its metrics."""
        return list(self._material.metrics)

    def metric(self, name: str, tag: str | None = None) -> Figure:
        """The figure of a metric over all examples, or those with a tag.

        Raises UserError for a metric or tag that there is not, or that have nothing in common; Incomplete where no cell
        has a score.
        """
        __tracebackhide__ = True
        if (name, tag) not in self._figures:
            try:
                self._figures[name, tag] = self._figure(name, tag)
            except HarnessError as error:
                raise error.with_traceback(None) from None
        return self._figures[name, tag]

    def example(self, id_: str, repeat: int = 0) -> Cell:
        """An example and its answer, by the example's id. Raises UserError where there is none."""
        __tracebackhide__ = True
        cells = self._material.cells(self.variant["id"])
        if (id_, repeat) not in cells:
            ids = list(dict.fromkeys(name for name, _ in cells))
            if id_ in ids:
                repeats = sum(name == id_ for name, _ in cells)
                raise UserError(f"{self.id} has {repeats} repeats of {id_!r}, numbered from 0; there is no {repeat}")
            close = nearest(id_, ids)
            hint = f"did you mean {close!r}?" if close else f"it has {', '.join(ids[:5])}{', …' * (len(ids) > 5)}"
            raise UserError(f"{self.id} has no example {id_!r}; {hint}")
        return cells[id_, repeat]

    def examples(self, tag: str | None = None) -> list[Cell]:
        """All its examples, or those with a tag, each repeat by itself. Raises UserError for an unknown tag."""
        __tracebackhide__ = True
        if tag is not None:
            self._material.rows_of(tag)
        cells = self._material.cells(self.variant["id"]).values()
        return [cell for cell in cells if tag is None or tag in cell.tags]

    @property
    def failures(self) -> list[Failed]:
        """What is missing: cells without an answer, answers without a score."""
        found: list[Failed] = []
        for cell in self.examples():
            if cell.failure is not None:
                found.append(Failed(cell.id, cell.repeat, None, cell.failure))
            else:
                found += [Failed(cell.id, cell.repeat, name, why) for name, why in cell.scores.lacking.items()]
        return found

    def against(
        self,
        baseline: str | Run | None = None,
        *,
        margin: Mapping[str, float] | None = None,
        runs: str | None = None,
        **rules: Any,
    ) -> Verdict:
        """The gate's verdict of this run against a baseline: a run, an alias such as `production`, or another run here.

        The rules are those of the section `gate` of the sweep file; `margin` (what each metric may lose) and `rules`
        (`slices=["billing"]`, `alpha=0.1`, …) replace its entries. Names are looked up in the folder that this run is
        kept in, or in `runs`. Raises UserError and Incomplete where the two give no ground for a verdict.
        """
        __tracebackhide__ = True
        other: Baseline = baseline._pair if isinstance(baseline, Run) else baseline
        try:
            return verdict_of(self._pair, other, margin, runs, rules)
        except HarnessError as error:
            raise error.with_traceback(None) from None

    def no_worse_than(
        self,
        baseline: str | Run | None = None,
        *,
        margin: Mapping[str, float] | None = None,
        runs: str | None = None,
        **rules: Any,
    ) -> Verdict:
        """The verdict where it is a pass; see `against`. Else, cannot tell included, AssertionError with all of it."""
        __tracebackhide__ = True
        found = self.against(baseline, margin=margin, runs=runs, **rules)
        if found.verdict != PASS:
            raise AssertionError(told_of(found))
        return found

    @property
    def _pair(self) -> tuple[Any, dict[str, Any]]:
        return self._material.stored, self.variant

    def _figure(self, name: str, tag: str | None) -> Figure:
        entry = self._material.entry(name)
        rows = self._material.rows_of(tag)
        matrix = self._material.matrices[name].of_examples(np.array(rows, dtype=np.int64))
        scale, variant = scale_of(entry), self.variant["id"]
        found = figures(matrix, scale.low, scale.high)[variant]
        over = f"the {len(rows)} examples with the tag {tag!r}" if tag is not None else f"the {len(rows)} examples"
        if not found.planned:
            raise UserError(f"{name} applies to none of {over} of {self.id}")
        if found.mean is None:
            raise Incomplete(f"{self.id} has no score by {name} in any of {found.planned} cells of {over}")

        def cells(highest: bool) -> list[Cell]:
            concerned = [c for c in self.examples(tag) if name in c.scores or name in c.scores.lacking]
            sign = -1.0 if highest else 1.0
            return sorted(concerned, key=lambda c: (name in c.scores, sign * c.scores.get(name, 0.0), c.id, c.repeat))

        return Figure(
            name,
            self.id,
            tag,
            Mean(found.mean),
            found.low,
            found.high,
            found.n,
            found.planned,
            found.failed,
            lower(matrix, variant, scale.low, scale.high),
            upper(matrix, variant, scale.low, scale.high),
            cells,
        )
