"""What is served: the routes, who may ask, and an answer from the request to its last byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from harness.errors import Incomplete, ProviderError
from harness.records import Failure, Reply
from harness.sweeps.conversing import Said
from harness.sweeps.serving import answer
from harness.sweeps.serving.desk import Desk, Served
from harness.sweeps.serving.door import Door
from harness.sweeps.serving.log import Log, line_of
from harness.sweeps.serving.notes import Notes
from harness.sweeps.serving.question import Asked, read
from harness.sweeps.serving.refusal import Refused, because_of, because_of_failure, unknown_model
from harness.sweeps.serving.stamp import Stamp
from harness.sweeps.serving.turn import Gone, Turn
from harness.sweeps.serving.wire import Wire

_ROUTES = "POST /v1/chat/completions, GET /v1/models, GET /v1/models/NAME, GET /health"


@dataclass(frozen=True)
class Settings:
    """How it is served.

    `key` is what clients must send as their API key; without one only this machine is answered. `passages`: answers
    tell what they rest on. `ignore`: settings that would change the configuration are dropped, not refused. `most`
    questions are answered at once; a request holds at most `body_bytes`.
    """

    key: str | None = None
    passages: bool = False
    ignore: bool = False
    most: int = 256
    body_bytes: int = 1 << 20
    log: Log | None = None


def application(desk: Desk, settings: Settings, tell: Callable[[str], None]) -> Starlette:
    """The application; `tell` gets what the one who runs it should know."""
    door = Door(settings.key, settings.body_bytes)
    models = _Models(desk, door)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", _Completions(desk, door, settings, Notes(tell)), methods=["POST"]),
            Route("/v1/models", models.all, methods=["GET"]),
            Route("/v1/models/{model:path}", models.one, methods=["GET"]),
            Route("/health", _Health(desk).told, methods=["GET"]),
        ],
        exception_handlers={Refused: _told_refusal, HTTPException: _told_status},
    )


class _Completions:
    """Answers a request for a chat completion."""

    def __init__(self, desk: Desk, door: Door, settings: Settings, notes: Notes) -> None:
        self._desk = desk
        self._door = door
        self._settings = settings
        self._notes = notes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = Wire(send)
        request = Request(scope, receive)
        try:
            try:
                self._door.check(request)
                content = await self._door.body(request)
                # The place is free before the answer is out: whoever has it may ask again at once.
                with self._desk.place() as served:
                    answered = await self._answer(content, served, receive, wire)
                await self._send(answered, wire)
            except (Gone, ClientDisconnect):
                return
            except Exception as error:  # noqa: BLE001  (the edge: the client is told, and so is who runs it)
                await self._failed(error, wire)
        except Gone:
            return

    async def _answer(self, content: bytes, served: Served, receive: Receive, wire: Wire) -> _Answered:
        """The answer; of one that is streamed, the words are out."""
        sampling = served.responder.chatbot.sampling
        asked = read(content, served.stamp.name, sampling, self._settings.ignore)
        headers = _headers(asked, served.stamp)
        async with Turn(served.responder, asked, receive) as turn:
            try:
                async for text in turn.words():
                    await wire.event(answer.words(asked, served.stamp, text, not wire.begun), headers)
                said = await turn.said()
                reply = _reply(said)
            except BaseException as error:
                self._keep(asked, served.stamp, None, _kind(error))
                self._note(asked, error)
                raise
        self._keep(asked, served.stamp, said, None)
        return _Answered(asked, served.stamp, said, reply, headers)

    async def _send(self, found: _Answered, wire: Wire) -> None:
        """Send the answer, or what is left of it once its words are out."""
        asked, stamp, said, reply, headers = found
        passages = self._settings.passages
        if not asked.stream:
            await wire.whole(200, answer.completion(asked, stamp, said, reply, passages), headers)
            return
        if not wire.begun:
            await wire.event(answer.words(asked, stamp, "", True), headers)
        await wire.event(answer.last(asked, stamp, said, reply, passages), headers)
        if asked.with_usage:
            await wire.event(answer.totals(asked, stamp, reply), headers)
        await wire.done()

    async def _failed(self, error: Exception, wire: Wire) -> None:
        refused = because_of_failure(error.failure) if isinstance(error, _Failed) else because_of(error)
        if refused.status == 500:
            self._notes.bug(error)
        if wire.begun:
            await wire.event(refused.content(), {})
            await wire.end()
        else:
            await wire.whole(refused.status, refused.content(), refused.headers)

    def _note(self, asked: Asked, error: BaseException) -> None:
        """Tell the one who runs it why there is no answer; of a bug `_failed` tells."""
        if isinstance(error, Incomplete):
            self._notes.note(f"no answer: {error}")
        elif isinstance(error, _Failed | ProviderError):
            self._notes.failed(_failure(error), (*(each.content for each in asked.messages), *asked.metadata.values()))

    def _keep(self, asked: Asked, stamp: Stamp, said: Said | None, failure: str | None) -> None:
        if self._settings.log is not None:
            self._settings.log.add(line_of(asked, stamp, said, failure))


class _Models:
    """The list of models: the one that is served."""

    def __init__(self, desk: Desk, door: Door) -> None:
        self._desk = desk
        self._door = door
        self._since = int(time.time())

    async def all(self, request: Request) -> Response:
        """The one model, in a list."""
        self._door.check(request)
        return JSONResponse({"object": "list", "data": [self._content()]})

    async def one(self, request: Request) -> Response:
        """The one model."""
        self._door.check(request)
        if request.path_params["model"] != self._desk.current.stamp.name:
            raise unknown_model(request.path_params["model"], self._desk.current.stamp.name)
        return JSONResponse(self._content())

    def _content(self) -> dict[str, Any]:
        stamp = self._desk.current.stamp
        own = {"id": stamp.name, "object": "model", "created": self._since, "owned_by": "harness"}
        return {**own, "harness": stamp.content()}


class _Health:
    """Whether it answers, which it does whenever this is heard, and as what it should."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def told(self, _: Request) -> Response:
        """Names by fingerprint alone: no key is asked for."""
        names = self._desk.names
        content = {"status": self._desk.status, "serves": self._desk.current.stamp.fingerprint}
        followed = {"names": names.fingerprint if names is not None else None} if self._desk.followed else {}
        return JSONResponse({**content, **followed})


class _Answered(NamedTuple):
    """What is to be sent, and with which headers."""

    asked: Asked
    stamp: Stamp
    said: Said
    reply: Reply
    headers: Mapping[str, str]


class _Failed(Exception):
    """There is a failure in place of an answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _reply(said: Said) -> Reply:
    if said.answer.reply is None:
        raise _Failed(said.answer.failure or Failure("generate", "nothing", "neither answer nor failure"))
    return said.answer.reply


def _failure(error: _Failed | ProviderError) -> Failure:
    return error.failure if isinstance(error, _Failed) else Failure("generate", error.kind, str(error))


def _kind(error: BaseException) -> str:
    """A word for the log."""
    if isinstance(error, _Failed):
        return f"{error.failure.stage}: {error.failure.kind}"
    if isinstance(error, Gone | asyncio.CancelledError):
        return "disconnected"
    return because_of(error).code or "error" if isinstance(error, Exception) else "error"


def _headers(asked: Asked, stamp: Stamp) -> dict[str, str]:
    ignored = {"x-harness-ignored": ", ".join(asked.ignored)[:1000]} if asked.ignored else {}
    return {"x-request-id": asked.id, **stamp.headers(), **ignored}


async def _told_refusal(_: Request, error: Exception) -> Response:
    refused = because_of(error)
    return JSONResponse(refused.content(), refused.status, refused.headers)


async def _told_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refused = Refused(error.status_code, f"{error.detail}: this server has {_ROUTES}")
    return JSONResponse(refused.content(), refused.status, error.headers)
