"""What the axes do, and which variants nothing else beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UserError
from harness.study.choosing.effects import effects_of
from harness.study.choosing.pareto import pareto
from harness.study.report.amounts import finite
from harness.study.report.material import NOT_YET, Floats, Material

if TYPE_CHECKING:
    import pandas as pd

DIFFERENCES = 200
"""Differences between levels that are told, those of the least p."""


def effects_section(material: Material) -> dict[str, Any]:
    """Effects of the axes on the objective; `note` says why there are none."""
    if len(material.places) < 2:
        return {"note": "effects need two variants with scores"}
    if not material.whole:
        return {"note": NOT_YET}
    import pandas as pd

    metric = material.metric
    axes = [{"variant": name, **entry["params"]} for name, entry in material.variants.items()]
    try:
        found = effects_of(
            _cells(material, {"value": material.values}),
            pd.DataFrame(axes),
            direction=material.direction,
            low=metric["low"],
            high=metric["high"],
        )
    except UserError as error:
        return {"note": str(error).removeprefix("effects: ")}
    return {
        "note": "",
        "metric": metric["name"],
        "levels": [
            row | {name: material.possible(row[name]) for name in ("low", "high")} for row in _records(found.levels)
        ],
        "differences": _surest(_records(found.differences)),
        "differences_left_out": max(0, len(found.differences) - DIFFERENCES),
        "shares": _records(found.shares),
        "clusters": found.clusters,
        "cautions": [_caution(text) for text in found.cautions],
        "method": found.method,
    }


def front_section(material: Material) -> dict[str, Any]:
    """The front over quality, cost and latency; `note` says why there is none."""
    if len(material.places) < 2:
        return {"note": "a front needs two variants with scores"}
    if not material.whole:
        return {"note": NOT_YET}
    columns, left_out = {"quality": material.values}, []
    for name, what in (("cost_usd", "cost"), ("latency_ms", "latency")):
        grid = _expense(material, name)
        present = ~np.isnan(grid[:, _scored(material)])
        if not present.any(axis=0).all():
            left_out.append(f"{what} is not known for every variant")
        elif name == "cost_usd" and np.ptp(grid[:, _scored(material)][present]) == 0:
            left_out.append("all answers cost the same")
        else:
            columns[name] = grid
    if len(columns) < 2:
        return {"note": f"there is nothing to weigh against quality: {'; '.join(left_out)}"}
    minimize = [name for name in columns if name != "quality"]
    quality = ["quality"] if material.direction == "maximize" else []
    if not quality:
        minimize = ["quality", *minimize]
    try:
        found = pareto(_cells(material, columns), quality, minimize)
    except UserError as error:
        return {"note": str(error).removeprefix("pareto: ")}
    rows = _records(found.table)
    rows.sort(key=lambda row: material.places[row["variant"]])
    for row in rows:
        row["place"], row["label"] = material.places[row["variant"]], material.label(row["variant"])
    return {
        "note": "",
        "metric": material.metric["name"],
        "objectives": list(found.objectives),
        "rows": rows,
        "left_out": left_out,
        "clusters": found.clusters,
        "cautions": [_caution(text) for text in found.cautions],
    }


def _caution(text: str) -> str:
    return text.replace("only 1 clusters", "only 1 cluster")


def _surest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first differences by p, in the order in which they came."""
    order = sorted(range(len(rows)), key=lambda i: (rows[i]["p"] is None, rows[i]["p"] or 0.0, i))
    return [rows[i] for i in sorted(order[:DIFFERENCES])]


def _scored(material: Material) -> list[int]:
    """The columns of the variants that have a score."""
    return [i for i, name in enumerate(material.matrix.variants) if name in material.places]


def _cells(material: Material, columns: dict[str, Floats]) -> pd.DataFrame:
    """A row for each example and scored variant."""
    import pandas as pd

    kept, count = _scored(material), len(material.matrix.examples)
    names = np.array(material.matrix.variants, dtype=object)[kept]
    frame = pd.DataFrame(
        {
            "variant": np.tile(names, count),
            "example": np.repeat(np.array(material.matrix.examples, dtype=object), len(kept)),
            "cluster": np.repeat(material.matrix.clusters, len(kept)),
            **{name: grid[:, kept].ravel() for name, grid in columns.items()},
        }
    )
    return frame.loc[~frame[list(columns)].isna().all(axis=1)]


def _expense(material: Material, name: str) -> Floats:
    """Means over repeats of a cell's cost or latency (examples x variants), NaN where unknown."""
    table, matrix = material.stored.outcomes, material.matrix
    values = table.column(name).to_numpy(zero_copy_only=False).astype(float)
    if name == "cost_usd" and "query_usd" in table.column_names:
        values = values + np.nan_to_num(table.column("query_usd").to_numpy(zero_copy_only=False).astype(float))
    rows, columns = ({each: i for i, each in enumerate(names)} for names in (matrix.examples, matrix.variants))
    at = (
        np.array([rows[example] for example in table.column("example").to_pylist()], dtype=np.int64),
        np.array([columns[variant] for variant in table.column("variant").to_pylist()], dtype=np.int64),
    )
    answered = table.column("failure_kind").is_null().to_numpy(zero_copy_only=False)
    good = answered & ~np.isnan(values)
    sums, counts = np.zeros(matrix.values.shape), np.zeros(matrix.values.shape)
    np.add.at(sums, at, np.where(good, values, 0.0))
    np.add.at(counts, at, good.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(counts > 0, sums / counts, np.nan)
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by name; numbers that are none become None."""
    return [{str(key): _plain(value) for key, value in row.items()} for row in frame.astype(object).to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return finite(value) if isinstance(value, float) else value
