"""A filter leaves each example the documents that it allows, and nothing of others is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config import load
from harness.errors import UserError
from harness.sweeps.inputs import read_inputs, resume_key
from tests.sweeps.chains import failures, lines, retrieved, sweep_of
from tests.workspaces import write

PRODUCTS = ("kettle", "lamp", "radio")
SAME_PRODUCT = "document.product == metadata.product"
CONFIG = f"""
name: filtered
dataset: questions.jsonl
corpus: manuals.jsonl
chatbot:
  model: local/extractive
  retrieval:
    splitter: {{use: recursive, chunk_size: 60, chunk_overlap: 0}}
    index: exact
    top_k: 4
    filter: "{SAME_PRODUCT}"
sweep: {{axes: {{retriever: [dense, bm25, hybrid]}}}}
metrics: [correct]
"""


def manuals(folder: Path, text: str = CONFIG, products: dict[str, str | None] | None = None) -> Path:
    """Two manuals for each of three products, one document without a product, and one question for each product.

    `products` are those of documents that have another than their name says; None takes it away.
    """
    rows: list[dict[str, Any]] = []
    for product in PRODUCTS:
        for part in ("a", "b"):
            name = f"{product}-{part}"
            told = (products or {}).get(name, product)
            body = (
                f"The {product} is switched on by its red switch. The switch of the {product} is on the back, {part}."
            )
            rows.append({"id": name, "text": body, **({"product": told} if told else {})})
    rows.append({"id": "house", "text": "Every switch is red. A switch is switched on by hand."})
    lines(folder / "manuals.jsonl", rows)
    questions = [
        {
            "id": p,
            "question": "How is the switch switched on?",
            "references": ["red switch"],
            "metadata": {"product": p},
        }
        for p in PRODUCTS
    ]
    lines(folder / "questions.jsonl", [*questions, {"id": "any", "question": "Where is the switch?"}])
    return write(folder / "filtered.yaml", text)


@pytest.mark.parametrize("index", ["exact", "{use: chroma, search: approximate}", "chroma"])
def test_only_the_examples_own_documents_come_back(tmp_path: Path, index: str) -> None:
    """For every retriever; the house rules, which have no product, are left out; who has no product finds nothing."""
    found = retrieved(sweep_of(manuals(tmp_path, CONFIG.replace("index: exact", f"index: {index}"))))
    for retriever in ("dense", "bm25", "hybrid"):
        for product in PRODUCTS:
            documents = {p["document"] for p in found[retriever, product]}
            assert documents == {f"{product}-a", f"{product}-b"}, (retriever, product)
            assert len(found[retriever, product]) == (2 if retriever == "bm25" else 4)
        assert found[retriever, "any"] == []


def test_without_a_filter_others_come_back_too(tmp_path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    found = retrieved(sweep_of(manuals(tmp_path), "chatbot.retrieval.filter=null"))
    assert any(not p["document"].startswith("lamp") for p in found["dense", "lamp"])


def test_other_metadata_change_what_the_next_run_finds(tmp_path: Path) -> None:
    """The texts are the same, so their vectors are found made; the passages are those of today's metadata."""
    before = sweep_of(manuals(tmp_path))
    after = sweep_of(manuals(tmp_path, products={"lamp-b": "kettle", "radio-a": None}))
    found = retrieved(after)
    assert {p["document"] for p in found["dense", "kettle"]} == {"kettle-a", "kettle-b", "lamp-b"}
    assert {p["document"] for p in found["bm25", "lamp"]} == {"lamp-a"}
    assert {p["document"] for p in found["hybrid", "radio"]} == {"radio-b"}
    assert after.summary["embeddings"]["made"] == 0
    assert before.summary["embeddings"]["made"] > 0


def test_an_interrupted_sweep_is_not_carried_on_with_other_metadata(tmp_path: Path) -> None:
    """Metadata are part of what a sweep with a filter means, and no part of one without."""

    def key(*overrides: str, **products: Any) -> str:
        config = load(manuals(tmp_path, products=products.get("products")), overrides)
        return resume_key(config, read_inputs(config), False)

    changed = {"lamp-b": "kettle"}
    assert key() == key()
    assert key() != key(products=changed)
    off = "chatbot.retrieval.filter=null"
    assert key(off) == key(off, products=changed)


def test_front_matter_and_tags_can_be_filtered_by(tmp_path: Path) -> None:
    """A Markdown file's own metadata; `document.id` is there for all."""
    path = manuals(tmp_path, CONFIG.replace("manuals.jsonl", "pages"))
    write(tmp_path / "pages/lamp.md", "---\nproduct: lamp\n---\nThe switch of the lamp is red.\n")
    write(tmp_path / "pages/radio.md", "---\nproduct: radio\n---\nThe switch of the radio is black.\n")
    found = retrieved(sweep_of(path))
    assert [p["document"] for p in found["dense", "lamp"]] == ["lamp.md"]
    assert found["dense", "lamp"][0]["text"].startswith("The switch")
    by_id = retrieved(sweep_of(path, "chatbot.retrieval.filter=document.id == 'radio.md'"))
    assert {p["document"] for passages in by_id.values() for p in passages} == {"radio.md"}


def test_a_field_that_no_document_has_is_told_before_anything_is_spent(tmp_path: Path) -> None:
    """The nearest name is offered; no run is begun."""
    path = manuals(tmp_path, CONFIG.replace("document.product", "document.produkt"))
    with pytest.raises(UserError, match=r"document\.produkt, which no document has.*product") as caught:
        sweep_of(path)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / ".harness").exists()


def test_an_unknown_name_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    """A filter may name the document and the example's own fields, nothing else."""
    path = manuals(tmp_path, CONFIG.replace("metadata.product", "example.product"))
    with pytest.raises(UserError) as caught:
        load(path)
    [mistake] = caught.value.mistakes
    assert (mistake.place.line, mistake.place.file.endswith("filtered.yaml")) == (11, True)
    assert "example" in mistake.found


def test_a_filter_reaches_no_other_variants(tmp_path: Path) -> None:
    """Filters as an axis: each variant finds by its own, and nothing fails."""
    text = CONFIG.replace(
        "retriever: [dense, bm25, hybrid]", f'filter: [null, "{SAME_PRODUCT}"], reranker: [none, lexical]'
    )
    done = sweep_of(manuals(tmp_path, text))
    found = retrieved(done)
    assert failures(done) == {}
    assert {p["document"].split("-")[0] for p in found[SAME_PRODUCT, "lexical", "lamp"]} == {"lamp"}
    assert len({p["document"].split("-")[0] for p in found[None, "lexical", "lamp"]}) > 1


def test_only_what_a_reranking_variant_found_is_scored(tmp_path: Path) -> None:
    """Variants that share a retrieval but not its filter: the reranker sees the passages of its own variant alone."""
    text = CONFIG.replace("retriever: [dense, bm25, hybrid]", "reranker: [none], filter: [null]").replace(
        "axes:", f'include: [{{filter: "{SAME_PRODUCT}", reranker: lexical}}], axes:'
    )
    done = sweep_of(manuals(tmp_path, text))
    assert done.summary["variants"] == 2
    reranked = {p["text"] for key, passages in retrieved(done).items() if "lexical" in key for p in passages}
    stage = done.summary["stages"]["rerank"]
    assert (stage["naive"], stage["made"], stage["distinct"]) == (12, len(reranked), len(reranked))
