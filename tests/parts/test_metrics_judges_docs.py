"""The pages about judges and models agree with the parts."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import yaml

from harness.plugins import make
from harness.records import Message, Request

DOCS = Path(__file__).resolve().parents[2] / "docs"
OF_THE_SWEEP = ("as", "at_least", "at_most")


def test_every_judge_of_the_examples_can_be_made() -> None:
    """Each entry, without what the sweep file itself reads of it; questions among the criteria are read whole."""
    [first, second] = re.findall(r"```yaml\n(.*?)```", (DOCS / "judges.md").read_text(), flags=re.S)
    entries = [*yaml.safe_load(first)["metrics"], *yaml.safe_load(second)]
    made = [_made(json.loads(json.dumps(entry))) for entry in entries if isinstance(entry, dict)]
    assert any(getattr(metric, "criteria", "") == "Is it friendly?" for metric in made)
    assert len(made) >= 9


def _made(entry: dict[str, dict[str, Any]]) -> Any:
    [(use, settings)] = entry.items()
    kept = {key: value for key, value in settings.items() if key not in OF_THE_SWEEP}
    texts = {key: "a text" for key, value in kept.items() if isinstance(value, dict) and "file" in value}
    return make("metric", {"use": use, **kept, **texts})


def test_the_function_on_the_page_is_a_model(tmp_path: Path) -> None:
    """It gets a Request, whatever its parameter is called, and returns a text."""
    [code] = re.findall(r"```python\n(.*?)```", (DOCS / "models.md").read_text(), flags=re.S)
    (tmp_path / "bot.py").write_text(code)
    model: Any = make("model", "python:bot.py:answer", workspace=str(tmp_path))
    asked = Request((Message("system", "Be kind."), Message("user", "one  two")), {"max_tokens": 50})
    assert asyncio.run(model.connect().complete(asked)).text == "one two"
