"""Work side by side, of which nothing that is paid for may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any


async def together(work: Iterable[Awaitable[Any]]) -> None:
    """Run all; when one fails, wait for the others and then raise the first failure, so that their results are kept."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
