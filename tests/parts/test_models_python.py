"""A Python function as a model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import ProviderError, UserError
from harness.plugins import identity, make
from harness.records import Message, Reply, Request
from harness.testing.models import check_failure, check_model
from tests.parts.asking import about, ask


def model(folder: Path, code: str, function: str = "answer") -> Any:
    """A model of a file with this code."""
    file = folder / "bot.py"
    file.write_text(code, encoding="utf-8")
    return make("model", f"python:{file}:{function}")


def test_a_function_keeps_the_contract_of_a_model(tmp_path: Path) -> None:
    """A function that returns a text is a whole model: free, local, needing nothing."""
    found = model(tmp_path, "def answer(request):\n    return request.question.upper()\n")
    assert check_model(found, deterministic=True)[0].text == "WHEN IS THE SHOP OPEN?"
    assert (found.local, found.price_name, found.environment) == (True, None, ())


@pytest.mark.parametrize(
    "code",
    [
        "def answer(request):\n    return f'{request.parameters} {request.messages[-1].content}'",
        "async def answer(request):\n    return f'{request.parameters} {request.messages[-1].content}'",
        "class Bot:\n    async def __call__(self, r):\n        return f'{r.parameters} {r.messages[-1].content}'\n"
        "answer = Bot()",
        "from harness.records import Reply\n"
        "def answer(r):\n    return Reply(f'{r.parameters} {r.messages[-1].content}')",
    ],
)
def test_sync_async_and_callable_functions_get_the_request(tmp_path: Path, code: str) -> None:
    """Whatever can be called with the request and returns a text or a Reply is a model."""
    reply = ask(model(tmp_path, code), about("Hello", max_tokens=3))
    assert reply.text == "{'max_tokens': 3} Hello"
    assert reply.latency_ms is not None and reply.latency_ms > 0


def test_a_function_of_messages_gets_plain_mappings(tmp_path: Path) -> None:
    """One parameter called `messages`: what every chat library takes."""
    found = model(tmp_path, "def answer(messages):\n    return repr(messages)\n")
    asked = Request((Message("system", "S"), Message("user", "U")))
    assert ask(found, asked).text == "[{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': 'U'}]"


def test_a_reply_of_the_functions_own_is_kept(tmp_path: Path) -> None:
    """Token counts and a measured time that the function gives are not overwritten."""
    code = "from harness.records import Reply\ndef answer(request):\n    return Reply('x', 3, 4, latency_ms=5.0)\n"
    reply = ask(model(tmp_path, code), about("Hello"))
    assert (reply.input_tokens, reply.output_tokens, reply.latency_ms) == (3, 4, 5.0)


@pytest.mark.parametrize(
    "body", ["raise ValueError('no')", "import sys; sys.exit(3)", "return 5", "return None", "return {}['x']"]
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_whatever_a_function_raises_is_one_failed_answer(tmp_path: Path, body: str, kind: str) -> None:
    """Neither an exception nor sys.exit() nor a wrong type ends more than one answer."""
    found = model(tmp_path, f"{kind} answer(request):\n    {body}\n")
    check_failure(found, "python", retryable=False)


def test_a_secret_in_what_it_raises_is_crossed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries like to put the key into their messages."""
    monkeypatch.setenv("SOME_API_KEY", "abcdef-secret")
    found = model(tmp_path, "def answer(request):\n    raise ValueError('key abcdef-secret is wrong')\n")
    with pytest.raises(ProviderError, match=r"key \*\*\* is wrong"):
        ask(found, about("Hello"))


@pytest.mark.parametrize(
    ("code", "function", "message"),
    [
        ("import does_not_exist", "answer", "ModuleNotFoundError: .*does_not_exist"),
        ("raise SystemExit(2)", "answer", "SystemExit"),
        ("def ansver(request):\n    return ''", "answer", "did you mean 'ansver'"),
        ("answer = 5", "answer", "no function 'answer'"),
    ],
)
def test_a_file_that_does_not_import_is_the_users_mistake(
    tmp_path: Path, code: str, function: str, message: str
) -> None:
    """Said when the connection is made, before anything is asked."""
    with pytest.raises(UserError, match=message):
        model(tmp_path, code, function).connect()


@pytest.mark.parametrize("target", ["{folder}/none.py:answer", "{folder}/bot.py", "bot.py:"])
def test_a_wrong_target_is_refused_with_the_config(tmp_path: Path, target: str) -> None:
    """No such file, or no function named: known without importing anything."""
    (tmp_path / "bot.py").write_text("", encoding="utf-8")
    with pytest.raises(ValidationError):
        make("model", f"python:{target.format(folder=tmp_path)}")


def test_an_edited_file_is_another_model(tmp_path: Path) -> None:
    """Answers of the code before the edit are not served for the code after it."""
    before = identity(model(tmp_path, "def answer(r):\n    return 'a'\n"))
    same = identity(model(tmp_path, "def answer(r):\n    return 'a'\n"))
    edited = model(tmp_path, "def answer(r):\n    return 'b'\n")
    assert before == same != identity(edited)
    assert ask(edited, about("Hello")).text == "b"


def test_a_file_may_define_dataclasses(tmp_path: Path) -> None:
    """With postponed annotations a dataclass looks its own module up by name."""
    code = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: str\n"
        "def answer(r):\n    return A('yes').x\n"
    )
    assert ask(model(tmp_path, code), about("Hello")).text == "yes"


def test_sync_functions_run_side_by_side(tmp_path: Path) -> None:
    """Four calls that wait for each other all end: none waits for another to be over."""
    code = "import threading\nALL = threading.Barrier(4)\ndef answer(request):\n    ALL.wait(20)\n    return 'x'\n"
    connection = model(tmp_path, code).connect()

    async def four() -> list[Reply]:
        replies: list[Reply] = await asyncio.gather(*(connection.complete(about("Hello")) for _ in range(4)))
        return replies

    assert [reply.text for reply in asyncio.run(four())] == ["x"] * 4
