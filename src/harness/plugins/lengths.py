"""Units of a chunk's length: characters, or the tokens of a named tokenizer, without any download.

The tokenizers are those of OpenAI's models; for models of others such lengths are estimates.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from harness.errors import UserError

Unit = Literal["characters", "cl100k_base", "o200k_base", "p50k_base"]


@lru_cache(maxsize=8)
def length_in(unit: Unit) -> Callable[[str], int]:
    """A function that measures a text in `unit`. Raises UserError when a tokenizer's vocabulary cannot be had."""
    if unit == "characters":
        return len
    encoding = _encoding(unit)
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def _encoding(name: str) -> Any:
    # litellm's package carries the vocabularies; tiktoken alone would download them at first use.
    spec = importlib.util.find_spec("litellm")
    if spec is not None and spec.submodule_search_locations:
        folder = os.path.join(spec.submodule_search_locations[0], "litellm_core_utils", "tokenizers")
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", folder)
    import tiktoken

    try:
        return tiktoken.get_encoding(name)
    except (OSError, ValueError) as error:
        folder = os.environ.get("TIKTOKEN_CACHE_DIR", "")
        raise UserError(
            f"length {name}: its vocabulary is neither in TIKTOKEN_CACHE_DIR ({folder or 'empty'}) nor to be "
            f"downloaded ({type(error).__name__}); unset TIKTOKEN_CACHE_DIR, or write length: characters"
        ) from error
