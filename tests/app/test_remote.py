"""The dashboard over object storage: the same pages, read through fsspec."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from harness.store import StoredSweep
from tests.app.conftest import Draw, table, texts

Run = Callable[..., StoredSweep]


def test_pages_of_results_read_object_storage(draw: Draw, run: Run) -> None:
    """Sweeps, one sweep, two of its runs, one of its examples: all there, none with an error."""
    runs = f"memory://{uuid.uuid4().hex}/runs"
    remote = run(runs=runs)
    listed = draw(runs, "sweeps")
    assert list(table(listed, "sweep")["sweep"]) == [remote.id]
    a, b = [f"{remote.id}/{variant['id']}" for variant in remote.variants[:2]]
    pages = {
        "sweep": draw(runs, "sweep", sweep=remote.id),
        "compare": draw(runs, "compare", runs=f"{a},{b}"),
        "example": draw(runs, "example", sweep=remote.id, example="q0"),
        "retrieval": draw(runs, "retrieval", sweep=remote.id),
        "registry": draw(runs, "registry"),
        "regression": draw(runs, "regression"),
    }
    for name, page in pages.items():
        assert not page.exception, name
        assert not page.error, (name, texts(page))
    assert "When is the shop open on Saturdays?" in texts(pages["example"])
    assert len(table(pages["sweep"], "place")) == 8
