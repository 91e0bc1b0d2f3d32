"""Units of a text's length: characters, or the tokens of a tokenizer, always without a download.

Those with a name are OpenAI's; for models of others such lengths are estimates. `tokenizer:PATH` is any tokenizer of
Hugging Face's format, such as the one in the folder of an embedding model; `tokenizer+special:PATH` counts the special
tokens too that it puts around a text, as some published comparisons do.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from harness.errors import UserError, advice
from harness.records import digest

Length = Callable[[str], int]
NAMES = ("characters", "cl100k_base", "o200k_base", "p50k_base")
"""The units that need no file."""

_FILES = {"tokenizer:": False, "tokenizer+special:": True}
"""The units that are read from a file, and whether special tokens count."""
_EXPECTED = f"{', '.join(NAMES)}, or tokenizer:PATH (a tokenizer.json, or a folder that holds one)"
_WORD, _PARAGRAPH = 64, 8192
"""Characters of texts that are remembered in great and in small number; longer ones are not."""


class _UnitName:
    """How a sweep file's `length` is checked, and what its JSON Schema says."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def check(unit: str) -> str:
            if not _is_unit(unit):
                raise PydanticCustomError("unit", f"Input should be {_EXPECTED}")
            return unit

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(NAMES)}, {"type": "string", "pattern": r"^tokenizer(\+special)?:.+$"}]}


Unit = Annotated[str, _UnitName()]
"""The annotation of a field that names a unit: one of NAMES, `tokenizer:PATH` or `tokenizer+special:PATH`.

A path is relative to the workspace.
"""


class Measured:
    """What parts with the fields `length: Unit` and `workspace: str = setting("", inert=True)` have in common.

    What a tokenizer's file holds is part of their identity; where it lies is not.
    """

    length: str
    workspace: str

    def check_length(self) -> None:
        """Raise ValueError for a unit that does not exist. For `__post_init__`."""
        if not _is_unit(self.length):
            raise ValueError(f"length must be {_EXPECTED}, found {self.length!r}; {advice(self.length, NAMES)}")
        if _prefix(self.length) is None:
            object.__setattr__(self, "workspace", "")  # it decides nothing, and stays out of run records
            return
        try:
            length_in(self.length, self.workspace)
        except UserError as error:
            raise ValueError(str(error)) from error

    def measure(self) -> Length:
        """The function that measures a text."""
        return length_in(self.length, self.workspace)

    def identity_extra(self) -> dict[str, Any]:
        """The digest of the tokenizer's file in place of its path."""
        prefix = _prefix(self.length)
        if prefix is None:
            return {}
        return {"length": prefix + digest(_file(self.length, self.workspace).read_text(encoding="utf-8"))}


def length_in(unit: str, workspace: str = "") -> Length:
    """A function that measures a text in `unit`; `len` itself for characters.

    Special tokens are counted by `tokenizer+special:` alone.

    Raises UserError for an unknown unit, and when a tokenizer's vocabulary or file cannot be had or read.
    """
    if unit == "characters":
        return len
    if not _is_unit(unit):
        raise UserError(f"length {unit}: expected {_EXPECTED}")
    if _prefix(unit) is None:
        return _named(unit)
    file = _file(unit, workspace)
    try:
        state = file.stat()
    except OSError as error:
        raise UserError(f"length {unit}: no such file: {file}; give a tokenizer.json, or its folder") from error
    return _of_file(unit, str(file), state.st_mtime_ns, state.st_size)


def _is_unit(unit: str) -> bool:
    prefix = _prefix(unit)
    return unit in NAMES or (prefix is not None and len(unit) > len(prefix))


def _prefix(unit: str) -> str | None:
    """How a unit begins that is read from a file; None for the others."""
    return next((prefix for prefix in _FILES if unit.startswith(prefix)), None)


def _file(unit: str, workspace: str) -> Path:
    path = Path(workspace) / Path(unit.removeprefix(_prefix(unit) or "")).expanduser()
    return path / "tokenizer.json" if path.is_dir() else path


@lru_cache(maxsize=8)
def _of_file(unit: str, file: str, changed: int, size: int) -> Length:
    """The tokenizer in a file as it is now."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(file)
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"length {unit}: {file} is no tokenizer of Hugging Face's format ({error})") from error
    # A model's file often cuts texts at 128 tokens, or fills them up to that: nothing to measure with.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # "[SEP]" in a document is text like any other
    special = _FILES[_prefix(unit) or ""]
    return _remembering(lambda text: len(tokenizer.encode(text, add_special_tokens=special)))


@lru_cache(maxsize=8)
def _named(name: str) -> Length:
    encoding = _encoding(name)
    return _remembering(lambda text: len(encoding.encode(text, disallowed_special=())))


def _remembering(count: Length) -> Length:
    """The same, faster: splitters measure the same words and paragraphs again and again."""
    words, paragraphs = lru_cache(maxsize=1 << 15)(count), lru_cache(maxsize=256)(count)

    def measure(text: str) -> int:
        if len(text) <= _WORD:
            return words(text)
        return paragraphs(text) if len(text) <= _PARAGRAPH else count(text)

    return measure


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
