"""What is wrong with a run folder that is read all the same: lines that were passed over, texts that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import Mistake, Place
from harness.store import journal, shape
from harness.store.folder import Folder
from harness.store.layout import (
    BATCHES,
    CELLS,
    EXAMPLES,
    OUTCOMES_TABLE,
    PASSES,
    SPENDING,
    TEXTS,
    TEXTS_TABLE,
    VARIANTS,
)

_COST = "the cost is too low by what it held"
_ADVICE = {
    VARIANTS: "a variant is missing wherever this sweep is shown; put the file back from a copy",
    EXAMPLES: "an example is missing wherever this sweep is shown; put the file back from a copy",
    CELLS: "a cell may be missing; the same `harness sweep` does it again",
    TEXTS: "a passage may be shown without its text",
    SPENDING: _COST,
    BATCHES: "a batch may be handed in twice",
}
_FITS = {CELLS: shape.is_cell, TEXTS: shape.is_text, SPENDING: shape.is_spending}
_WHOLE = (VARIANTS, EXAMPLES)
"""Files that are written at once: a torn last line is damage. In the others it is what a killed writer leaves."""


def problems_of(folder: Folder) -> list[Mistake]:
    """Each line that reading passes over, by file and number, and what that means; a table of texts that is missing."""
    compacted = folder.has(OUTCOMES_TABLE)
    names = [name for name in _ADVICE if not (compacted and name in (CELLS, TEXTS))]
    found = [mistake for name in names for mistake in _broken(folder, name)]
    if compacted and not folder.has(TEXTS_TABLE):
        found.append(Mistake(Place(f"{folder.uri}/{TEXTS_TABLE}"), "this file is missing", "passages have no texts"))
    passes = folder / PASSES
    return found + [mistake for name in passes.children() for mistake in _broken(passes / name, SPENDING)]


def _broken(folder: Folder, name: str) -> Iterator[Mistake]:
    content = folder.read(name)
    for number in journal.broken(content, growing=name not in _WHOLE, fits=_FITS.get(name)):
        place = Place(f"{folder.uri}/{name}", number)
        yield Mistake(place, "this line is broken and was passed over", _ADVICE[name])
