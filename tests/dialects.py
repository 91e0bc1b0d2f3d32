"""The protocols as providers speak them: what an answer, a vector and a refusal look like on the wire."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

Body = dict[str, Any]


def vector(text: str) -> list[float]:
    """Sixteen numbers that depend on the text alone."""
    return [byte / 255 - 0.5 for byte in hashlib.blake2b(json.dumps(text).encode(), digest_size=16).digest()]


def messages_of(body: Body) -> list[dict[str, Any]]:
    """The messages of a chat request, whatever its protocol calls them."""
    if "contents" in body:
        return [{"role": c["role"], "content": "".join(p["text"] for p in c["parts"])} for c in body["contents"]]
    for name in ("messages", "input"):
        if name in body:
            return list(body[name])
    return [{"role": "user", "content": body.get("prompt") or body.get("question")}]


def words(messages: list[dict[str, Any]]) -> int:
    """What counts as tokens here: the words of all messages."""
    return sum(len(str(message["content"]).split()) for message in messages)


def openai_chat(body: Body, text: str, finish: str | None) -> Body:
    """A chat completion; one token of the prompt came from the cache, two were thoughts."""
    sent, received = words(body["messages"]), len(text.split())
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish or "stop"}],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": received,
            "total_tokens": sent + received,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    }


def openai_responses(body: Body, text: str, finish: str | None) -> Body:
    """A response: a thought, then the message; `finish` is why it is incomplete, or `refusal`."""
    block = {"type": "output_text", "text": text, "annotations": []}
    if finish == "refusal":
        block = {"type": "refusal", "refusal": text}
    incomplete = finish not in (None, "refusal")
    received = len(text.split())
    return {
        "id": "x",
        "object": "response",
        "created_at": 0,
        "model": body["model"],
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": {"reason": finish} if incomplete else None,
        "error": None,
        "output": [
            {"id": "r", "type": "reasoning", "summary": []},
            {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [block]},
        ],
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "tools": [],
        "usage": {
            "input_tokens": words(body["input"]),
            "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
            "output_tokens": received,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": words(body["input"]) + received,
        },
    }


def gemini(body: Body, text: str, finish: str | None) -> Body:
    """An answer of generateContent."""
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish or "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
        "modelVersion": "gemini",
    }


def bot(body: Body, text: str, finish: str | None) -> Body:
    """An answer of a chatbot of one's own."""
    return {"data": {"answers": [{"text": text}]}, "usage": {"in": 5, "out": 2}}


def anthropic_messages(body: Body, text: str, finish: str | None) -> Body:
    """A message; 10 tokens of input and besides 5 read from the cache and 3 written to it."""
    return {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": finish or "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "output_tokens": len(text.split()),
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 3,
        },
    }


def ollama_chat(body: Body, text: str, finish: str | None) -> Body:
    """An answer of /api/chat."""
    return {"message": {"role": "assistant", "content": text}, **_ollama(body, finish)}


def ollama_generate(body: Body, text: str, finish: str | None) -> Body:
    """An answer of /api/generate."""
    return {"response": text, **_ollama(body, finish)}


def _ollama(body: Body, finish: str | None) -> Body:
    return {
        "model": body["model"],
        "created_at": "2026-01-01T00:00:00Z",
        "done": True,
        "done_reason": finish or "stop",
        "prompt_eval_count": 7,
        "eval_count": 4,
    }


def openai_embeddings(body: Body) -> Body:
    """Vectors as OpenAI, Voyage and Jina give them: in base64 when that is asked for, cut when dimensions are."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = []
    for i, text in enumerate(texts):
        numbers: Any = vector(text)[: body.get("dimensions") or body.get("output_dimension")]
        if body.get("encoding_format") == "base64":
            numbers = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        data.append({"object": "embedding", "index": i, "embedding": numbers})
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "model": body["model"], "data": data[::-1], "usage": usage}


def ollama_embeddings(body: Body) -> Body:
    """Vectors as Ollama gives them."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    return {"model": body["model"], "embeddings": [vector(t) for t in texts], "prompt_eval_count": len(texts)}


def cohere_embeddings(body: Body) -> Body:
    """Vectors of /v2/embed."""
    vectors = [vector(text)[: body.get("output_dimension")] for text in body["texts"]]
    return {
        "id": "x",
        "embeddings": {"float": vectors},
        "texts": body["texts"],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": len(vectors)}},
    }


def gemini_embeddings(body: Body) -> Body:
    """Vectors of batchEmbedContents."""
    texts = ["".join(part["text"] for part in asked["content"]["parts"]) for asked in body["requests"]]
    sizes = [asked.get("outputDimensionality") for asked in body["requests"]]
    return {"embeddings": [{"values": vector(t)[:size]} for t, size in zip(texts, sizes, strict=True)]}


def relevance(question: str, text: str) -> float:
    """A score that depends on question and text alone."""
    return abs(vector(f"{question}\n{text}")[0])


def cohere_rerank(body: Body) -> Body:
    """Scores of /v2/rerank, the best first; one search is billed."""
    return {
        "id": "x",
        "results": _ranked(body),
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
    }


def jina_rerank(body: Body) -> Body:
    """Scores as Jina gives them: tokens are billed."""
    return {"model": body["model"], "results": _ranked(body), "usage": {"total_tokens": len(body["documents"])}}


def voyage_rerank(body: Body) -> Body:
    """Scores as Voyage gives them: in `data`; tokens are billed."""
    usage = {"total_tokens": len(body["documents"])}
    return {"object": "list", "data": _ranked(body), "model": body["model"], "usage": usage}


def _ranked(body: Body) -> list[Body]:
    scores = [relevance(body["query"], text) for text in body["documents"]]
    return [
        {"index": i, "relevance_score": scores[i]} for i in sorted(range(len(scores)), key=scores.__getitem__)[::-1]
    ]


def refusal(path: str, status: int) -> Body:
    """An error in the words of the path's protocol."""
    message = f"status {status}"
    if path == "/v1/messages":
        return {"type": "error", "error": {"type": "error", "message": message}}
    if path.startswith("/api/"):
        return {"error": message}
    if path.startswith("/v2/"):
        return {"message": message}
    if path.startswith("/v1beta/"):
        return {"error": {"code": status, "message": message, "status": "ERROR"}}
    return {"error": {"message": message, "type": "error", "code": None}}
