"""A Python function as a metric."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import ProviderError, UserError
from harness.parts.metrics.signatures import OUTCOME
from harness.plugins import identity, label, make
from harness.records import Case, Evidence, Verdict
from harness.testing import check_metric
from tests.parts.cases import example, passage

CASE = Case(
    dataclasses.replace(example(("14 EUR",)), tags=("billing",), metadata={"level": 2}),
    "It is 14 EUR!",
    (passage("prices.md", 0, 5),),
    latency_ms=12.5,
    evidence_chunks=(Evidence("prices.md", 0, 9),),
    index_recall=0.5,
)


def metric(folder: Path, code: str, function: str = "f", **settings: Any) -> Any:
    """A metric of a file with this code."""
    (folder / "tone.py").write_text(code, encoding="utf-8")
    return make("metric", {"use": f"python:tone.py:{function}", **settings}, str(folder))


def returned(folder: Path, code: str, **settings: Any) -> Verdict | None:
    """What a function `f` makes of the case."""
    return score(metric(folder, code, **settings))


def score(found: Any, case: Case = CASE) -> Verdict | None:
    """The verdict, awaited."""
    verdict: Verdict | None = asyncio.run(found.score(case))
    return verdict


@pytest.mark.parametrize(
    "code",
    [
        "def f(answer):\n    return answer.count('E') / 10",
        "async def f(answer):\n    return answer.count('E') / 10",
        "async def later(answer):\n    return answer.count('E') / 10\nf = lambda case: later(case.answer)",
        "class F:\n    async def __call__(self, case):\n        return case.answer.count('E') / 10\nf = F()",
        "import functools\ndef g(n, case):\n    return case.answer.count('E') / n\nf = functools.partial(g, 10)",
    ],
)
def test_whatever_can_be_called_with_a_case_is_a_metric(tmp_path: Path, code: str) -> None:
    """Sync, async, or an object; it keeps the contract of metrics."""
    found = metric(tmp_path, code)
    check_metric(found)
    assert score(found) == Verdict(0.1)


@pytest.mark.parametrize(
    ("head", "body", "reads"),
    [
        ("case", "case.answer == 'It is 14 EUR!'", OUTCOME),
        ("c", "c.example.references == ('14 EUR',)", OUTCOME),
        ("*anything", "anything[0].answer == 'It is 14 EUR!'", OUTCOME),
        ("answer", "answer == 'It is 14 EUR!'", ("answer",)),
        ("example", "example.tags == ('billing',)", ()),
        ("answer, references", "references[0] in answer", ("answer",)),
        ("question, tags, metadata", "(question, tags, metadata) == ('?', ('billing',), {'level': 2})", ()),
        ("expected, messages", "(expected, messages[-1].content) == ('answer', '?')", ()),
        ("passages, evidence", "passages[0].document == 'prices.md' and not evidence", ("passages",)),
        ("answer, *, latency_ms", "latency_ms == 12.5", ("answer", "latency_ms")),
        ("answer, /, limit=3, tags=()", "limit == 3 and tags == ('billing',)", ("answer",)),
        ("answer, limit=3, *, unknown=5", "(limit, unknown) == (3, 5)", ("answer",)),
        ("case, evidence_chunks", "case.evidence_chunks == evidence_chunks != None", (*OUTCOME, "evidence_chunks")),
        ("case", "case.evidence_chunks is None and case.index_recall is None", OUTCOME),
        ("index_recall", "index_recall == 0.5", ("index_recall",)),
    ],
)
def test_a_function_gets_what_its_parameters_name(tmp_path: Path, head: str, body: str, reads: tuple[str, ...]) -> None:
    """And only that decides its stored values; what takes work to find it must name, even beside the Case."""
    found = metric(tmp_path, f"def f({head}):\n    return {body}\n")
    assert score(found) == Verdict(1.0)
    assert found.reads == tuple(field.name for field in dataclasses.fields(Case) if field.name in reads)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.25", Verdict(0.25)),
        ("1", Verdict(1.0)),
        ("True", Verdict(1.0)),
        ("(False, 'rude')", Verdict(0.0, "rude")),
        ("(0.5, None)", Verdict(0.5)),
        ("Verdict(0.75, 'polite')", Verdict(0.75, "polite")),
        ("numpy.float32(0.5)", Verdict(0.5)),
        ("(numpy.True_, 'yes')", Verdict(1.0, "yes")),
        ("None", None),
    ],
)
def test_what_a_function_may_return(tmp_path: Path, expression: str, expected: Verdict | None) -> None:
    """A number, a truth value, one of numpy's, a pair with a reason, a Verdict, or None."""
    code = f"import numpy\nfrom harness.records import Verdict\ndef f(answer):\n    return {expression}\n"
    assert returned(tmp_path, code) == expected


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("'good'", "returned str 'good'"),
        ("[0.5]", r"returned list '\[0.5\]'"),
        ("{'score': 1}", "returned dict"),
        ("(1, 2)", "returned tuple"),
        ("(1, 'a', 'b')", "returned tuple"),
        ("('a', 1)", "returned tuple"),
        ("1j", "returned complex"),
        ("numpy.array([1.0])", "returned ndarray"),
        ("numpy.str_('x')", "returned str"),
        ("Verdict('x')", "returned Verdict"),
    ],
)
def test_anything_else_is_a_failed_score(tmp_path: Path, expression: str, shown: str) -> None:
    """The message shows what was returned and what may be."""
    code = f"import numpy\nfrom harness.records import Verdict\ndef f(answer):\n    return {expression}\n"
    with pytest.raises(TypeError, match=f"python:tone.py:f: {shown}.*expected a number"):
        returned(tmp_path, code)


def test_values_stay_within_the_bounds_that_were_declared(tmp_path: Path) -> None:
    """A value outside would make nonsense of bounds on means; null takes an end away."""
    code = "def f(answer):\n    return len(answer)\n"
    with pytest.raises(ValueError, match="returned 13, which is not within low 0 and high 1; set low and high"):
        returned(tmp_path, code)
    found = metric(tmp_path, code, high=None, unit="characters", direction="minimize")
    assert score(found) == Verdict(13.0)
    assert (found.direction, found.low, found.high, found.unit) == ("minimize", 0, None, "characters")
    assert label(found) == "python:tone.py:f(direction=minimize, high=None, unit=characters)"
    with pytest.raises(ValueError, match="low -1 and high none"):
        returned(tmp_path, "def f(answer):\n    return -5\n", low=-1.0, high=None)


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no such tone')", "ValueError: no such tone"),
        ("return {}['x']", "KeyError: 'x'"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("raise StopIteration", "StopIteration|generator"),
    ],
)
def test_what_it_raises_is_told_with_type_and_line(tmp_path: Path, kind: str, body: str, said: str) -> None:
    """One failed score, in which the innermost line of the user's own file stands."""
    code = f"def inner():\n    {body}\n\n{kind} f(answer):\n    return inner()\n"
    with pytest.raises(ProviderError, match=f"python:tone.py:f, line 2: .*({said})"):
        returned(tmp_path, code)


def test_an_error_within_a_library_names_the_line_that_called_it(tmp_path: Path) -> None:
    """The user's line, not json's."""
    with pytest.raises(ProviderError, match="line 4: JSONDecodeError: Expecting value"):
        returned(tmp_path, "import json\n\ndef f(answer):\n    return json.loads(answer)\n")


def test_a_secret_in_what_it_raises_is_crossed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries like to put the key into their messages."""
    monkeypatch.setenv("SOME_API_KEY", "abcdef-secret")
    with pytest.raises(ProviderError, match=r"key \*\*\* is wrong"):
        returned(tmp_path, "def f(answer):\n    raise ValueError('key abcdef-secret is wrong')\n")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(answer:\n    return 1", "tone.py, line 1: no Python"),
        ("\ndef f(answer, tone):\n    return 1", "tone.py, line 2: f: nobody knows what to give its parameter 'tone'"),
        ("def f(*, answer, tone):\n    return 1", "'tone'; known: case, example"),
        ("def f():\n    return 1", "takes nothing of a case"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_with_the_config(tmp_path: Path, code: str, said: str) -> None:
    """Read from the file without running it: a plan runs no user's code."""
    with pytest.raises(ValidationError, match=said):
        metric(tmp_path, f"raise SystemExit  # never run\n{code}" if "line" not in said else code)


@pytest.mark.parametrize("target", ["none.py:f", "tone.py", "tone.py:", ":f"])
def test_a_wrong_target_is_refused_with_the_config(tmp_path: Path, target: str) -> None:
    """No such file, or no function named."""
    (tmp_path / "tone.py").write_text("", encoding="utf-8")
    with pytest.raises(ValidationError, match=r"no such file|expected python:FILE"):
        make("metric", f"python:{target}", str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"low": 1.0}, "low 1 is not below high 1"),
        ({"direction": "up"}, "'maximize' or 'minimize'"),
        ({"threads": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    """Before anything is spent."""
    with pytest.raises(ValidationError, match=said):
        metric(tmp_path, "def f(answer):\n    return 1\n", **settings)


@pytest.mark.parametrize(
    ("code", "function", "message"),
    [
        ("x = 1\nimport does_not_exist", "f", "metric python:tone.py:f, line 2: ModuleNotFoundError: .*does_not_exist"),
        ("raise SystemExit(2)", "f", "line 1: SystemExit"),
        ("def g(answer):\n    return 1", "f", "metric python:tone.py:f: no function 'f'; defined: g"),
        ("f = 5", "f", "no function 'f'"),
    ],
)
def test_a_file_that_does_not_load_is_known_before_anything_is_scored(
    tmp_path: Path, code: str, function: str, message: str
) -> None:
    """`ready` runs it; to make the part does not."""
    found = metric(tmp_path, code, function)
    with pytest.raises(UserError, match=message):
        found.ready()


def test_an_edited_file_is_another_metric(tmp_path: Path) -> None:
    """Values of the code before the edit are not served for the code after it, in one process too."""
    before = metric(tmp_path, "def f(answer):\n    return 0\n")
    assert score(before) == Verdict(0.0)
    first = identity(before)
    after = metric(tmp_path, "def f(answer):\n    return 1\n")
    assert identity(after) != first
    assert score(after) == Verdict(1.0)


def test_a_file_is_run_once_for_all_its_functions(tmp_path: Path) -> None:
    """What it loads (a model of its own) is there once; and it may define dataclasses."""
    code = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Seen:\n    n: int = 0\n"
        "SEEN = Seen()\ndef f(answer):\n    SEEN.n += 1\n    return SEEN.n\ng = f\n"
    )
    one, two = metric(tmp_path, code, "f", high=None), metric(tmp_path, code, "g", high=None)
    assert [score(one), score(two)] == [Verdict(1.0), Verdict(2.0)]


def test_sync_functions_are_called_one_after_the_other_in_order(tmp_path: Path) -> None:
    """One that keeps state gives the same values in every sweep, while the event loop goes on."""
    code = (
        "import time, threading\nSEEN = []\nINSIDE = threading.Lock()\n"
        "def f(answer):\n    assert INSIDE.acquire(False)\n"
        "    time.sleep(0.005)\n    SEEN.append(answer)\n    INSIDE.release()\n    return len(SEEN)\n"
    )
    found = metric(tmp_path, code, high=None)

    async def all_of_them() -> tuple[list[Any], int]:
        ticks, ended = 0, asyncio.Event()

        async def tick() -> None:
            nonlocal ticks
            while not ended.is_set():
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        values = await asyncio.gather(*(found.score(Case(example(), str(i))) for i in range(20)))
        ended.set()
        await ticking
        return values, ticks

    values, ticks = asyncio.run(all_of_them())
    assert [v.value for v in values] == list(range(1, 21))
    assert ticks > 10


def test_more_threads_let_calls_run_at_once(tmp_path: Path) -> None:
    """Four calls that wait for each other all end; the number is no part of the identity."""
    code = "import threading\nALL = threading.Barrier(4)\ndef f(answer):\n    ALL.wait(20)\n    return 1\n"
    found = metric(tmp_path, code, threads=4)

    async def four() -> list[Any]:
        return await asyncio.gather(*(found.score(CASE) for _ in range(4)))

    assert [v.value for v in asyncio.run(four())] == [1] * 4
    assert identity(found) == identity(metric(tmp_path, code))


def test_the_threads_end_with_their_metric(tmp_path: Path) -> None:
    """A process that runs many sweeps does not gather threads; another event loop finds them again."""
    found = metric(tmp_path, "def f(answer):\n    return 1\n")
    assert score(found) == score(found) == Verdict(1.0)
    [thread] = found._threads._threads
    assert thread.is_alive() and thread.daemon
    del found
    thread.join(5)
    assert not thread.is_alive()
    assert thread not in threading.enumerate() and "tone" not in sys.modules
