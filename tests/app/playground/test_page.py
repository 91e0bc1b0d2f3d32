"""The playground: configurations are asked side by side; nothing is paid unasked; sessions and stores stay apart."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.app import settings
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.board.playground.candidates import proven_of
from harness.study.registry import promote
from harness.study.registry.record import record_of
from tests.app.conftest import Draw, sent, texts
from tests.app.playground.conftest import BOT, CHATS, PLAIN, SATURDAYS, agree, ask, kept, of, runs, smuggle
from tests.loopback import Loopback
from tests.sweeps.test_conversing import HOSTED
from tests.workspaces import CONFIG, make_workspace, write


def test_two_configurations_are_asked_the_same_and_answer_as_their_runs_did(draw: Draw, local: StoredSweep) -> None:
    """Side by side, with passages and what it took; what each is, how good, and what it costs is said before."""
    test = draw(runs(local), "playground", a="@production", b=of(local, 7))
    said = texts(test)
    assert "production (version 1)" in said and of(local, 2) in said
    assert len(re.findall(r"correct [\d.]+ \(95%: [\d.]+ to [\d.]+; n 8\)", said)) == 2
    assert said.count("asks local models only; a question costs nothing") == 2
    assert not test.chat_input[0].disabled and not test.checkbox
    said = texts(ask(test, SATURDAYS))
    rows = zip(*(local.outcomes[name].to_pylist() for name in ("variant", "example", "answer")), strict=True)
    by_cell = {(variant, example): answer for variant, example, answer in rows}
    for number in (2, 7):
        assert f">{by_cell[local.variants[number]['id'], 'q0']}</p>" in said
    assert said.count("tokens · free · known, not asked again") == 2
    assert texts(ask(test, "Do you sell tea?")).count("tokens · free · asked") == 2
    assert [each.label for each in test.expander][:2] == ["3 passages", "1 passage"]
    assert "1. hours.md " in said and "similarity 0." in said


def test_each_configuration_has_its_own_past(draw: Draw, paid: StoredSweep, server: Loopback) -> None:
    """The turns before go to the model; a new conversation begins without them; a failure is no turn."""
    test = agree(draw(runs(paid), "playground", a=of(paid)))
    before = server.count(CHATS)
    server.fail(1, 400)
    said = texts(ask(test, "Is this lost?"))
    assert "no answer: generate: bad_request" in said
    for question, roles in (("Hello", 2), ("And now?", 4)):
        ask(test, question)
        assert len(server.calls[-1].body["messages"]) == roles
    test.button(key="new").click().run()
    assert "Hello" not in texts(test)
    ask(test, "And now?")
    assert len(server.calls[-1].body["messages"]) == 2
    assert server.count(CHATS) == before + 4


def test_nothing_is_asked_of_a_paid_model_before_the_tick(draw: Draw, paid: StoredSweep, server: Loopback) -> None:
    """Its price, its name and its server are said; the page does nothing on its own, nor when it is made to."""
    before = server.count()
    test = draw(runs(paid), "playground", a=of(paid))
    said = texts(test)
    assert f"asks openai/small at {server.url}/v1; a question costs about USD 0.0000" in said
    assert "(mean of 8 answers of its run)" in said
    assert test.chat_input[0].disabled
    smuggle(test, "Smuggled past the tick?")
    assert server.count() == before
    test = agree(test)
    assert not test.chat_input[0].disabled
    said = texts(ask(test, "Are you open?"))
    assert server.count() == before + 1
    assert "aRE YOU OPEN?" in said
    assert "for answers of this conversation" in said
    ask(test, SATURDAYS)
    assert server.count() == before + 2  # with the turn before it is another request
    test.button(key="new").click().run()
    assert "when it was asked · known, not asked again" in texts(ask(test, SATURDAYS))
    assert server.count() == before + 2


def test_a_dashboard_that_may_not_write_asks_nothing(
    draw: Draw, paid: StoredSweep, local: StoredSweep, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why, and can be made to ask neither what costs nor what does not."""
    monkeypatch.setenv(settings.READ_ONLY, "1")
    before = server.count()
    for stored in (paid, local):
        test = draw(runs(stored), "playground", a=of(stored))
        assert "Nothing can be asked here: this dashboard was opened with" in texts(test)
        assert test.chat_input[0].disabled
        smuggle(test, "Smuggled?")
        assert "muggled" not in texts(test).lower()
    assert server.count() == before


def test_a_missing_key_is_named(draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Loopback) -> None:
    """The variable, and that nothing can be asked until it is there; the other configuration is still shown."""
    monkeypatch.setenv("OPENAI_API_KEY", "something")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    text = HOSTED.replace('{use: openai/small, base_url: "URL/v1"}', "openai/gpt-4o-mini")
    stored = kept(make_workspace(tmp_path, text.replace("INDEX", "exact").replace("RETRIEVER", "bm25"), "h.yaml"))
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    test = draw(runs(stored), "playground", a=of(stored))
    assert not test.exception
    assert "OPENAI" in texts(test) and "is not set" in texts(test)
    assert test.chat_input[0].disabled


def test_a_knowledge_base_that_changed_has_to_be_agreed_to(draw: Draw, tmp_path: Path) -> None:
    """The page says what is otherwise; when it is brought back, the tick is gone."""
    stored = kept(make_workspace(tmp_path, CONFIG))
    path = tmp_path / "datasets/articles/hours.md"
    before = path.read_text()
    path.write_text("# Hours\n\nAlways open, on Saturdays too.\n")
    test = draw(runs(stored), "playground", a=of(stored))
    assert "is not what was evaluated" in texts(test)
    assert test.chat_input[0].disabled
    test.checkbox[0].check().run()
    assert "Always open, on Saturdays too." in texts(ask(test, SATURDAYS))
    path.write_text(before)
    test.button(key=f"again-{of(stored)}").click().run()
    assert "is not what was evaluated" not in texts(test)
    assert not test.chat_input[0].disabled


def test_a_hostile_answer_is_only_read(draw: Draw, odd: StoredSweep) -> None:
    """Markup is text, control characters are spelt out, a megabyte is cut."""
    test = draw(runs(odd), "playground", a=of(odd))
    for question in ("<b>Well?</b>", "How much?"):
        ask(test, question)
    assert not test.error
    bodies = "".join(sent(test))
    for bad in ("<script", "<img", "<b>Well", "<!--", "\u202e", "\x1b"):
        assert bad not in bodies
    assert "&lt;script&gt;document.title" in bodies and "[U+202E]" in bodies
    assert "cut here: " in bodies
    assert len(bodies) < 200_000
    for each in [*test.markdown, *test.caption]:
        assert not each.allow_html


def test_sessions_do_not_mix(draw: Draw, local: StoredSweep) -> None:
    """Two people ask the same configuration; each sees their own questions."""
    one, two = (draw(runs(local), "playground", a="@production") for _ in range(2))
    ask(one, "Is this mine?")
    ask(two, "Is that yours?")
    assert "Is this mine?" in texts(one.run()) and "Is that yours?" not in texts(one)
    assert "Is that yours?" in texts(two.run()) and "Is this mine?" not in texts(two)


@pytest.mark.parametrize("key", ["../../etc/x", "@nobody", "no-such/x", "/etc/passwd", "s3://bucket/x", "@../x"])
def test_the_address_names_nothing_outside_the_store(draw: Draw, local: StoredSweep, key: str) -> None:
    """It says so, and offers what there is."""
    test = draw(runs(local), "playground", a=key)
    assert not test.exception
    assert "The address names no configuration of this folder" in texts(test)
    assert test.selectbox(key="a").value == "@production"
    with pytest.raises(UserError):
        proven_of(str(runs(local)), key)


def test_without_any_sweep_it_says_what_to_do(draw: Draw, tmp_path: Path) -> None:
    """An empty folder, and one that is not there."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        test = draw(folder, "playground")
        assert not test.exception and not test.chat_input
        assert "harness sweep CONFIG" in texts(test)


def test_a_broken_store_says_what_is_wrong(draw: Draw, tmp_path: Path) -> None:
    """A newer format, a torn header, one without a configuration."""
    stored = kept(make_workspace(tmp_path, CONFIG))
    header = json.loads((stored.folder.path / "sweep.json").read_text())
    for name, content in {
        "newer": json.dumps({**header, "format": 99}),
        "torn": '{"format": 1, "name": "to',
        "bare": '{"format": 1}',
        "odd": json.dumps({**header, "config": 3, "objective": []}),
    }.items():
        (runs(stored) / name).mkdir()
        (runs(stored) / name / "sweep.json").write_text(content)
        (runs(stored) / name / "variants.jsonl").write_bytes((stored.folder.path / "variants.jsonl").read_bytes())
        test = draw(runs(stored), "playground", sweep=name, a=f"{name}/{stored.variants[0]['id']}")
        assert not test.exception, name
        assert test.error, name


def test_a_registry_with_an_edited_file_is_told(draw: Draw, tmp_path: Path) -> None:
    """Runs can be talked to all the same."""
    stored = kept(make_workspace(tmp_path, CONFIG))
    record = record_of(stored, stored.variants[0])
    promote(Folder(runs(stored)), record, "production", reason="r", by="ann", force=True)
    file = runs(stored) / "_registry/000001.json"
    file.write_text(file.read_text().replace('"ann"', '"bob"'))
    test = draw(runs(stored), "playground", sweep=stored.id, a=of(stored))
    assert not test.exception
    assert "The registry cannot be shown" in texts(test)
    assert "Saturdays" in texts(ask(test, SATURDAYS))


def test_a_hostile_name_of_a_run_is_only_read(draw: Draw, tmp_path: Path) -> None:
    """Where a question is kept, too: an image in it would be fetched from elsewhere."""
    write(tmp_path / "bot.py", BOT)
    image = "![x](http://evil.example/a.png)"
    stored = kept(make_workspace(tmp_path, PLAIN + f'sweep: {{axes: {{system_prompt: {{"{image}": plain}}}}}}\n'))
    test = draw(runs(stored), "playground", a=of(stored))
    for question in ("Well?", "How much?"):
        ask(test, question)
    options = [option for each in test.radio for option in each.options]
    assert any("answered" in option for option in options)
    assert not any(image in option for option in options)
