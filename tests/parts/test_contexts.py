"""Context builders: which passages are given, in what order, and how they look; and the templates that show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from harness.config import prompts
from harness.plugins import identity, make, part, registry, templates, written
from harness.plugins.lengths import length_in
from harness.records import Context, Passage
from harness.records.intervals import size, union
from harness.testing import check_context

TEXTS = {name: "".join(chr(97 + (i * step) % 26) for i in range(200)) for name, step in (("a.md", 1), ("b.md", 7))}


def passage(document: str, start: int, end: int, rank: int = 0) -> Passage:
    """A passage of a toy document; ranks lower similarity and score."""
    return Passage(document, start, end, TEXTS[document][start:end], 0.9 - rank / 100, 9.0 - rank)


def passages(*spans: tuple[str, int, int]) -> list[Passage]:
    """Passages, best first."""
    return [passage(*span, rank) for rank, span in enumerate(spans)]


def built(found: Sequence[Passage], **settings: Any) -> Context:
    """The context that the built-in makes."""
    context: Context = make("context", {"use": "passages", **settings}).build(found)
    return context


def spans(context: Context) -> list[tuple[str, int, int]]:
    """What is given, best first."""
    return [(p.document, p.start, p.end) for p in context.passages]


SPREAD = passages(("b.md", 50, 60), ("a.md", 40, 52), ("b.md", 0, 9), ("a.md", 0, 12))
OVERLAPPING = passages(("a.md", 20, 40), ("b.md", 0, 10), ("a.md", 35, 60), ("a.md", 0, 20), ("a.md", 25, 30))
LISTS = st.lists(
    st.builds(
        lambda d, start, length: (d, start, start + length),
        st.sampled_from(list(TEXTS)),
        st.integers(0, 100),
        st.integers(1, 60),
    ),
    max_size=9,
).map(lambda drawn: passages(*drawn))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        *(
            {"overlaps": overlaps, "passage_order": order, "citations": citations, "context_tokens": tokens}
            for overlaps, order, citations, tokens in product(
                ("keep", "merge", "drop"), ("best_first", "best_last", "document"), (False, True), (None, 3, 30)
            )
        ),
        {"passage_template": "{{ document }} {{ start }}-{{ end }}: {{ text }}\n", "passage_separator": ""},
    ],
    ids=str,
)
def test_built_in_context_builders_keep_the_contract(settings: dict[str, Any]) -> None:
    """Each passes the contract test that plug-in authors run."""
    check_context(make("context", {"use": "passages", **settings}))


@given(LISTS)
def test_by_default_all_texts_are_joined_by_blank_lines(found: list[Passage]) -> None:
    """The best first; a span that comes again is left out."""
    unlike = list({(p.document, p.start, p.end): p for p in reversed(found)}.values())[::-1]
    first = sorted(unlike, key=lambda p: found.index(p))
    assert built(found) == Context(tuple(first), "\n\n".join(p.text for p in first), tuple(range(len(first))))


@pytest.mark.parametrize(
    ("order", "shown"), [("best_first", (0, 1, 2, 3)), ("best_last", (3, 2, 1, 0)), ("document", (2, 0, 3, 1))]
)
def test_orders_move_the_text_and_not_the_ranks(order: str, shown: tuple[int, ...]) -> None:
    """`document`: the document of the best passage first, each in its own order."""
    context = built(SPREAD, passage_order=order)
    assert context.order == shown
    assert context.text == "\n\n".join(SPREAD[i].text for i in shown)
    assert context.passages == tuple(SPREAD)


def test_citations_are_ranks_wherever_a_passage_stands() -> None:
    """[1] is the best, also where it comes last."""
    first, second = SPREAD[:2]
    context = built([first, second], citations=True, passage_order="best_last", passage_separator="\n")
    assert context.text == f"[2] {second.text}\n[1] {first.text}"


def test_a_template_shows_what_is_known_of_a_passage() -> None:
    """All its names; one that names the number itself gets no other."""
    template = (
        "<doc n={{ number }} id={{ document }} at={{ start }}-{{ end }} s={{ similarity }}/{{ score }}>{{ text }}"
    )
    for citations in (False, True):
        context = built(SPREAD[1:2], passage_template=template, citations=citations)
        assert context.text == f"<doc n=1 id=a.md at=40-52 s=0.89/8.0>{SPREAD[1].text}"
    assert built(SPREAD[1:2], passage_template="{{ document }}", citations=True).text == "[1] a.md"


def test_what_stands_in_a_passage_is_no_template() -> None:
    """Nor is it escaped."""
    text = "{{ 7 * 7 }} <b>&amp;</b> {% raw %}"
    found = [dataclasses.replace(SPREAD[0], text=text)]
    assert built(found).text == built(found, passage_template="{{ text }}{{ '' }}").text == text


def test_a_template_that_a_passage_does_not_fit_is_a_template_error() -> None:
    """A similarity that nobody measured is no number to format."""
    unmeasured = dataclasses.replace(SPREAD[0], similarity=None)
    template = "{{ '%.2f' % similarity }} {{ text }}"
    assert built(SPREAD[:1], passage_template=template).text.startswith("0.90 ")
    with pytest.raises(TemplateError, match="TypeError"):
        built([unmeasured], passage_template=template)


def test_overlaps_are_kept_by_default() -> None:
    """As they were found."""
    assert built(OVERLAPPING).passages == tuple(OVERLAPPING)


def test_merged_passages_have_rank_and_score_of_their_best() -> None:
    """What overlaps or touches is one span, whose text is the document's."""
    context = built(OVERLAPPING, overlaps="merge")
    assert context.passages == (Passage("a.md", 0, 60, TEXTS["a.md"][:60], 0.9, 9.0), OVERLAPPING[1])


@given(LISTS)
def test_merging_gives_every_character_once(found: list[Passage]) -> None:
    """The same characters as before; no two passages share one or touch; the text is the document's."""
    context = built(found, overlaps="merge")
    given = union(spans(context))
    assert given == union((p.document, p.start, p.end) for p in found)
    assert size(given) == sum(len(p.text) for p in context.passages)
    assert sum(map(len, given.values())) == len(context.passages)
    assert all(p.text == TEXTS[p.document][p.start : p.end] for p in context.passages)


def test_a_passage_that_better_ones_hold_by_half_is_dropped() -> None:
    """Half is enough, less is not; what two better ones hold together counts."""
    found = passages(("a.md", 0, 20), ("a.md", 10, 30), ("a.md", 11, 31), ("b.md", 0, 20), ("a.md", 17, 47))
    assert spans(built(found, overlaps="drop")) == [
        ("a.md", 0, 20),
        ("a.md", 11, 31),
        ("b.md", 0, 20),
        ("a.md", 17, 47),
    ]
    found = passages(("a.md", 0, 10), ("a.md", 30, 40), ("a.md", 4, 34))
    assert spans(built(found, overlaps="drop")) == [("a.md", 0, 10), ("a.md", 30, 40), ("a.md", 4, 34)]
    found = passages(("a.md", 0, 10), ("a.md", 15, 25), ("a.md", 4, 20))
    assert spans(built(found, overlaps="drop")) == [("a.md", 0, 10), ("a.md", 15, 25)]


def test_the_budget_takes_the_best_up_to_the_first_that_does_not_fit() -> None:
    """A shorter one behind it is not taken in its place."""
    found = passages(("a.md", 0, 10), ("a.md", 20, 100), ("a.md", 110, 115))
    context = built(found, context_tokens=20, tokenizer="characters")
    assert (spans(context), context.text) == ([("a.md", 0, 10)], found[0].text)
    assert spans(built(found, context_tokens=92, tokenizer="characters")) == spans(built(found[:2]))
    assert spans(built(found, context_tokens=99, tokenizer="characters")) == spans(built(found))
    assert built(found, context_tokens=9, tokenizer="characters") == Context()


@given(
    LISTS, st.integers(1, 90), st.sampled_from(["keep", "merge", "drop"]), st.sampled_from(["best_last", "document"])
)
def test_the_whole_text_is_within_the_budget(found: list[Passage], tokens: int, overlaps: str, order: str) -> None:
    """Separators and citations included, in the tokens of the named tokenizer; with room for all, all are given."""
    settings = {"overlaps": overlaps, "passage_order": order, "citations": True}
    count = length_in("cl100k_base")
    whole, cut = built(found, **settings), built(found, **settings, context_tokens=tokens)
    assert count(cut.text) <= tokens
    assert (cut == whole) is (count(whole.text) <= tokens)


def test_a_tokenizer_of_the_workspace_measures_the_budget(tmp_path: Path) -> None:
    """What its file holds is in the identity, not where it lies; one that is missing is named."""
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = WhitespaceSplit()
    spec = {"use": "passages", "context_tokens": 2, "tokenizer": "tokenizer:model"}
    identities = []
    for name in ("here", "there"):
        (tmp_path / name / "model").mkdir(parents=True)
        words.save(str(tmp_path / name / "model/tokenizer.json"))
        builder = make("context", spec, str(tmp_path / name))
        assert builder.build(SPREAD).passages == tuple(SPREAD[:2])
        identities.append(identity(builder))
    assert identities[0] == identities[1]
    assert identities[0]["tokenizer"] not in (spec["tokenizer"], identity(make("context", "passages"))["tokenizer"])
    with pytest.raises(ValidationError, match="no such file"):
        make("context", spec, str(tmp_path))


def test_where_no_file_is_read_the_workspace_is_not_recorded() -> None:
    """It is the same part on every machine."""
    for settings in ({}, {"context_tokens": 9}, {"tokenizer": "tokenizer:nowhere"}):
        built = make("context", {"use": "passages", **settings}, "/somewhere")
        assert built.workspace == ""
        assert "/somewhere" not in str(written(built))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"context_tokens": 0}, "context_tokens must be at least 1, found 0"),
        ({"context_tokens": 5, "tokenizer": "cl100k"}, "cl100k"),
        ({"passage_template": "{{ txt }}"}, "passage_template: template: unknown name 'txt' (did you mean 'text'?"),
        ({"passage_template": "{{ text.x }}"}, "has no attribute 'x'"),
        ({"passage_template": "{% for %}"}, "passage_template: template: "),
        ({"passage_order": "worst_first"}, "best_first"),
        ({"overlaps": "join"}, "merge"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    """With what was found and what is allowed."""
    with pytest.raises(ValidationError) as caught:
        built([], **settings)
    assert words in str(caught.value)


def test_prompts_may_number_their_passages() -> None:
    """`number` is known where a prompt shows the passages itself; what is unknown is not."""
    assert prompts.problems("{% for p in passages %}[{{ p.number }}] {{ p.text }}{% endfor %}") == []
    assert prompts.problems("{{ passages[0].rank }}") == [("template: 'dict object' has no attribute 'rank'", "")]


@pytest.mark.parametrize(
    "text",
    ["{{ 'a' + 1 }}", "{{ 1 / 0 }}", "{{ 'x'|int('y') + [] }}", "{{ ''.__class__.__mro__ }}", "{% include 'x' %}"],
)
def test_what_goes_wrong_in_a_template_is_a_template_error(text: str) -> None:
    """Wrong types, sums that have no value, and what the sandbox forbids."""
    with pytest.raises(TemplateError):
        templates.render(text, {})


@dataclass(frozen=True)
class _Broken:
    version: ClassVar[int] = 1
    way: str = "order"

    def build(self, passages: Sequence[Passage]) -> Context:
        kept = list({(p.document, p.start, p.end): p for p in passages}.values())
        order = tuple(range(len(kept)))
        if self.way == "order":
            return Context(tuple(kept), "x", order[1:])
        if self.way == "twice":
            return Context(tuple(passages), "x", tuple(range(len(passages))))
        if self.way == "worst first":
            return Context(tuple(sorted(kept, key=lambda p: p.score or 0)), "x", order)
        if self.way == "invents":
            return Context(tuple(dataclasses.replace(p, start=p.start + 1) for p in kept), "x", order)
        if isinstance(passages, list):
            passages.clear()
        return Context()


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("order", "`order` must hold"),
        ("twice", "given twice"),
        ("worst first", "best first"),
        ("invents", "not the text that stands at its place"),
        ("changes", "changes the passages"),
    ],
)
def test_broken_context_builders_are_found_out(way: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract test names what is wrong."""
    monkeypatch.setattr(registry, "_register", dict(registry._register))
    broken = part("context", "broken")(_Broken)
    with pytest.raises(AssertionError, match=words):
        check_context(broken(way))
