"""The playground: configurations are asked side by side; nothing is paid unasked; good questions are kept."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from harness.app import settings
from harness.app.talks import Line, Pool
from harness.config import load
from harness.data import read_dataset
from harness.errors import UserError
from harness.store import Folder, StoredSweep
from harness.study.board import drafting
from harness.study.board.playground import proven_of
from harness.study.registry import promote
from harness.study.registry.record import record_of
from harness.study.summary import summarise
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.app.conftest import Draw, shoot, texts
from tests.app.test_browser import settled
from tests.loopback import Loopback
from tests.study.reported import HOSTILE
from tests.sweeps.test_conversing import HOSTED
from tests.workspaces import CONFIG, QUESTIONS, make_workspace, write

Serve = Callable[..., str]
SATURDAYS = str(QUESTIONS[0]["question"])
CHATS = "/v1/chat/completions"
BOT = f"""
def answer(request):
    \"\"\"What no page should believe; a megabyte of it where that is asked for.\"\"\"
    return {HOSTILE!r} + " x" * (500_000 if "much" in request.question else 3)
"""
PLAIN = """
name: odd
dataset: datasets/questions.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: plain, user_prompt: "{{ question }}"}
metrics: [token_f1]
objective: {maximize: token_f1}
"""


def kept(path: Path, config: Any = None) -> StoredSweep:
    """A sweep, run and summarised."""
    found = config or load(path)
    stored = run_sweep(found, Options(runs=str(found.workspace / "runs")), Progress())
    summarise(stored, keep=True)
    return stored


def of(stored: StoredSweep, number: int = 0) -> str:
    """The key of a run."""
    return f"{stored.id}/{stored.variants[number]['id']}"


def runs(stored: StoredSweep) -> Path:
    """The folder of its runs."""
    return stored.folder.path.parent


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep that costs nothing; a variant is promoted as `production`."""
    stored = kept(make_workspace(tmp_path_factory.mktemp("local"), CONFIG))
    record = record_of(stored, stored.variants[2])
    promote(Folder(runs(stored)), record, "production", reason="best", by="ann", force=True)
    return stored


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep whose bot answers with markup and control characters."""
    folder = tmp_path_factory.mktemp("odd")
    write(folder / "bot.py", BOT)
    return kept(make_workspace(folder, PLAIN))


@pytest.fixture(scope="session")
def server() -> Iterator[Loopback]:
    """A paid model."""
    with Loopback() as found:
        yield found


@pytest.fixture(scope="session")
def paid(tmp_path_factory: pytest.TempPathFactory, server: Loopback) -> StoredSweep:
    """A sweep over that model."""
    text = HOSTED.replace("URL", server.url).replace("INDEX", "exact").replace("RETRIEVER", "dense")
    return kept(make_workspace(tmp_path_factory.mktemp("paid"), text))


def ask(test: AppTest, question: str) -> AppTest:
    """Type a question and wait for the answers."""
    found = test.chat_input[0].set_value(question).run()
    assert not found.exception
    return found


def smuggle(test: AppTest, question: str) -> AppTest:
    """Ask where the page does not let one: what a client of one's own could send."""
    test.chat_input[0].proto.disabled = False
    return ask(test, question)


def agree(test: AppTest) -> AppTest:
    """Tick what has to be agreed to."""
    return next(each for each in test.checkbox if each.label.startswith("Ask, and pay")).check().run()


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
    bodies = "".join(str(each.proto.body) for each in test.get("html"))
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
    from harness.records import Message

    file = write(tmp_path / "x.jsonl", '{"question": "One?"}\n{"question": 3}\n')
    before = file.read_bytes()
    line = drafting.draft([Message("user", "Two?")], by="ann")
    with pytest.raises(UserError, match=r"x\.jsonl:2"):
        drafting.append(file, line)
    assert file.read_bytes() == before
    with pytest.raises(UserError, match="content is empty"):
        drafting.draft([Message("user", "A"), Message("assistant", " "), Message("user", "B")], by="ann")


class Still:
    """A talk that answers when it is told to."""

    def __init__(self) -> None:
        self.coming: Future[Any] = Future()
        self.closed = False

    def start(self, messages: Any, tell: Any) -> Future[Any]:
        """Not yet."""
        return self.coming

    def close(self) -> None:
        """No more."""
        self.closed = True


def test_the_pool_closes_the_oldest_at_which_nobody_waits() -> None:
    """Never one whose answer is to come; two who open the same at once get one."""
    pool, talks = Pool(2), [Still() for _ in range(4)]
    lines = [pool.hold(i, lambda talk=talk: Line(lambda: talk, True)) for i, talk in enumerate(talks[:2])]  # type: ignore[misc]
    for line in lines:
        line.start([], print)
    talks[1].coming.set_result("x")
    third = pool.hold(2, lambda: Line(lambda: talks[2], True))
    third.start([], print)
    assert [talk.closed for talk in talks] == [False, True, False, False]
    assert pool.hold(0, lambda: Line(lambda: talks[3], True)) is lines[0]
    with pytest.raises(UserError, match="ask again"):
        lines[1].start([], print)
    gate = threading.Barrier(2)

    def slow() -> Line:
        gate.wait(10)
        return Line(lambda: talks[3], True)

    found: list[Line] = []
    threads = [threading.Thread(target=lambda: found.append(pool.hold("x", slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1]


# In a real browser.


def type_in(page: Any, question: str) -> None:
    """Ask."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")


def test_the_story_in_a_browser(page: Any, serve: Serve, local: StoredSweep) -> None:
    """Two configurations are chosen, asked, their passages opened, the question kept; the address shows the choice."""
    page.goto(f"{serve(runs(local))}/playground?a=@production&b={of(local, 7)}")
    page.get_by_text("a question costs nothing").first.wait_for()
    settled(page)
    shoot(page, "playground-empty")
    type_in(page, SATURDAYS)
    page.get_by_text("not asked again").nth(1).wait_for()
    type_in(page, "And when is it closed?")
    page.get_by_text("free · asked").nth(1).wait_for()
    settled(page)
    page.get_by_text(re.compile(r"^\d passages$")).last.click()
    settled(page)
    assert "b=" in page.url and "a=" in page.url
    shoot(page, "playground")
    page.get_by_text("Keep a question as an example").click()
    page.get_by_label("Added by").fill("ann")
    page.get_by_label("Added by").press("Tab")
    page.get_by_label("Dataset").wait_for()
    page.get_by_label("Good answers").fill("From 10 to 14.")
    page.get_by_label("Good answers").press("Tab")
    settled(page)
    shoot(page, "playground-keep")
    page.get_by_role("button", name="Add it").click()
    page.get_by_text("has 9 examples now").wait_for()
    shoot(page, "playground-kept")
    example = read_dataset(runs(local).parent / "datasets/questions.jsonl").examples[-1]
    assert (example.question, example.references) == ("And when is it closed?", ("From 10 to 14.",))
    assert page.requests_elsewhere == []


def test_words_are_read_while_they_come(page: Any, serve: Serve, paid: StoredSweep, server: Loopback) -> None:
    """After the tick; the answer grows, can be stopped, and the next one comes whole."""
    page.goto(f"{serve(runs(paid))}/playground?a={of(paid)}")
    page.get_by_text("a question costs about USD").first.wait_for()
    settled(page)
    before = server.count(CHATS)
    assert page.get_by_test_id("stChatInputTextArea").is_disabled()
    shoot(page, "playground-paid")
    page.get_by_text("Ask, and pay for").click()
    settled(page)
    server.drip_s = 1.0
    try:
        type_in(page, "Say something that is quite long, please, in several pieces?")
        page.get_by_text(re.compile("sAY SOMETHING")).wait_for()
        assert page.get_by_text(re.compile("PIECES")).count() == 0
        shoot(page, "playground-words")
        page.get_by_role("button", name="Stop answering").click()
        page.get_by_text("given up").wait_for()
    finally:
        server.drip_s = 0.0
    type_in(page, "Once more, then?")
    page.get_by_text("oNCE MORE, THEN? (0 TURNS BEFORE)").wait_for()
    settled(page)
    shoot(page, "playground-stopped")
    assert server.count(CHATS) == before + 2


def test_nothing_hostile_runs_or_loads(page: Any, serve: Serve, odd: StoredSweep) -> None:
    """An answer of markup runs no script, loads no image, asks no other machine."""
    page.goto(f"{serve(runs(odd))}/playground?a={of(odd)}")
    page.get_by_text("a question costs nothing").wait_for()
    settled(page)
    type_in(page, "<img src=x onerror=\"document.title='ran'\"> How much?")
    page.get_by_text("free · asked").wait_for()
    settled(page)
    shoot(page, "playground-hostile")
    assert page.title() != "ran"
    assert page.locator("img[src='x'], img[src*=evil], a[href*=evil], [onerror]").count() == 0
    assert "<script>document.title" in page.inner_text(".stMain")
    assert page.requests_elsewhere == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
def test_it_fits_the_screen(browser: Any, serve: Serve, local: StoredSweep, width: int, scheme: str) -> None:
    """On a phone and on wide screens, light and dark."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(30_000)
    page.goto(f"{serve(runs(local))}/playground?a=@production&b={of(local, 7)}")
    page.get_by_text("a question costs nothing").first.wait_for()
    settled(page)
    type_in(page, SATURDAYS)
    page.get_by_text("not asked again").nth(1).wait_for()
    settled(page)
    shoot(page, f"playground-{width}-{scheme}")
    wide = page.evaluate("document.querySelector('.stMain').scrollWidth")
    assert wide <= width + 1
    assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()
