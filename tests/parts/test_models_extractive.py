"""The extractive reader: what it quotes, when it declines, what it costs in time."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.plugins import make
from harness.testing.models import check_model
from tests.parts.asking import about, ask

HOURS = "# Opening hours\n\nThe shop is open from 9 to 18 on weekdays. On Saturdays it is open from 10 to 14.\n"
RETURNS = "# Returns\n\nSale items can only be exchanged. Anything else can be sent back within 30 days.\n"
ABSTENTION = "I don't know: the knowledge base does not say."
HANDOFF = "I will hand you over to a human colleague."


def reader(**settings: Any) -> Any:
    """The part under test."""
    return make("model", {"use": "local/extractive", **settings})


def test_it_keeps_the_contract_of_a_model() -> None:
    """The reader does what the protocol of models promises."""
    check_model(reader(), deterministic=True)


def test_it_quotes_the_sentence_that_holds_the_questions_rare_words() -> None:
    """Of all sentences the one about Saturdays is quoted, word for word."""
    reply = ask(reader(), about("When are you open on Saturdays?", RETURNS, HOURS))
    assert reply.text == "On Saturdays it is open from 10 to 14."
    assert reply.finish_reason == "stop"


def test_it_quotes_several_sentences_in_the_order_of_the_passages() -> None:
    """With `sentences: 2` the quotes stand as the passages stand, not best first."""
    reply = ask(reader(sentences=2), about("Is it open on Saturdays and weekdays?", HOURS, RETURNS))
    first, second = "The shop is open from 9 to 18 on weekdays.", "On Saturdays it is open from 10 to 14."
    assert reply.text == f"{first} {second}"


def test_a_repeated_sentence_is_quoted_once() -> None:
    """Overlapping chunks hold the same sentence twice; the reply does not."""
    reply = ask(reader(sentences=2), about("Can sale items be exchanged?", RETURNS, RETURNS))
    assert reply.text.count("Sale items") == 1


@pytest.mark.parametrize(
    ("question", "passages"),
    [
        ("Which warranty do bicycles have?", (HOURS, RETURNS)),
        ("When is it open?", ()),
        ("What is it?", (HOURS,)),
        ("???", (HOURS,)),
        ("When?", ("", " \n ")),
    ],
)
def test_it_abstains_where_the_passages_do_not_say(question: str, passages: tuple[str, ...]) -> None:
    """No passage, no content word, or none of the words in any passage: the one sentence of abstention."""
    assert ask(reader(), about(question, *passages)).text == ABSTENTION


def test_min_overlap_decides_how_much_of_the_question_must_be_there() -> None:
    """A question of which the passages hold a part is answered at a low threshold and declined at a high one."""
    request = about("Is it open on Saturdays in Lisbon?", HOURS)
    assert ask(reader(min_overlap=0.1), request).text == "On Saturdays it is open from 10 to 14."
    assert ask(reader(min_overlap=0.9), request).text == ABSTENTION


@pytest.mark.parametrize("question", ["I want a HUMAN!", "will you  call\nme back?", "Was ist mit C++?"])
def test_a_cue_in_the_question_hands_over(question: str) -> None:
    """Cues are found as whole words or phrases, in any case, with any white space between them."""
    cues = ["human", "call me back", "C++"]
    assert ask(reader(handoff_cues=cues), about(question, HOURS)).text == HANDOFF


def test_a_cue_within_a_word_does_not_hand_over() -> None:
    """`human` is not in `humane`."""
    assert ask(reader(handoff_cues=["human"]), about("Is it humane?", HOURS)).text != HANDOFF


def test_a_heading_lends_its_words_and_is_not_quoted() -> None:
    """The heading above names what the sentence below does not; words of other headings do not count."""
    passage = "# Refunds\n\nThey take 5 days.\n\n# Parcels\n\nThey take 3 days.\n"
    assert ask(reader(), about("How long do parcels take?", passage)).text == "They take 3 days."
    assert ask(reader(), about("How long do refunds take?", passage)).text == "They take 5 days."


def test_a_table_row_is_quoted_alone_with_its_headers_words() -> None:
    """A row is a sentence; the header row and the rule are not, but the header's words count for each row."""
    table = "| plan | price | storage |\n|---|---|---|\n| Solo | 9 EUR | 10 GB |\n| Team | 14 EUR | 100 GB |\n"
    assert ask(reader(), about("What is the price of the Team plan?", table)).text == "| Team | 14 EUR | 100 GB |"


def test_a_list_item_is_quoted_without_its_mark() -> None:
    """Items are sentences of their own."""
    items = "- Visa and Mastercard\n- Bank transfer from 1,000 EUR\n2. SEPA debit\n"
    assert ask(reader(), about("Is bank transfer possible?", items)).text == "Bank transfer from 1,000 EUR"


def test_inflected_words_match() -> None:
    """Plural, -ing and -ed come to the same stem as the plain word."""
    passage = "Deliveries are charged by weight. Cancelling an order is free."
    assert ask(reader(), about("What is the charge for a delivery?", passage)).text.startswith("Deliveries")
    assert ask(reader(), about("Can I cancel orders?", passage)).text.startswith("Cancelling")


def test_the_users_message_before_helps_a_follow_up() -> None:
    """`And on Saturdays?` alone could mean either; the message before says which."""
    passage = "The pool is open from 7 to 9 on Saturdays. The library is open from 10 to 14 on Saturdays."
    before = ("When is the library open on weekdays?", "From 9 to 18.")
    alone = ask(reader(), about("And on Saturdays?", passage)).text
    followed = ask(reader(), about("And on Saturdays?", passage, before=before)).text
    assert alone.startswith("The pool")
    assert followed.startswith("The library")


@pytest.mark.parametrize(
    ("limit", "text"),
    [(3, "The fee is"), (5, "The fee is"), (6, "The fee is 4.90"), (8, "The fee is 4.90 EUR,"), (20, None)],
)
def test_max_tokens_cuts_between_words(limit: int, text: str | None) -> None:
    """A number is never quoted in part: `4.90` is three tokens and is given whole or not at all."""
    whole = "The fee is 4.90 EUR, for everybody."
    reply = ask(reader(), about("What is the fee?", whole, max_tokens=limit))
    assert reply.text == (text or whole)
    assert reply.finish_reason == ("length" if text else "stop")
    assert reply.output_tokens is not None and reply.output_tokens <= limit


def test_tokens_are_words_and_punctuation_marks() -> None:
    """The documented rule, on a small request: `Is it open ?` and the reply's 11."""
    request = about("Is it open?", "It is open, always.")
    reply = ask(reader(), request)
    assert (reply.input_tokens, reply.output_tokens) == (6 + 4, 6)


def test_only_max_tokens_is_sent() -> None:
    """Temperature and the like change nothing in it, so variants that differ in them share an answer."""
    assert reader().parameters({"temperature": 0.7, "top_p": 0.1, "max_tokens": 9}) == {"max_tokens": 9}


@pytest.mark.parametrize(
    "wrong", [{"sentences": 0}, {"min_overlap": 1.5}, {"handoff_cues": [" "]}, {"sentences": "2"}, {"sentence": 2}]
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    """Bounds, types and names of the fields are checked."""
    with pytest.raises(ValidationError):
        reader(**wrong)


def test_words_side_by_side_as_in_the_question_count_more() -> None:
    """Of two sentences with the same words, the one that has them in the question's order is quoted."""
    passage = "The limit of an upload is high for a file. The file upload limit is 25 MB."
    assert ask(reader(), about("What is the file upload limit?", passage)).text == "The file upload limit is 25 MB."


def test_of_equal_sentences_that_of_the_better_passage_is_quoted() -> None:
    """Rank decides between sentences that hold the same words; it does not outweigh a word."""
    first, second = "Parcels cost 5 EUR.", "Parcels cost 9 EUR abroad."
    assert ask(reader(), about("What do parcels cost?", first, second)).text == first
    assert ask(reader(), about("What do parcels cost?", second, first)).text == second
    assert ask(reader(), about("What do parcels cost abroad?", first, first, second)).text == second


def test_a_much_better_rank_outweighs_the_order_of_words() -> None:
    """The retriever's opinion counts a little: the eighth passage must hold more than a better order of words."""
    loose, close = "The limit of an upload is high for a file.", "The file upload limit is 25 MB."
    fillers = [f"Nothing about it, {i}." for i in range(6)]
    assert ask(reader(), about("What is the file upload limit?", loose, *fillers, close)).text == loose


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    """Two words that stand everywhere do not outweigh the one that says what is asked for."""
    common = "Team plan members see boards. Team plan members see tasks. Team plan members see files."
    assert ask(reader(), about("Which team plan has an audit?", f"{common} An audit needs Business.")).text == (
        "An audit needs Business."
    )


def test_the_users_message_before_counts_less_than_the_question() -> None:
    """A new question is answered, not the one before."""
    passage = "The library closes at nine. The pool opens at seven."
    before = ("When does the library close?", "At nine.")
    assert ask(reader(), about("When does the pool open?", passage, before=before)).text == "The pool opens at seven."


@pytest.mark.parametrize(("question", "text"), [("Is there a sauna?", ABSTENTION), ("A human, please", HANDOFF)])
def test_only_a_quote_is_cut(question: str, text: str) -> None:
    """Half an abstention would be an answer; it is given whole, whatever max_tokens says."""
    reply = ask(reader(handoff_cues=["human"]), about(question, HOURS, max_tokens=2))
    assert (reply.text, reply.finish_reason) == (text, "stop")
