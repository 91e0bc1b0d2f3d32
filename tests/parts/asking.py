"""Asking models, embedders and rerankers from tests, each over a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from harness.records import Embedded, Message, Ranked, Reply, Request


def ask(model: Any, request: Request) -> Reply:
    """One request over a connection of its own."""

    async def once() -> Reply:
        connection = model.connect()
        try:
            reply: Reply = await connection.complete(request)
            return reply
        finally:
            await connection.close()

    return asyncio.run(once())


def embed(embedder: Any, texts: Sequence[str], purpose: str = "passage") -> Embedded:
    """One batch over a connection of its own."""

    async def once() -> Embedded:
        connection = embedder.connect()
        try:
            embedded: Embedded = await connection.embed(texts, purpose)
            return embedded
        finally:
            await connection.close()

    return asyncio.run(once())


def score(reranker: Any, question: str, texts: Sequence[str]) -> Ranked:
    """One batch over a connection of its own."""

    async def once() -> Ranked:
        connection = reranker.connect()
        try:
            ranked: Ranked = await connection.score(question, texts)
            return ranked
        finally:
            await connection.close()

    return asyncio.run(once())


def about(question: str, *passages: str, before: Sequence[str] = (), **parameters: Any) -> Request:
    """A request for an answer from `passages`; `before` are earlier turns, the user's first."""
    roles = ("user", "assistant")
    earlier = [Message(roles[i % 2], text) for i, text in enumerate(before)]  # type: ignore[arg-type]
    prompt = Message("user", "\n\n".join([*passages, question]))
    return Request((*earlier, prompt), parameters, question, passages)
