"""The page Retrieval: drawn by Streamlit's tester, and in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.watching import Growth

from harness.config import load
from harness.store import StoredSweep
from harness.study.board.retrieval.coverage import Retrieval
from harness.study.board.retrieval.recut import figures
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.app.conftest import Draw, sent, shoot, table, texts
from tests.app.test_browser import settled
from tests.importing.kept import imported
from tests.workspaces import make_workspace

Run = Callable[..., StoredSweep]
Serve = Callable[..., str]
CONFIG = """
name: hunted
dataset: datasets/questions.jsonl
corpus: datasets/articles
chatbot:
  model: local/extractive
  retrieval: {splitter: {use: recursive, chunk_size: 80, chunk_overlap: 0}, index: exact, top_k: 4}
sweep:
  axes: {chunk_size: [40, 80, 160], chunk_overlap: [0, 20], similarity_threshold: [0.0, 0.1]}
metrics: [correct, span_recall, span_iou, retrieval_noise]
objective: {maximize: span_recall}
"""
BARE = """
name: bare
dataset: datasets/questions.jsonl
chatbot: {model: local/extractive, user_prompt: "{{ question }}"}
sweep: {axes: {max_tokens: [10, 20]}}
metrics: [correct]
"""


@pytest.fixture(scope="session")
def hunted(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep over chunks and thresholds, in a folder of its own."""
    return run_sweep(load(make_workspace(tmp_path_factory.mktemp("hunted"), CONFIG)), Options(), Progress())


def test_the_page_shows_coverage_thresholds_and_what_was_missed(draw: Draw, hunted: StoredSweep) -> None:
    """Chunk size and overlap at first, with n; the figures of the slider are those of the passages."""
    test = draw(hunted.folder.path.parent, "retrieval", sweep=hunted.id)
    assert not test.exception and not test.error
    assert [each.value for each in test.subheader] == [
        *("Evidence by settings", "Similarity threshold", "Evidence that was missed"),
    ]
    assert (test.selectbox(key="across").value, test.selectbox(key="up").value) == ("chunk_size", "chunk_overlap")
    rows = table(test, "variants")
    assert list(rows["n"]) == [12] * 6
    found = Retrieval(hunted)
    assert list(rows["recall of evidence, characters"]) == pytest.approx(
        [mean for _, _, mean, _ in found.coverage("span_recall", "chunk_size", "chunk_overlap")["cells"]]
    )
    assert "was not stored, and is not known" in texts(test)


def test_the_page_opens_on_axes_of_the_sweep(draw: Draw, run: Run) -> None:
    """An axis of whole splitters comes before the sizes that differ with them; those can still be chosen."""
    splitters = (
        "splitter: {a: {use: recursive, chunk_size: 60, chunk_overlap: 0}, "
        "b: {use: headings, chunk_size: 120, chunk_overlap: 20}}"
    )
    swept = next(line.strip() for line in CONFIG.splitlines() if "axes:" in line)
    stored = run(CONFIG.replace(swept, f"axes: {{{splitters}}}"))
    test = draw(stored.folder.path.parent, "retrieval", sweep=stored.id)
    assert not test.exception and not test.error
    assert (test.selectbox(key="across").value, test.selectbox(key="up").value) == ("splitter", "")
    assert "chunk_size" in test.selectbox(key="across").options
    test.selectbox(key="across").select("chunk_size").run()
    assert test.selectbox(key="up").value == ""


def test_tables_have_names_that_people_read(draw: Draw, hunted: StoredSweep) -> None:
    """Above each column of each table; an empty cell is empty."""
    test = draw(hunted.folder.path.parent, "retrieval", sweep=hunted.id)
    assert len(test.dataframe) == 4
    for shown in test.dataframe:
        assert shown.proto.placeholder == "" and shown.proto.HasField("placeholder")
        config = json.loads(shown.proto.columns)
        assert not [name for name in shown.value.columns if "_" in name.strip() and "label" not in config.get(name, {})]
    thresholds = next(each for each in test.dataframe if "n_recall" in each.value.columns)
    assert json.loads(thresholds.proto.columns)["n_recall"]["label"] == "n, recall"


def test_the_slider_cuts_at_once_and_stands_in_the_address(draw: Draw, hunted: StoredSweep) -> None:
    """It starts at the threshold of the run; what is below cannot be asked for; moved, the figures are those there."""
    runs, found = hunted.folder.path.parent, Retrieval(hunted)
    group = next(group for group in found.groups if group.threshold == 0.1)
    test = draw(runs, "retrieval", sweep=hunted.id, cut=group.variant, threshold="0.03")
    slider = test.slider(key="threshold")
    assert (slider.min, slider.value) == (0.1, 0.1)
    slider.set_value(0.3).run()
    assert not test.exception and not test.error
    wanted = figures(found.chosen([group.variant])[0], 0.3, "characters")
    shown = {each.label: each.value for each in test.metric}
    assert shown[f"Recall of evidence (n {wanted['n_recall']})"] == f"{100 * wanted['recall']:.1f}%"
    assert shown["Unanswerable, no passage (n 1)"] == f"{100 * wanted['unanswerable']:.1f}%"
    assert test.run().query_params["threshold"] in ("0.3", ["0.3"])
    again = draw(runs, "retrieval", sweep=hunted.id, cut=group.variant, threshold="0.3")
    assert again.slider(key="threshold").value == 0.3


def test_another_choice_keeps_the_slider_within_what_is_known(draw: Draw, hunted: StoredSweep) -> None:
    """From a low threshold to retrieval that ran with a higher one; an address that is no number is the lowest."""
    runs, groups = hunted.folder.path.parent, Retrieval(hunted).groups
    for word, value in (("0.02", 0.02), ("junk", 0.0), ("nan", 0.0), ("1e99", None)):
        test = draw(runs, "retrieval", sweep=hunted.id, cut=groups[0].variant, threshold=word)
        assert not test.exception and not test.error
        slider = test.slider(key="threshold")
        assert slider.value == (slider.max if value is None else value)
    test = draw(runs, "retrieval", sweep=hunted.id, cut=groups[0].variant, threshold="0.02")
    test.multiselect(key="cut").set_value([groups[0].variant, groups[-1].variant]).run()
    assert not test.exception and not test.error
    assert test.slider(key="threshold").value == 0.1
    assert "the highest of those chosen" in texts(test)


def test_a_line_where_one_setting_is_chosen_and_any_metric(draw: Draw, hunted: StoredSweep) -> None:
    """The address says which; an unknown measure is the first."""
    runs = hunted.folder.path.parent
    test = draw(runs, "retrieval", sweep=hunted.id, measure="span_iou", across="similarity_threshold", up="")
    assert not test.exception and not test.error
    rows = table(test, "variants")
    assert list(rows.columns) == ["similarity_threshold ", "span_iou", "n", "variants"]
    assert list(rows["variants"]) == [6, 6]
    test = draw(runs, "retrieval", sweep=hunted.id, measure="no-such")
    assert test.selectbox(key="measure").value == "recall of evidence, characters"


def test_ticked_evidence_opens_its_examples(draw: Draw, hunted: StoredSweep) -> None:
    """One link for each example, with the variants that miss it; without a tick those of the worst."""
    test = draw(hunted.folder.path.parent, "retrieval", sweep=hunted.id)
    pieces = table(test, "question")
    assert len(pieces) >= 2
    assert [each.proto.label.partition("\\:")[0] for each in test.get("page_link")] != []
    test.session_state["missed-pieces"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    links = test.run().get("page_link")
    assert len(links) == 2
    assert "variants=" in links[0].proto.query_string
    assert f"document={pieces['document'][0]}" in links[0].proto.query_string


def test_a_page_with_nothing_says_what_is_missing(draw: Draw, run: Run, tmp_path: Path) -> None:
    """No sweep, no retrieval, no settings that differ, no evidence, imported results without passages."""
    assert "harness sweep CONFIG" in texts(draw(tmp_path / "nowhere", "retrieval"))
    bare = run(BARE, folder=tmp_path / "a")
    assert "No variant of this sweep retrieves." in texts(draw(tmp_path / "a" / "runs", "retrieval", sweep=bare.id))
    swept = next(line for line in CONFIG.splitlines() if "axes:" in line)
    alike = CONFIG.replace(swept, "  axes: {max_tokens: [10, 20]}")
    stored = run(alike, folder=tmp_path / "b")
    said = texts(draw(tmp_path / "b" / "runs", "retrieval", sweep=stored.id))
    assert "All variants retrieve with the same settings." in said
    assert "The run had no threshold" in said or "The run had the threshold" in said
    growth = Growth(tmp_path / "c", np.random.default_rng(1).random((2, 10)))
    growth.add((v, e) for v in range(2) for e in range(10))
    for status in ("running", "complete"):
        if status == "complete":
            growth.writer.end(status)
        test = draw(tmp_path / "c", "retrieval", sweep="grown")
        assert not test.exception and not test.error
        assert "No example has evidence." in texts(test)
        assert ("This sweep is running" in texts(test)) == (status == "running")


def test_imported_results_say_what_cannot_be_known(draw: Draw, tmp_path: Path) -> None:
    """With contexts: coverage and what was missed, no thresholds; without: that there are none."""
    for name, more in (("with", {"retrieved_contexts": ["one"], "reference_contexts": ["two"]}), ("without", {})):
        line = {"user_input": "q", "response": "a", "reference": "a", "faithfulness": 0.5, **more}
        file = tmp_path / f"{name}.jsonl"
        file.write_text(json.dumps(line) + "\n")
        stored = imported("ragas", file, runs=tmp_path / name)
        test = draw(tmp_path / name, "retrieval", sweep=stored.id)
        assert not test.exception and not test.error
        if more:
            assert "No stored passage has a similarity" in texts(test)
            assert len(table(test, "never_found")) == 1
        else:
            assert "These results hold no passages." in texts(test)


def test_nothing_hostile_becomes_markup(draw: Draw, hostile: StoredSweep, tmp_path: Path) -> None:
    """Names of documents, settings and examples that are markup."""
    bad = "<script>document.title='ran'</script>[x](http://evil.example)|`a`"
    folder = make_workspace(tmp_path, CONFIG.replace("[0, 20]", "[0]")).parent.parent
    lines = (folder / "datasets/questions.jsonl").read_text().splitlines()
    shifted = [{**json.loads(line), "id": f"{bad}{i}"} for i, line in enumerate(lines)]
    for line in shifted:
        line["question"] = f"{bad} {line['question']}"
    (folder / "datasets/questions.jsonl").write_text("\n".join(map(json.dumps, shifted)))
    stored = run_sweep(load(folder / "configs/small.yaml"), Options(), Progress())
    for each in (hostile, stored):
        test = draw(each.folder.path.parent, "retrieval", sweep=each.id)
        assert not test.exception and not test.error, texts(test)
        bodies = "".join(sent(test))
        assert "<script" not in bodies
        for said in [*test.markdown, *test.caption]:
            assert not said.allow_html
        for link in test.get("page_link"):
            assert "](" not in link.proto.label.replace("\\]\\(", "")


def test_a_broken_store_says_what_is_wrong(draw: Draw, run: Run) -> None:
    """A newer format, a torn header, missing fields, a torn table, passages of another shape."""
    stored = run()
    runs = stored.folder.path.parent
    header = json.loads((stored.folder.path / "sweep.json").read_text())
    broken = {
        "newer": json.dumps({**header, "format": 99}),
        "torn": '{"format": 1, "name": "to',
        "bare": '{"format": 1}',
        "hollow": json.dumps(header),
        "cut": json.dumps(header),
    }
    for name, content in broken.items():
        (runs / name).mkdir()
        (runs / name / "sweep.json").write_text(content)
    (runs / "hollow" / "cells.jsonl").write_text('{"format": 1}\n{"outcome": {"variant": "x", "exa')
    for name in ("variants.jsonl", "examples.jsonl"):
        (runs / "cut" / name).write_bytes((stored.folder.path / name).read_bytes())
    (runs / "cut" / "outcomes.parquet").write_bytes((stored.folder.path / "outcomes.parquet").read_bytes()[:-40])
    for name in broken:
        test = draw(runs, "retrieval", sweep=name)
        assert not test.exception, name
        assert "cannot be shown" in texts(test) or test.info, name


def test_the_slider_moves_in_a_browser_without_the_rest(page: Any, serve: Serve, hunted: StoredSweep) -> None:
    """Keys move it: its figures change, the address follows, nothing is asked of another machine."""
    page.goto(f"{serve(hunted.folder.path.parent)}/retrieval?sweep={hunted.id}")
    page.get_by_test_id("stMetricValue").nth(4).wait_for()
    settled(page)
    shoot(page, "retrieval")
    before = page.get_by_test_id("stMetricValue").all_inner_texts()
    handle = page.get_by_role("slider").first
    handle.focus()
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => /threshold=0\\.25/.test(location.search)")
    settled(page)
    after = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert float(after[0]) < float(before[0])
    shoot(page, "retrieval-moved")
    assert page.requests_elsewhere == []
    page.get_by_role("link", name=re.compile("md")).first.click()
    page.get_by_text("Evidence in the source").wait_for()
    assert "variants=" in page.url and "document=" in page.url


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_the_page_fits_the_screen(browser: Any, serve: Serve, hunted: StoredSweep, width: int, scheme: str) -> None:
    """On a phone and on wide screens, light and dark: nothing is wider than the screen."""
    page = browser.new_page(viewport={"width": width, "height": 3600 if width < 500 else 2300}, color_scheme=scheme)
    page.goto(f"{serve(hunted.folder.path.parent)}/retrieval?sweep={hunted.id}&threshold=0.2")
    page.get_by_test_id("stMetricValue").nth(4).wait_for()
    page.get_by_test_id("stDataFrame").nth(2).wait_for()
    settled(page)
    shoot(page, f"retrieval-{width}-{scheme}")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width + 1
    assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()
