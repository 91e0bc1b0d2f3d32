"""Digests: the same content gives the same name, in every process and on every machine."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def digest(*content: Any) -> str:
    """32 hex digits (128 bits of BLAKE2b) over the canonical JSON of `content`.

    Content is what JSON can hold, frozen dataclasses included. Raises TypeError for anything else.
    """
    return hashlib.blake2b(orjson.dumps(content, option=_OPTIONS), digest_size=16).hexdigest()
