"""`harness gate` where it cannot decide, and a sweep file as baseline: what a CI relies on."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.store import Folder, StoredSweep
from tests.cli.test_gate import CONFIG, RULES, harness, make, refused, sweep
from tests.workspaces import make_workspace, write


@pytest.mark.parametrize(("baseline", "title"), [("nobody", "wrong input"), ("dead", "incomplete")])
def test_the_pages_tell_that_nothing_was_decided(tmp_path: Path, baseline: str, title: str) -> None:
    """No baseline, or one that gives no answer: every page says so, and none is left of a gate before."""
    config = make(tmp_path, 20)
    make(tmp_path, 20, prompt="dead", name="dead")
    named = str(tmp_path / "configs/dead.yaml") if baseline == "dead" else baseline
    junit, page, scraped = tmp_path / "junit.xml", tmp_path / "gate.md", write(tmp_path / "gate.prom", "of yesterday")
    written = ["--junit", str(junit), "--markdown", str(page), "--openmetrics", str(scraped)]
    done = harness("gate", config, "--baseline", named, *written, "--github")
    code, said = refused(done)
    assert code == (3 if baseline == "dead" else 2)
    assert done.stdout.startswith(f"::error title=Gate%3A {title}::") and len(done.stdout.splitlines()) == 1
    root = ElementTree.parse(junit).getroot()
    assert (root.attrib["tests"], root.attrib["errors"], root.attrib["failures"]) == ("1", "1", "0")
    [error] = root.iter("error")
    assert error.attrib["message"] == said
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"## Gate: {title}\n") and "this is no pass" in text and said in text
    metrics = scraped.read_text(encoding="utf-8")
    assert f"harness_gate_exit_code {code}\n" in metrics and "harness_gate_verdict" not in metrics
    told = json.loads(harness("gate", config, "--baseline", named, "--json").stdout)
    assert told == {"verdict": None, "exit_code": code, "error": said}


def test_a_sweep_file_as_baseline_is_asked_the_candidates_questions(tmp_path: Path) -> None:
    """Its own dataset, metrics and objective do not count; what was asked instead stands in its run."""
    make(tmp_path, 100)
    other = CONFIG.replace("[answer_match, token_f1]", "[token_f1]").replace(
        "maximize: answer_match", "maximize: token_f1"
    )
    base = str(write(tmp_path / "base/configs/gate.yaml", other % ("good", "")))
    write(tmp_path / "base/bot.py", (tmp_path / "bot.py").read_text(encoding="utf-8"))
    write(tmp_path / "base/datasets/questions.jsonl", '{"question": "What is 1", "references": ["the answer 1"]}\n')
    done = harness("gate", str(tmp_path / "configs/gate.yaml"), "--baseline", base, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0 and found["rows"][0]["metric"] == "answer_match" and found["rows"][0]["n"] == 100
    stored = StoredSweep(Folder(tmp_path / "runs") / found["baseline"].split("/")[0])
    assert f"dataset.path={tmp_path}/datasets/questions.jsonl" in stored.header["config"]["overrides"]


def test_a_baseline_whose_run_is_stored_is_taken_as_it_is(tmp_path: Path) -> None:
    """A finished run as candidate has its questions in it; a sweep file as its baseline is run with its own."""
    config = make(tmp_path, 20)
    run = sweep(config)
    other = str(
        write(tmp_path / "configs/fewer.yaml", CONFIG.replace("questions.jsonl", "fewer.jsonl") % ("good", RULES))
    )
    write(tmp_path / "datasets/fewer.jsonl", '{"question": "What is 1", "references": ["the answer 1"]}\n')
    code, said = refused(harness("gate", run, "--baseline", other, "--runs", str(tmp_path / "runs")))
    assert code == 2 and "other data" in said


def test_questions_about_documents_that_the_baseline_lacks_are_told(tmp_path: Path) -> None:
    """A change brings a document and a question about it: exit 2, which it is, and that the document must go first."""
    base = make_workspace(tmp_path / "base")
    head = make_workspace(tmp_path / "head")
    write(head.parents[1] / "datasets/articles/new.md", "# New\n\nThe new thing costs 3 EUR.\n")
    line = {"question": "What is the new thing?", "references": ["3 EUR"], "evidence": [{"document": "new.md"}]}
    with (head.parents[1] / "datasets/questions.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    one = "sweep.axes={top_k: [2]}"
    text = base.read_text(encoding="utf-8")
    write(base, text[: text.index("sweep:")] + text[text.index("metrics:") :])
    code, said = refused(harness("gate", str(head), "--baseline", str(base), "--set", one))
    assert code == 2 and "there is no document 'new.md'" in said and "must go first" in said
    assert not (tmp_path / "head/runs").exists() or not Folder(tmp_path / "head/runs").sweeps()
