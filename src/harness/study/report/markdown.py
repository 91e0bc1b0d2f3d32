"""The report as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from harness.study.report import amounts
from harness.study.report.texts import cut, short, visible

ROWS = 10
TAGS = 20
EXAMPLES = 5
_NAME = 100
_ANSWER = 1500
_QUESTION = 800
_REASON = 200
_SCORES = 6
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#&!$^])")
_NO_MENTION = "@\u2060"
"""An at sign and a word joiner: neither a mention nor an address."""


def markdown(content: dict[str, Any]) -> str:
    """The verdict, the best variants, effects, tags and a handful of examples. It holds no links.

    What comes from data stands in code, behind more backticks than it has itself; the rest is escaped.
    """
    sections = (
        _verdict(content),
        _ranking(content["ranking"]),
        _effects(content["effects"]),
        _tags(content["tags"]),
        _changes(content["changes"], content["ranking"]["metric"]),
        _origin(content),
    )
    return "\n\n".join(part for part in sections if part) + "\n"


def code(text: str, most: int = _NAME) -> str:
    """A text in a code span that it cannot leave, on one line and without a pipe, which would end a table's cell."""
    plain = " ".join(visible(short(text, most)).split()).replace("|", "¦") or " "
    ticks = "`" * (_longest(plain) + 1)
    padding = " " if "`" in (plain[0], plain[-1]) else ""
    return f"{ticks}{padding}{plain}{padding}{ticks}"


def block(text: str) -> str:
    """A text in a fenced block that it cannot leave."""
    plain = visible(text)
    fence = "`" * max(3, _longest(plain) + 1)
    return f"{fence}text\n{plain}\n{fence}"


def escaped(text: str) -> str:
    """A text without any markup, on one line."""
    kept = _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", visible(text)))
    return kept.replace("://", r":\/\/").replace("www.", r"www\.").replace("@", _NO_MENTION)


def _longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a heading that begins with `#` is one of numbers."""
    lines = ["| " + " | ".join(head.removeprefix("#") for head in heads) + " |"]
    lines.append("|" + "|".join("---:" if head.startswith("#") else "---" for head in heads) + "|")
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _verdict(content: dict[str, Any]) -> str:
    found, ranking = content["verdict"], content["ranking"]
    marks = {"good": "✓ ", "doubt": "⚠ ", "plain": ""}
    lines = [f"- {marks[each['tone']]}{_named(each['parts'])}" for each in found["sentences"]]
    size = f"{amounts.plural(len(ranking['rows']), 'variant')}, {amounts.plural(ranking['examples'], 'example')}"
    about = f"Sweep {code(content['sweep'])}, {escaped(content['status'])}, {size}."
    return f"## {_named(found['headline_parts'])}\n\n{about}\n\n" + "\n".join(lines)


def _named(parts: Iterable[tuple[bool, str]]) -> str:
    """A sentence; the names of variants in it stand in code."""
    return "".join(code(part, 300) if is_name else escaped(part) for is_name, part in parts)


def _ranking(found: dict[str, Any]) -> str:
    rows = [
        [
            amounts.count(row["place"]) + ("*" if row["in_best_set"] and len(found["rows"]) > 1 else ""),
            code(row["label"]),
            amounts.number(row["score"]),
            "-" if row["score"] is None else amounts.interval(row["low"], row["high"]),
            amounts.p_value(row["p"]).replace("<", "&lt;"),
            amounts.count(row["n"]),
            amounts.count(row["failed"]),
            amounts.per_thousand(row["usd"]),
            amounts.number(row["latency_ms"]),
        ]
        for row in found["rows"][:ROWS]
    ]
    unit = f" ({escaped(found['unit'])})" if found["unit"] else ""
    heads = ["#place", "configuration", f"#{code(found['metric'])}{unit}", "#interval", "#p", "#n", "#no score"]
    more = len(found["rows"]) - len(rows)
    notes = (
        f"{_marks(found)}n is of {amounts.plural(found['examples_in'], 'example')} in "
        f"{amounts.plural(found['clusters'], 'cluster')}. No score: without an answer, or the answer could not be "
        f"scored. {escaped(found['method'][:1].upper() + found['method'][1:])}."
    )
    if more:
        are = "is" if more == 1 else "are"
        notes = f"**{amounts.plural(more, 'more variant')}** {are} in the HTML page and in --json.\n\n{notes}"
    direction = "higher" if found["direction"] == "maximize" else "lower"
    table = _table([*heads, "#USD per 1,000 answers", "#latency, ms"], rows)
    return f"### Ranking ({direction} is better)\n\n{table}\n\n{notes}"


def _marks(found: dict[str, Any]) -> str:
    """What stands behind the star, and what intervals hold for."""
    if not found["whole"]:
        return "\\* not known to be worse. "
    if len(found["rows"]) == 1:
        return ""
    return "\\* in the best set: cannot be told from the first. Intervals hold for all variants at once. "


def _effects(found: dict[str, Any]) -> str:
    if found["note"]:
        return f"### Effects of the axes\n\n{escaped(found['note'])}"
    shares = [
        [
            code("everything else" if row["term"] == "rest" else row["term"]),
            amounts.share(row["share"]),
            amounts.p_value(row["p"]).replace("<", "&lt;"),
        ]
        for row in found["shares"]
    ]
    levels = [
        [
            code(row["axis"]),
            code(row["level"], 60),
            amounts.number(row["mean"]),
            amounts.interval(row["low"], row["high"]),
        ]
        for row in found["levels"][: 2 * TAGS]
    ]
    cautions = "".join(f"\n\n⚠ {escaped(caution)}" for caution in found["cautions"])
    return (
        "### Effects of the axes\n\n"
        + _table(["axis", "#share of the variance between variants", "#p"], shares)
        + cautions
        + "\n\n<details><summary>Means of each level</summary>\n\n"
        + _table(["axis", "level", "#mean", "#95% interval"], levels)
        + "\n\n</details>"
    )


def _tags(found: dict[str, Any]) -> str:
    if found["note"]:
        return ""
    rows = [
        [
            code(row["tag"], 60) + (" \\!" if row["caution"] else ""),
            amounts.count(row["examples"]),
            amounts.count(row["clusters"]),
            amounts.number(row["winner_score"]),
            amounts.number(row["baseline_score"]),
            amounts.signed(row["difference"]),
            amounts.interval(row["low"], row["high"]),
            amounts.p_value(row["p"]).replace("<", "&lt;"),
            escaped(row["verdict"] or "-"),
        ]
        for row in found["rows"][:TAGS]
    ]
    heads = ["tag", "#examples", "#clusters", "#winner", "#baseline", "#difference", "#95% interval", "#p", "verdict"]
    more = found["looked_at"] - len(rows)
    note = escaped(found["method"][:1].upper() + found["method"][1:])
    rough = " \\! marks fewer than 30 clusters, from which intervals are rough."
    if not any(row["caution"] for row in found["rows"][:TAGS]):
        rough = ""
    rest = f"**{amounts.plural(more, 'more tag')}** not shown.\n\n" if more else ""
    return f"### By tag\n\n{_table(heads, rows)}\n\n{rest}{note}.{rough}"


def _changes(found: dict[str, Any], metric: str) -> str:
    if found["note"]:
        return ""
    counts = f"{amounts.plural(found['losses'], 'example')} worse than with the baseline, {found['gains']:,} better."
    return "\n\n".join(
        ["### Examples that changed, worst first", counts, *(_example(row, metric) for row in found["rows"][:EXAMPLES])]
    )


def _example(row: dict[str, Any], metric: str) -> str:
    head = f"{amounts.signed(row['gain'])} {_summary(metric)}: {_summary(short(row['example'], _NAME))}"
    references = [f"References:\n\n{block(_cut(text['text'], _QUESTION))}" for text in row["references"][:2]]
    sides = [part for title in ("baseline", "winner") for part in _side(title, row[title])]
    parts = [block(_cut(row["question"]["text"], _QUESTION)), f"Expected: {code(row['expected'])}", *references, *sides]
    return f"<details><summary>{head}</summary>\n\n" + "\n\n".join(parts) + "\n\n</details>"


def _side(title: str, side: dict[str, Any]) -> list[str]:
    parts = [f"**{title.capitalize()}**, score {amounts.number(side['score'])}:"]
    if side.get("failure") is not None:
        parts.append("Failed: " + code(side["failure"], 300))
    if side.get("answer") is not None:
        answer = side["answer"]
        left_out = side["left_out"] + max(0, len(answer) - _ANSWER)
        parts.append(block(answer[:_ANSWER]) + (f"\n\n(cut: {left_out:,} more characters)" if left_out else ""))
    told = [s for s in side.get("scores", ()) if s["reason"]["text"]][:_SCORES]
    if told:
        parts.append("\n".join(f"- {code(s['metric'])}: {code(s['reason']['text'], _REASON)}" for s in told))
    if side.get("passages"):
        documents = dict.fromkeys(p["document"] for p in side["passages"])
        parts.append("Passages of " + ", ".join(code(name, 60) for name in documents))
    return parts


def _cut(text: str, most: int) -> str:
    found = cut(text, most)
    return found.text + (f"\n[{found.note}]" if found.note else "")


def _summary(text: str) -> str:
    """A text inside an HTML tag of ours."""
    from markupsafe import escape

    return f"<code>{escape(' '.join(visible(text).split()))}</code>".replace("@", _NO_MENTION)


def _origin(content: dict[str, Any]) -> str:
    found, work = content["origin"], content["work"]
    git, dataset = found["git"], found["dataset"]
    commit = code(str(git.get("commit") or "not in a repository")) + (
        ", uncommitted changes" if git.get("dirty") else ""
    )
    answers = next(row for row in work["rows"] if row["work"] == "answers")
    return (
        f"Dataset {code(str(dataset['path']))}, digest {code(str(dataset['digest']))}; commit {commit}; "
        f"{escaped(str(found['created']))}. USD {amounts.money(work['usd'])} spent; "
        f"of {amounts.count(answers['naive'])} answers "
        f"{amounts.count(answers['distinct'])} were distinct and {amounts.count(answers['made'])} asked for."
    )
