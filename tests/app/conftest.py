"""Stores for the dashboard, its pages drawn by Streamlit's own tester, and a real server with a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from harness.app import frame, scripts, settings
from harness.app.label import keys
from harness.config import load
from harness.store import StoredSweep
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.study.reported import reported
from tests.workspaces import make_workspace

Draw = Callable[..., AppTest]
SHOTS = os.environ.get("HARNESS_SCREENSHOTS")
"""Folder that screenshots are kept in; without it none are."""
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep whose names, prompts and answers are full of markup, one of them a megabyte long."""
    return reported(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep that is complete and summarised, in a folder of its own."""
    stored = run_sweep(load(make_workspace(tmp_path_factory.mktemp("stories"))), Options(), Progress())
    summarise(stored, keep=True)
    return stored


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draw a page over a folder of runs: `draw(folder, "sweep", sweep=…)`; what follows are words of the address."""

    def drawn(folder: Path | str, name: str, /, **query: str) -> AppTest:
        monkeypatch.setenv(settings.RUNS, str(folder))
        for variable in (settings.PASSWORD, settings.IDENTITY):
            monkeypatch.delenv(variable, raising=False)
        test = AppTest.from_file(str(Path(frame.__file__).with_name("main.py")), default_timeout=60)
        if name != frame.PAGES[0][0]:
            test.run().switch_page(f"views/{name}.py")
        for word, value in query.items():
            test.query_params[word] = value
        return test.run()

    return drawn


def texts(test: AppTest) -> str:
    """All that a drawn page says, in one string."""
    kinds = ("markdown", "text", "info", "error", "warning", "caption", "header", "subheader")
    said = [str(each.value) for kind in kinds for each in getattr(test, kind)]
    return "\n".join([*said, *sent(test)])


def sent(test: AppTest) -> list[str]:
    """What a drawn page sends as HTML, but for the scripts of our own, which are constants."""
    bodies = [str(each.proto.body) for each in test.get("html")]
    return [body for body in bodies if body not in (scripts.ONE_STEP, scripts.MENU_CLOSES, keys.NO_REPEATS)]


def table(test: AppTest, column: str) -> Any:
    """The first table with that column."""
    return next(each.value for each in test.dataframe if column in each.value.columns)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """Start `harness dashboard` on a folder of runs in a process of its own; returns its address."""
    started: list[subprocess.Popen[bytes]] = []

    def run(runs: Path | str, *options: str, **environment: str) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "harness", "dashboard", "--port", str(port), "--runs", str(runs), *options]
        started.append(subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL))
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
                    assert answer.read() == b"ok"
                    return address
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the dashboard did not come up within 30 seconds")

    yield run
    for process in started:
        process.send_signal(signal.SIGINT)
        process.wait(20)


@pytest.fixture(scope="module")
def browser(hostile: StoredSweep, stories: StoredSweep) -> Iterator[Any]:
    """Debian's Chromium, driven by playwright.

    While it is there an event loop runs, in which no sweep can be run: the stores are made before, and other modules
    get a browser of their own.
    """
    assert hostile.id != stories.id
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium here (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A browser's page at 1280 pixels; `page.requests_elsewhere` lists requests to other machines."""
    found = browser.new_page(viewport={"width": 1280, "height": 1000})
    found.requests_elsewhere = []

    def note(request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            found.requests_elsewhere.append(request.url)

    found.on("request", note)
    found.set_default_timeout(30_000)
    yield found
    found.close()


def shoot(page: Any, name: str) -> None:
    """Keep a picture of the page, where a folder for such is named."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))
