"""The pages of results, drawn by Streamlit's tester."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.watching import Growth
from streamlit.testing.v1 import AppTest

from harness.app import frame, settings
from harness.store import StoredSweep
from harness.study.summary import summarise
from tests.app.conftest import Draw, sent, table, texts
from tests.workspaces import ARTICLES

Run = Callable[..., StoredSweep]
NAMES = ("sweeps", "sweep", "compare", "example")


def test_no_page_is_run_without_the_entry() -> None:
    """Streamlit runs files of a folder `pages` beside the entry by itself, past the password."""
    assert not Path(frame.__file__).with_name("pages").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_any_sweep_says_what_to_do(draw: Draw, tmp_path: Path, name: str) -> None:
    """An empty folder, and one that is not there."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        test = draw(folder, name)
        assert not test.exception
        assert "harness sweep CONFIG" in texts(test)


def test_sweeps_are_listed_searched_and_filtered(draw: Draw, run: Run) -> None:
    """By a word of the name, by status; what fits nothing says so."""
    stored = run()
    summarise(stored, keep=True)
    runs = stored.folder.path.parent
    rows = draw(runs, "sweeps").dataframe(key="sweeps-table").value
    assert list(rows["sweep"]) == [stored.id]
    assert (rows["status"][0], rows["progress"][0], rows["cost_usd"][0]) == ("complete", 1.0, 0.0)
    assert rows["best"][0].startswith("chunk_size=")
    assert len(draw(runs, "sweeps", q="SMALL complete").dataframe(key="sweeps-table").value) == 1
    assert "No sweep fits" in texts(draw(runs, "sweeps", q="nothing-like-it"))


def test_ticked_sweeps_can_be_opened_and_compared(draw: Draw, run: Run) -> None:
    """One link for each, and one for all of them."""
    runs = run().folder.path.parent
    run(overrides=("name=second",))
    test = draw(runs, "sweeps")
    test.session_state["sweeps-table"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    labels = [each.proto.label for each in test.run().get("page_link")]
    assert len(labels) == 3
    assert labels[-1] == "Compare the best of 2 sweeps"


def test_a_sweep_tells_its_verdict_and_all_sections(draw: Draw, run: Run) -> None:
    """The sweep is that of the address; nothing fails; the summary is not written by looking."""
    stored = run()
    test = draw(stored.folder.path.parent, "sweep", sweep=stored.id)
    said = texts(test)
    assert not test.exception and not test.error
    assert "No difference can be claimed between the variants" in said
    assert [each.value for each in test.subheader] == [
        *("Ranking", "Quality against cost and latency", "One variant", "What each axis does"),
        *("Settings together", "By tag"),
    ]
    assert len(table(test, "place")) == 8
    assert not (stored.folder.path / "summary.json").exists()


def test_what_is_chosen_stands_in_the_address(draw: Draw, run: Run) -> None:
    """The variant and the axes of the heat map, so that a link shows the same."""
    stored = run()
    variant = stored.variants[3]["id"]
    runs = stored.folder.path.parent
    test = draw(runs, "sweep", sweep=stored.id, variant=variant, x="top_k")
    assert (test.selectbox(key="variant").value, test.selectbox(key="x").value) == (variant, "top_k")
    test.selectbox(key="variant").select(stored.variants[1]["id"]).run()
    assert test.selectbox(key="variant").value == stored.variants[1]["id"]
    assert test.run().query_params["variant"] == stored.variants[1]["id"]


@pytest.mark.parametrize("name", ["../../etc", "/etc", "s3://bucket/x", ".", "a/../..", "no-such"])
def test_the_address_names_nothing_outside_the_store(draw: Draw, run: Run, tmp_path: Path, name: str) -> None:
    """Paths, parents and other stores are no sweeps; a sweep beside the store is none."""
    stored = run()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "sweep.json").write_text(json.dumps({"name": "SECRET"}))
    for page in ("sweep", "example"):
        test = draw(stored.folder.path.parent, page, sweep=name)
        assert "There is no sweep" in texts(test)
        assert "SECRET" not in texts(test)
    for text in (f"{name}/x", "../elsewhere/x", "../elsewhere"):
        test = draw(stored.folder.path.parent, "compare", runs=f"{text},{text}b")
        assert not test.exception
        assert "SECRET" not in texts(test)
        assert test.error


def test_how_many_examples_changed_is_said(draw: Draw, tmp_path: Path) -> None:
    """As many as the wins and losses of the headline, also where not all are shown."""
    rise, fall = np.arange(40) < 5, np.arange(40) >= 12
    growth = Growth(tmp_path, np.array([np.where(rise, 0.0, 1.0), np.where(fall, 0.0, 1.0)]))
    growth.add((v, e) for v in range(2) for e in range(40))
    growth.writer.end("complete")
    test = draw(tmp_path, "compare", runs="grown/v0,grown/v1")
    counts = {each.label: each.value for each in test.metric}
    assert (counts["Losses"], counts["Wins"]) == ("28", "5")
    said = texts(test)
    assert "By correct 28 examples lost and 5 gained. Here are the 20 that lost most" in said
    assert len(table(test, "baseline answer")) == 20


def test_what_the_address_names_in_vain_is_told(draw: Draw, run: Run) -> None:
    """An example and variants that are not there: once, and not after the next choice."""
    stored = run()
    known = stored.variants[1]["id"]
    query = {"sweep": stored.id, "example": "nowhere", "variants": f"{known},gone"}
    test = draw(stored.folder.path.parent, "example", **query)
    said = [each.value.replace("\\", "") for each in test.warning]
    assert len(said) == 2
    assert any("nowhere, which is not here. Another was taken" in each for each in said)
    assert any("gone, which is not here. It was left out" in each for each in said)
    assert not test.run().warning


def test_runs_are_compared_with_the_first(draw: Draw, run: Run) -> None:
    """Settings that differ, figures, slices; another can be made the baseline."""
    stored = run()
    names = [f"{stored.id}/{stored.variants[i]['id']}" for i in (0, 4)]
    test = draw(stored.folder.path.parent, "compare", runs=",".join(names))
    assert not test.exception and not test.error
    assert set(table(test, "p_corrected")["metric"]) >= {"correct", "token_f1"}
    assert list(table(test, "setting")["setting"]) == ["retrieval.splitter.chunk_size"]
    test.button(key=f"base-{names[1]}").click().run()
    assert not test.exception
    assert test.run().query_params["runs"] == ",".join(reversed(names))


def test_an_example_shows_passages_evidence_scores_and_figures(draw: Draw, run: Run) -> None:
    """The evidence that was retrieved is marked in the text of its document."""
    stored = run()
    test = draw(stored.folder.path.parent, "example", sweep=stored.id, example="q2")
    said = texts(test)
    assert not test.exception and not test.error
    assert "Within how many days can I send something back?" in said
    assert '<span class="h-hit">30 days</span>' in said
    assert ARTICLES["returns.md"].index("30 days") > 0
    assert {"correct", "recall@3"} <= set(table(test, "reason")["metric"])
    assert len(table(test, "finish_reason")) == 3


def test_nothing_hostile_becomes_markup(draw: Draw, hostile: StoredSweep) -> None:
    """Names, prompts and answers of a hostile sweep, and an answer of a megabyte, on every page."""
    runs = hostile.folder.path.parent
    both = ",".join(f"{hostile.id}/{entry['id']}" for entry in hostile.variants[:2])
    pages: list[tuple[str, dict[str, str]]] = [("sweeps", {}), ("sweep", {"sweep": hostile.id})]
    pages += [("compare", {"runs": both}), ("example", {"sweep": hostile.id, "example": "q1"})]
    for name, query in pages:
        test = draw(runs, name, **query)
        assert not test.exception, name
        assert not test.error, texts(test)
        bodies = "".join(sent(test))
        for bad in ("<script", "<img", "<i>", "<!--", "\u202e"):
            assert bad not in bodies, (name, bad)
        for each in [*test.markdown, *test.caption, *test.error]:
            assert not each.allow_html
        assert len(bodies) < 200_000


def test_a_broken_store_says_what_is_wrong(draw: Draw, run: Run) -> None:
    """A newer format, a torn header, missing fields, broken tables; the sweep beside them is shown."""
    stored = run()
    runs = stored.folder.path.parent
    header = json.loads((stored.folder.path / "sweep.json").read_text())
    broken = {
        "newer": json.dumps({**header, "format": 99}),
        "torn": '{"format": 1, "name": "to',
        "bare": '{"format": 1}',
        "odd": json.dumps({**header, "cells": None, "metrics": 3, "objective": []}),
        "hollow": json.dumps(header),
    }
    for name, content in broken.items():
        (runs / name).mkdir()
        (runs / name / "sweep.json").write_text(content)
    (runs / "hollow" / "cells.jsonl").write_text('{"format": 1}\n{"outcome": {"variant": "x", "exa')
    rows = draw(runs, "sweeps").dataframe(key="sweeps-table").value.set_index("sweep")
    assert "upgrade harness" in rows["problem"]["newer"]
    assert rows["status"][stored.id] == "complete"
    assert set(rows.loc[["newer", "torn", "bare", "odd"], "status"]) == {"unreadable"}
    for name in broken:
        for page in ("sweep", "example"):
            test = draw(runs, page, sweep=name)
            assert not test.exception, (name, page)
            assert "cannot be shown" in texts(test) or test.info, (name, page)


def test_a_running_sweep_is_followed_and_a_killed_one_said(draw: Draw, tmp_path: Path) -> None:
    """Progress and intervals while it runs; once it is over, its figures with what it is."""
    growth = Growth(tmp_path, np.random.default_rng(1).random((2, 40)))
    growth.add((v, e) for v in range(2) for e in range(30))
    test = draw(tmp_path, "sweep", sweep="grown")
    said = texts(test)
    assert not test.exception and not test.error
    assert "grown is running" in said
    assert "hold at every look" in said
    growth.writer.end("interrupted")
    test.run()
    assert not test.exception
    assert "This sweep is interrupted" in texts(test)


def test_a_tag_called_all_is_not_all(draw: Draw, tmp_path: Path) -> None:
    """The figures of all examples stay those of all."""
    growth = Growth(tmp_path, np.array([np.ones(40), np.where(np.arange(40) < 6, 0.0, 1.0)]))
    growth.add((v, e) for v in range(2) for e in range(40))
    growth.writer.end("complete")
    file = tmp_path / "grown/examples.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in [each for each in lines if "id" in each][:2]:
        line["tags"] = ["all"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    test = draw(tmp_path, "compare", runs="grown/v0,grown/v1")
    assert next(each.value for each in test.metric if each.label == "Losses") == "6"


def test_another_judge_of_the_same_name_is_told(draw: Draw, tmp_path: Path) -> None:
    """The difference may be the judges'."""
    for name in ("one", "two"):
        growth = Growth(tmp_path / name, np.ones((1, 40)))
        growth.add((0, e) for e in range(40))
        growth.writer.end("complete")
        (tmp_path / name / "grown").rename(tmp_path / f"grown-{name}")
    header = tmp_path / "grown-two/sweep.json"
    changed = json.loads(header.read_text(encoding="utf-8"))
    changed["metrics"][0]["identity"] = {"judge": "another"}
    header.write_text(json.dumps(changed), encoding="utf-8")
    test = draw(tmp_path, "compare", runs="grown-one/v0,grown-two/v0")
    assert "measured by other settings or another judge" in table(test, "p_corrected")["caution"][0]


def test_no_interval_is_shown_of_a_part_of_the_cells(draw: Draw, run: Run) -> None:
    """Neither in the list of sweeps nor beside a variant's metrics."""
    stored = run()
    file = stored.folder.path / "exit.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "status": "incomplete"}))
    summarise(StoredSweep(stored.folder), keep=True)
    runs = stored.folder.path.parent
    listed = draw(runs, "sweeps").dataframe(key="sweeps-table").value
    assert listed["score"][0] is not None and listed["n"][0] == 8
    assert listed["low"].isna().all() and listed["high"].isna().all()
    beside = table(draw(runs, "sweep", sweep=stored.id), "worst")
    assert beside["low"].isna().all() and beside["mean"].notna().any()


def test_names_of_columns_are_no_formulas() -> None:
    """A spreadsheet would run them as it would cells."""
    assert frame.as_csv(pd.DataFrame({"=1+1": ["@x"]})).decode().splitlines() == ["'=1+1", "'@x"]


def test_not_a_number_is_no_number(draw: Draw, tmp_path: Path) -> None:
    """A sweep whose every score failed is shown, and says that nothing is scored."""
    growth = Growth(tmp_path, np.full((2, 5), np.nan))
    growth.add((v, e) for v in range(2) for e in range(5))
    growth.writer.end("complete")
    test = draw(tmp_path, "sweep", sweep="grown")
    assert not test.exception
    assert "no variant has a score" in texts(test)


def test_the_password_is_asked_for(draw: Draw, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong one shows nothing, the right one does; without the proxy's header nothing is shown."""
    stored = run()
    monkeypatch.setenv(settings.RUNS, str(stored.folder.path.parent))
    monkeypatch.setenv(settings.PASSWORD, "open sesame")
    test = AppTest.from_file(str(Path(frame.__file__).with_name("main.py")), default_timeout=60).run()
    assert not test.dataframe
    for given, shown in (("wrong", 0), ("open sesame", 1)):
        test.text_input[0].input(given)
        test.button[0].click().run()
        assert len(test.dataframe) == shown
    monkeypatch.setenv(settings.PASSWORD, "")
    monkeypatch.setenv(settings.IDENTITY, "X-User")
    test = AppTest.from_file(str(Path(frame.__file__).with_name("main.py")), default_timeout=60).run()
    assert "this request had none" in texts(test)
    assert not test.dataframe
