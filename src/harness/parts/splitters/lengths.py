"""Units of a chunk's length: characters, or the tokens of a named tokenizer, without any download."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

Unit = Literal["characters", "cl100k_base", "o200k_base", "p50k_base"]


def length_in(unit: Unit) -> Callable[[str], int]:
    """A function that measures a text. Raises UserError when a tokenizer's vocabulary cannot be had."""
    if unit == "characters":
        return len
    encoding = _encoding(unit)
    return lambda text: len(encoding.encode(text, disallowed_special=()))


@lru_cache(maxsize=8)
def _encoding(name: str) -> Any:
    # litellm's package carries the vocabularies; tiktoken alone would download them at first use.
    spec = importlib.util.find_spec("litellm")
    if spec is not None and spec.submodule_search_locations:
        folder = os.path.join(spec.submodule_search_locations[0], "litellm_core_utils", "tokenizers")
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", folder)
    import tiktoken

    return tiktoken.get_encoding(name)
