"""The page of the registry: what aliases name, versions and their differences, promotion and rollback."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from harness.app import frame, settings
from harness.cli.main import command
from harness.store import Folder, StoredSweep
from harness.study.registry import promote, registry_of, rollback
from harness.study.registry.record import record_of
from harness.study.summary import summarise
from tests.app.conftest import Draw, sent, shoot, table, texts
from tests.app.test_browser import settled

Serve = Callable[..., str]


class Registered(NamedTuple):
    """A folder of runs with two versions, of the best run and of a worse one; the second is in production."""

    runs: Path
    best: str
    worse: str


def registered(stored: StoredSweep, folder: Path, reason: str = "it is cheaper") -> Registered:
    """A copy of a sweep's folder of runs in which two of its runs were promoted."""
    runs = Path(shutil.copytree(stored.folder.path.parent, folder / "runs"))
    copy = StoredSweep(Folder(runs / stored.id))
    best = summarise(copy, keep=True)["best_set"]
    chosen = next(entry for entry in copy.variants if entry["id"] in best)
    worse = next(entry for entry in reversed(copy.variants) if entry["id"] != chosen["id"])
    options: dict[str, Any] = {"by": "ann", "force": True, "without_calibration": True}
    for entry, why in ((chosen, "the best"), (worse, reason)):
        promote(Folder(runs), record_of(copy, entry), "production", reason=why, **options)
    promote(Folder(runs), record_of(copy, chosen), "staging", reason="to be watched", **options)
    return Registered(runs, f"{stored.id}/{chosen['id']}", f"{stored.id}/{worse['id']}")


@pytest.fixture(scope="session")
def seen(stories: StoredSweep, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """A registry to be looked at."""
    return registered(stories, tmp_path_factory.mktemp("registered"))


@pytest.fixture(scope="session")
def clicked(stories: StoredSweep, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """A registry to be changed in a browser."""
    return registered(stories, tmp_path_factory.mktemp("clicked"))


@pytest.fixture
def own(seen: Registered, tmp_path: Path) -> Registered:
    """A copy, to be changed."""
    return seen._replace(runs=Path(shutil.copytree(seen.runs, tmp_path / "runs")))


def entries(runs: Path) -> list[Any]:
    """The changes that the registry has."""
    return registry_of(runs).history()


def promoting(test: AppTest, run: str, alias: str, reason: str, by: str = "bob") -> AppTest:
    """Fill in the form of a promotion."""
    sweep, _, variant = run.partition("/")
    test.selectbox(key="promote-what").set_value(sweep).run()
    test.selectbox(key="promote-variant").set_value(variant).run()
    known = alias in ("production", "staging")
    test.selectbox(key="promote-as").set_value(alias if known else "+").run()
    if not known:
        test.text_input(key="promote-new").set_value(alias).run()
    test.text_input(key="change-reason").set_value(reason).run()
    if by:
        test.text_input(key="change-by").set_value(by).run()
    return test


def overruled(test: AppTest) -> AppTest:
    """Tick whatever can be overruled."""
    for box in test.checkbox:
        box.check()
    return test.run()


def test_without_a_registry_it_says_what_to_do(draw: Draw, tmp_path: Path) -> None:
    """An empty folder, and one that is not there; looking writes nothing."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        test = draw(folder, "registry")
        assert not test.exception and not test.error
        assert "harness promote SWEEP/VARIANT --as production" in texts(test)
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_production_and_why(draw: Draw, seen: Registered) -> None:
    """Version, run, score with interval and cells, who, why, what was overruled, data, the state of the run."""
    test = draw(seen.runs, "registry")
    said = texts(test)
    assert not test.exception and not test.error
    version = registry_of(seen.runs).current("production")
    for told in (seen.worse, "it is cheaper", "by ann", version.record["dataset"]["digest"], "✓ unchanged"):
        assert told in said, told
    assert f"correct {version.score['mean']:.3f}" in said
    assert list(table(test, "action")["reason"]) == ["to be watched", "it is cheaper", "the best"]
    assert list(table(test, "aliases")["aliases"]) == ["production", "staging"]
    shown = draw(seen.runs, "registry", version="1")
    assert yaml.safe_load(shown.code[0].value) == yaml.safe_load(registry_of(seen.runs).version(1).yaml())


def test_two_versions_differ_in_settings_and_scores(draw: Draw, seen: Registered) -> None:
    """Of any two, in the direction asked for."""
    test = draw(seen.runs, "registry", **{"from": "2", "to": "1"})
    assert not test.exception and not test.error
    settings_ = table(test, "setting")
    assert len(settings_) > 0 and (settings_["before"] != settings_["after"]).all()
    back = table(draw(seen.runs, "registry", **{"from": "1", "to": "2"}), "setting")
    assert list(back["before"]) == list(settings_["after"])
    assert "baseline_mean" in table(test, "p_corrected").columns


def test_a_run_that_changed_or_is_gone_is_told(draw: Draw, own: Registered) -> None:
    """Which file; a version needs no run to be shown."""
    scores = own.runs / own.best.partition("/")[0] / "scores.parquet"
    scores.write_bytes(scores.read_bytes() + b" ")
    said = texts(draw(own.runs, "registry"))
    assert "! changed:" in said and "(scores.parquet)" in said
    shutil.rmtree(scores.parent)
    test = draw(own.runs, "registry")
    assert not test.exception and not test.error
    assert "! gone:" in texts(test) and "is no longer there" in texts(test)


def test_a_tampered_entry_is_told_in_place_of_the_registry(draw: Draw, own: Registered) -> None:
    """With its file; nothing of it is shown, and no form."""
    file = own.runs / "_registry/000001.json"
    file.write_text(file.read_text().replace('"the best"', '"the rest"'))
    test = draw(own.runs, "registry")
    assert not test.exception
    assert "000001.json was changed after it was written" in texts(test).replace("\\", "")
    assert not test.dataframe and not test.button
    file.write_text('{"format": 99}')
    assert "upgrade harness" in texts(draw(own.runs, "registry")).replace("\\", "")


def test_nothing_hostile_becomes_markup(draw: Draw, hostile: StoredSweep, tmp_path: Path) -> None:
    """Prompts, labels and reasons, shown, compared, and in the form."""
    bad = registered(hostile, tmp_path, "<script>document.title='ran'</script>![x](http://evil/)")
    test = draw(bad.runs, "registry", **{"from": "1", "to": "2", "run": bad.best})
    assert not test.exception and not test.error, texts(test)
    bodies = "".join(sent(test))
    for each in ("<script", "<img", "<!--", "\u202e"):
        assert each not in bodies, each
    assert '<span class="h-miss">plain</span><span class="h-hit">fails</span>' in bodies, "prompts differ by word"
    assert not any(each.allow_html for each in [*test.markdown, *test.caption, *test.error])


def test_a_run_is_promoted_in_two_looks(draw: Draw, own: Registered) -> None:
    """Objections first; what is overruled, who and why are in the ledger as the command keeps them."""
    test = promoting(draw(own.runs, "registry"), own.worse, "canary", "try it")
    assert ("is not among the best" in texts(test)) == bool(test.checkbox)
    overruled(test).button(key="go-on").click().run()
    assert len(entries(own.runs)) == 3, "the first look writes nothing"
    assert "names nothing: it is a new alias" in texts(test)
    test.button(key="confirm").click().run()
    assert not test.exception and not test.error
    made = entries(own.runs)[-1]
    assert (made.alias, made.version, made.by, made.reason, made.action) == ("canary", 2, "bob", "try it", "promote")
    assert test.success[0].value.replace("\\", "") == "canary names version 2 (entry 4, by bob)."
    assert "canary" in list(table(test, "action")["alias"])


def test_what_speaks_against_it_must_be_ticked(draw: Draw, own: Registered) -> None:
    """A sweep that was interrupted: the objection, what to do, no way on before; kept as overruled after."""
    file = own.runs / own.best.partition("/")[0] / "exit.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "status": "interrupted"}))
    test = promoting(draw(own.runs, "registry"), own.best, "staging", "no time")
    assert "its sweep is interrupted" in texts(test)
    assert test.button(key="go-on").disabled
    overruled(test).button(key="go-on").click().run()
    test.button(key="confirm").click().run()
    assert entries(own.runs)[-1].overruled[0] == "its sweep is interrupted"


def test_no_reason_no_name_no_alias_no_way_on(draw: Draw, own: Registered) -> None:
    """Each is asked for; blanks are nothing; `latest` can be no alias."""
    test = promoting(draw(own.runs, "registry"), own.best, "staging", "why not")
    assert not test.button(key="go-on").disabled
    for key in ("change-reason", "change-by"):
        before = test.text_input(key=key).value
        test.text_input(key=key).set_value("  ").run()
        assert test.button(key="go-on").disabled, key
        test.text_input(key=key).set_value(before).run()
    test.selectbox(key="promote-as").set_value("+").run()
    assert test.button(key="go-on").disabled
    test.text_input(key="promote-new").set_value("latest").run()
    assert test.button(key="go-on").disabled
    assert "cannot be an alias" in texts(test)


def tables(test: AppTest, column: str) -> list[Any]:
    """The tables with that column."""
    return [each for each in test.dataframe if column in each.value.columns]


def test_a_rollback_goes_where_it_says(draw: Draw, own: Registered) -> None:
    """To the version that the last promotion put aside; one more entry."""
    test = draw(own.runs, "registry", change="rollback")
    assert test.selectbox(key="rollback-to-production").options[0].startswith("version 1")
    test.text_input(key="change-reason").set_value("complaints").run()
    test.text_input(key="change-by").set_value("eve").run()
    before = {column: len(tables(test, column)) for column in ("setting", "p_corrected")}
    test.button(key="go-on").click().run()
    assert 'It will name <span class="h-name">version 1 (' in texts(test)
    for column in ("setting", "p_corrected"):
        assert len(tables(test, column)) == before[column] + 1, "what differs from what it names now"
    test.button(key="confirm").click().run()
    assert not test.exception and not test.error
    made = entries(own.runs)[-1]
    assert (made.action, made.version, made.before, made.by, made.reason) == ("rollback", 1, 2, "eve", "complaints")


def test_another_promotion_in_between_is_not_overrun(draw: Draw, own: Registered) -> None:
    """Confirmed on what was seen, refused on what there is, with who was quicker."""
    test = promoting(draw(own.runs, "registry"), own.best, "production", "mine")
    test.button(key="go-on").click().run()
    rollback(Folder(own.runs), "production", reason="theirs", by="zoe")
    test.button(key="confirm").click().run()
    assert not test.exception
    assert [change.reason for change in entries(own.runs)][3:] == ["theirs"]
    assert "production was made version 1 by zoe" in texts(test).replace("\\", "")


def test_a_run_that_changed_after_it_was_seen_is_not_promoted(draw: Draw, own: Registered) -> None:
    """The record that was shown is the one that counts."""
    test = promoting(draw(own.runs, "registry"), own.best, "production", "mine")
    test.button(key="go-on").click().run()
    scores = own.runs / own.best.partition("/")[0] / "variants.jsonl"
    scores.write_text(scores.read_text() + "\n")
    test.button(key="confirm").click().run()
    assert not test.exception
    assert len(entries(own.runs)) == 3
    assert "is no longer what was shown" in texts(test).replace("\\", "")


def test_back_changes_nothing(draw: Draw, own: Registered) -> None:
    """The form is there again, with what was given."""
    test = promoting(draw(own.runs, "registry"), own.best, "production", "mine")
    test.button(key="go-on").click().run()
    test.button(key="back").click().run()
    assert not test.exception and len(entries(own.runs)) == 3
    assert not test.button(key="go-on").disabled
    given = test.text_input(key="change-reason").value, test.text_input(key="change-by").value
    assert (*given, test.selectbox(key="promote-what").value) == ("mine", "bob", own.best.partition("/")[0])


def test_the_proxys_name_cannot_be_typed_over(draw: Draw, own: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks is who writes."""
    monkeypatch.setattr(frame, "identity", lambda: "carla@example.org")
    test = promoting(draw(own.runs, "registry"), own.best, "production", "mine", by="")
    assert "change-by" not in [each.key for each in test.text_input]
    test.button(key="go-on").click().run()
    test.button(key="confirm").click().run()
    assert entries(own.runs)[-1].by == "carla@example.org"


def test_read_only_shows_no_form_and_refuses_one_that_was_open(
    draw: Draw, own: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is told in its place."""
    test = promoting(draw(own.runs, "registry"), own.best, "production", "mine")
    test.button(key="go-on").click().run()
    monkeypatch.setenv(settings.READ_ONLY, "1")
    test.button(key="confirm").click().run()
    assert "opened with --read-only" in texts(test).replace("\\", "").replace("`", "")
    assert len(entries(own.runs)) == 3
    fresh = draw(own.runs, "registry")
    assert not fresh.exception and not fresh.button
    assert "Nothing can be changed here" in texts(fresh)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_read_only(draw: Draw, own: Registered) -> None:
    """As the system says."""
    own.runs.chmod(0o555)
    try:
        assert "cannot be written" in texts(draw(own.runs, "registry"))
    finally:
        own.runs.chmod(0o755)


@pytest.mark.parametrize(("given", "may"), [((), True), (("--read-only",), False)])
def test_the_option_reaches_the_pages(
    given: tuple[str, ...], may: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`harness dashboard --read-only`, and without it not; a store elsewhere is asked when it is written."""
    for name in (settings.READ_ONLY, settings.RUNS, settings.PASSWORD, settings.IDENTITY):
        monkeypatch.setenv(name, "")
    served: list[Any] = []
    monkeypatch.setattr("harness.cli.dashboard._serve", served.append)
    done = CliRunner().invoke(command, ["dashboard", "--port", "1", "--runs", str(tmp_path / "new" / "runs"), *given])
    if not served:  # the port of one that may not listen there
        assert "cannot be used" in str(done.exception)
        done = CliRunner().invoke(command, ["dashboard", "--port", "8599", "--runs", str(tmp_path / "new"), *given])
    assert served, done.output
    assert (frame.may_write() == "") is may
    monkeypatch.setenv(settings.RUNS, "memory://somewhere")
    assert (frame.may_write() == "") is may


def test_promote_and_roll_back_in_a_browser(page: Any, serve: Serve, clicked: Registered) -> None:
    """The story: choose a run by its address, give a reason and a name, look again, do it; then take it back."""
    page.goto(f"{serve(clicked.runs)}/registry?run={clicked.best}")
    page.get_by_label("Your name").wait_for()
    settled(page)
    shoot(page, "registry-form")
    page.get_by_label("Reason (kept").fill("best in every slice")
    page.get_by_label("Your name").fill("bob")
    page.get_by_label("Your name").press("Enter")
    settled(page)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Promote now").wait_for()
    settled(page)
    shoot(page, "registry-confirm")
    assert len(entries(clicked.runs)) == 3
    page.get_by_role("button", name="Promote now").click()
    page.get_by_text(re.compile("names version 1 .entry 4, by bob")).first.wait_for()
    settled(page)
    shoot(page, "registry-promoted")
    made = entries(clicked.runs)[-1]
    assert (made.alias, made.version, made.by, made.reason) == ("production", 1, "bob", "best in every slice")
    assert "run=" not in page.url
    assert page.requests_elsewhere == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1280, "light"), (1920, "light")])
def test_it_fits_the_screen(browser: Any, serve: Serve, seen: Registered, width: int, scheme: str) -> None:
    """On a phone and on wide screens, light and dark: nothing is wider than the screen."""
    page = browser.new_page(viewport={"width": width, "height": 3000}, color_scheme=scheme)
    page.goto(f"{serve(seen.runs)}/registry")
    page.get_by_text("Compare the two runs").wait_for()
    settled(page)
    shoot(page, f"registry-{width}-{scheme}")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width + 1
    assert page.get_by_test_id("stAlertContentError").count() == 0
    page.close()
