"""The hashing embedder: the same everywhere, near where words are shared, fast."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from harness.plugins import identity, make
from harness.testing.embedders import check_embedder
from tests.parts.asking import embed


def hashing(**settings: Any) -> Any:
    """The part under test."""
    return make("embedder", {"use": "local/hashing", **settings})


def similarity(one: str, other: str) -> float:
    """The cosine of two texts."""
    vectors = embed(hashing(), [one, other]).vectors
    return float(vectors[0] @ vectors[1])


def test_it_keeps_the_contract_of_an_embedder() -> None:
    """The embedder does what the protocol promises, and its vectors have length 1."""
    vectors = check_embedder(hashing())
    assert vectors.shape[1] == 1024
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ("The delivery takes three days", "Refunds reach the card after a week"),
        ("deliveries", "refunds"),
        ("What about delivery?", "What about the refund?"),
        ("Delivrey of parcels", "Refunds of cards"),
    ],
)
def test_shared_words_stems_and_parts_of_words_bring_texts_near(near: str, far: str) -> None:
    """Inflected and misspelt words still find the text; a text with no word in common lies far off."""
    text = "Delivery of parcels takes two to three days."
    assert similarity(text, near) > similarity(text, far) + 0.1


def test_common_words_alone_do_not_bring_texts_near() -> None:
    """Function words count for little next to words that mean something."""
    assert similarity("What is the price of it?", "What is the colour of it?") < 0.4


def test_a_repeated_word_counts_less_than_in_proportion() -> None:
    """1 + log(frequency): a word that stands ten times does not drown the other one."""
    assert similarity("apple " * 10 + "pear", "pear") > 0.2


def test_a_text_without_words_is_the_zero_vector() -> None:
    """No word, no direction: similar to nothing, and no NaN."""
    vectors = embed(hashing(), ["", "?!", "word"]).vectors
    assert vectors[:2].tolist() == np.zeros((2, 1024)).tolist()
    assert vectors[2].any()


def test_the_same_text_gives_the_same_bytes_in_every_process() -> None:
    """Python's own hashing is salted by process; ours is not."""
    code = (
        "import asyncio, hashlib; from harness.plugins import make; c = make('embedder', 'local/hashing').connect();"
        "v = asyncio.run(c.embed(['The shop opens at nine, 漢字.'], 'query')).vectors;"
        "print(hashlib.sha256(v.tobytes()).hexdigest())"
    )
    here = embed(hashing(), ["The shop opens at nine, 漢字."], "query").vectors
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONHASHSEED": salt}
        )
        assert done.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest(), done.stderr


def test_prefixes_are_put_before_the_texts() -> None:
    """By purpose, as with every embedder; unset, they change no key."""
    prefixed = hashing(query_prefix="price of ", passage_prefix="about ")
    for purpose, prefix in (("query", "price of "), ("passage", "about ")):
        wanted = embed(hashing(), [f"{prefix}apples"]).vectors
        assert embed(prefixed, ["apples"], purpose).vectors.tolist() == wanted.tolist()
    assert identity(hashing()) == {"use": "local/hashing", "dimensions": 1024, "version": 2}


def test_dimensions_are_a_setting() -> None:
    """The number of dimensions is what the user says; too few are refused."""
    assert embed(hashing(dimensions=64), ["a text"]).vectors.shape == (1, 64)
    with pytest.raises(ValidationError, match="at least 8"):
        hashing(dimensions=4)
