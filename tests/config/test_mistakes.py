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
        ("corpus: datasets/article", "did you mean 'articles'?"),
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


def test_a_swept_setting_that_some_parts_lack_comes_with_two_remedies(tmp_path: Path) -> None:
    """Each such part is named, with whole parts and with exclude as the way out; both ways can be read."""
    head = CONFIG.split("sweep:")[0]
    axes = "retriever: [dense, bm25, hybrid], fetch_k: [20, 40]"
    found = mistakes(tmp_path, f"{head}sweep: {{axes: {{{axes}}}}}\n")
    named = {text.split(" has no setting")[0].rpartition(" ")[2] for _, text in found}
    assert len(found) == 2
    assert named == {"dense", "bm25"}
    assert all("{use: …, fetch_k: …}]" in text and "exclude" in text for _, text in found)
    whole = "retriever: [dense, {use: hybrid, fetch_k: 20}, {use: hybrid, fetch_k: 40}]"
    assert len(load(make_workspace(tmp_path, f"{head}sweep: {{axes: {{{whole}}}}}\n")).variants) == 3
    left_out = "exclude: [\"retriever == 'dense'\"], include: [{retriever: dense}]"
    axes = "retriever: [dense, hybrid], fetch_k: [20, 40]"
    assert len(load(make_workspace(tmp_path, f"{head}sweep: {{axes: {{{axes}}}, {left_out}}}\n")).variants) == 3


@pytest.mark.parametrize(
    ("override", "axis"),
    [
        ("index=[exact, chroma]", "sweep.axes.index="),
        ("retriever=[dense, bm25]", "sweep.axes.retriever="),
        ("splitter.chunk_overlap=[0, 10]", "sweep.axes.splitter.chunk_overlap="),
    ],
)
def test_a_list_for_a_setting_that_is_not_swept_is_answered_with_the_axis(
    override: str, axis: str, tmp_path: Path
) -> None:
    """What is advised can be typed."""
    found = mistakes(tmp_path, CONFIG, override)
    assert any(axis in text for _, text in found), found
    swept = load(make_workspace(tmp_path, CONFIG), ["sweep.axes." + override])
    assert override.split("=")[0] in swept.axes


def test_a_number_given_as_a_list_is_answered_with_the_axis(tmp_path: Path) -> None:
    """Where it is not swept."""
    config = CONFIG.replace("    similarity_threshold: [0.0, 0.2]\n", "")
    [(_, text)] = mistakes(tmp_path, config, "similarity_threshold=[0.1, 0.2]")
    assert "sweep.axes.similarity_threshold=" in text


def test_a_plug_in_from_the_command_line_is_loaded(tmp_path: Path) -> None:
    """Its parts can be named by the file and by other overrides; a file that is not there is a mistake."""
    path = make_workspace(tmp_path, CONFIG)
    code = """
from dataclasses import dataclass
from typing import ClassVar
from harness.plugins import part

@part("context", "bare")
@dataclass(frozen=True)
class Bare:
    version: ClassVar[int] = 1
    shout: bool = False

    def build(self, passages):
        raise NotImplementedError
"""
    write(tmp_path / "parts/bare.py", code)
    config = load(path, ["context=bare", "context.shout=true", "plugins=[parts/bare.py]"])
    retrieval = config.variants[0].chatbot.retrieval
    assert retrieval is not None
    assert retrieval.context.shout is True
    [(_, found)] = mistakes(tmp_path, CONFIG, "plugins=[parts/nope.py]")
    assert "no such Python file" in found


def test_an_override_that_no_variant_takes_is_a_mistake(tmp_path: Path) -> None:
    """Axes of whole parts replace it; where one value keeps the setting, it is none."""
    head = CONFIG.split("sweep:")[0]
    whole = "splitter: [{use: sentence, chunk_size: 60}, {use: markdown, chunk_size: 80}]"
    [(_, found)] = mistakes(tmp_path, f"{head}sweep: {{axes: {{{whole}}}}}\n", "splitter.chunk_size=50")
    assert "no effect" in found
    assert "axis 'splitter'" in found
    kept = f"{head}sweep: {{axes: {{splitter: [recursive, sentence]}}}}\n"
    first = load(make_workspace(tmp_path, kept), ["splitter.chunk_size=50"]).variants[0]
    assert first.chatbot.retrieval is not None
    assert first.chatbot.retrieval.splitter.chunk_size == 50


def test_a_number_that_no_machine_holds_is_a_mistake(tmp_path: Path) -> None:
    """Whole numbers of more than 64 bits are named at their place."""
    path = make_workspace(tmp_path, CONFIG.replace("top_k: 3", "top_k: 99999999999999999999999"))
    with pytest.raises(UserError, match="too large"):
        load(path)
