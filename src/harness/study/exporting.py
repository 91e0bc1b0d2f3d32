"""A sweep's tables in formats that other tools read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.study.loaded import Sweep

TABLES = ("variants", "outcomes", "scores", "examples")


def export(sweep: Sweep, form: str, folder: Path) -> list[Path]:
    """Write the sweep's tables to `folder`, as `parquet`, `csv` or `jsonl`; return the files.

    Lists and mappings become JSON text in CSV. Missing values are empty in CSV and null elsewhere, never NaN.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write = FORMATS[form]
    files = []
    for name in TABLES:
        file = folder / f"{name}.{form}"
        write(getattr(sweep, name), file)
        files.append(file)
    return files


def _parquet(frame: Any, file: Path) -> None:
    plain = frame.copy()
    for column in plain.columns:
        if column == "metadata" or (plain[column].map(type).nunique() > 1 and plain[column].dtype == object):
            plain[column] = plain[column].map(_text)
    plain.to_parquet(file, index=False)


def _csv(frame: Any, file: Path) -> None:
    plain = frame.copy()
    for column in plain.columns:
        plain[column] = plain[column].map(_text)
    plain.to_csv(file, index=False)


def _jsonl(frame: Any, file: Path) -> None:
    with open(file, "w", encoding="utf-8") as lines:
        for row in frame.to_dict("records"):
            clean = {key: _without_nan(value) for key, value in row.items()}
            lines.write(json.dumps(clean, ensure_ascii=False) + "\n")


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    return value.item() if hasattr(value, "item") else value


FORMATS: dict[str, Callable[[Any, Path], None]] = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}
