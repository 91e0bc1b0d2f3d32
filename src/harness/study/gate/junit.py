"""A verdict as JUnit XML: a test case for each row and rule, so that any CI shows which of them failed.

A regression is a `failure`; what cannot be told is an `error` where it holds the gate up, else `skipped`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from harness.study.gate.margins import PASS, REGRESSION
from harness.study.gate.verdict import Row, Verdict
from harness.study.report.texts import visible


def junit(found: Verdict, seconds: float = 0.0) -> str:
    """The document. `seconds` is what the gate took."""
    cases = [*map(_row, found.rows)]
    for rule in found.rules:
        case = _case("rules", rule.name)
        if not rule.holds:
            _mark(case, "failure", "rule", rule.told)
        cases.append(case)
    properties = {"verdict": found.verdict, "candidate": found.candidate, "baseline": found.baseline}
    return _document(f"gate {found.candidate}", cases, properties, seconds)


def undecided(title: str, told: str, seconds: float = 0.0) -> str:
    """The document of a gate that could not decide: one test case, an error of that text."""
    case = _case("verdict", "gate")
    _mark(case, "error", title, told)
    return _document("gate", [case], {"verdict": title}, seconds)


def _document(name: str, cases: Sequence[ElementTree.Element], properties: Mapping[str, str], seconds: float) -> str:
    counts = {kind: str(sum(case.find(kind) is not None for case in cases)) for kind in ("failure", "error", "skipped")}
    numbers = {"tests": str(len(cases)), "failures": counts["failure"], "errors": counts["error"]}
    numbers |= {"skipped": counts["skipped"], "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", {"name": "harness gate", **numbers})
    suite = ElementTree.SubElement(root, "testsuite", {"name": visible(name), **numbers})
    listed = ElementTree.SubElement(suite, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(listed, "property", name=key, value=visible(value))
    suite.extend(cases)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _row(row: Row) -> ElementTree.Element:
    case = _case(row.metric, row.slice)
    verdict = row.decided.verdict
    if verdict == REGRESSION:
        _mark(case, "failure", "regression", row.told)
    elif verdict != PASS:
        _mark(case, "error" if row.decides else "skipped", "cannot tell", row.told)
    return case


def _case(group: str, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=visible(f"gate.{group}"), name=visible(name))


def _mark(case: ElementTree.Element, kind: str, type_: str, told: str) -> None:
    fields = {"message": visible(told)} | ({} if kind == "skipped" else {"type": type_})
    ElementTree.SubElement(case, kind, fields)
