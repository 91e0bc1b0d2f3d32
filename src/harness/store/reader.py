"""Reading a run folder at any moment of its life: running, killed, or complete."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from harness.errors import UserError, advice
from harness.store import additions, journal, tables
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
from harness.store.status import status_of


class StoredSweep:
    """One sweep's folder. Tables are Arrow tables; they come from Parquet, or from the journal while it grows."""

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
            raise UserError(f"{self.folder.uri}/{HEADER} cannot be read")
        return found

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
        return list(journal.lines(self.folder.read(VARIANTS)))

    @cached_property
    def examples(self) -> list[dict[str, Any]]:
        """The examples as they were asked."""
        return list(journal.lines(self.folder.read(EXAMPLES)))

    @cached_property
    def outcomes(self) -> Any:
        """One row per finished cell."""
        stored = self.folder.read(OUTCOMES_TABLE)
        if stored is not None:
            return tables.read(stored)
        return self._growing[0]

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
        stored = self.folder.read(SCORES_TABLE) if self.folder.has(OUTCOMES_TABLE) else None
        first = self._growing[1] if stored is None else tables.read(stored)
        added = [tables.read(each.folder.read(SCORES_TABLE) or b"") for each in self.passes]
        return merged(self._columns, [first, *added])

    @cached_property
    def _columns(self) -> list[Column]:
        return columns_of(self.header["metrics"], self.passes)

    @cached_property
    def texts(self) -> dict[tuple[str, int, int], str]:
        """The texts of passages by document, start, end."""
        stored = self.folder.read(TEXTS_TABLE) if self.folder.has(OUTCOMES_TABLE) else None
        if stored is None:
            return {(d, s, e): text for d, s, e, text in journal.lines(self.folder.read(TEXTS))}
        columns = tables.read(stored).to_pydict()
        keys = zip(columns["document"], columns["start"], columns["end"], strict=True)
        return dict(zip(keys, columns["text"], strict=True))

    @cached_property
    def spending(self) -> list[dict[str, Any]]:
        """The paid calls that were no answers: `stage`, `part`, `usd` (None: price unknown), `tokens`."""
        return [*journal.lines(self.folder.read(SPENDING)), *spending_of(self.folder)]

    @property
    def labels(self) -> list[dict[str, Any]]:
        """What people found in the answers, oldest first; read anew each time."""
        return additions.all_lines(self.folder / LABELS)

    @cached_property
    def _growing(self) -> tuple[Any, Any]:
        """Outcomes and scores so far."""
        return tables.of_journal(self.folder.read(CELLS))
