"""OpenAI's batches: a file of requests goes in, a file of answers comes out within a day, at half the price."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import orjson

from harness.errors import ProviderError
from harness.plugins import failures
from harness.records import Reply, Request

_TAG = "harness"
_LOOK_BACK_S = 300.0


class Batches:
    """What a connection to OpenAI does for batches."""

    most: ClassVar[int] = 20_000
    _sdk: Any
    _client: Any
    _api: Any
    _model: Any
    _about: str

    def _failures(self) -> AbstractContextManager[None]:
        return failures.of_calls(self._sdk, self._model.timeout_s, self._about)

    async def submit(self, requests: Mapping[str, Request], tag: str) -> str:
        name = self._model.name
        lines = [
            {"custom_id": key, "method": "POST", "url": self._api.PATH, "body": self._api.body(name, request)}
            for key, request in requests.items()
        ]
        content = b"\n".join(map(orjson.dumps, lines))
        with self._failures():
            file = await self._client.files.create(file=(f"{tag}.jsonl", content), purpose="batch")
            made = await self._client.batches.create(
                input_file_id=file.id, endpoint=self._api.PATH, completion_window="24h", metadata={_TAG: tag}
            )
            return str(made.id)

    async def find(self, tag: str, count: int, since: float, others: Collection[str]) -> str | None:
        with self._failures():
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(_TAG) == tag:
                    return str(batch.id)
                if batch.created_at < since - _LOOK_BACK_S:
                    return None
        return None

    async def collect(self, batch: str) -> Mapping[str, Reply | ProviderError] | None:
        with self._failures():
            found = await self._client.batches.retrieve(batch)
            if found.status not in ("completed", "failed", "expired", "cancelled"):
                return None
            results: dict[str, Reply | ProviderError] = {}
            for file in filter(None, (found.output_file_id, found.error_file_id)):
                content = (await self._client.files.content(file)).content
                results.update(self._read(content))
            return results

    def _read(self, content: bytes) -> Iterator[tuple[str, Reply | ProviderError]]:
        for raw in filter(None, content.split(b"\n")):
            line = orjson.loads(raw)
            yield line["custom_id"], self._result(line.get("response") or {})

    def _result(self, response: Mapping[str, Any]) -> Reply | ProviderError:
        status = response.get("status_code", 500)
        try:
            if status == 200:
                reply: Reply = self._api.reply(response["body"], None)
                return reply
            return failures.of_body(status, response.get("body"), self._about)
        except (ValueError, TypeError, LookupError) as error:
            return failures.of_broken(error, self._about)
