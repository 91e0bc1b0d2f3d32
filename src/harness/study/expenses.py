"""What an answer of each variant costs and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.store import StoredSweep


@dataclass(frozen=True)
class Expense:
    """Means over the `n` answered cells of a variant, whoever paid for the answers and waited for them.

    `usd` holds the answer and the queries that a model wrote for it; None where a price is unknown. `latency_ms` is
    that of the answer on the wire; None where nobody waited (a batch, an import).
    """

    usd: float | None
    latency_ms: float | None
    n: int

    def as_json(self) -> dict[str, Any]:
        """By name."""
        return dict(self.__dict__)


def expenses(stored: StoredSweep) -> dict[str, Expense]:
    """The expense of each variant of a sweep."""
    import pyarrow.compute as pc

    table = stored.outcomes
    answered = pc.is_null(table.column("failure_kind")).to_numpy(zero_copy_only=False)
    answers, queries = _numbers(table, "cost_usd"), _numbers(table, "query_usd", missing=0.0)
    latency = _numbers(table, "latency_ms")
    variants = np.array(table.column("variant").to_pylist(), dtype=object)
    found = {}
    for entry in stored.variants:
        mine = answered & (variants == entry["id"])
        n = int(mine.sum())
        found[entry["id"]] = Expense(_mean((answers + queries)[mine]), _mean(latency[mine]), n)
    return found


def attempts_of(table: Any) -> NDArray[Any]:
    """How many attempts each row's answer took; 1 where it is not known."""
    found: NDArray[Any] = np.nan_to_num(_numbers(table, "attempts", missing=1.0), nan=1.0)
    return found


def _mean(values: NDArray[np.float64]) -> float | None:
    """The mean, None where there is no value or one is unknown."""
    return float(values.mean()) if len(values) and not np.isnan(values).any() else None


def _numbers(table: Any, name: str, missing: float = np.nan) -> NDArray[Any]:
    if name not in table.column_names:  # older sweeps
        return np.full(table.num_rows, missing)
    found: NDArray[Any] = table.column(name).to_numpy(zero_copy_only=False).astype(float)
    return found
