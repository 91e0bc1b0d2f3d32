"""The page Example: from question to question, what the model was told, and folders that cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.store import StoredSweep
from tests.app.conftest import Draw, sent, shoot, texts
from tests.app.test_browser import settled

Serve = Callable[..., str]


def test_buttons_go_from_example_to_example(draw: Draw, stories: StoredSweep) -> None:
    """In the order of the dataset, to both ends; the variants and the rest of the address stay."""
    ids, chosen = [each["id"] for each in stories.examples], stories.variants[5]["id"]
    test = draw(stories.folder.path.parent, "example", sweep=stories.id, example=ids[1], variants=chosen)
    assert f"example 2 of {len(ids)}" in texts(test)
    for button, place in (("next", 2), ("previous", 1), ("previous", 0), ("next", 1)):
        test.button(key=button).click().run()
        assert not test.exception and not test.error and not test.warning
        assert test.selectbox(key="example").value == ids[place]
        assert test.query_params["example"] in (ids[place], [ids[place]])
        assert f"example {place + 1} of {len(ids)}" in texts(test)
        assert stories.examples[place]["messages"][-1]["content"] in texts(test)
        assert test.multiselect(key="variants").value == [chosen]
    assert test.query_params["variants"] in (chosen, [chosen])


def test_the_ends_of_the_dataset_are_ends(draw: Draw, stories: StoredSweep) -> None:
    """There is nothing before the first example and nothing after the last; the widget still goes anywhere."""
    ids = [each["id"] for each in stories.examples]
    test = draw(stories.folder.path.parent, "example", sweep=stories.id)
    assert (test.button(key="previous").disabled, test.button(key="next").disabled) == (True, False)
    test.selectbox(key="example").select(ids[-1]).run()
    assert (test.button(key="previous").disabled, test.button(key="next").disabled) == (False, True)
    assert f"example {len(ids)} of {len(ids)}" in texts(test)


def test_the_page_has_one_heading(draw: Draw, stories: StoredSweep) -> None:
    """As the other pages, of the first level."""
    test = draw(stories.folder.path.parent, "example", sweep=stories.id)
    assert texts(test).count("<h1") == 1
    assert ">Example</h1>" in texts(test)


def test_what_the_model_was_told_is_shown_when_asked_for(draw: Draw, stories: StoredSweep) -> None:
    """System and user prompt as rendered, with the context, for each variant that is opened, and for no other."""
    variant = stories.variants[0]["id"]
    test = draw(stories.folder.path.parent, "example", sweep=stories.id, example="q2")
    assert "the key of the request proves it" not in texts(test)
    test.session_state[f"prompt-{variant}-0"] = True
    said = texts(test.run())
    assert not test.exception and not test.error
    assert said.count("the key of the request proves it the same") == 1
    assert "Question: Within how many days can I send something back?" in said
    test.button(key="next").click().run()
    assert "Question: Can I bring back sale items?" in texts(test)


def test_nothing_hostile_in_a_prompt_becomes_markup(draw: Draw, hostile: StoredSweep) -> None:
    """Prompts are texts of others."""
    test = draw(hostile.folder.path.parent, "example", sweep=hostile.id, example="q1")
    for entry in hostile.variants:
        test.session_state[f"prompt-{entry['id']}-0"] = True
    test.run()
    assert not test.exception and not test.error
    assert "What the model was told" in [each.label for each in test.expander]
    bodies = "".join(sent(test))
    for bad in ("<script", "<img", "<i>", "\u202e"):
        assert bad not in bodies


def test_a_file_that_cannot_be_read_is_named(draw: Draw, stories: StoredSweep, tmp_path: Path) -> None:
    """With its path and what is wrong, not with the name of an error of ours."""
    damages: list[tuple[str, bytes, str]] = [
        ("outcomes.parquet", b"PAR1", "outcomes.parquet cannot be read: it is no Parquet table, or a torn one"),
        ("scores.parquet", b"", "scores.parquet cannot be read: it is no Parquet table, or a torn one"),
        ("variants.jsonl", b'{"format": 1}\n{"label": "x"}\n', "variants.jsonl:2: this line has no id"),
        ("examples.jsonl", b'{"format": 1}\n{"id": "x"}\n', "examples.jsonl:2: this line has no messages"),
        ("sweep.json", b'{"format": 1}', "sweep.json lacks what a sweep has"),
    ]
    for number, (name, content, said) in enumerate(damages):
        runs = tmp_path / str(number)
        folder = Path(shutil.copytree(stories.folder.path, runs / stories.id))
        (folder / name).write_bytes(content)
        test = draw(runs, "example", sweep=folder.name)
        assert not test.exception
        shown = texts(test).replace("\\", "")
        assert said in shown, (name, shown)
        assert "Error" not in shown


def test_the_next_example_is_one_click_in_a_browser(page: Any, serve: Serve, stories: StoredSweep) -> None:
    """The address follows, so that a link shows the same; the prompt opens, and stays open."""
    ids = [each["id"] for each in stories.examples]
    page.goto(f"{serve(stories.folder.path.parent)}/example?sweep={stories.id}&example={ids[1]}")
    page.get_by_text(f"example 2 of {len(ids)}").wait_for()
    settled(page)
    page.get_by_text("What the model was told").first.click()
    page.get_by_text("the key of the request proves it the same").first.wait_for()
    page.get_by_role("button", name="Next").click()
    page.get_by_text(f"example 3 of {len(ids)}").wait_for()
    page.wait_for_function(f"() => /example={ids[2]}(&|$)/.test(location.search)")
    settled(page)
    shoot(page, "example-prompt")
    assert page.locator("h1").count() == 1
    assert page.get_by_text("the key of the request proves it the same").count() == 1
