"""All mistakes at once, each with its place, what was found and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import load
from harness.errors import UserError
from tests.workspaces import CONFIG, make_workspace, write

BAD = """\
name: bad
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: local/extractiv
  temprature: 0
  user_prompt: "{{ contxt }} {{ question }}"
  system_prompt: {file: nope.md}
  retrieval:
    splitter: {use: recursive, chunk_sze: 400}
    top_k: zero
sweep:
  axes:
    similarity_treshold: [0.1]
metrics: [answer_mach, token_f1]
repeats: 0
"""


def mistakes(folder: Path, config: str, *overrides: str) -> list[tuple[int, str]]:
    """Line and text of every mistake of a config."""
    with pytest.raises(UserError) as caught:
        load(make_workspace(folder, config), overrides)
    assert caught.value.exit_code == 2
    return [(m.place.line, f"{m.found} {m.advice}") for m in caught.value.mistakes]


def test_every_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    """Nine different mistakes, nine lines, each with the name that was meant."""
    found = mistakes(tmp_path, BAD)
    assert [line for line, _ in found] == [5, 6, 7, 8, 10, 11, 14, 15, 16]
    meant = ["local/extractive", "temperature", "context", "nope.md", "chunk_size", "'zero'"]
    meant += ["similarity_threshold", "answer_match", "at least 1"]
    for (line, text), name in zip(found, meant, strict=True):
        assert name in text, (line, text)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("seed: -1", "at least 0"),
        ("concurrency: many", "whole number"),
        ("budget: {eur: 3}", "usd"),
        ("objective: {maximize: f1}", "not among the metrics"),
        ("objective: {best: token_f1}", "maximize"),
        ("max_failures: 1.5", "between 0 and 1"),
        ("unknown: 1", "unknown key"),
        ("metrics: []", "list of metrics"),
        ("prices: {m: {inptu: 1}}", "input"),
        ("plugins: [nowhere.py]", "no such Python file"),
        ("dataset: nowhere.jsonl", "no such file"),
        ("corpus: nowhere", "no such file"),
    ],
)
def test_a_wrong_value_is_told_apart(line: str, text: str, tmp_path: Path) -> None:
    """One mistake per section of the file."""
    key = line.split(":")[0]
    kept = [row for row in CONFIG.splitlines() if not row.startswith(f"{key}:")]
    [(_, found)] = mistakes(tmp_path, "\n".join([*kept, line]) + "\n")
    assert text in found


@pytest.mark.parametrize(
    ("axes", "text"),
    [
        ("chunk_size: []", "empty"),
        ("chunk_size: 400", "give a list"),
        ("chunk_size: [60, 60]", "given twice"),
        ("chunk_size: {from: 10, to: 5, step: 1}", "no values"),
        ("chunk_size: {from: 10, to: 20, step: 0}", "no values"),
        ("chunk_size: [ten]", "'ten'"),
        ("chunk_overlap: [80]", "smaller than chunk_size"),
        ("splitter: {use: sentence}", "no axis"),
        ("system_prompt: {a: {file: nowhere.md}}", "no such file"),
        ("chunk_size: [60]\n    splitter.chunk_size: [70]", "the same setting"),
    ],
)
def test_a_wrong_axis_is_told_apart(axes: str, text: str, tmp_path: Path) -> None:
    """One mistake per kind of axis."""
    head, _ = CONFIG.split("  axes:")
    found = mistakes(tmp_path, f"{head}  axes:\n    {axes}\nmetrics: [token_f1]\n")
    assert any(text in each for _, each in found), found


def test_a_combination_that_cannot_be_is_named_with_its_variant(tmp_path: Path) -> None:
    """The mistake says which variant, and how to leave it out."""
    found = mistakes(tmp_path, CONFIG, "sweep.axes.chunk_overlap=[10, 60]")
    assert any("chunk_size=60" in text and "exclude" in text for _, text in found)


def test_broken_yaml_has_a_place(tmp_path: Path) -> None:
    """What is no YAML is refused with line and column."""
    with pytest.raises(UserError) as caught:
        load(write(tmp_path / "x.yaml", "a: [1, 2\nb: 3\n"))
    assert caught.value.mistakes[0].place.line == 2


def test_a_key_given_twice_is_a_mistake(tmp_path: Path) -> None:
    """YAML would silently keep the last one."""
    with pytest.raises(UserError, match="given twice"):
        load(write(tmp_path / "x.yaml", "name: a\nname: b\n"))


def test_a_missing_file_names_those_that_are_there(tmp_path: Path) -> None:
    """A typo in the path is answered with the nearest sweep file."""
    make_workspace(tmp_path)
    with pytest.raises(UserError, match=r"small\.yaml"):
        load(tmp_path / "configs/smal.yaml")


@pytest.mark.parametrize("template", ["{{ question", "{{ question.nope }}", "{% for %}", "{{ ''.__class__.mro() }}"])
def test_a_prompt_that_cannot_be_filled_is_found_beforehand(template: str, tmp_path: Path) -> None:
    """Syntax, attributes that do not exist, and attempts to leave the sandbox."""
    config = CONFIG.replace("  retrieval:", f"  user_prompt: {template!r}\n  retrieval:")
    [(_, found)] = mistakes(tmp_path, config)
    assert "template" in found


def test_a_setting_that_the_model_refuses_is_a_mistake(tmp_path: Path) -> None:
    """Before anything is spent, at the setting's place."""
    config = CONFIG.replace("model: local/extractive", "model: openai/gpt-5-mini\n  temperature: 0.5")
    found = mistakes(tmp_path, config)
    assert any("does not take temperature" in text for _, text in found)
