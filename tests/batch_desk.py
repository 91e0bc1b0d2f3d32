"""The batch APIs of OpenAI and Anthropic on loopback: requests come in, and after a while their answers lie there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Body = dict[str, Any]
Speak = Callable[[str, Body], Body]


@dataclass
class Batch:
    """One batch: its requests by id, when it came in, and what its protocol keeps besides."""

    id: str
    requests: dict[str, Body]
    path: str
    since: float = field(default_factory=time.time)
    metadata: Body = field(default_factory=dict)


@dataclass
class BatchDesk:
    """Settings may be changed while it serves. `seconds` is how long a batch takes; `spoiled` ids come back as errors;
    `lose_answers` breaks the connection of that many submissions off after the batch was taken in.
    """

    speak: Speak
    seconds: float = 0.0
    spoiled: Callable[[int], bool] = lambda number: False
    lose_answers: int = 0
    refuse: int | None = None
    batches: list[Batch] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def add_to(self, app: web.Application) -> None:
        """Serve both protocols."""
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._download)
        app.router.add_post("/v1/batches", self._openai_create)
        app.router.add_get("/v1/batches", self._openai_list)
        app.router.add_get("/v1/batches/{id}", self._openai_one)
        app.router.add_post("/v1/messages/batches", self._anthropic_create)
        app.router.add_get("/v1/messages/batches", self._anthropic_list)
        app.router.add_get("/v1/messages/batches/{id}", self._anthropic_one)
        app.router.add_get("/v1/messages/batches/{id}/results", self._anthropic_results)
        app.router.add_get("/batches", self._count)

    async def _count(self, request: web.Request) -> web.Response:
        """The requests handed in, batch by batch, for a caller in another process."""
        return web.json_response([list(batch.requests) for batch in self.batches])

    async def _taken(self, request: web.Request, batch: Batch, shown: Body) -> web.StreamResponse:
        if self.refuse is not None:
            return web.json_response({"error": {"message": "no batches here"}}, status=self.refuse)
        self.batches.append(batch)
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0)
        return web.json_response(shown)

    def _find(self, request: web.Request) -> Batch:
        return next(batch for batch in self.batches if batch.id == request.match_info["id"])

    def _ended(self, batch: Batch) -> bool:
        return time.time() - batch.since >= self.seconds

    def _parted(self, batch: Batch) -> tuple[dict[str, Body], list[str]]:
        """The answers by id, and the ids that failed."""
        good = {key: body for i, (key, body) in enumerate(batch.requests.items()) if not self.spoiled(i)}
        return {key: self.speak(batch.path, body) for key, body in good.items()}, [
            key for key in batch.requests if key not in good
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        name = f"file-{len(self.files)}"
        self.files[name] = form["file"].file.read()  # type: ignore[union-attr]
        made = {"id": name, "object": "file", "bytes": 1, "created_at": 0, "filename": "x", "purpose": "batch"}
        return web.json_response({**made, "status": "processed"})

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/jsonl")

    async def _openai_create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        lines = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        requests = {line["custom_id"]: line["body"] for line in lines}
        batch = Batch(f"batch-{len(self.batches)}", requests, body["endpoint"], metadata=body.get("metadata") or {})
        return await self._taken(request, batch, self._openai_shown(batch))

    async def _openai_list(self, request: web.Request) -> web.Response:
        shown = [self._openai_shown(batch) for batch in reversed(self.batches)]
        return web.json_response({"object": "list", "data": shown, "has_more": False})

    async def _openai_one(self, request: web.Request) -> web.Response:
        return web.json_response(self._openai_shown(self._find(request)))

    def _openai_shown(self, batch: Batch) -> Body:
        shown = {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.path,
            "input_file_id": "x",
            "completion_window": "24h",
            "created_at": int(batch.since),
            "metadata": batch.metadata,
            "status": "completed" if self._ended(batch) else "in_progress",
        }
        if not self._ended(batch):
            return shown
        answers, failed = self._parted(batch)
        good = [{"custom_id": k, "response": {"status_code": 200, "body": answers[k]}, "error": None} for k in answers]
        error = {"status_code": 500, "body": {"error": {"message": "spoiled"}}}
        bad = [{"custom_id": key, "response": error, "error": None} for key in failed]
        for name, lines in (("output", good), ("error", bad)):
            if lines:
                shown[f"{name}_file_id"] = f"{name}-{batch.id}"
                self.files[f"{name}-{batch.id}"] = "\n".join(map(json.dumps, lines)).encode()
        return shown

    async def _anthropic_create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        requests = {entry["custom_id"]: entry["params"] for entry in body["requests"]}
        batch = Batch(f"msgbatch-{len(self.batches)}", requests, "/v1/messages")
        return await self._taken(request, batch, self._anthropic_shown(batch, request))

    async def _anthropic_list(self, request: web.Request) -> web.Response:
        shown = [self._anthropic_shown(batch, request) for batch in reversed(self.batches)]
        return web.json_response({"data": shown, "has_more": False, "first_id": None, "last_id": None})

    async def _anthropic_one(self, request: web.Request) -> web.Response:
        return web.json_response(self._anthropic_shown(self._find(request), request))

    def _anthropic_shown(self, batch: Batch, request: web.Request) -> Body:
        counts = dict.fromkeys(("succeeded", "errored", "canceled", "expired"), 0)
        moment = datetime.fromtimestamp(batch.since, UTC).isoformat()
        results = f"{request.url.origin()}/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if self._ended(batch) else "in_progress",
            "request_counts": {**counts, "processing": len(batch.requests)},
            "created_at": moment,
            "expires_at": moment,
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": results if self._ended(batch) else None,
        }

    async def _anthropic_results(self, request: web.Request) -> web.Response:
        answers, failed = self._parted(self._find(request))
        lines: list[Body] = [
            {"custom_id": key, "result": {"type": "succeeded", "message": body}} for key, body in answers.items()
        ]
        error = {"type": "error", "error": {"type": "api_error", "message": "spoiled"}}
        lines += [{"custom_id": key, "result": {"type": "errored", "error": error}} for key in failed]
        return web.Response(text="\n".join(map(json.dumps, lines)), content_type="application/x-jsonl")
