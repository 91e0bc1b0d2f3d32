"""The parts that every offline sweep uses: passages embedded and requests answered for each second of CPU.

python benchmarks/local_parts.py
"""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Awaitable, Callable

from harness.plugins import make
from harness.records import Message, Request

PASSAGES = 1024


def texts() -> list[str]:
    """Passages of 400 characters over 2,000 made-up words."""
    source = random.Random(3)
    words = ["".join(source.choices("abcdefghijklmnop", k=source.randint(3, 9))) for _ in range(2000)]
    return [" ".join(source.choices(words, k=60))[:400] for _ in range(PASSAGES)]


def cpu(work: Callable[[], Awaitable[None]]) -> float:
    """The least processor time of three runs."""
    spent = []
    for _ in range(3):
        started = time.process_time()
        asyncio.run(_awaited(work))
        spent.append(time.process_time() - started)
    return min(spent)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def main() -> None:
    passages = texts()
    embedder = make("embedder", "local/hashing").connect()
    reader = make("model", "local/extractive").connect()
    source = random.Random(7)
    asked = [Request((Message("user", p[:50]),), {}, p[:50], tuple(source.sample(passages, 5))) for p in passages]

    async def hash_words() -> None:
        for passage in passages:
            for word in passage.split():
                zlib.crc32(word.encode())

    async def embed() -> None:
        for first in range(0, PASSAGES, 256):
            await embedder.embed(passages[first : first + 256], "passage")

    async def answer() -> None:
        for request in asked:
            await reader.complete(request)

    least = cpu(hash_words)
    print(f"floor (one hash for each word): {PASSAGES / least:.0f} passages/s")
    for name, work in (("local/hashing", embed), ("local/extractive, 5 passages", answer)):
        spent = cpu(work)
        print(f"{name}: {PASSAGES / spent:.0f}/s of CPU ({spent / least:.0f} x floor)")


if __name__ == "__main__":
    main()
