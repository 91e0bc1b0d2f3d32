"""What is written about the code agrees with the code."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from harness.cli.main import COMMANDS
from harness.config import load
from harness.config.nodes import parse
from harness.sweeps.inputs import read_inputs
from harness.sweeps.plan import make_plan

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def test_the_generated_pages_are_up_to_date() -> None:
    """`python docs/generate.py` was run after the last change of a part or a command."""
    script = ROOT / "docs/generate.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_fit_the_schema_and_carry_its_line(path: Path) -> None:
    """An editor that opens one finds the schema, and the schema has nothing to say against it."""
    text = path.read_text()
    first = text.splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert found
    schema = json.loads((path.parent / found.group(1)).read_text())
    jsonschema.Draft202012Validator(schema).validate(parse(text, path.name).plain())


@pytest.mark.parametrize(
    "wrong",
    [
        {"topk": 3},
        {"chatbot": {"model": "local/extractive", "retrieval": {"splitter": {"use": "recursive", "chunksize": 3}}}},
        {"repeats": 0},
        {"chatbot": {}},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(wrong: dict[str, object]) -> None:
    """It is no schema that lets everything pass."""
    schema = json.loads((ROOT / "docs/sweep.schema.json").read_text())
    good = {"dataset": "x.jsonl", "chatbot": {"model": "local/extractive"}}
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, **wrong})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_can_be_planned_without_a_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no key, no spending."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    config = load(path)
    plan = make_plan(config, read_inputs(config, limit=20))
    assert plan.variants == len(config.variants) >= (1 if config.gate.margins else 4)
    assert plan.cost_usd is not None


def test_the_readme_has_exactly_two_commands_on_its_first_screen() -> None:
    """One to run the main job, one to pass the tests."""
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    blocks = re.findall(r"```sh\n(.*?)```", first_screen, flags=re.S)
    commands = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert commands == ["./quickstart", "./test"]


def test_every_command_in_the_docs_exists() -> None:
    """`harness …` in a page is a command that there is."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(r"(?m)(?:^|`)harness ([a-z]+)\b", page.read_text()):
            assert name in COMMANDS, f"{page.name}: harness {name}"


def test_links_between_pages_lead_somewhere() -> None:
    """No dead relative link."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_file_names_a_machine_or_a_registry_host() -> None:
    """The project speaks of itself alone; pins name no registry."""
    pins = (ROOT / "constraints.txt").read_text()
    assert "://" not in pins
    assert " @ " not in pins


def test_the_example_parts_of_the_docs_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block of the page about writing a part is a file that can be copied; the test on it passes."""
    from harness.plugins import make
    from harness.records import Case, Example, Message

    page = (ROOT / "docs/writing-a-part.md").read_text()
    for code in re.findall(r"```python\n(.*?)```", page, flags=re.S):
        path = tmp_path / code.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
    monkeypatch.chdir(tmp_path)
    tested = runpy.run_path(str(tmp_path / "tests/test_parts.py"))
    tested["test_the_parts_keep_their_contracts"]()
    metric = make("metric", {"use": "shouting", "digits_too": True})
    example = Example("e", (Message("user", "?"),))
    assert metric.score(Case(example, "ABcd")) == 0.5
    splitter = make("splitter", {"use": "by_line", "lines": 2})
    assert [tuple(span) for span in splitter.split("a\n\nb\nc\n")] == [(0, 4), (5, 6)]
