"""The page about the metrics of ragas agrees with them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.plugins import load_file, make, names, registry
from harness.records import Case, Verdict
from harness.testing import check_part
from harness.testing.judges import ScriptedAsker
from tests.parts.ragas_judges import case_of, scripted
from tests.parts.test_metrics_ragas import JUDGED, metric

PAGE = (Path(__file__).resolve().parents[2] / "docs/ragas.md").read_text()
ROWS = {
    cells[0].strip("`"): cells
    for cells in ([c.strip() for c in row.split("|")[1:-1]] for row in PAGE.splitlines())
    if cells
}
OF_THE_SWEEP = ("as", "at_least", "at_most")


def test_each_metric_has_a_row() -> None:
    """And each row names a metric."""
    found = {name for name in names("metric") if name.startswith("ragas/")}
    assert {name for name in ROWS if name.startswith("ragas/")} == found


@pytest.mark.parametrize("name", JUDGED)
def test_the_rows_say_how_values_are_read(name: str) -> None:
    """Range and direction."""
    part, cells = metric(name), ROWS[f"ragas/{name}"]
    assert cells[-2] == f"{part.low:g} to {part.high:g}"
    assert cells[-1] == {"maximize": "up", "minimize": "down"}[part.direction]


def test_the_sweep_on_the_page_can_be_made() -> None:
    """Each entry, without what the sweep file itself reads of it."""
    [first, *_] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.S)
    for entry in yaml.safe_load(first)["metrics"]:
        [(name, settings)] = entry.items() if isinstance(entry, dict) else [(entry, {})]
        make("metric", {"use": name, **{key: value for key, value in settings.items() if key not in OF_THE_SWEEP}})


def test_the_example_of_a_changed_metric_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not apply without passages, and its prompt has the sentence more."""
    monkeypatch.setattr(registry, "_register", dict(registry._register))
    [code] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
    path = tmp_path / "retrieved_only.py"
    path.write_text(code)
    load_file(path)
    part: Any = make("metric", {"use": "faithful_if_retrieved", "judge": "openai/judge"})
    check_part(part)
    case, asker = case_of(1), ScriptedAsker(scripted)
    assert isinstance(asyncio.run(part.assess(case, asker)), Verdict)
    assert "Numbers must agree exactly." in asker.asked[1].messages[1].content
    assert asyncio.run(part.assess(Case(case.example, case.answer), asker)) is None
    plain = ScriptedAsker(scripted)
    asyncio.run(metric("faithfulness").assess(case, plain))
    assert "Numbers must agree exactly." not in plain.asked[1].messages[1].content
