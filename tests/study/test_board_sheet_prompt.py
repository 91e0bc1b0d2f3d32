"""What the model was told: rendered anew from the run folder, and proven by the key of the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.store import StoredSweep
from harness.store.layout import TEXTS_TABLE, VARIANTS
from harness.study.board.example.prompt import LONGEST, Prompt, prompt_of
from harness.study.board.example.sheet import sheet
from tests.study.reported import reported

Run = Callable[..., StoredSweep]
CONFIG = """
name: told
dataset: datasets/questions.jsonl
corpus: datasets/articles
repeats: 2
chatbot:
  model: "python:bot.py:answer"
  temperature: 0.5
  system_prompt: "You answer questions on {{ tags | join(', ') }}.{% for p in passages %} {{ p.number }}{% endfor %}"
  user_prompt: "{{ context }}\\n\\nQuestion: {{ question }}"
  retrieval:
    splitter: {use: recursive, chunk_size: 80, chunk_overlap: 10}
    embedder: local/hashing
    index: exact
    top_k: 4
    context: CONTEXT
sweep: {axes: {top_k: [2, 4]}}
metrics: [correct]
"""
BARE = """
name: bare
dataset: datasets/questions.jsonl
sweep: {axes: {max_tokens: [10, 20]}}
metrics: [correct]
chatbot: {model: local/extractive,"""
BOT = '''
def answer(request):
    """Says all that it was told."""
    return "|".join(message.content for message in request.messages)
'''
CONTEXTS = (
    "{use: passages}",
    "{use: passages, citations: true, passage_order: best_last, overlaps: merge}",
    '{use: passages, context_tokens: 40, passage_order: document, passage_template: "{{ document }}: {{ text }}"}',
    "{use: passages, overlaps: drop, passage_separator: ' / '}",
)


def told(stored: StoredSweep) -> list[tuple[dict[str, Any], Prompt]]:
    """Every side of every example with its prompt."""
    variants = [entry["id"] for entry in stored.variants]
    every = [(each["id"], side) for each in stored.examples for side in sheet(stored, each["id"], variants)["sides"]]
    return [(side, prompt_of(stored, example, side)) for example, side in every]


def damage(stored: StoredSweep, name: str, old: str, new: str) -> StoredSweep:
    """Change a file of the run folder; the sweep is read anew."""
    file = stored.folder.path / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return StoredSweep(stored.folder)


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_prompt_is_what_the_model_got(run: Run, tmp_path: Any, context: str) -> None:
    """To the letter, for every variant, example and repeat, however the context is made; and it is known to be so."""
    (tmp_path / "bot.py").write_text(BOT)
    found = told(run(CONFIG.replace("CONTEXT", context)))
    assert len(found) == 32
    for side, prompt in found:
        assert prompt.same, prompt.note
        assert [role for role, _ in prompt.messages] == ["system", "user"]
        assert side["answer"].text == "|".join(content.text for _, content in prompt.messages)


def test_without_retrieval_and_system_prompt_there_is_the_question(run: Run) -> None:
    """The model that reads passages itself, and finds none."""
    for _, prompt in told(run(BARE + ' user_prompt: "{{ question }}"}\n')):
        assert prompt.same
        assert [role for role, _ in prompt.messages] == ["user"]


def test_a_prompt_that_does_not_come_to_the_key_says_so(run: Run) -> None:
    """A template that was changed in the run folder is not what was sent."""
    stored = run()
    [old] = {entry["chatbot"]["user_prompt"] for entry in stored.variants}
    assert "Question" in old
    for _, prompt in told(damage(stored, VARIANTS, "Question", "Request")):
        assert not prompt.same
        assert "what was sent may differ" in prompt.note
        assert "Request: " in prompt.messages[-1][1].text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"use":"passages"', '"use":"stranger"'),
        ('"citations":false', '"citations":"no"'),
        ("{{ question }}", "{{ question.x.y }}"),
        ("{{ question }}", "{% question }}"),
    ],
)
def test_where_it_cannot_be_rendered_the_templates_are_shown(run: Run, old: str, new: str) -> None:
    """A part that is not installed, settings of another version, templates that cannot be filled."""
    for _, prompt in told(damage(run(), VARIANTS, old, new)):
        assert not prompt.same
        assert "cannot be put together" in prompt.note
        assert "{{ context }}" in prompt.messages[-1][1].text


def test_a_passage_without_its_text_is_no_empty_passage(run: Run) -> None:
    """The templates are shown in place of a prompt that lacks something."""
    stored = run()
    (stored.folder.path / TEXTS_TABLE).unlink()
    found = told(StoredSweep(stored.folder))
    assert {prompt.same for side, prompt in found if side["passages"]} == {False}
    assert any("is not stored" in prompt.note for _, prompt in found)


def test_where_nothing_was_asked_the_templates_are_shown(run: Run) -> None:
    """A cell that failed before there was a request."""
    template = "{{ metadata.nowhere.x }}"
    config = f'{BARE} user_prompt: "{template}"}}\nmax_failures: 100\n'
    found = told(run(config))
    assert len(found) == 16
    for side, prompt in found:
        assert side["request"] is None
        assert "Nothing was asked of the model" in prompt.note
        assert prompt.messages[-1][1].text == template


def test_results_of_another_program_have_no_prompt(run: Run) -> None:
    """As imports are."""
    for _, prompt in told(damage(run(), VARIANTS, '"user_prompt"', '"another"')):
        assert prompt.messages == ()
        assert "no prompt of this variant" in prompt.note


def test_a_long_message_is_cut(tmp_path: Any) -> None:
    """And it is known to be the same all the same."""
    stored = reported(tmp_path, prompts=f'"plain": "{"long " * 30_000}"', limit=1)
    [(_, prompt)] = told(stored)
    assert prompt.same
    assert len(prompt.messages[0][1].text) <= LONGEST
    assert prompt.messages[0][1].left_out
