"""A Python function as a model: a chatbot that exists already, or a model that no provider serves."""

from __future__ import annotations

import dataclasses
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness.errors import ProviderError
from harness.plugins import ModelConnection, failures, functions, part, setting
from harness.records import Reply, Request, digest

_THREADS = 64


@part("model", "python:", argument="target")
@dataclass(frozen=True)
class PythonFunction:
    """Calls `function` of `file.py`, sync or async, with the request; it returns a text or a Reply.

    The path is relative to the workspace. A function whose one parameter is called `messages` gets the messages as
    `{role, content}` mappings; any other gets the harness.records.Request. The file's content is part of the model's
    identity, so an edit is a new model; that of files which it imports is not. Sync functions run in threads, up to 64
    at once.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    reads_passages: ClassVar[bool] = True
    target: str = ""
    workspace: str = setting("", inert=True)

    def __post_init__(self) -> None:
        file, function = self._parts()
        if not function:
            raise ValueError(f"expected python:FILE.py:FUNCTION, found python:{self.target}")
        if not file.is_file():
            raise ValueError(f"no such file: {file}")

    def identity_extra(self) -> dict[str, Any]:
        """The digest of the file's content."""
        return {"content": digest(self._parts()[0].read_text(encoding="utf-8"))}

    @property
    def provider(self) -> str:
        """This process."""
        return "python"

    @property
    def price_name(self) -> str | None:
        """Free, as far as we can know."""
        return None

    @property
    def environment(self) -> tuple[str, ...]:
        """What the function needs is its own matter."""
        return ()

    def parameters(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """All of them; the function may use or ignore them."""
        return dict(sampling)

    def connect(self) -> ModelConnection:
        """Import the file. Raises UserError when that fails or the function is not there."""
        return _Connection(self._load(), f"python:{self.target}")

    def _parts(self) -> tuple[Path, str]:
        file, _, function = self.target.rpartition(":")
        return Path(self.workspace) / file, function if file else ""

    def _load(self) -> Callable[..., Any]:
        return functions.load(*self._parts(), f"model python:{self.target}")


class _Connection:
    def __init__(self, function: Callable[..., Any], about: str) -> None:
        self._function = function
        self._about = about
        self._wants_messages = list(inspect.signature(function).parameters) == ["messages"]
        self._threads = functions.Threads(_THREADS)

    async def complete(self, request: Request) -> Reply:
        started = time.perf_counter()
        try:
            returned = await self._call(self._argument(request))
        except ProviderError:
            raise
        except (Exception, SystemExit) as error:
            raise failures.of_python(error, self._about) from error
        elapsed = (time.perf_counter() - started) * 1000
        if isinstance(returned, Reply):
            return returned if returned.latency_ms else dataclasses.replace(returned, latency_ms=elapsed)
        if not isinstance(returned, str):
            found = type(returned).__name__
            raise ProviderError(f"{self._about}: returned {found}, not a text or a Reply", kind="python")
        return Reply(returned, latency_ms=elapsed)

    async def close(self) -> None:
        return None

    def _argument(self, request: Request) -> Any:
        if self._wants_messages:
            return [{"role": m.role, "content": m.content} for m in request.messages]
        return request

    async def _call(self, argument: Any) -> Any:
        if inspect.iscoroutinefunction(self._function):
            return await self._function(argument)
        returned = await self._threads.call(self._function, argument)
        return await returned if inspect.isawaitable(returned) else returned
