"""Build questions.jsonl from source/*.yaml: find every quote in its article, write its span, refuse what breaks a rule.

python datasets/helpdesk/build.py [AREA]     # an AREA is checked alone and nothing is written
"""

from __future__ import annotations

import collections
import hashlib
import json
import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).parent
KINDS = {"lookup", "procedure", "comparison", "condition", "multi-hop", "troubleshooting"}
WORDINGS = {"plain", "lay", "typo", "long-winded", "terse"}
FIELDS = {"id", "question", "messages", "expected", "references", "evidence", "tags"}


def check_article(path: pathlib.Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    words = len(text.split())
    found = []
    if not 200 <= words <= 900:
        found.append(f"{path.name}: {words} words, wanted 200 to 900")
    if not text.isascii():
        odd = sorted({c for c in text if not c.isascii()})
        found.append(f"{path.name}: not ASCII: {odd}")
    if not text.startswith("# "):
        found.append(f"{path.name}: first line is not a title")
    return found


def resolve(item: dict, articles: dict[str, str]) -> tuple[list[dict], list[str]]:
    spans, found = [], []
    for piece in item.get("evidence") or []:
        document, quote = piece["document"], str(piece["quote"]).strip("\n")
        text = articles.get(document)
        if text is None:
            found.append(f"no article {document}")
            continue
        times = text.count(quote)
        if times != 1:
            found.append(f"quote occurs {times} times in {document}: {quote[:60]!r}")
            continue
        start = text.index(quote)
        spans.append({"document": document, "start": start, "end": start + len(quote), "text": quote})
    return spans, found


def check(item: dict, spans: list[dict]) -> list[str]:
    found = [f"unknown field {name}" for name in set(item) - FIELDS]
    tags, expected = set(item.get("tags", [])), item.get("expected")
    if ("question" in item) == ("messages" in item):
        found.append("needs question or messages, one of them")
    if "messages" in item and (item["messages"][-1]["role"] != "user" or "follow-up" not in tags):
        found.append("a follow-up ends with a user message and has the tag follow-up")
    if len(tags & KINDS) != 1 or len(tags & WORDINGS) != 1:
        found.append("needs one kind tag and one wording tag")
    if expected == "answer":
        quoted = " ".join(" ".join(s["text"] for s in spans).lower().split())
        references = [" ".join(r.lower().split()) for r in item.get("references") or []]
        if not references or not spans:
            found.append("an answer needs references and evidence")
        elif not any(r in quoted for r in references):
            found.append("no reference appears word for word in the evidence")
        if any(len(r.split()) > 15 for r in references):
            found.append("a reference is longer than 15 words")
    elif expected == "abstain":
        if item.get("references") or spans or "unanswerable" not in tags:
            found.append("abstain: no references, no evidence, tag unanswerable")
    elif expected == "handoff":
        if item.get("references") or "human" not in tags:
            found.append("handoff: no references, tag human")
    else:
        found.append(f"expected is {expected!r}")
    return found


def main(area: str | None) -> int:
    paths = sorted((HERE / "articles").glob("*.md"))
    articles = {p.name: p.read_text(encoding="utf-8") for p in paths}
    problems = [problem for p in paths for problem in check_article(p)]
    lines, seen = [], set()
    counts: collections.Counter[str] = collections.Counter()
    for source in sorted((HERE / "source").glob(f"{area or '*'}.yaml")):
        for item in yaml.safe_load(source.read_text(encoding="utf-8")):
            spans, found = resolve(item, articles)
            found += check(item, spans)
            if item["id"] in seen:
                found.append("id used twice")
            seen.add(item["id"])
            problems += [f"{source.name} {item['id']}: {problem}" for problem in found]
            line = {k: item[k] for k in ("id", "question", "messages") if k in item}
            line |= {"references": item.get("references") or [], "evidence": spans}
            line |= {"expected": item["expected"], "tags": item["tags"]}
            lines.append(line)
            counts[item["expected"]] += 1
            counts["follow-up"] += "messages" in item
    for problem in problems:
        print(problem)
    print(f"{len(articles)} articles, {len(lines)} questions {dict(counts)}, {len(problems)} problems")
    # Mixed, so that the first N are of all areas and kinds; by digest, so that an added question moves no other.
    lines.sort(key=lambda line: hashlib.blake2b(line["id"].encode()).hexdigest())
    if not problems and area is None:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (HERE / "questions.jsonl").write_text(text, encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
