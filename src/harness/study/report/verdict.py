"""The verdict in plain words: what to ship, how sure that is, and what nobody can tell from these data."""

from __future__ import annotations

import math
import re
from typing import Any

from harness.study.choosing.ranking import WITHIN
from harness.study.choosing.winner import LEAST_CLUSTERS
from harness.study.clusters import FEW_CLUSTERS
from harness.study.comparing.comparison import compare
from harness.study.report import amounts, doubts, progress
from harness.study.report.contest import Contest
from harness.study.report.doubts import DOUBT, GOOD, PLAIN, Sentences
from harness.study.report.material import Material
from harness.study.report.texts import CLOSE, OPEN, named


def verdict_of(material: Material, contest: Contest | None) -> dict[str, Any]:
    """`headline`, and `sentences`, each with what it is about (`about`), its `text` and its `tone`.

    `parts` (of the headline: `headline_parts`) is the text in pieces: whether one is a variant's name, and the piece.
    """
    headline = _parts(_headline(material))
    sentences = []
    for about, text, tone in _sentences(material, contest):
        if text:
            parts = _parts(text)
            sentences.append({"about": about, "text": _whole(parts), "parts": parts, "tone": tone})
    return {"headline": _whole(headline), "headline_parts": headline, "sentences": sentences}


def _parts(text: str) -> list[tuple[bool, str]]:
    found = [(i % 2 == 1, part) for i, part in enumerate(re.split(f"{OPEN}|{CLOSE}", text))]
    return [(is_name, part) for is_name, part in found if part]


def _whole(parts: list[tuple[bool, str]]) -> str:
    return "".join(part for _, part in parts)


def _headline(material: Material) -> str:
    metric = material.metric["name"]
    if not material.scored:
        return f"Nothing can be shipped on these data: no variant has a score of {metric}."
    first = named(material.label(material.ranking.places[0].variant))
    if len(material.ranking.places) == 1:
        told = f"One configuration was measured, and nothing to compare it with: {first}."
        return f"{told}{_lacking(material)}"
    if not material.whole:
        settled, asked = progress.settled(material), material.ranking.places[0].n
        if not settled and asked < FEW_CLUSTERS:
            of = amounts.plural(asked, "example")
            return f"It is too early to say which variant is best: the first by its mean has {of}.{_lacking(material)}"
        doubt = "" if settled else " It is not surely the best."
        return f"So far, ahead by the mean is {first}.{doubt}{_lacking(material)}"
    begins = "Ship" if material.stored.status == "complete" else "So far, ahead is"
    return f"{_advice(material, begins, first)}{_lacking(material)}"


def _lacking(material: Material) -> str:
    count = len(material.unmeasured)
    were = "was" if count == 1 else "were"
    return f" {count:,} of {len(material.variants):,} variants {were} not measured." if count else ""


def _advice(material: Material, begins: str, first: str) -> str:
    if len(material.ranking.best_set) == 1:
        return f"{begins} {first}" + (", the best of those measured." if material.unmeasured else ".")
    if len(material.ranking.best_set) == len(material.ranking.places):
        return f"No difference can be claimed between the variants; ahead by the mean is {first}."
    return f"{begins} {first}. It is not surely the best."


def _sentences(material: Material, contest: Contest | None) -> Sentences:
    yield "status", doubts.of_status(material), DOUBT
    if not material.whole or material.summary["finished_cells"] < material.summary["cells"]:
        yield "part", progress.of_cells(material), DOUBT
    yield "unmeasured", progress.of_unmeasured(material), DOUBT
    if material.scored and not material.whole:
        yield from progress.of_claims(material)
        yield "score", progress.score_so_far(material), PLAIN
    elif material.scored:
        yield from _sure(material)
        yield "cheapest", _cheapest(material), PLAIN
        yield from _winner(material)
        yield from _against(material, contest)
        yield from _detectable(material)
    yield from doubts.of_cautions(material)
    for name, said in (material.summary.get("judges") or {}).items():
        yield "judges", f"Judge of {name}: {'; '.join(said)}.", DOUBT
    yield from doubts.of_failures(material)


def _sure(material: Material) -> Sentences:
    ranking = material.ranking
    count, alike = len(ranking.places), len(ranking.best_set) - 1
    if count < 2:
        return
    basis = "paired differences, Holm-corrected at 5% over all pairs"
    if not alike:
        others = "the other variant" if count == 2 else f"each of the {count - 1:,} other variants"
        measured, tone = (" that was measured", DOUBT) if material.unmeasured else ("", GOOD)
        said = f"{others[0].upper()}{others[1:]}" if measured else f"Sure: {others}"
        yield "sure", f"{said}{measured} is worse ({basis}).", tone
        return
    worse = count - 1 - alike
    if worse:
        are = "is" if worse == 1 else "are"
        told = (
            f"{alike:,} of the {count - 1:,} other variants cannot be told from it; {worse:,} {are} worse beyond noise"
        )
    else:
        told = "it cannot be told from " + ("the other" if count == 2 else f"any of the {count - 1:,} other variants")
    rest = f"The best set holds {alike + 1:,}: any of them may be the best."
    yield "sure", f"Not sure: {told} ({basis}). {rest}", DOUBT
    yield "needed", _needed(material), DOUBT


def _needed(material: Material) -> str:
    """What it would take to tell the two best apart."""
    first, second = (material.matrix.variants.index(place.variant) for place in material.ranking.places[:2])
    pair = material.values[:, first], material.values[:, second]
    examples = material.stored.examples
    both = [i for i in range(len(examples)) if not math.isnan(pair[0][i] - pair[1][i])]
    if not both:
        return ""
    found = compare(pair[0][both], pair[1][both], [examples[i]["cluster"] for i in both])
    gap = material.gap
    if gap is None:
        return "The two best score the same in every mean: no number of examples like these would tell them apart."
    more, asked = found.more_examples(gap), _amount(material, gap)
    if more is None:
        return f"How many more examples would show {asked} between the two best cannot be told from these scores."
    if more == 0:
        return f"These examples would show {asked} between the two best with 80% power: they differ less than that."
    noun = "example" if more == 1 else "examples"
    return f"{more:,} more {noun} would be needed to show {asked} between the two best (80% power)."


def _amount(material: Material, gap: float) -> str:
    if material.points:
        return f"{100 * gap:.3g} points"
    return f"a difference of {amounts.number(gap)}" + _unit(material)


def _unit(material: Material) -> str:
    return f" {material.metric['unit']}" if material.metric.get("unit") else ""


def _cheapest(material: Material) -> str:
    ranking = material.ranking
    if ranking.cheapest is None:
        same = {each.usd for each in material.expenses.values()}
        return "" if len(ranking.places) < 2 else _no_cheapest(same)
    usd = amounts.per_thousand(material.expenses[ranking.cheapest].usd)
    if material.expenses[ranking.places[0].variant].usd == min(material.expenses[v].usd or 0 for v in ranking.best_set):
        return f"It is the cheapest of the best set, too: USD {usd} for 1,000 answers."
    if ranking.cheapest == ranking.places[0].variant:
        said = f"No cheaper variant of the best set is known to be as good within {_within(material)}"
        return f"{said}: the first costs USD {usd} for 1,000 answers."
    first = amounts.per_thousand(material.expenses[ranking.places[0].variant].usd)
    return (
        f"The cheapest of the best set is {named(material.label(ranking.cheapest))}: "
        f"USD {usd} for 1,000 answers in place of {first}, and at most {_within(material)} worse than the best "
        "(95% sure)."
    )


def _within(material: Material) -> str:
    return "2 points" if material.points else f"{WITHIN:g}{_unit(material)}"


def _no_cheapest(costs: set[float | None]) -> str:
    if None in costs:
        return "Which of the best set is the cheapest cannot be told: not every variant has a known price."
    return "All variants cost the same, so none of the best set is the cheapest."


def _winner(material: Material) -> Sentences:
    ranking, metric = material.ranking, material.metric["name"]
    if len(ranking.places) < 2:
        figure = ranking.places[0]
        score = f"{amounts.number(figure.score)}{_unit(material)}"
        ends = amounts.interval(material.possible(figure.low), material.possible(figure.high))
        yield "score", f"Its {metric} is {score} ({ends}, n = {figure.n:,}).", PLAIN
        return
    found = ranking.winner
    if ranking.clusters < LEAST_CLUSTERS:
        raw = f"{amounts.number(found.raw)}{_unit(material)}"
        yield "score", f"Its {metric} of {raw} is that of the luckiest, too: too few clusters to correct it.", DOUBT
        return
    ends = amounts.interval(material.possible(found.low), material.possible(found.high))
    said = f"On fresh questions expect {metric} of about {amounts.number(found.score)}{_unit(material)} ({ends}, 95%)."
    count = len(ranking.places)
    if amounts.number(found.raw) == amounts.number(found.score):
        chosen = "its score here: having been chosen changes nothing that shows"
        yield "score", f"{said} That is {chosen}.", PLAIN
        return
    which, luck = ("better of two", "better of two") if count == 2 else (f"best of {count:,}", "best of many")
    raw = f"It scored {amounts.number(found.raw)} here, but was chosen as the {which}, and the {luck} has luck, too."
    yield "score", f"{said} {raw}", PLAIN


def _against(material: Material, contest: Contest | None) -> Sentences:
    if contest is None or contest.comparison is None:
        return
    (stored, _), (base, entry) = contest.winner, contest.baseline
    found = contest.comparison
    sentence = contest.sentence.replace("the first is", "the winner is").replace(" the second (", " it (")
    said = f"Against the baseline ({named(entry['label'])}): {sentence}."
    better = found.claims_difference and (found.difference > 0) == (contest.direction == "maximize")
    place = next((p for p in material.ranking.places if p.variant == entry["id"]), None)
    if base.id == stored.id and place is not None and place.p is not None and len(material.places) > 2:
        better = not place.in_best_set
        claim = "the difference stands" if better else "no difference can be claimed"
        said += (
            " That is this pair alone, and the winner was chosen on the same examples; "
            f"corrected for all pairs {claim} (p = {amounts.p_value(place.p)})."
        ).replace("= <", "< ")
    yield "baseline", said, GOOD if better else DOUBT


def _detectable(material: Material) -> Sentences:
    ranking, metric = material.ranking, material.metric["name"]
    if ranking.detectable is not None:
        least = f"{amounts.number(ranking.detectable)}{_unit(material)}"
        size = amounts.plural(len(material.stored.examples), "example")
        said = (
            f"With {size} in {amounts.plural(ranking.clusters, 'cluster')}, this dataset can show a difference in "
            f"{metric} of about {least} between two variants chosen beforehand"
        )
        wide = ranking.detectable_any
        if material.width is not None and ranking.detectable > material.width:
            few = f"{size} in {amounts.plural(ranking.clusters, 'cluster')}"
            said = f"{few} are too few to show any difference in {metric}"
        elif len(ranking.places) > 2 and wide is not None and wide <= (material.width or math.inf):
            said += f", of about {amounts.number(wide)} between any two of these {len(ranking.places):,}"
        yield "detectable", f"{said} (80% power).", PLAIN
    if ranking.clusters < FEW_CLUSTERS:
        few = f"Only {amounts.plural(ranking.clusters, 'cluster')} of examples"
        yield "clusters", f"{few}: intervals and p-values from fewer than {FEW_CLUSTERS} are rough.", DOUBT
