"""A finished sweep as a test sees it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from harness.errors import UserError, advice
from harness.pytest_plugin.material import Material
from harness.pytest_plugin.run import Run
from harness.store import StoredSweep
from harness.study.loaded import Sweep


class Swept:
    """All runs of a sweep, in the order of its variants. `loaded` has everything as pandas frames."""

    def __init__(self, stored: StoredSweep) -> None:
        material = Material(stored)
        self.id = stored.id
        self.path = stored.folder.uri
        self.loaded = Sweep(stored)
        self.runs = [Run(material, variant) for variant in stored.variants]

    def __repr__(self) -> str:
        return f"<sweep {self.id}: {len(self.runs)} runs>"

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, name: str) -> Run:
        """The run of a variant, by its label or id. Raises UserError where there is none."""
        __tracebackhide__ = True
        found = [run for run in self.runs if name in (run.label, run.variant["id"])]
        if len(found) != 1:
            raise UserError(f"{self.id} has no variant {name!r}; {advice(str(name), self._labels, 'variants')}")
        return found[0]

    def run(self, **settings: Any) -> Run:
        """The one run with these settings, by the names of axes: `sweep.run(top_k=3)`. Raises UserError otherwise."""
        __tracebackhide__ = True
        known = list(dict.fromkeys(name for run in self.runs for name in run.params))
        for name in settings:
            if name not in known:
                raise UserError(f"{self.id} has no axis {name!r}; {advice(name, known, 'axes')}")
        found = [run for run in self.runs if all(run.params[name] == value for name, value in settings.items())]
        if len(found) != 1:
            asked = ", ".join(f"{name}={value!r}" for name, value in settings.items()) or "no setting"
            raise UserError(
                f"{self.id} has {len(found)} runs with {asked}; {advice('', self._labels[:20], 'its variants')}"
            )
        return found[0]

    @property
    def best(self) -> Run:
        """The best run by the sweep's objective. Raises UserError where nothing is scored by it."""
        __tracebackhide__ = True
        best = self.summary["best"]
        if best is None:
            raise UserError(f"no run of {self.id} has a score by {self.summary['objective']['metric']}")
        return self[best["variant"]]

    @property
    def only(self) -> Run:
        """Its one run. Raises UserError where there are several."""
        if len(self.runs) != 1:
            raise UserError(
                f"the fixture 'run' is of one variant, and {self.id} has {len(self.runs)}: "
                f"{'; '.join(self._labels[:8])}; take the fixture 'sweep', or fix the axes by overrides of the "
                "marker, or name one: variant=LABEL"
            )
        return self.runs[0]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `harness sweep --json` prints."""
        return self.loaded.summary

    @property
    def _labels(self) -> list[str]:
        return [run.label for run in self.runs]
