"""The command line: exit codes, what goes where, how quick it answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workspaces import CONFIG, make_workspace, write


def harness(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    import os

    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_help_imports_next_to_nothing(tmp_path: Path) -> None:
    """The budget of 0.3 s of processor time is kept by importing only the command line itself (see benchmarks)."""
    code = "import sys\nfrom harness.cli import main\nsys.argv = ['harness', '--help']\n"
    code += "try:\n    main.run()\nexcept SystemExit:\n    pass\n"
    code += "print([m for m in ('numpy', 'pydantic', 'yaml', 'rich', 'jinja2', 'orjson') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "sweep" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_importing_harness_imports_nothing_heavy(tmp_path: Path) -> None:
    """Heavy libraries are imported when first used, by the registry of parts neither."""
    heavy = "litellm chromadb ragas streamlit pandas openai anthropic langchain_text_splitters pyarrow tiktoken"
    code = "import sys, harness, harness.plugins\nharness.plugins.load_built_ins()\n"
    code += f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"


def test_sweep_prints_the_documented_json(workspace: Path) -> None:
    """One document on stdout with at least the fields of the contract."""
    done = harness("sweep", "configs/small.yaml", "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    wanted = "sweep path variants cells failed_cells calls embeddings tokens cost_usd wall_s best runs"
    assert set(wanted.split()) <= set(found)
    assert set(found["calls"]) >= {"naive", "distinct", "made", "cached", "judge_made"}
    assert set(found["best"]) >= {"variant", "label", "score", "interval"}
    assert set(found["runs"][0]) >= {"run", "variant", "params", "metrics"}
    assert set(found["runs"][0]["metrics"]["correct"]) >= {"mean", "low", "high", "n", "failed"}


def test_plan_prints_the_documented_json_and_spends_nothing(workspace: Path) -> None:
    """Counts before anything is made."""
    done = harness("plan", "configs/small.yaml", "--json", cwd=workspace)
    found = json.loads(done.stdout)
    assert {"variants", "cells", "calls", "embeddings", "cost_usd"} <= set(found)
    assert not (workspace / ".harness").exists()
    assert not (workspace / "runs").exists()


def test_a_wrong_config_ends_with_2_and_nothing_on_stdout(workspace: Path) -> None:
    """The message goes to stderr."""
    make_workspace(workspace, CONFIG.replace("top_k: 3", "topk: 3"))
    done = harness("sweep", "configs/small.yaml", "--json", cwd=workspace)
    assert (done.returncode, done.stdout) == (2, "")
    assert "small.yaml:11:5" in done.stderr
    assert "top_k" in done.stderr


def test_a_missing_key_names_the_variable_and_spends_nothing(workspace: Path) -> None:
    """Exit code 2 before any step."""
    make_workspace(workspace, CONFIG.replace("local/extractive", "openai/gpt-4o-mini"))
    done = harness("sweep", "configs/small.yaml", cwd=workspace, OPENAI_API_KEY="")
    assert done.returncode == 2
    assert "OPENAI_API_KEY" in done.stderr
    assert not (workspace / "runs").exists()
    assert harness("plan", "configs/small.yaml", cwd=workspace, OPENAI_API_KEY="").returncode == 0


def test_a_bad_dataset_line_is_named_by_number(workspace: Path) -> None:
    """Line 37 is line 37."""
    file = workspace / "datasets/questions.jsonl"
    lines = [json.dumps({"id": f"x{i}", "question": f"Question {i}?"}) for i in range(60)]
    lines[36] = '{"id": "x36", "question": 7}'
    write(file, "\n".join(lines) + "\n")
    for command in (["sweep", "configs/small.yaml"], ["data", "validate", "datasets/questions.jsonl"]):
        done = harness(*command, cwd=workspace)
        assert done.returncode == 2
        assert "questions.jsonl:37" in done.stderr


def test_the_cache_is_shown_and_pruned(workspace: Path) -> None:
    """What one sweep made can be removed; the next one makes it again."""
    swept = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    shown = {entry["stage"]: entry["entries"] for entry in json.loads(harness("cache", "--json", cwd=workspace).stdout)}
    assert shown["generate"] == swept["calls"]["made"]
    assert shown["embed"] == swept["embeddings"]["made"]
    done = harness("cache", "prune", "--stage", "generate", "--sweep", swept["sweep"], "--json", cwd=workspace)
    assert json.loads(done.stdout) == {"removed": shown["generate"]}
    again = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    assert again["calls"]["made"] == swept["calls"]["made"]
    assert again["embeddings"]["made"] == 0
    assert harness("cache", "prune", "--older-than", "soon", cwd=workspace).returncode == 2
    assert json.loads(harness("cache", "prune", "--older-than", "1h", "--json", cwd=workspace).stdout) == {"removed": 0}


def test_doctor_tells_whether_keys_are_set_and_never_what_they_are(workspace: Path) -> None:
    """Names, not values."""
    done = harness("doctor", "--json", cwd=workspace, OPENAI_API_KEY="sk-very-secret", GEMINI_API_KEY="")
    found = json.loads(done.stdout)
    assert found["keys"]["OPENAI_API_KEY"]
    assert not found["keys"]["GEMINI_API_KEY"]
    assert "very-secret" not in done.stdout + harness("doctor", cwd=workspace, OPENAI_API_KEY="sk-very-secret").stdout


def test_a_folder_that_cannot_be_written_is_named(workspace: Path) -> None:
    """Exit code 2 and a sentence, no traceback."""
    write(workspace / "file", "not a folder")
    done = harness("sweep", "configs/small.yaml", "--runs", "file/runs", cwd=workspace)
    assert done.returncode == 2
    assert "cannot write runs to file/runs" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_names_the_nearest(workspace: Path) -> None:
    """A typo is answered with what was meant."""
    done = harness("swep", cwd=workspace)
    assert done.returncode == 2
    assert "'sweep'" in done.stderr


def test_a_budget_ends_with_3_and_goes_on_later(workspace: Path) -> None:
    """The budget is kept; with a larger one the same sweep is finished."""
    first = harness("sweep", "configs/small.yaml", "--json", "--set", "budget.calls=5", cwd=workspace)
    assert first.returncode == 3
    stopped = json.loads(first.stdout)
    assert stopped["calls"]["made"] == 5
    done = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    assert done["sweep"] == stopped["sweep"]
    assert done["finished_cells"] == done["cells"]


def test_show_compare_export_and_runs_read_what_a_sweep_wrote(workspace: Path) -> None:
    """The reading commands, each as JSON."""
    swept = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    one, two = (entry["run"] for entry in swept["runs"][:2])
    assert len(json.loads(harness("runs", "--json", cwd=workspace).stdout)) == 8
    shown = json.loads(harness("show", one, "--json", cwd=workspace).stdout)
    assert shown["run"] == one
    assert json.loads(harness("show", "latest", "--json", cwd=workspace).stdout)["sweep"] == swept["sweep"]
    [pair] = json.loads(harness("compare", one, two, "--tag", "--json", cwd=workspace).stdout)
    assert {entry["slice"] for entry in pair["metrics"]} == {"all", "even", "odd"}
    done = harness("export", "latest", "--to", "csv", "-o", "out", "--json", cwd=workspace)
    assert len(json.loads(done.stdout)["files"]) == 4


def test_a_runs_configuration_can_be_run_again(workspace: Path) -> None:
    """`show --yaml` prints a chatbot section that gives the same variant."""
    swept = json.loads(harness("sweep", "configs/small.yaml", "--json", cwd=workspace).stdout)
    run = swept["runs"][3]
    printed = harness("show", run["run"], "--yaml", cwd=workspace).stdout
    head = "dataset: datasets/questions.jsonl\ncorpus: datasets/articles\nmetrics: [correct]\n"
    write(workspace / "configs/again.yaml", head + printed)
    again = json.loads(harness("sweep", "configs/again.yaml", "--json", cwd=workspace).stdout)
    assert [entry["variant"] for entry in again["runs"]] == [run["variant"]]
    assert again["calls"]["made"] == 0


def test_init_makes_a_workspace_that_runs(tmp_path: Path) -> None:
    """Two commands from nothing to a ranking."""
    assert harness("init", "shop", cwd=tmp_path).returncode == 0
    done = harness("sweep", "configs/first.yaml", cwd=tmp_path / "shop")
    assert done.returncode == 0, done.stderr
    assert "Best:" in done.stdout


@pytest.mark.parametrize("command", ["show", "compare", "export"])
def test_reading_what_is_not_there_says_so(command: str, workspace: Path) -> None:
    """Exit code 2 and a sentence."""
    (workspace / "runs").mkdir()
    extra = {"compare": ["b"], "export": ["--to", "csv"]}.get(command, [])
    done = harness(command, "nothing/a", *extra, cwd=workspace)
    assert done.returncode == 2
    assert "no sweep called 'nothing'" in done.stderr
