"""Rerankers on this machine: by words, by a cross-encoder in a local folder; and the contract of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from harness.errors import UserError
from harness.plugins import bert, identity, known, make, part, registry, weights
from harness.records import Ranked
from harness.testing import check_reranker
from tests.dialects import relevance
from tests.parts import tiny_bert
from tests.parts.asking import score

QUESTION = "When is the shop open?"
TEXTS = ["the shop is open from nine to three", "parcels take two days", "a", "card refund week " * 30, ""]


@pytest.mark.parametrize("name", ["lexical", "cross-encoder/x", "litellm-rerank/cohere/x"])
def test_how_many_are_kept_is_at_least_one(name: str) -> None:
    """`top_n` is a setting of every reranker that scores; null keeps all."""
    assert make("reranker", name).top_n is None
    assert make("reranker", {"use": name, "top_n": 1}).top_n == 1
    with pytest.raises(ValidationError, match="top_n must be at least 1, found 0"):
        make("reranker", {"use": name, "top_n": 0})


# By words.


def lexical(question: str, *texts: str) -> tuple[float, ...]:
    """The scores of the lexical reranker."""
    return score(make("reranker", "lexical"), question, texts).scores


def test_the_lexical_reranker_keeps_the_contract() -> None:
    """The text that answers gets more than all others, and nothing is over 1."""
    scores = check_reranker(make("reranker", "lexical"))
    assert scores[0] == max(scores) <= 1
    assert min(scores) == 0


def test_its_score_is_the_documented_formula() -> None:
    """Weights by letters, at most 8, 8 with a digit; a fifth of the share hangs on neighbours."""
    # Stems: refund 6, card 4, a17 8; the function words are left out. Neighbours: refund card, card a17.
    question = "Is the refund to my card A17?"
    found = lexical(question, "Refunds to the card.", "a17", "card a17 refunds", "refund card a17", "nothing")
    wanted = [0.8 * 10 / 18 + 0.2 * 10 / 18 * 0.5, 0.8 * 8 / 18, 0.8 + 0.2 * 0.5, 1.0, 0.0]
    assert list(found) == pytest.approx(wanted, abs=1e-6)


def test_words_that_mean_something_count_and_function_words_do_not() -> None:
    """But a question of function words alone is scored by them."""
    assert lexical("What is the price?", "This is what the shop is for.", "Prices: see below.") == (0.0, 1.0)
    assert lexical("who are you", "who are you", "the shop") == (1.0, 0.0)


def test_a_question_without_words_scores_nothing() -> None:
    """No word, no score, and no error."""
    assert lexical("?!", "a text", "") == (0.0, 0.0)


# A cross-encoder in a local folder.


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package sentence-transformers is not installed, whatever is."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)


def cross_encoder(folder: Path, **settings: Any) -> Any:
    """The folder's reranker, by a path relative to its workspace."""
    return make("reranker", {"use": f"cross-encoder/{folder.name}", "workspace": str(folder.parent), **settings})


def wanted_logit(tensors: tiny_bert.Weights, question: str, text: str, longest: int = 40) -> float:
    """The number of a forward pass in numpy; what is too long is cut off the end of the text."""
    cut = tiny_bert.tokenizer()
    cut.enable_truncation(longest, strategy="only_second")
    encoded = cut.encode(question, text)
    return float(tiny_bert.logits(tensors, encoded.ids, encoded.type_ids)[0])


@pytest.mark.usefixtures("no_torch")
def test_a_bert_gives_the_scores_of_a_forward_pass_in_numpy(tmp_path: Path) -> None:
    """Pairs of any length in one batch, the text cut and not the question; a sigmoid is put over the number."""
    tensors = tiny_bert.random_weights(labels=1)
    folder = tiny_bert.write_bert(tmp_path / "cross", tensors)
    found = np.array(score(cross_encoder(folder), QUESTION, TEXTS).scores)
    logits = np.array([wanted_logit(tensors, QUESTION, text) for text in TEXTS])
    assert np.abs(found - 1 / (1 + np.exp(-logits))).max() < 1e-5
    assert found.max() - found.min() > 0.01


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize(
    "told",
    [
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}},
        {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
    ],
)
def test_without_a_sigmoid_where_the_model_says_so(told: dict[str, Any], tmp_path: Path) -> None:
    """The package's two ways of saying it."""
    tensors = tiny_bert.random_weights(labels=1)
    folder = tiny_bert.write_bert(tmp_path / "cross", tensors, **told)
    found = score(cross_encoder(folder), QUESTION, TEXTS).scores
    assert found == pytest.approx([wanted_logit(tensors, QUESTION, text) for text in TEXTS], abs=1e-4)


@pytest.mark.usefixtures("no_torch")
def test_the_cross_encoder_keeps_the_contract(tmp_path: Path) -> None:
    """Scores hang on the pair alone."""
    folder = tiny_bert.write_bert(tmp_path / "cross", tiny_bert.random_weights(labels=1))
    check_reranker(cross_encoder(folder, top_n=3), texts=[*TEXTS[:2], TEXTS[3], TEXTS[0]])


@pytest.mark.usefixtures("no_torch")
def test_an_exported_cross_encoder_is_run_as_it_is(tmp_path: Path) -> None:
    """`onnx/model.onnx` gives the same scores."""
    tensors = tiny_bert.random_weights(labels=1)
    folder = tiny_bert.write_bert(tmp_path / "cross", tensors)
    before, first = score(cross_encoder(folder), QUESTION, TEXTS).scores, identity(cross_encoder(folder))
    (folder / "onnx").mkdir()
    content = bert.bert(tiny_bert.CONFIG, weights.read_safetensors(folder / "model.safetensors"), scores=True, about="")
    (folder / "onnx/model.onnx").write_bytes(content)
    (folder / "model.safetensors").unlink()
    assert score(cross_encoder(folder), QUESTION, TEXTS).scores == pytest.approx(before, abs=1e-6)
    assert identity(cross_encoder(folder)) != first


@pytest.mark.usefixtures("no_torch")
def test_a_long_question_leaves_room_for_the_text(tmp_path: Path) -> None:
    """A question over half of the room is cut; the text still decides."""
    folder = tiny_bert.write_bert(tmp_path / "cross", tiny_bert.random_weights(labels=1))
    one, other = score(cross_encoder(folder), "when is the shop open " * 30, TEXTS[:2]).scores
    assert one != pytest.approx(other, abs=1e-4)


@pytest.mark.usefixtures("no_torch")
def test_what_is_no_reranker_is_the_users_mistake(tmp_path: Path) -> None:
    """Several labels, an embedding model, an unknown activation, a Hub name without the package, a wrong path."""
    several = tiny_bert.write_bert(tmp_path / "several", tiny_bert.random_weights(labels=3))
    with pytest.raises(UserError, match="tells 3 labels apart"):
        cross_encoder(several).connect()
    embedder = tiny_bert.write_bert(tmp_path / "embedder", tiny_bert.random_weights())
    with pytest.raises(UserError, match=r"hold no classifier.weight"):
        cross_encoder(embedder).connect()
    told = {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Tanh"}}
    with pytest.raises(UserError, match="activation Tanh is not known"):
        cross_encoder(tiny_bert.write_bert(tmp_path / "tanh", tiny_bert.random_weights(labels=1), **told)).connect()
    with pytest.raises(UserError, match=r"harness-sweep\[sentence-transformers\].*harness-sweep\[onnx\]"):
        make("reranker", "cross-encoder/ms-marco-MiniLM-L6-v2").connect()
    with pytest.raises(UserError, match="no such folder"):
        make("reranker", "cross-encoder/../nowhere").connect()


def test_the_package_runs_them_where_it_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A plain name is the Hub's cross-encoder account, one with an owner and a folder are taken as they are."""
    loaded: list[str] = []

    def create(name: str) -> Any:
        loaded.append(name)
        if name == "an/missing":
            raise OSError("no such model")

        def predict(pairs: list[tuple[str, str]], show_progress_bar: bool) -> Any:
            assert not show_progress_bar
            return np.array([relevance(question, text) for question, text in pairs], dtype=np.float32)

        return SimpleNamespace(num_labels=1, predict=predict)

    package = ModuleType("sentence_transformers")
    package.CrossEncoder = create  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)
    (tmp_path / "mine").mkdir()
    check_reranker(make("reranker", "cross-encoder/ms-marco-MiniLM-L6-v2"))
    make("reranker", "cross-encoder/BAAI/bge-reranker-base").connect()
    make("reranker", {"use": "cross-encoder/mine", "workspace": str(tmp_path)}).connect()
    assert loaded == ["cross-encoder/ms-marco-MiniLM-L6-v2", "BAAI/bge-reranker-base", str(tmp_path / "mine")]
    with pytest.raises(UserError, match="cannot be loaded: no such model"):
        make("reranker", "cross-encoder/an/missing").connect()


# The contract itself.


@dataclass(frozen=True)
class Good:
    """A reranker without a fault, for others to be made from."""

    version: ClassVar[int] = 1
    local: ClassVar[bool] = True
    batch_size: ClassVar[int] = 4
    top_n: ClassVar[int | None] = None
    price_name: ClassVar[str | None] = None
    environment: ClassVar[tuple[str, ...]] = ()

    def connect(self) -> Any:
        """The object is its own connection."""
        return self

    async def score(self, question: str, texts: Sequence[str]) -> Any:
        """The share of words that are the question's."""
        return Ranked(tuple(self.fit(question, text) for text in texts))

    def fit(self, question: str, text: str) -> float:
        """One score."""
        return float(relevance(question, text))

    async def close(self) -> None:
        """Nothing to release."""


async def _by_rank(self: Any, question: str, texts: Sequence[str]) -> Ranked:
    return Ranked(tuple(float(i) for i in range(len(texts))))


async def _by_best(self: Any, question: str, texts: Sequence[str]) -> Ranked:
    scores = [relevance(question, text) for text in texts]
    return Ranked(tuple(one / max(scores) for one in scores))


async def _as_list(self: Any, question: str, texts: Sequence[str]) -> Ranked:
    return Ranked([0.5] * len(texts))  # type: ignore[arg-type]


async def _too_few(self: Any, question: str, texts: Sequence[str]) -> Ranked:
    return Ranked((0.5,) * (len(texts) - 1))


async def _bare(self: Any, question: str, texts: Sequence[str]) -> Any:
    return [0.5] * len(texts)


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"score": _by_rank}, "equal texts must get equal scores|equal texts got"),
    ({"score": _by_best}, "must not depend on other texts"),
    ({"score": _as_list}, "must be a tuple, found list"),
    ({"score": _too_few}, "5 texts came to 4 scores"),
    ({"score": _bare}, "must return a harness.records.Ranked, found list"),
    ({"fit": lambda self, question, text: 1.0}, "must get different scores"),
    ({"fit": lambda self, question, text: float("nan")}, "finite floats"),
    ({"fit": lambda self, question, text: np.float32(relevance(question, text))}, "floats of Python's own"),
    ({"top_n": 0}, "`top_n` is 0"),
    ({"batch_size": 0}, "`batch_size` must be at least 1"),
    ({"version": 0}, "version is 0"),
]


@pytest.mark.parametrize(("changes", "said"), BROKEN)
def test_a_broken_reranker_is_found_out(changes: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound one passes; with one fault it fails with a sentence that names the fault."""
    known("reranker")
    monkeypatch.setattr(registry, "_register", dict(registry._register))

    def made(name: str, changed: dict[str, Any]) -> Any:
        cls: Any = dataclass(frozen=True)(type("Made", (Good,), {"__module__": __name__, **changed}))
        return part("reranker", name)(cls)()

    check_reranker(made("good", {}))
    with pytest.raises(AssertionError, match=said):
        check_reranker(made("broken", changes))
