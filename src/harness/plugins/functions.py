"""Functions of a user's own Python files, for parts of any kind: loaded, and called without holding others up."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

from harness.errors import UserError, advice
from harness.plugins import failures
from harness.records import digest

_Call = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


def load(file: Path, name: str, about: str) -> Callable[..., Any]:
    """The function `name` of a file, which is run once for each content.

    Raises UserError, in which `about` names the part, when the file fails or has no such function.
    """
    try:
        module = _module(file.resolve(), digest(file.read_text(encoding="utf-8")))
    except (Exception, SystemExit) as error:
        raise UserError(str(failed(error, file, about))) from error
    function = getattr(module, name, None)
    if not callable(function):
        defined = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UserError(f"{about}: no function {name!r}; {advice(name, defined, 'defined')}")
    found: Callable[..., Any] = function
    return found


@lru_cache(maxsize=64)
def _module(file: Path, content: str) -> ModuleType:
    """The file as a module; parts that name functions of one file share it, and what it holds."""
    spec = importlib.util.spec_from_file_location(f"harness_function_{digest(str(file), content)}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def failed(error: BaseException, file: Path, about: str) -> Exception:
    """What a user's function raised as an error that tells its type, message and line in the file, without secrets."""
    line = error.lineno if isinstance(error, SyntaxError) else _line(error, str(file.resolve()))
    return failures.of_python(error, f"{about}, line {line}" if line else about)


def _line(error: BaseException | None, file: str) -> int | None:
    """The innermost line of the file that an error passed, or else the error that it came from."""
    while error is not None:
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
        if lines:
            return lines[-1]
        error = error.__cause__
    return None


class Threads:
    """Calls sync functions in `count` threads of its own, in the order in which they were asked for.

    Daemon threads: a function that hangs must not keep the process from ending, as a pool's would.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What the function returns; raises what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if len(self._threads) < self._count:
            self._start()
        self._calls.put((loop, future, partial(function, *arguments, **named)))
        value, error = await future
        if error is not None:
            raise error
        return value

    def _start(self) -> None:
        thread = threading.Thread(target=_work, args=(self._calls,), name="harness-function", daemon=True)
        self._threads.append(thread)
        thread.start()
        weakref.finalize(self, self._calls.put, None)


def _work(calls: SimpleQueue[_Call | None]) -> None:
    """Call what comes, until nobody is left who could ask."""
    while (call := calls.get()) is not None:
        loop, future, function = call
        if future.cancelled():
            continue
        result: tuple[Any, BaseException | None]
        try:
            result = function(), None
        except Exception as error:  # noqa: BLE001  (raised where it is awaited)
            result = None, error
        except BaseException as error:  # noqa: BLE001  (sys.exit() fails one call; it does not end the sweep)
            result = None, RuntimeError(f"{type(error).__name__}: {error}").with_traceback(error.__traceback__)
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now: nobody waits any more
            loop.call_soon_threadsafe(_settle, future, result)
        del call, function, future, result


def _settle(future: asyncio.Future[Any], result: tuple[Any, BaseException | None]) -> None:
    if not future.done():
        future.set_result(result)
