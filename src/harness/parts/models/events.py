"""Server-sent events, read as they come. The SDKs' own objects take longer to make than the words to arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

from harness.plugins import failures

_END = "[DONE]"


async def events(response: Any) -> AsyncIterator[dict[str, Any]]:
    """The JSON of each event. Raises failures.ToldInStream when one of them is an error, ValueError for broken JSON."""
    async for line in response.iter_lines():
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == _END:
            return
        event: dict[str, Any] = orjson.loads(data)
        if (event.get("error") and not event.get("choices")) or event.get("type") == "error":
            raise failures.ToldInStream(event)
        yield event
