"""A user's own functions as metrics of a whole sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.study.loaded import Sweep
from tests.loopback import Loopback
from tests.sweeps.chains import sweep_of
from tests.workspaces import CONFIG, QUESTIONS, make_workspace, write

HEAD = CONFIG.split("metrics:")[0]
CALLED = "import pathlib\nCALLS = pathlib.Path(__file__).with_suffix('.calls')\n"


def sweep(folder: Path, code: str, metrics: str, head: str = HEAD) -> Sweep:
    """Run a sweep with functions of a file."""
    write(folder / "metrics/own.py", code)
    return sweep_of(make_workspace(folder, f"{head}metrics: {metrics}\n"))


def test_a_function_is_called_once_for_equal_cases_in_this_sweep_and_later_ones(tmp_path: Path) -> None:
    """Its values are kept by what its parameters name: the question and the answer here, not the variant."""
    code = f"{CALLED}def f(question, answer):\n    CALLS.open('a').write('x')\n    return len(answer)\n"
    metrics = '[{"python:metrics/own.py:f": {high: null}}]'
    first = sweep(tmp_path, code, metrics)
    calls = tmp_path / "metrics/own.calls"
    pairs = {(row["example"], row["answer"]) for row in first.outcomes.to_dict("records")}
    assert len(first.scores) == 8 * len(QUESTIONS) > len(pairs)
    assert len(calls.read_text()) == len(pairs)
    answers = {(r["variant"], r["example"]): r["answer"] for r in first.outcomes.to_dict("records")}
    for row in first.scores.to_dict("records"):
        assert row["value"] == len(answers[row["variant"], row["example"]])
    again = sweep(tmp_path, code, metrics)
    assert len(calls.read_text()) == len(pairs)
    assert list(again.scores["value"]) == list(first.scores["value"])
    sweep(tmp_path, code + "# edited\n", metrics)
    assert len(calls.read_text()) == 2 * len(pairs)


def test_async_functions_are_awaited_side_by_side(tmp_path: Path) -> None:
    """Eight calls that wait for each other all end, for answers that just came and for those that were known before."""
    code = (
        "import asyncio\nHERE, ALL = set(), asyncio.Event()\nasync def f(example):\n    HERE.add(example.id)\n"
        f"    if len(HERE) == {len(QUESTIONS)}:\n        ALL.set()\n"
        "    await asyncio.wait_for(ALL.wait(), 20)\n    return 1\n"
    )
    for edit in ("", "# edited\n"):
        found = sweep(tmp_path, code + edit, "[python:metrics/own.py:f]").scores
        assert len(found) == 8 * len(QUESTIONS) and set(found["value"]) == {1}


def test_what_a_function_raises_is_a_failed_score_and_no_more(tmp_path: Path) -> None:
    """It is recorded with type, message and line; other scores and other metrics go on; a failure is not kept."""
    code = "def f(example):\n    if example.expected == 'abstain':\n        raise KeyError('tone')\n    return 0.5\n"
    found = sweep(tmp_path, code, "[correct, python:metrics/own.py:f]").scores
    own = found[found["metric"] == "python:metrics/own.py:f"]
    failed = own[own["failure"].notna()]
    assert set(failed["failure"]) == {"python:metrics/own.py:f, line 3: KeyError: 'tone'"}
    assert len(failed) == 8 and set(own[own["failure"].isna()]["value"]) == {0.5}
    assert found[found["metric"] == "correct"]["failure"].isna().all()


def test_none_means_that_it_does_not_apply(tmp_path: Path) -> None:
    """No row; and the direction and bounds of the sweep file are those of the run."""
    code = "def f(answer, expected):\n    return len(answer) if expected == 'handoff' else None\n"
    metrics = '[{"python:metrics/own.py:f": {direction: minimize, low: null, high: null, unit: letters}}]'
    found = sweep(tmp_path, code, metrics)
    assert len(found.scores) == 8
    [header] = found.stored.header["metrics"]
    assert (header["direction"], header["low"], header["high"], header["unit"]) == ("minimize", None, None, "letters")
    assert found.stored.header["objective"]["direction"] == "minimize"


def test_a_file_that_does_not_load_stops_the_sweep_before_an_answer_is_asked(tmp_path: Path) -> None:
    """Nothing is paid for what nobody can score."""
    with Loopback() as server:
        model = f"{{use: openai/any, base_url: '{server.url}/v1'}}"
        head = HEAD.replace("model: local/extractive", f"model: {model}")
        with pytest.raises(UserError, match=r"metric python:metrics/own.py:f, line 1: ModuleNotFoundError"):
            sweep(tmp_path, "import does_not_exist\ndef f(answer):\n    return 1\n", "[python:metrics/own.py:f]", head)
        assert server.calls == []


def test_passages_that_differ_in_their_scores_alone_are_scored_each(tmp_path: Path) -> None:
    """What a function reads of a passage is in the key of its value, the retriever's score too."""
    head = HEAD.replace("    top_k: 3\n", "    retriever: {use: bm25}\n    top_k: 3\n").split("sweep:")[0]
    head += "sweep: {axes: {k1: [0.5, 1.5]}}\n"
    code = "def f(passages):\n    return passages[0].score if passages else 0.0\n"
    found = sweep(tmp_path, code, '[{"python:metrics/own.py:f": {high: null}}]', head)
    first = {(r["variant"], r["example"]): list(r["passages"])[:1] for r in found.outcomes.to_dict("records")}
    assert len({ps[0]["score"] for ps in first.values() if ps}) > len(QUESTIONS)
    for row in found.scores.to_dict("records"):
        passages = first[row["variant"], row["example"]]
        assert row["value"] == (passages[0]["score"] if passages else 0.0)
