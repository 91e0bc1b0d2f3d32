"""The loopback server itself: what the tests of the network rest on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import aiohttp
import pytest

from tests.loopback import CHATS, Loopback


def post(url: str, body: dict[str, Any]) -> Any:
    """One request by the standard library."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def chat(text: str) -> dict[str, Any]:
    """A request that every chat route understands."""
    messages = [{"role": "user", "content": text}]
    parts = {"role": "user", "parts": [{"text": text}]}
    return {"model": "m", "messages": messages, "input": messages, "contents": [parts], "prompt": text}


@pytest.mark.parametrize("path", [path for path in CHATS if "stream" not in path])
def test_every_dialect_answers_from_the_request_alone(path: str) -> None:
    """The same request gets the same answer, another one another, and all are kept."""
    with Loopback() as server:
        address = server.url + path.format(model="m")
        first, again, other = (json.dumps(post(address, chat(text))) for text in ("Aa", "Aa", "Bb"))
        assert first == again != other
        assert "aA" in first
        assert [call.path for call in server.calls] == [path.format(model="m")] * 3


def test_troubles_come_in_the_number_asked_for() -> None:
    """Two refusals with their Retry-After, then answers again."""
    with Loopback() as server:
        server.fail(2, 503, retry_after="7")
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as caught:
                post(f"{server.url}/v1/chat/completions", chat("x"))
            assert (caught.value.code, caught.value.headers["Retry-After"]) == (503, "7")
        assert post(f"{server.url}/v1/chat/completions", chat("x"))["choices"]


def test_over_its_limit_it_says_429() -> None:
    """With a limit of 3 a second the fourth request at once is refused."""
    with Loopback(limit_per_s=3) as server:
        for _ in range(3):
            post(f"{server.url}/v1/chat/completions", chat("x"))
        with pytest.raises(urllib.error.HTTPError, match="429"):
            post(f"{server.url}/v1/chat/completions", chat("x"))


def test_it_serves_a_storm_and_counts_it() -> None:
    """1,000 requests over 50 connections: all answered, all counted, the peak 50 at the most."""

    async def storm(url: str) -> None:
        connector = aiohttp.TCPConnector(limit=50)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(i: int) -> None:
                async with session.post(url, json=chat(f"question {i}")) as answer:
                    assert answer.status == 200
                    await answer.read()

            await asyncio.gather(*(one(i) for i in range(1000)))

    with Loopback(delay_s=0.01) as server:
        asyncio.run(storm(f"{server.url}/v1/chat/completions"))
        assert server.count() == 1000
        assert 1 < server.peak <= 50


def test_it_serves_from_a_process_of_its_own() -> None:
    """`python -m tests.loopback` prints its URL and tells its counts over HTTP."""
    process = subprocess.Popen([sys.executable, "-m", "tests.loopback"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        post(f"{url}/v1/messages", chat("x"))
        with urllib.request.urlopen(f"{url}/requests", timeout=10) as answer:
            assert json.loads(answer.read()) == {"peak": 1, "/v1/messages": 1}
    finally:
        process.kill()
        process.wait()
