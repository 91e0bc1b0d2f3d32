"""Retrieval by words: BM25 over the stems of what stands in the chunks. Shared by the retrievers that use it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.plugins import View
from harness.plugins.stems import stem
from harness.records import Chunk

DIGITS = 6
_WORD = re.compile(r"[^\W_]+")
# Scripts without spaces, Han and kana; and Korean, whose particles hang on the words. As Lucene's CJK analyser has it.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"([{_UNSPACED}]+)|[^{_UNSPACED}]+")
_STOP = frozenset(
    "a about am an and any are as at be been being but by can could d did do does doing don for from had has have "
    "having he her hers him his how i if in into is it its just ll m me my no not of on or our ours re s shall she "
    "should so such t than that the their theirs them then there these they this those to too us ve very was we were "
    "what when where which while who whom whose why will with would you your yours".split()
)


@dataclass(frozen=True)
class Lexical:
    """The settings of BM25, and the search.

    `k1` is how much more the second and third occurrence of a word counts, `b` how much a chunk's length counts
    against it, `method` the formula (Kamphuis et al. 2020 compare them; names as the library bm25s has them).
    `stop_words` leaves out English words that carry no meaning; turn it off for other languages.
    """

    k1: float = 1.5
    b: float = 0.75
    method: Literal["lucene", "robertson", "atire", "bm25+", "bm25l"] = "lucene"
    stop_words: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.k1 < float("inf"):
            raise ValueError(f"k1 must be at least 0, found {self.k1}; usual values are 0.9 to 2.0")
        if not 0 <= self.b <= 1:
            raise ValueError(f"b must be between 0 and 1, found {self.b}; 0 ignores the length of chunks")

    def found(self, texts: Sequence[str], k: int, view: View) -> list[list[tuple[int, float]]]:
        """For each text the `k` best chunks as (number, score), best first, equal scores in chunk order.

        A chunk with none of the text's words is not found. The statistics are those of all chunks, allowed or not.
        """
        words = view.kept(f"words {self.stop_words}", lambda: Vocabulary.of(view.chunks, self.stop_words))
        if not words.ids:
            return [[] for _ in texts]
        name = f"bm25 {self.k1} {self.b} {self.method} {self.stop_words}"
        index = view.kept(name, lambda: self._index(words))
        known = [words.known(text, self.stop_words) for text in texts]
        return [_best(_scores(index, ids), k, view.allowed) if ids else [] for ids in known]

    def _index(self, words: Vocabulary) -> Any:
        import bm25s

        # Double precision, because single leaves noise in the sixth digit.
        index = bm25s.BM25(k1=self.k1, b=self.b, method=self.method, dtype="float64")
        index.index((words.chunks, words.ids), create_empty_token=False, show_progress=False)
        return index


@dataclass(frozen=True)
class Vocabulary:
    """The words of all chunks by number, and each chunk as a list of these numbers."""

    ids: dict[str, int]
    chunks: list[list[int]]

    @classmethod
    def of(cls, chunks: Sequence[Chunk], stop_words: bool) -> Vocabulary:
        """Read the chunks; words are numbered as they come."""
        ids: dict[str, int] = {}
        return cls(ids, [[ids.setdefault(w, len(ids)) for w in words_of(c.text, stop_words)] for c in chunks])

    def known(self, text: str, stop_words: bool) -> list[int]:
        """The words of a text that some chunk holds, repeated as the text repeats them."""
        return [self.ids[word] for word in words_of(text, stop_words) if word in self.ids]


def words_of(text: str, stop_words: bool) -> list[str]:
    """Lower-case stems, without English stop words where `stop_words` is true; pairs of characters in Chinese,
    Japanese and Korean."""
    if text.isascii():
        words = _WORD.findall(text.lower())
    else:
        words = [part for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()) for part in _parts(word)]
    return [stem(word) for word in words if not (stop_words and word in _STOP)]


def _parts(word: str) -> list[str]:
    if word.isascii():
        return [word]
    parts: list[str] = []
    for found in _RUN.finditer(word):
        run = found.group()
        parts += [a + b for a, b in pairwise(run)] if found.group(1) and len(run) > 1 else [run]
    return parts


def _scores(index: Any, ids: list[int]) -> NDArray[np.float64]:
    """The score of every chunk; 0 for one that holds none of the words."""
    scores: NDArray[np.float64] = index.get_scores_from_ids(ids)
    if index.nonoccurrence_array is not None:
        # BM25+ and BM25L give the same small score to each chunk for a word that it does not hold.
        scores = scores - index.nonoccurrence_array[ids].sum()
    return np.round(scores, DIGITS)


def _best(scores: NDArray[np.float64], k: int, allowed: NDArray[np.bool_] | None) -> list[tuple[int, float]]:
    found = np.flatnonzero(scores > 0 if allowed is None else (scores > 0) & allowed)
    if k < len(found):
        cut = np.partition(scores[found], len(found) - k)[len(found) - k]
        found = found[scores[found] >= cut]
    best = found[np.argsort(-scores[found], kind="stable")[:k]]
    return list(zip(best.tolist(), scores[best].tolist(), strict=True))
