"""Axes become variants."""

from __future__ import annotations

from pathlib import Path

from harness.config import SweepConfig, load
from tests.workspaces import CONFIG, make_workspace, write


def sweep(folder: Path, section: str, *overrides: str) -> SweepConfig:
    """A config with this `sweep` section."""
    head, tail = CONFIG.split("sweep:\n")[0], CONFIG[CONFIG.index("metrics:") :]
    return load(make_workspace(folder, head + section + "\n" + tail), overrides)


def values(config: SweepConfig, name: str) -> list[object]:
    """A setting's value in each variant."""
    return [variant.params[name] for variant in config.variants]


def test_a_grid_has_every_combination_in_order(tmp_path: Path) -> None:
    """The last axis moves fastest."""
    config = sweep(tmp_path, "sweep: {axes: {chunk_size: [60, 120], top_k: [1, 2]}}")
    assert [(v.params["chunk_size"], v.params["top_k"]) for v in config.variants] == [
        (60, 1),
        (60, 2),
        (120, 1),
        (120, 2),
    ]


def test_a_range_has_exact_ends(tmp_path: Path) -> None:
    """0.0 to 0.4 by 0.1 is five values, none of them 0.30000000000000004."""
    config = sweep(tmp_path, "sweep: {axes: {similarity_threshold: {from: 0.0, to: 0.4, step: 0.1}}}")
    assert values(config, "similarity_threshold") == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_labels_name_values(tmp_path: Path) -> None:
    """`label: value` pairs; a file reference is read."""
    write(tmp_path / "prompts/strict.md", "Be strict.\n")
    section = "sweep: {axes: {system_prompt: {strict: {file: prompts/strict.md}, warm: Be warm.}}}"
    config = sweep(tmp_path, section)
    assert values(config, "system_prompt") == ["strict", "warm"]
    assert [v.chatbot.system_prompt for v in config.variants] == ["Be strict.", "Be warm."]


def test_a_full_path_and_a_short_name_mean_the_same(tmp_path: Path) -> None:
    """Ids come from the configuration's content, not from how an axis is called."""
    short = sweep(tmp_path, "sweep: {axes: {chunk_size: [60, 120]}}")
    full = sweep(tmp_path, "sweep: {axes: {chatbot.retrieval.splitter.chunk_size: [60, 120]}}")
    assert [v.id for v in short.variants] == [v.id for v in full.variants]


def test_exclude_and_include(tmp_path: Path) -> None:
    """Conditions leave variants out; entries add single ones, everything else as in `chatbot`."""
    section = """sweep:
  axes: {chunk_size: [60, 120], chunk_overlap: [0, 60]}
  exclude: ["chunk_overlap >= chunk_size"]
  include: [{chunk_size: 500}]"""
    config = sweep(tmp_path, section)
    pairs = [(v.params["chunk_size"], v.params["chunk_overlap"]) for v in config.variants]
    assert pairs == [(60, 0), (120, 0), (120, 60), (500, 10)]


def test_a_setting_that_only_some_points_name_shows_what_it_really_is(tmp_path: Path) -> None:
    """The sentence splitter's own chunk size, not that of the splitter under `chatbot`."""
    section = """sweep:
  axes: {splitter: [recursive, {use: sentence, chunk_size: 150, chunk_overlap: 0}, markdown]}
  include: [{chunk_size: 1000}]"""
    config = sweep(tmp_path, section)
    real = [v.chatbot.retrieval.splitter.chunk_size for v in config.variants if v.chatbot.retrieval]
    assert values(config, "chunk_size") == real == [80, 150, 400, 1000]


def test_equal_configurations_are_one_variant(tmp_path: Path) -> None:
    """An included point that the grid has is not run twice."""
    section = "sweep:\n  axes: {chunk_size: [60, 80]}\n  include: [{chunk_size: 60}]"
    assert len(sweep(tmp_path, section).variants) == 2


def test_parts_can_be_an_axis_with_settings_of_their_own(tmp_path: Path) -> None:
    """A value may be a whole part; a swept field of it is set afterwards."""
    section = "sweep: {axes: {chunk_size: [60, 120], splitter: [recursive, sentence]}}"
    config = sweep(tmp_path, section)
    assert len(config.variants) == 4
    sizes = {v.chatbot.retrieval.splitter.chunk_size for v in config.variants if v.chatbot.retrieval}
    assert sizes == {60, 120}


def test_random_search_takes_a_sample_that_the_seed_decides(tmp_path: Path) -> None:
    """Twice the same sample; another seed, another sample."""
    section = "sweep: {search: {use: random, samples: 3}, axes: {chunk_size: {from: 50, to: 100, step: 5}}}"
    first, second = (values(sweep(tmp_path, section), "chunk_size") for _ in range(2))
    assert len(first) == 3
    assert first == second
    assert values(sweep(tmp_path, section, "seed=5"), "chunk_size") != first


def test_set_replaces_a_value(tmp_path: Path) -> None:
    """By a path from the top or by a short name; a swept setting gets new values."""
    section = "sweep: {axes: {chunk_size: [60, 120]}}"
    config = sweep(tmp_path, section, "repeats=3", "top_k=2", "chunk_size=90", "budget.usd=1.5")
    [variant] = config.variants
    assert (config.repeats, config.budget.usd) == (3, 1.5)
    assert variant.chatbot.retrieval is not None
    assert variant.chatbot.retrieval.top_k == 2
    assert variant.chatbot.retrieval.splitter.chunk_size == 90


def test_a_value_not_given_is_distinct_from_null(tmp_path: Path) -> None:
    """The snapshot keeps what was written."""
    absent = sweep(tmp_path, "sweep: {axes: {top_k: [1]}}")
    null = sweep(tmp_path, "sweep: {axes: {top_k: [1]}}", "temperature=null")
    assert "temperature" not in absent.given["chatbot"]
    assert null.given["chatbot"]["temperature"] is None


def test_without_a_corpus_there_is_no_retrieval(tmp_path: Path) -> None:
    """A chatbot may have no knowledge base."""
    make_workspace(tmp_path)
    path = write(
        tmp_path / "configs/bare.yaml", "dataset: datasets/questions.jsonl\nchatbot: {model: local/extractive}\n"
    )
    [variant] = load(path).variants
    assert variant.chatbot.retrieval is None
    assert variant.chatbot.user_prompt == "{{ question }}"


def test_paths_are_relative_to_the_workspace(tmp_path: Path) -> None:
    """`configs/` lies in the workspace; any other folder is the workspace itself."""
    make_workspace(tmp_path)
    assert load(tmp_path / "configs/small.yaml").workspace == tmp_path
    beside = write(tmp_path / "beside.yaml", (tmp_path / "configs/small.yaml").read_text())
    assert load(beside).workspace == tmp_path
