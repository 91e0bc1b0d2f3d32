"""language_match on eleven languages, on mixtures, and on what is in no language. All texts are our own."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.parts.metrics.languages import letters, prose, told
from harness.plugins import make
from harness.records import Case, Example, Message, Verdict
from harness.testing import check_metric
from tests.parts.cases import example

TEXTS = {
    "en": ("Can I change my plan in the middle of the year?", "Yes, you can change it at any time under **Settings**."),
    "de": ("Kann ich den Tarif mitten im Jahr wechseln?", "Ja, das geht jederzeit in den **Settings** des Kontos."),
    "fr": ("Puis-je changer de formule en cours d'ann\u00e9e\u00a0?", "Oui, c'est possible \u00e0 tout moment."),
    "es": ("\u00bfPuedo cambiar de plan a mitad de a\u00f1o?", "S\u00ed, puedes cambiarlo en cualquier momento."),
    "pt": ("Posso mudar de plano no meio do ano?", "Sim, voc\u00ea pode mudar a qualquer momento."),
    "it": ("Posso cambiare piano a met\u00e0 anno?", "S\u00ec, puoi cambiarlo in qualsiasi momento."),
    "nl": ("Kan ik halverwege het jaar van abonnement wisselen?", "Ja, dat kan op elk moment via de instellingen."),
    "pl": ("Czy mog\u0119 zmieni\u0107 plan w trakcie roku?", "Tak, mo\u017cesz go zmieni\u0107 w dowolnym momencie."),
    "ja": (
        "\u5e74\u306e\u9014\u4e2d\u3067\u30d7\u30e9\u30f3\u3092\u5909\u66f4\u3067\u304d\u307e\u3059\u304b\uff1f",
        "\u306f\u3044\u3001\u3044\u3064\u3067\u3082\u8a2d\u5b9a\u304b\u3089\u5909\u66f4\u3067\u304d\u307e\u3059\u3002",
    ),
    "zh": (
        "\u6211\u53ef\u4ee5\u5728\u5e74\u4e2d\u66f4\u6539\u6211\u7684\u5957\u9910\u5417\uff1f",
        "\u53ef\u4ee5\uff0c\u60a8\u968f\u65f6\u90fd\u80fd\u5728\u8bbe\u7f6e\u4e2d\u66f4\u6539\u5957\u9910\u3002",
    ),
    "ru": (
        (
            "\u041c\u043e\u0436\u043d\u043e \u043b\u0438 \u0441\u043c\u0435\u043d\u0438\u0442\u044c "
            "\u0442\u0430\u0440\u0438\u0444 \u0432 \u0441\u0435\u0440\u0435\u0434\u0438\u043d\u0435 "
            "\u043e\u043f\u043b\u0430\u0447\u0435\u043d\u043d\u043e\u0433\u043e \u0433\u043e\u0434\u0430?"
        ),
        (
            "\u0414\u0430, \u044d\u0442\u043e \u043c\u043e\u0436\u043d\u043e "
            "\u0441\u0434\u0435\u043b\u0430\u0442\u044c \u0432 \u043b\u044e\u0431\u043e\u0435 "
            "\u0432\u0440\u0435\u043c\u044f \u0432 \u043d\u0430\u0441\u0442\u0440\u043e\u0439\u043a\u0430\u0445."
        ),
    ),
}
"""A question and an answer in each."""


def asked(question: str, **metadata: Any) -> Example:
    """An example with this question."""
    return dataclasses.replace(example(), messages=(Message("user", question),), metadata=metadata)


def scored(question: str, answer: str, settings: dict[str, Any] | None = None, **metadata: Any) -> Verdict | None:
    """What the metric makes of an answer to it."""
    found: Verdict | None = make("metric", {"use": "language_match", **(settings or {})}).score(
        Case(asked(question, **metadata), answer)
    )
    return found


@pytest.mark.parametrize("asked_in", TEXTS)
@pytest.mark.parametrize("answered_in", TEXTS)
def test_every_language_is_told_from_every_other(asked_in: str, answered_in: str) -> None:
    """1 for an answer in the language of the question, 0 for one in another, whose name the reason holds."""
    verdict = scored(TEXTS[asked_in][0], TEXTS[answered_in][1])
    assert verdict == Verdict(float(asked_in == answered_in), f"in {answered_in}, expected {asked_in}")


def test_a_mixed_answer_is_a_share() -> None:
    """By letters of sentences that are clearly in another language."""
    german, english = (
        "Ja, das geht jederzeit in den Einstellungen des Kontos.",
        "The first charge is made when the trial has ended.",
    )
    verdict = scored(TEXTS["de"][0], f"{german} {english}")
    assert verdict is not None and verdict.reason == "in de, en, expected de"
    assert verdict.value == pytest.approx(letters(german) / letters(german + english))
    other = scored(TEXTS["en"][0], f"{german}\n\n{english}")
    assert other is not None and other.value == pytest.approx(1 - verdict.value)


def test_names_of_menus_and_code_do_not_change_the_language() -> None:
    """They stay as they are in any answer, and even where there is much of them."""
    answer = (
        "\u00d6ffne **Settings > Workspace > Data > Delete workspace** und best\u00e4tige den Namen. Danach hilft "
        "`fernway workspace list --deleted`, siehe https://app.fernway.example/the/deleted/workspaces/page und\n"
        "```\nfor workspace in the list of all workspaces: print the name and the date\n```"
    )
    assert scored(TEXTS["de"][0], answer) == Verdict(1.0, "in de, expected de")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (TEXTS["de"][0], ""),
        (TEXTS["de"][0], "14 EUR"),
        (TEXTS["de"][0], "Yes, sure."),
        (TEXTS["de"][0], "```\ncurl -X POST https://api.fernway.example/v2/tasks with the token of the workspace\n```"),
        ("Amex?", TEXTS["en"][1]),
        (TEXTS["de"][0], "xqzt vwrp bnkl qqtz wwxv pfgh zzkt"),
    ],
)
def test_too_little_to_tell_by_is_no_value(question: str, answer: str) -> None:
    """A figure is right in any language; so is code; what is in none cannot be told."""
    assert scored(question, answer) is None


def test_the_least_number_of_letters_is_a_setting() -> None:
    """Below it no value, from it on one; Japanese characters count as three."""
    answer = "This is it, my friend."
    assert letters(answer) == 16 and letters("\u6599\u91d1\u306f") == 9
    assert scored(TEXTS["en"][0], answer) is None
    assert scored(TEXTS["en"][0], answer, {"least_letters": 17}) is None
    assert scored(TEXTS["en"][0], answer, {"least_letters": 16}) == Verdict(1.0, "in en, expected en")


def test_the_language_may_be_fixed_or_kept_in_the_metadata() -> None:
    """A team that answers in one language only says so; codes of regions and varieties are read."""
    german, english = TEXTS["de"][1], TEXTS["en"][1]
    assert scored(TEXTS["en"][0], german, {"language": "de-AT"}) == Verdict(1.0, "in de, expected de")
    assert scored("Amex?", english, {"language": "de"}) == Verdict(0.0, "in en, expected de")
    by_metadata = {"metadata": "language"}
    assert scored(TEXTS["en"][0], german, by_metadata, language="de") == Verdict(1.0, "in de, expected de")
    assert not make("metric", {"use": "language_match", **by_metadata}).applies(example())
    with pytest.raises(ValueError, match="'German' is no language"):
        scored(TEXTS["en"][0], german, by_metadata, language="German")
    with pytest.raises(ValueError, match="7 is no language"):
        scored(TEXTS["en"][0], german, by_metadata, language=7)


def test_close_languages_count_as_one() -> None:
    """A Danish answer to a Norwegian question is not told from a Norwegian one."""
    danish = "Du kan skifte abonnement n\u00e5r som helst i indstillingerne."
    assert scored("Kan jeg bytte abonnement midt i \u00e5ret n\u00e5r som helst?", danish) == Verdict(
        1.0, "in no, expected no"
    )
    assert scored("", danish, {"language": "da"}) == Verdict(1.0, "in no, expected no")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"language": "de", "metadata": "language"}, "both given"),
        ({"language": "xx"}, "ISO 639-1"),
        ({"language": "zxx"}, "no language"),
        ({"least_letters": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValidationError, match=said):
        make("metric", {"use": "language_match", **settings})


def test_english_texts_are_told_as_english() -> None:
    """Of the helpdesk's questions and references with 20 letters or more, none is taken for another language."""
    lines = (Path(__file__).parents[2] / "datasets" / "helpdesk" / "questions.jsonl").read_text(encoding="utf-8")
    found = [
        told(prose(text), 0.5)
        for line in map(json.loads, lines.splitlines())
        for text in (line.get("question") or line["messages"][-1]["content"], *line["references"])
        if letters(prose(text)) >= 20
    ]
    assert len(found) > 400 and set(found) == {"en", None}
    assert found.count(None) < 0.05 * len(found)


@given(st.text())
def test_any_answer_can_be_read(answer: str) -> None:
    """A value between 0 and 1, or none."""
    verdict = scored(TEXTS["en"][0], answer)
    assert verdict is None or 0 <= verdict.value <= 1


def test_the_library_is_not_loaded_before_it_is_used() -> None:
    """To make the part, as a plan does, loads neither it nor its model."""
    code = (
        "import sys; from harness.plugins import make; metric = make('metric', 'language_match');"
        "assert 'py3langid' not in sys.modules; metric.ready(); assert 'py3langid' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_keeps_the_contract() -> None:
    """On questions that are long enough to tell their language, too."""
    cases = [Case(asked(question), other) for question, _ in TEXTS.values() for _, other in TEXTS.values()]
    check_metric(make("metric", "language_match"), cases)
