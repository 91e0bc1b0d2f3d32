"""An answer as OpenAI's clients read it: whole, or in the chunks of a stream."""

from __future__ import annotations

from typing import Any

from harness.records import Reply
from harness.sweeps.conversing import Said
from harness.sweeps.serving.question import Asked
from harness.sweeps.serving.stamp import Stamp

Body = dict[str, Any]
_FINISH = {"length": "length", "content_filter": "content_filter", "max_tokens": "length"}
"""OpenAI's words for how an answer ended. A refusal ends with `stop`, as OpenAI's own do."""
_REFUSAL = "refusal"


def completion(asked: Asked, stamp: Stamp, said: Said, reply: Reply, passages: bool) -> Body:
    """A whole answer. A refusal has its words in `refusal`, and no content."""
    refused = reply.finish_reason == _REFUSAL
    message = {
        "role": "assistant",
        "content": None if refused else reply.text,
        "refusal": reply.text if refused else None,
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {
        **_head(asked, stamp, "chat.completion"),
        "choices": [choice],
        "usage": usage(reply),
        "harness": extra(stamp, said, reply, passages),
    }


def words(asked: Asked, stamp: Stamp, text: str, first: bool) -> Body:
    """A chunk with words of the answer; the first one names the role."""
    return _chunk(asked, stamp, {"role": "assistant", "content": text} if first else {"content": text}, None)


def last(asked: Asked, stamp: Stamp, said: Said, reply: Reply, passages: bool) -> Body:
    """The chunk that ends the answer. Of a refusal it has the words again: they were not known as such before."""
    delta = {"refusal": reply.text} if reply.finish_reason == _REFUSAL else {}
    return {**_chunk(asked, stamp, delta, _finish(reply)), "harness": extra(stamp, said, reply, passages)}


def totals(asked: Asked, stamp: Stamp, reply: Reply) -> Body:
    """The chunk with the usage, which has no words."""
    return {**_head(asked, stamp, "chat.completion.chunk"), "choices": [], "usage": usage(reply)}


def usage(reply: Reply) -> Body | None:
    """The provider's own counts; None where it gave none."""
    sent, received = reply.input_tokens, reply.output_tokens
    if sent is None or received is None:
        return None
    found: Body = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
    if reply.cached_tokens is not None:
        found["prompt_tokens_details"] = {"cached_tokens": reply.cached_tokens}
    if reply.reasoning_tokens is not None:
        found["completion_tokens_details"] = {"reasoning_tokens": reply.reasoning_tokens}
    return found


def extra(stamp: Stamp, said: Said, reply: Reply, passages: bool) -> Body:
    """What OpenAI's form has no place for: where the answer comes from, and what it rests on."""
    found = {
        **stamp.content(),
        "cached": said.answer.source != "made",
        "cost_usd": said.answer.cost_usd,
        "retrieval_ms": round(said.retrieval_ms, 3),
        "finish_reason": reply.finish_reason,
    }
    return {**found, "passages": spans(said)} if passages else found


def spans(said: Said) -> list[Body]:
    """Where the passages lie that the model was given, best first."""
    names = ("document", "start", "end", "similarity")
    return [{name: getattr(passage, name) for name in names} for passage in said.context.passages]


def _finish(reply: Reply) -> str:
    return _FINISH.get(reply.finish_reason, "stop")


def _chunk(asked: Asked, stamp: Stamp, delta: Body, finish: str | None) -> Body:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        **_head(asked, stamp, "chat.completion.chunk"),
        "choices": [choice],
        **({"usage": None} if asked.with_usage else {}),
    }


def _head(asked: Asked, stamp: Stamp, kind: str) -> Body:
    return {
        "id": asked.id,
        "object": kind,
        "created": asked.created,
        "model": stamp.name,
        "system_fingerprint": stamp.fingerprint,
    }
