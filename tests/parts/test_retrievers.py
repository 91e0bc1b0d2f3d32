"""Retrievers: what they find, in which order, and that the order is always the same."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.plugins import View, make, part, registry
from harness.plugins.fusion import reciprocal_rank_fusion, weighted_fusion
from harness.records import Hit, Lookup
from harness.testing import check_retriever
from harness.testing.retrievers import LOOKUPS, ToyView

METHODS = ("lucene", "robertson", "atire", "bm25+", "bm25l")
SPECS: list[Any] = [
    "dense",
    "bm25",
    "hybrid",
    "mmr",
    *({"use": "bm25", "method": method, "k1": 0.9, "b": 0.4} for method in METHODS),
    {"use": "bm25", "stop_words": False},
    {"use": "hybrid", "fusion": "weighted", "fetch_k": 3},
    {"use": "hybrid", "dense_weight": 1},
    {"use": "hybrid", "dense_weight": 0},
    {"use": "mmr", "fetch_k": 4, "lambda_mult": 0},
    {"use": "mmr", "lambda_mult": 1},
]


class GivenView(ToyView):
    """A view of chunks whose vectors are given; questions point anywhere."""

    def __init__(self, vectors: NDArray[np.float64]) -> None:
        super().__init__(["x"] * len(vectors))
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.asked = np.random.default_rng(1).normal(size=vectors.shape)

    async def embed(self, lookups: Sequence[Lookup]) -> NDArray[np.float32]:
        return self.asked[: len(lookups)].astype(np.float32)


def retrieved(spec: Any, texts: Sequence[str], view: ToyView, k: int = 10) -> list[list[Hit]]:
    """What a built-in finds for each text."""
    return asyncio.run(make("retriever", spec).retrieve([Lookup(text) for text in texts], k, view))


def numbers(spec: Any, text: str, view: ToyView, k: int = 10) -> list[int]:
    """The chunks for one text."""
    return [hit.number for hit in retrieved(spec, [text], view, k)[0]]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_built_in_retrievers_keep_the_contract(spec: Any) -> None:
    """Each passes the contract test that plug-in authors run."""
    check_retriever(make("retriever", spec))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"use": "bm25", "k1": -1}, "k1 must be at least 0, found -1"),
        ({"use": "bm25", "b": 1.5}, "b must be between 0 and 1, found 1.5"),
        ({"use": "bm25", "method": "bm26"}, "lucene"),
        ({"use": "hybrid", "b": -0.1}, "b must be between"),
        ({"use": "hybrid", "rrf_k": -1}, "rrf_k must be at least 0, found -1"),
        ({"use": "hybrid", "dense_weight": 2}, "dense_weight must be between 0 and 1, found 2"),
        ({"use": "hybrid", "fetch_k": 0}, "fetch_k must be at least 1, found 0"),
        ({"use": "mmr", "fetch_k": 0}, "fetch_k must be at least 1, found 0"),
        ({"use": "mmr", "lambda_mult": -0.5}, "lambda_mult must be between 0 and 1, found -0.5"),
    ],
)
def test_impossible_settings_are_refused(spec: Any, words: str) -> None:
    """With what was found and what is allowed."""
    with pytest.raises(ValidationError) as caught:
        make("retriever", spec)
    assert words in str(caught.value)


def test_bm25_scores_are_those_of_the_formula() -> None:
    """Lucene's: ln(1 + (N - n + 0.5) / (n + 0.5)) * tf / (tf + k1 * (1 - b + b * length / average))."""
    texts = ["red red fish", "red bird", "green bird sings on tree tops", "fish"]
    words = [text.replace(" on", "").split() for text in texts]
    average = sum(map(len, words)) / len(words)
    expected: dict[int, float] = {}
    for number, chunk in enumerate(words):
        counts = Counter(chunk)
        for word in ("red", "fish"):
            holding = sum(word in other for other in words)
            idf = math.log(1 + (len(words) - holding + 0.5) / (holding + 0.5))
            weight = counts[word] / (counts[word] + 1.5 * (1 - 0.75 + 0.75 * len(chunk) / average))
            expected[number] = expected.get(number, 0.0) + idf * weight
    [hits] = retrieved("bm25", ["red fish"], ToyView(texts))
    wanted = sorted(((n, round(s, 6)) for n, s in expected.items() if s), key=lambda hit: (-hit[1], hit[0]))
    assert [(hit.number, hit.score) for hit in hits] == wanted
    assert [hit.similarity for hit in hits] == [None] * 3


@pytest.mark.parametrize("method", METHODS)
def test_a_chunk_with_none_of_the_words_is_not_found(method: str) -> None:
    """Not by the formulas either that give every chunk a score above 0."""
    texts = ["red fish", "green bird", "green tree", "blue sky"]
    assert numbers({"use": "bm25", "method": method}, "fish", ToyView(texts)) == [0]
    assert numbers({"use": "bm25", "method": method}, "zebra", ToyView(texts)) == []


def test_equal_scores_come_in_chunk_order_also_at_the_cut() -> None:
    """Of seven equal chunks the first three are the best three."""
    view = ToyView(["green bird", *["red fish"] * 7])
    assert numbers("bm25", "fish", view, k=3) == [1, 2, 3]


def test_words_are_met_in_any_form() -> None:
    """Case, plural and the way an accent is written make no difference."""
    view = ToyView(["Deliveries: CAF\u00c9S only", "nothing of it"])
    assert numbers("bm25", "delivery", view) == numbers("bm25", "cafe\u0301", view) == [0]


def test_stop_words_find_nothing_unless_they_are_kept() -> None:
    """A question of empty words alone has no hits."""
    view = ToyView(["what is it", "red fish", "blue sky"])
    assert numbers("bm25", "What is it?", view) == []
    assert numbers({"use": "bm25", "stop_words": False}, "What is it?", view) == [0]


def test_languages_without_spaces_are_read_as_pairs() -> None:
    """A word within a run of characters is found; one that shares no pair is not."""
    view = ToyView(["\u6771\u4eac\u90fd\u306e\u5929\u6c17", "\u4eac\u6771", "GPT4\u306e\u5929\u6c17", "\u706b"])
    assert numbers("bm25", "\u6771\u4eac", view) == [0]
    assert numbers("bm25", "gpt4", view) == [2]
    assert numbers("bm25", "\u706b", view) == [3]


def test_a_filter_changes_what_is_found_and_no_score() -> None:
    """Statistics are those of the whole corpus."""
    [whole], [part_of] = (retrieved("bm25", ["parcel days"], ToyView(allowed=a)) for a in (None, (1, 10)))
    assert part_of == [hit for hit in whole if hit.number in (1, 10)]
    assert len(whole) > len(part_of) == 2


def test_indexes_are_built_once_and_shared(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """bm25 and hybrid of the same settings have one index; other settings read the chunks no second time."""
    view, made = ToyView(), list[str]()
    kept = view.kept

    def counted(name: str, make: Callable[[], Any]) -> Any:
        def noted() -> Any:
            made.append(name)
            return make()

        return kept(name, noted)

    monkeypatch.setattr(view, "kept", counted)
    for spec in ("bm25", "bm25", "hybrid", {"use": "bm25", "k1": 2}):
        retrieved(spec, ["a seat"], view)
    assert len(made) == len(set(made)) == 3
    assert capfd.readouterr() == ("", "")


def test_reciprocal_ranks_are_summed() -> None:
    """The scores of the paper's formula, k = 60; the tie goes to the lower number."""
    fused = reciprocal_rank_fusion([[7, 3, 5], [3, 7], [9]])
    best = round(1 / 61 + 1 / 62, 12)
    assert fused == [(3, best), (7, best), (9, round(1 / 61, 12)), (5, round(1 / 63, 12))]


def test_weights_of_lists_count() -> None:
    """A list of weight 0 takes no part; weights scale what a list gives."""
    assert reciprocal_rank_fusion([[1, 2], [3]], k=1, weights=[1, 0]) == [(1, 0.5), (2, round(1 / 3, 12))]
    assert reciprocal_rank_fusion([[1], [2]], k=1, weights=[0.25, 0.75]) == [(2, 0.375), (1, 0.125)]
    with pytest.raises(ValueError, match="zip"):
        reciprocal_rank_fusion([[1], [2]], weights=[1])


def test_scores_are_scaled_before_they_are_added() -> None:
    """Best 1, worst 0; equal scores all 1; what a list does not hold counts 0."""
    lists = [[(1, 0.9), (2, 0.7), (3, 0.5)], [(3, 20.0), (4, 10.0)], [(5, -2.0)]]
    assert weighted_fusion(lists, [0.5, 0.3, 0.2]) == [(1, 0.5), (3, 0.3), (2, 0.25), (5, 0.2), (4, 0.0)]


@pytest.mark.parametrize("fusion", ["rrf", "weighted"])
def test_hybrid_fuses_the_lists_of_dense_and_bm25(fusion: str) -> None:
    """Of `fetch_k` each; hits of the dense list have a similarity, others none."""
    view = ToyView()
    spec = {"use": "hybrid", "fusion": fusion, "fetch_k": 3, "dense_weight": 0.7}
    for lookup in LOOKUPS:
        [hits] = retrieved(spec, [lookup.text], view, k=6)
        [dense] = retrieved("dense", [lookup.text], view, k=3)
        [lexical] = retrieved("bm25", [lookup.text], view, k=3)
        if fusion == "rrf":
            lists = [[hit.number for hit in found] for found in (dense, lexical)]
            expected = reciprocal_rank_fusion(lists, 60, [0.7, 1 - 0.7])
        else:
            expected = weighted_fusion([[hit[:2] for hit in found] for found in (dense, lexical)], [0.7, 1 - 0.7])
        assert [(hit.number, hit.score) for hit in hits] == expected
        assert {h.number: h.similarity for h in hits if h.similarity is not None} == {h.number: h.score for h in dense}


def test_hybrid_with_one_list_alone_has_its_order() -> None:
    """Weight 1 is dense, weight 0 is BM25."""
    view = ToyView()
    for weight, alone in ((1, "dense"), (0, "bm25")):
        for lookup in LOOKUPS:
            assert numbers({"use": "hybrid", "dense_weight": weight}, lookup.text, view) == numbers(
                alone, lookup.text, view
            )


def plain_mmr(near: Sequence[tuple[int, float]], vectors: NDArray[np.float64], weight: float) -> list[int]:
    """The definition, one candidate after the other."""
    left, taken = list(near), list[int]()
    while left:
        values = []
        for number, similarity in left:
            alike = max((float(vectors[number] @ vectors[other]) for other in taken), default=0.0)
            values.append(weight * similarity - (1 - weight) * alike)
        best = values.index(max(values))
        taken.append(left.pop(best)[0])
    return taken


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_mmr_is_what_its_definition_says(weight: float) -> None:
    """On vectors that point anywhere, for many questions at once."""
    view = GivenView(np.random.default_rng(3).normal(size=(120, 6)))
    near = view.search(view.asked[:40].astype(np.float32), 15)
    found = retrieved({"use": "mmr", "lambda_mult": weight, "fetch_k": 15}, ["x"] * 40, view, k=15)
    everything = view.vectors(range(120))
    for hits, candidates in zip(found, near, strict=True):
        assert [hit.number for hit in hits] == plain_mmr(candidates, everything, weight)
        assert {hit.number: hit.similarity for hit in hits} == dict(candidates)


def test_mmr_prefers_what_is_new() -> None:
    """The second of two equal chunks comes behind one that is less near once difference counts more; a tie goes to the
    nearer. The score says what a chunk added."""
    view = GivenView(np.array([[1.0, 0.0], [1.0, 0.0], [0.8, 0.6]]))
    view.asked = view.vectors([0])
    [hits] = retrieved("mmr", ["x"], view)
    assert hits == [Hit(0, 0.5, 1.0), Hit(1, 0.0, 1.0), Hit(2, 0.0, 0.8)]
    [hits] = retrieved({"use": "mmr", "lambda_mult": 0.4}, ["x"], view)
    assert hits == [Hit(0, 0.4, 1.0), Hit(2, -0.16, 0.8), Hit(1, -0.2, 1.0)]


def test_mmr_in_blocks_is_mmr(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many questions are looked at in one go decides nothing."""
    view = GivenView(np.random.default_rng(5).normal(size=(50, 4)))
    spec = {"use": "mmr", "fetch_k": 10}
    whole = retrieved(spec, ["x"] * 30, view)
    monkeypatch.setattr("harness.parts.retrievers.mmr._NUMBERS", 1000)
    assert retrieved(spec, ["x"] * 30, view) == whole


@dataclass(frozen=True)
class _Broken:
    version: ClassVar[int] = 1
    uses_vectors: ClassVar[bool] = True
    way: str = "unfiltered"

    async def retrieve(self, lookups: Sequence[Lookup], k: int, view: View) -> list[list[Hit]]:
        found = [[Hit(n, s, s) for n, s in hits] for hits in view.search(await view.embed(lookups), k)]
        if self.way == "unfiltered":
            return [[Hit(n, 1.0) for n in range(min(k, len(view.chunks)))] for _ in lookups]
        if self.way == "backwards":
            return [hits[::-1] for hits in found]
        if self.way == "no prefix":
            return [[hit for hit in hits if hit.number != k] for hits in found]
        if self.way == "twice":
            return [[hit for hit in hits for _ in range(2)][:k] for hits in found]
        if self.way == "wrong similarity":
            return [[hit._replace(similarity=0.123) for hit in hits] for hits in found]
        if self.way == "NaN":
            return [[hit._replace(score=math.nan) for hit in hits] for hits in found]
        return found[:1] * len(found)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("unfiltered", "not allowed"),
        ("backwards", "best first"),
        ("no prefix", "must be the first"),
        ("twice", "found twice"),
        ("wrong similarity", "cosine"),
        ("NaN", "finite"),
        ("mixed up", "cosine"),
    ],
)
def test_broken_retrievers_are_found_out(way: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract test names what is wrong."""
    monkeypatch.setattr(registry, "_register", dict(registry._register))
    broken = part("retriever", "broken")(_Broken)
    with pytest.raises(AssertionError, match=words):
        check_retriever(broken(way))
