"""A source document with marks: the evidence that was retrieved, the evidence that was missed, and noise.

The documents themselves are not in the store. What is shown is put together from the passages that are; what lies
between them is said to be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

HIT, MISSED, NOISE, NOTHING, GAP = "hit", "missed", "noise", "", "gap"
Piece = tuple[str, str]
"""What a piece is (`hit`, `missed`, `noise`, nothing, or `gap`: a note in place of text) and its text."""
_AROUND = 400
_MOST = 40_000


def marked(
    texts: Mapping[tuple[str, int, int], str],
    document: str,
    evidence: Iterable[Mapping[str, Any]],
    passages: Iterable[Mapping[str, Any]],
) -> list[Piece]:
    """The document in pieces, at most 40,000 characters, cut to what lies around marks."""
    known = _known(texts, document)
    shown = [(p["start"], p["end"]) for p in passages if p["document"] == document]
    proof = [_span(e, known) for e in evidence if e["document"] == document]
    spans = [span for span in (*shown, *proof) if span is not None]
    if not spans:
        return []
    asked = [span for span in proof if span is not None]
    windows = _merged((max(0, start - _AROUND), end + _AROUND) for start, end in spans)
    pieces: list[Piece] = []
    at, left = 0, _MOST
    for low, high in windows:
        for start, end, text in _parts(known, low, min(high, low + left)):
            if start > at:
                pieces.append((GAP, _gap(at, start)))
            at = max(at, end)
            pieces += _marks(start, text, asked, shown) if text is not None else [(GAP, _gap(start, end))]
        left -= min(left, high - low)
        if not left:
            pieces.append((GAP, "… cut here …"))
            break
    return [piece for i, piece in enumerate(pieces) if i == 0 or piece != pieces[i - 1] or piece[0] != GAP]


def documents_of(evidence: Iterable[Mapping[str, Any]], sides: Iterable[Mapping[str, Any]]) -> list[str]:
    """The documents that the evidence or any side's passages are in, those of the evidence first."""
    names = [each["document"] for each in evidence]
    names += [p["document"] for side in sides for p in side["passages"]]
    return list(dict.fromkeys(names))


def _known(texts: Mapping[tuple[str, int, int], str], document: str) -> list[tuple[int, int, str]]:
    """Stretches of the document whose text is known, in order, without overlap.

    A passage whose text is not as long as its span (a chunk that was rewritten) tells nothing about the document.
    """
    found: list[tuple[int, int, str]] = []
    parts = sorted((s, e, t) for (d, s, e), t in texts.items() if d == document and len(t or "") == e - s)
    for start, end, text in parts:
        last = found[-1][1] if found else -1
        if end <= last:
            continue
        if start <= last:
            before = found[-1]
            found[-1] = (before[0], end, before[2] + text[last - start :])
        else:
            found.append((start, end, text))
    return found


def _span(evidence: Mapping[str, Any], known: list[tuple[int, int, str]]) -> tuple[int, int] | None:
    """The span of an evidence; of a document alone, all that is known of it."""
    if evidence.get("start") is not None and evidence.get("end") is not None:
        return evidence["start"], evidence["end"]
    return (known[0][0], known[-1][1]) if known else None


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _parts(known: list[tuple[int, int, str]], low: int, high: int) -> list[tuple[int, int, str | None]]:
    """What is known between two places, in order."""
    found: list[tuple[int, int, str | None]] = []
    for start, end, text in known:
        first, last = max(start, low), min(end, high)
        if first < last:
            found.append((first, last, text[first - start : last - start]))
    return found


def _marks(start: int, text: str, evidence: list[tuple[int, int]], shown: list[tuple[int, int]]) -> list[Piece]:
    """A stretch of text cut where a mark begins or ends."""
    end = start + len(text)
    edges = {start, end} | {at for span in (*evidence, *shown) for at in span if start < at < end}
    cuts = sorted(edges)
    pieces: list[Piece] = []
    for low, high in pairwise(cuts):
        asked = any(a <= low and high <= b for a, b in evidence)
        given = any(a <= low and high <= b for a, b in shown)
        kind = HIT if asked and given else MISSED if asked else NOISE if given else NOTHING
        part = text[low - start : high - start]
        if pieces and pieces[-1][0] == kind:
            pieces[-1] = (kind, pieces[-1][1] + part)
        else:
            pieces.append((kind, part))
    return pieces


def _gap(start: int, end: int) -> str:
    return f" [characters {start:,} to {end:,} are left out, or in no stored passage] "
