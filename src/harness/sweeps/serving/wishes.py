"""The settings of a request: those that change nothing are taken, those that would change the configuration are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.config import SAMPLING

READ = ("model", "messages", "stream", "stream_options", "metadata")
"""What is read elsewhere."""
_WITHOUT_EFFECT = ("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls")
"""Whatever stands there, the answer is the same."""
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "functions": ([],),
    "tool_choice": ("none", "auto"),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "store": (False,),
    "service_tier": ("auto", "default"),
}
"""Values that ask for nothing."""
_KNOWN = ("seed", "reasoning_effort", "verbosity", "prediction", "audio", "web_search_options")
"""Settings of OpenAI's that no value leaves without effect."""
_WOULD = "would change the configuration that was evaluated, which"
_NAME = re.compile(r"[A-Za-z0-9_]{1,40}")


def objections(body: Mapping[str, Any], sampling: Mapping[str, Any]) -> dict[str, str]:
    """By name, the settings that are not taken, and why: what follows the name in a sentence.

    `sampling` are the configuration's own settings; a value equal to them is no objection, nor is null.
    """
    found = {}
    for name, value in body.items():
        if name in (*READ, *_WITHOUT_EFFECT) or value is None:
            continue
        own = "max_tokens" if name == "max_completion_tokens" else name
        if own in SAMPLING:
            wish = [value] if own == "stop" and isinstance(value, str) else value
            if wish != sampling.get(own):
                found[name] = f"{_WOULD} {_has(own, sampling)}"
        elif name in _NEUTRAL:
            if value not in _NEUTRAL[name]:
                found[name] = f"{_WOULD} takes {_NEUTRAL[name][0]!r} only"
        elif name in _KNOWN:
            found[name] = f"{_WOULD} does not have it"
        else:
            shown = name if _NAME.fullmatch(name) else "a setting with no proper name"
            found[shown] = "is not known to this server"
    return found


def _has(name: str, sampling: Mapping[str, Any]) -> str:
    return f"has {sampling[name]!r}" if name in sampling else "leaves this to the model"
