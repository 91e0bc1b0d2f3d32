"""Reading a run folder at any moment of its life: running, killed, or complete."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from harness.errors import Mistake, UserError, advice
from harness.store import additions, journal, shape, tables
from harness.store.folder import Folder
from harness.store.layout import (
    CELLS,
    EXAMPLES,
    EXIT,
    HEADER,
    LABELS,
    OUTCOMES_TABLE,
    SCORES_TABLE,
    SPENDING,
    SUMMARY,
    TEXTS,
    TEXTS_TABLE,
    VARIANTS,
)
from harness.store.passes import Column, Pass, columns_of, merged, passes_of, spending_of
from harness.store.problems import problems_of
from harness.store.status import status_of


class StoredSweep:
    """One sweep's folder. Tables are Arrow tables; they come from Parquet, or from the journal while it grows.

    A line that is no JSON is passed over, and told by `problems`. Any other file that cannot be used raises UserError,
    which names it.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        if not folder.has(HEADER):
            near = Folder(folder.uri.rsplit("/", 1)[0]).sweeps() if "/" in folder.uri else []
            raise UserError(f"{folder.uri} holds no sweep; {advice(folder.name, near[-20:], 'sweeps there')}")

    @property
    def id(self) -> str:
        """The sweep's id: its folder's name."""
        return self.folder.name

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the sweep is."""
        found = self.folder.read_json(HEADER)
        if found is None:
            raise UserError(f"{self._file(HEADER)} cannot be read: it is torn, or no JSON mapping")
        return shape.checked_header(found, self._file(HEADER))

    @property
    def problems(self) -> list[Mistake]:
        """What is wrong with files that were read all the same, by file and line; read anew each time."""
        return problems_of(self.folder)

    @property
    def status(self) -> str:
        """See `harness.store.status.status_of`."""
        return status_of(self.folder)

    @property
    def exit(self) -> dict[str, Any]:
        """How the last writer ended; empty when it did not."""
        return self.folder.read_json(EXIT) or {}

    @property
    def summary(self) -> dict[str, Any] | None:
        """The kept figures, if they are there."""
        return self.folder.read_json(SUMMARY)

    @cached_property
    def variants(self) -> list[dict[str, Any]]:
        """The variants: `id`, `label`, `params`, `chatbot`."""
        return shape.entries(self.folder.read(VARIANTS), self._file(VARIANTS), shape.VARIANT)

    @cached_property
    def examples(self) -> list[dict[str, Any]]:
        """The examples as they were asked."""
        return shape.entries(self.folder.read(EXAMPLES), self._file(EXAMPLES), shape.EXAMPLE)

    @cached_property
    def outcomes(self) -> Any:
        """One row per finished cell."""
        return self.outcomes_with(None)

    def outcomes_with(self, columns: Iterable[str] | None) -> Any:
        """The outcomes as `outcomes`, read without any other column than these; of a sweep that grows with all."""
        stored = self.folder.read(OUTCOMES_TABLE)
        if stored is None:
            return self._growing[0]
        return tables.read(stored, self._file(OUTCOMES_TABLE), "outcomes", columns)

    @cached_property
    def passes(self) -> list[Pass]:
        """The scores that were added after the sweep was run, oldest first."""
        return passes_of(self.folder)

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The metrics, those that were added later included: `name`, `label`, `identity`, `direction`, `low`, `high`…

        See `harness.store.passes.columns_of` for versions.
        """
        return [column.entry for column in self._columns]

    @cached_property
    def scores(self) -> Any:
        """One row per cell and metric that applies to it, those that were added later included."""
        first = _scores_in(self.folder) if self.folder.has(OUTCOMES_TABLE) else self._growing[1]
        return merged(self._columns, [first, *(_scores_in(each.folder) for each in self.passes)])

    @cached_property
    def _columns(self) -> list[Column]:
        return columns_of(self.header["metrics"], self.passes)

    @cached_property
    def texts(self) -> dict[tuple[str, int, int], str]:
        """The texts of passages by document, start, end."""
        stored = self.folder.read(TEXTS_TABLE) if self.folder.has(OUTCOMES_TABLE) else None
        if stored is None:
            return {(d, s, e): text for d, s, e, text in self._lines(TEXTS, shape.is_text)}
        columns = tables.read(stored, self._file(TEXTS_TABLE), "texts").to_pydict()
        keys = zip(columns["document"], columns["start"], columns["end"], strict=True)
        return dict(zip(keys, columns["text"], strict=True))

    @cached_property
    def spending(self) -> list[dict[str, Any]]:
        """The paid calls that were no answers: `stage`, `part`, `usd` (None: price unknown), `tokens`."""
        return [*self._lines(SPENDING, shape.is_spending), *spending_of(self.folder)]

    @property
    def labels(self) -> list[dict[str, Any]]:
        """What people found in the answers, oldest first; read anew each time."""
        return additions.all_lines(self.folder / LABELS)

    @cached_property
    def _growing(self) -> tuple[Any, Any]:
        """Outcomes and scores so far."""
        try:
            return tables.of_journal(self.folder.read(CELLS))
        except ValueError as error:  # what Arrow raises for a field of another kind
            said = str(error).split("\n")[0][:200]
            raise UserError(
                f"{self._file(CELLS)} cannot be read: a line is not as cells are written ({said})"
            ) from error

    def _lines(self, name: str, fits: shape.Fits) -> Iterable[Any]:
        return journal.lines(self.folder.read(name), fits)

    def _file(self, name: str) -> str:
        return f"{self.folder.uri}/{name}"


def _scores_in(folder: Folder) -> Any:
    """The table of scores of a finished run or pass."""
    stored, file = folder.read(SCORES_TABLE), f"{folder.uri}/{SCORES_TABLE}"
    if stored is None:
        raise UserError(f"{file} is missing: without it nobody can tell the scores of what is finished")
    return tables.read(stored, file, "scores")
