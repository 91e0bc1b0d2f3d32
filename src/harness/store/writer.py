"""The one writer of a run folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.records import Example, Outcome, Score
from harness.store import journal, rows, tables
from harness.store.folder import Folder, write_atomically, write_json
from harness.store.journal import Journal
from harness.store.layout import (
    ARTIFACTS,
    CELLS,
    EXAMPLES,
    EXIT,
    HEADER,
    HEARTBEAT,
    LOCK,
    OUTCOMES_TABLE,
    SCORES_TABLE,
    SPENDING,
    SUMMARY,
    TEXTS,
    TEXTS_TABLE,
    VARIANTS,
)
from harness.store.status import heartbeat

_BEAT_S = 2.0


class Writer:
    """Writes one sweep; a second writer is refused by the folder's lock, which the system frees if we die."""

    def __init__(self, path: Path) -> None:
        import filelock

        self.path = path
        self._lock = filelock.FileLock(path / LOCK)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise UserError(f"{path} is being written by another process; wait for it, or stop it") from None
        except OSError as error:
            raise UserError(f"cannot write runs to {path.parent}: {error.strerror or error}") from error
        self._ended = threading.Event()
        self._beat()
        (path / EXIT).unlink(missing_ok=True)
        threading.Thread(target=self._keep_beating, daemon=True).start()
        self._cells: Journal | None = None
        self._texts: Journal | None = None
        self._spending: Journal | None = None
        self._known_texts: set[tuple[str, int, int]] = set()

    def describe(
        self,
        header: dict[str, Any],
        variants: list[dict[str, Any]],
        examples: Iterable[Example],
        files: dict[str, str],
    ) -> None:
        """Write what the sweep is, before anything is run; the header last, since it makes the folder a sweep."""
        (self.path / ARTIFACTS).mkdir(exist_ok=True)
        for name, text in files.items():
            write_atomically(self.path / ARTIFACTS / name, text.encode("utf-8", "surrogateescape"))
        journal.write(self.path / VARIANTS, variants)
        journal.write(self.path / EXAMPLES, [rows.example_row(example) for example in examples])
        write_json(self.path / HEADER, header)

    def finished_cells(self) -> list[dict[str, Any]]:
        """The journal lines of the cells that an earlier process finished, each cell once."""
        found = {}
        for line in journal.lines(Folder(self.path).read(CELLS)):
            o = line["outcome"]
            found[o["variant"], o["example"], o["repeat"]] = line
        return list(found.values())

    def spend(self, line: dict[str, Any]) -> None:
        """Record a paid call that is no answer: on disk at once."""
        if self._spending is None:
            self._spending = Journal(self.path / SPENDING)
        self._spending.append(line)
        self._spending.flush()

    def spent(self) -> list[dict[str, Any]]:
        """The paid calls that were no answers, earlier processes' included."""
        return list(journal.lines(Folder(self.path).read(SPENDING)))

    def add(self, outcome: Outcome, scores: Iterable[Score], *, whole: bool = True) -> None:
        """Record a cell, the texts of its passages before it; `whole` is False where more scores are to come."""
        if self._cells is None or self._texts is None:
            self._texts, self._cells = Journal(self.path / TEXTS), Journal(self.path / CELLS)
        for passage in outcome.passages:
            key = (passage.document, passage.start, passage.end)
            if key not in self._known_texts:
                self._known_texts.add(key)
                self._texts.append(rows.text_lines([passage])[0])
        self._texts.flush()
        self._cells.append(rows.cell_line(outcome, scores, whole=whole))

    def flush(self) -> None:
        """Hand all that was added to the operating system."""
        for file in (self._texts, self._cells):
            if file is not None:
                file.flush()

    def compact(self, order: dict[tuple[str, str, int], int]) -> None:
        """Journal -> Parquet, cells in the given order. The outcomes come last: their table says all are there."""
        self._close_journals()
        outcomes, scores = tables.of_journal(Folder(self.path).read(CELLS), order)
        texts = {tuple(line[:3]): line for line in journal.lines(Folder(self.path).read(TEXTS))}
        tables.write(self.path / TEXTS_TABLE, tables.texts_table([texts[key] for key in sorted(texts)]))
        tables.write(self.path / SCORES_TABLE, scores)
        tables.write(self.path / OUTCOMES_TABLE, outcomes)
        for name in (CELLS, TEXTS):
            (self.path / name).unlink(missing_ok=True)

    def end(self, status: str, **details: Any) -> None:
        """Write the exit record and let the folder go."""
        self._close_journals()
        self._ended.set()
        write_json(self.path / EXIT, {"status": status, "time": time.time(), **details})
        self._lock.release()
        (self.path / LOCK).unlink(missing_ok=True)

    def _close_journals(self) -> None:
        for file in (self._texts, self._cells, self._spending):
            if file is not None:
                file.close()
        self._cells = self._texts = self._spending = None

    def _beat(self) -> None:
        write_json(self.path / HEARTBEAT, heartbeat())

    def _keep_beating(self) -> None:
        while not self._ended.wait(_BEAT_S):
            try:
                self._beat()
            except OSError:
                return


def write_summary(path: Path, content: dict[str, Any]) -> None:
    """Keep the figures that were derived from a sweep's rows, for listing."""
    write_json(path / SUMMARY, content, compact=True)
