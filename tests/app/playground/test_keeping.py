"""A question of the playground becomes an example of a dataset, in the workspace and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import read_dataset
from harness.errors import UserError
from harness.records import Message
from harness.study.board.playground import drafting
from tests.app.conftest import Draw, texts
from tests.app.playground.conftest import SATURDAYS, ask, kept, of, runs
from tests.workspaces import CONFIG, make_workspace, write


def test_a_question_is_kept_with_its_turns(draw: Draw, tmp_path: Path) -> None:
    """In a dataset of the workspace that stays sound, with who added it; the same once only; and not outside."""
    stored = kept(make_workspace(tmp_path, CONFIG))
    file = tmp_path / "datasets/questions.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    test = draw(runs(stored), "playground", a=of(stored))
    ask(test, SATURDAYS)
    ask(test, "And when are you closed?")
    assert "Say who adds it" in texts(test)
    test.text_input(key="keep-by").input("ann").run()
    test.radio(key="keep-way-1").set_value(of(stored)).run()
    test.text_area(key="keep-references-1").input("On Sundays\n\non holidays").run()
    test.text_input(key="keep-tags-1").input("closing, turns").run()
    assert test.selectbox(key="keep-file").value == "questions.jsonl"
    test.button(key="keep-add").click().run()
    assert "has 9 examples now" in "".join(each.value for each in test.success)
    found = read_dataset(file).examples[-1]
    assert [each.role for each in found.messages] == ["user", "assistant", "user"]
    assert found.references == ("On Sundays", "on holidays")
    assert found.tags == ("closing", "turns")
    assert (found.metadata["added_by"], found.metadata["run"]) == ("ann", of(stored))
    test.button(key="keep-add").click().run()
    assert "asks the same already" in texts(test)
    test.selectbox(key="keep-file").select_index(1).run()
    test.text_input(key="keep-name").input("../outside.jsonl").run()
    test.button(key="keep-add").click().run()
    assert "names no dataset below datasets" in texts(test)
    test.text_input(key="keep-name").input("new/mine.jsonl").run()
    test.button(key="keep-add").click().run()
    assert len(read_dataset(tmp_path / "datasets/new/mine.jsonl").examples) == 1
    assert len(read_dataset(file).examples) == 9


@pytest.mark.parametrize(
    "name", ["../x.jsonl", "/etc/x.jsonl", "a/../../x.jsonl", ".x.jsonl", "x.csv", "x\x00.jsonl", "link/x.jsonl", ""]
)
def test_no_file_outside_the_datasets_is_written(tmp_path: Path, name: str) -> None:
    """Neither by its name nor by a link."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "datasets/link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="names no dataset below datasets/"):
        drafting.file_in(tmp_path, name)
    write(tmp_path / "elsewhere/secret.jsonl", "{}\n")
    assert drafting.datasets_in(tmp_path) == []


def test_a_dataset_that_is_broken_is_left_alone(tmp_path: Path) -> None:
    """The line is not added to a file that no sweep could read."""
    file = write(tmp_path / "x.jsonl", '{"question": "One?"}\n{"question": 3}\n')
    before = file.read_bytes()
    line = drafting.draft([Message("user", "Two?")], by="ann")
    with pytest.raises(UserError, match=r"x\.jsonl:2"):
        drafting.append(file, line)
    assert file.read_bytes() == before
    with pytest.raises(UserError, match="content is empty"):
        drafting.draft([Message("user", "A"), Message("assistant", " "), Message("user", "B")], by="ann")
