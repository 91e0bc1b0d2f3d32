"""A sweep as pandas frames."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.store import Folder, StoredSweep
from harness.study.summary import summary_of

if TYPE_CHECKING:
    import pandas as pd


class Sweep:
    """A loaded sweep: `variants`, `outcomes` and `scores` as frames, `config` as written, `summary` in figures."""

    def __init__(self, stored: StoredSweep) -> None:
        self.stored = stored
        self.id = stored.id

    def __repr__(self) -> str:
        return f"<Sweep {self.id}: {self.stored.status}, {len(self.stored.variants)} variants>"

    @property
    def status(self) -> str:
        """`complete`, `incomplete`, `interrupted`, `failed` or `running`."""
        return self.stored.status

    @property
    def config(self) -> dict[str, Any]:
        """The sweep file as given, overrides applied."""
        given: dict[str, Any] = self.stored.header["config"]["given"]
        return given

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `harness sweep --json` prints."""
        return summary_of(self.stored)

    @cached_property
    def variants(self) -> pd.DataFrame:
        """One row per variant: `variant`, `run`, `label`, and a column per axis."""
        import pandas as pd

        rows = [
            {"variant": v["id"], "run": f"{self.id}/{v['id']}", "label": v["label"], **v["params"]}
            for v in self.stored.variants
        ]
        return pd.DataFrame(rows, columns=None if rows else ["variant", "run", "label"])

    @cached_property
    def examples(self) -> pd.DataFrame:
        """One row per example: `example`, `question`, `references`, `evidence`, `expected`, `tags`, `cluster`."""
        import pandas as pd

        rows = [
            {
                "example": e["id"],
                "question": e["messages"][-1]["content"],
                **{k: v for k, v in e.items() if k != "id"},
            }
            for e in self.stored.examples
        ]
        return pd.DataFrame(rows)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row per cell; `passages` are lists of dicts with the texts, `shared` tells borrowed answers."""
        columns = self.stored.outcomes.to_pydict()
        texts = self.stored.texts
        columns["passages"] = [
            [{**p, "text": texts.get((p["document"], p["start"], p["end"]))} for p in passages or []]
            for passages in columns["passages"]
        ]
        columns["shared"] = [source == "shared" for source in columns["source"]]
        return _frame(columns)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per cell and metric: `value`, or the `failure` in its place, and the `reason`."""
        return _frame(self.stored.scores.to_pydict())


def load(sweep: str) -> Sweep:
    """Load a sweep from its folder, by path or URI. Raises UserError when there is none."""
    return Sweep(StoredSweep(Folder(sweep)))


def _frame(columns: dict[str, list[Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns)
