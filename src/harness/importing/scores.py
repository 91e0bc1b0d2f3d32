"""The scores of imported cells: a value, or the failure in its place; none where a metric does not apply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.importing.found import Cell, Found, Value
from harness.records import Score
from harness.records.outcome import NO_ANSWER

ANSWERED = "answered"
"""The metric of results that have none: 1 where there is an answer, 0 where there is a failure."""


class Applying:
    """Which metrics apply to which example: those that some cell of it has.

    Where no cell of an example tells, those that apply to all other examples; where there are none such, all.
    """

    def __init__(self, found: Found) -> None:
        self._known: dict[str, dict[str, None]] = {}
        for cell in found.cells:
            self._known.setdefault(cell.example, {}).update(dict.fromkeys(cell.values))
        told = [set(names) for names in self._known.values() if names]
        common = set.intersection(*told) if told else set()
        self._else = [name for name in found.metrics if name in common] or list(found.metrics)

    def to(self, example: str) -> Sequence[str]:
        """The metrics of an example."""
        return list(self._known.get(example) or self._else)


def scores_of(cell: Cell, applying: Applying, names: tuple[str, str], renamed: dict[str, str]) -> Iterator[Score]:
    """The scores of a cell, under the ids of its variant and example and the final names of the metrics.

    Where there is no answer, no metric has a value, whatever the tool made of it.
    """
    failure = cell.outcome.failure
    wanted = applying.to(cell.example) if failure is not None else list(cell.values)
    for name in wanted:
        value = cell.values.get(name, Value())
        if failure is not None and not (value.failure or "").startswith(NO_ANSWER):
            value = Value(failure=f"{NO_ANSWER}{failure}")
        yield Score(*names, cell.outcome.repeat, renamed[name], value.value, value.reason, value.failure)
