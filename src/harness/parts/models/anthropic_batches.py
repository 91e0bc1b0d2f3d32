"""Anthropic's message batches: many requests at once, answered within a day, at half the price."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from harness.errors import ProviderError
from harness.parts.models import anthropic_messages
from harness.plugins import failures
from harness.records import Reply, Request

_STATUS = {"invalid_request_error": 400, "overloaded_error": 529}


class Batches:
    """What a connection to Anthropic does for batches."""

    most: ClassVar[int] = 20_000
    _sdk: Any
    _client: Any
    _model: Any
    _about: str

    def _failures(self) -> AbstractContextManager[None]:
        return failures.of_calls(self._sdk, self._model.timeout_s, self._about)

    async def submit(self, requests: Mapping[str, Request], tag: str) -> str:
        model = self._model
        sent = [
            {"custom_id": key, "params": anthropic_messages.body(model.name, request, model.prompt_cache)}
            for key, request in requests.items()
        ]
        with self._failures():
            return str((await self._client.messages.batches.create(requests=sent)).id)

    async def find(self, tag: str, count: int, since: float, others: Collection[str]) -> str | None:
        """A batch has no tag here: it is the one of as many requests that was made first after that time."""
        found: str | None = None
        with self._failures():
            async for batch in self._client.messages.batches.list(limit=100):
                if batch.created_at.timestamp() < since - 1:
                    break
                counts = batch.request_counts
                total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
                if total == count and batch.id not in others:
                    found = str(batch.id)  # the newest come first
        return found

    async def collect(self, batch: str) -> Mapping[str, Reply | ProviderError] | None:
        with self._failures():
            if (await self._client.messages.batches.retrieve(batch)).processing_status != "ended":
                return None
            lines = await self._client.messages.batches.results(batch)
            return {line.custom_id: self._result(line.result) async for line in lines}

    def _result(self, result: Any) -> Reply | ProviderError:
        content = result.model_dump(mode="python", warnings=False)
        try:
            if content["type"] == "succeeded":
                return anthropic_messages.reply(content["message"], None)
            error = content.get("error") or {}
            kind = (error.get("error") or {}).get("type", "")
            return failures.of_body(_STATUS.get(kind, 500), error, self._about)
        except (ValueError, TypeError, LookupError) as error:
            return failures.of_broken(error, self._about)
