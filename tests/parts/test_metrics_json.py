"""is_json: JSON, and JSON that fits a schema."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.plugins import identity, make, written
from harness.records import Case
from harness.testing import check_metric
from tests.parts.cases import example, value

TICKET = {
    "type": "object",
    "required": ["city", "seats"],
    "properties": {"city": {"type": "string"}, "seats": {"type": "integer", "minimum": 1}},
}
GOOD = '{"city": "Paris", "seats": 2}'
FENCED = f"Here you are:\n```json\n{GOOD}\n```\nAnything else?"


def found(answer: str, **settings: Any) -> float | None:
    """What is_json makes of an answer."""
    return value({"use": "is_json", **settings}, Case(example(), answer))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GOOD, 1),
        (f"\n {GOOD} ", 1),
        ("[]", 1),
        ("3", 1),
        ('"text"', 1),
        ("", 0),
        ("Paris", 0),
        ("{'city': 'Paris'}", 0),
        (GOOD + GOOD, 0),
        ("NaN", 0),
        ('{"price": Infinity}', 0),
        (FENCED, 0),
        ("[" * 200_000, 0),
    ],
)
def test_without_a_schema_any_json_will_do(answer: str, expected: int) -> None:
    """The whole answer must be JSON, strictly; however deep, it does no harm."""
    assert found(answer) == expected


@pytest.mark.parametrize(
    ("answer", "whole", "fenced", "anywhere"),
    [
        (GOOD, 1, 1, 1),
        (FENCED, 0, 1, 1),
        (f"```\n{GOOD}\n```", 0, 1, 1),
        (f"```\nnot this\n```\nbut\n```json\n{GOOD}\n```", 0, 1, 1),
        (f"It is {GOOD}, I think.", 0, 0, 1),
        (f"{{city}} is {GOOD} [sic]", 0, 0, 1),
        (f"[{GOOD}", 0, 0, 1),
        (f"[{GOOD}]", 0, 0, 0),
        ("It is 2.", 0, 0, 0),
        (GOOD.replace("2", "0"), 0, 0, 0),
        ("{" * 3000, 0, 0, 0),
        ("[" * 200_000, 0, 0, 0),
    ],
)
def test_where_the_json_may_stand(answer: str, whole: int, fenced: int, anywhere: int) -> None:
    """Each of them takes more than the one before; what stands within other JSON is not looked at."""
    values = [found(answer, schema=TICKET, where=where) for where in ("whole", "fenced", "anywhere")]
    assert values == [whole, fenced, anywhere]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (GOOD, "fits"),
        ("Paris", "no JSON"),
        ('{"city": "Paris"}', "at $: 'seats' is a required property"),
        ('{"city": "Paris", "seats": 0}', "at $.seats: 0 is less than the minimum of 1"),
    ],
)
def test_the_reason_tells_what_does_not_fit(answer: str, reason: str) -> None:
    """With the place in the answer."""
    assert make("metric", {"use": "is_json", "schema": TICKET}).score(Case(example(), answer)).reason == reason


@pytest.mark.parametrize("inline", [True, False])
def test_a_schema_is_given_inline_or_as_a_file(tmp_path: Path, inline: bool) -> None:
    """Both check the same; a file is looked for in the workspace, also when written `{file: PATH}`."""
    (tmp_path / "ticket.json").write_text(json.dumps(TICKET))
    for schema in [TICKET, json.dumps(TICKET)] if inline else ["ticket.json", {"file": "ticket.json"}]:
        metric = make("metric", {"use": "is_json", "schema": schema}, str(tmp_path))
        assert metric.score(Case(example(), GOOD)).value == 1
        assert metric.score(Case(example(), "{}")).value == 0
        assert (
            written(metric)["schema"]
            == ("ticket.json" if not inline else json.dumps(schema) if schema is TICKET else schema)
            or inline
        )
        check_metric(metric)


def test_a_files_content_is_the_identity(tmp_path: Path) -> None:
    """A moved schema is the same metric, an edited one another."""
    for name, schema in {"a": TICKET, "b": TICKET, "c": {**TICKET, "required": []}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(schema))
    a, b, c = (
        identity(make("metric", {"use": "is_json", "schema": f"{n}.json"}, str(tmp_path))) for n in ("a", "b", "c")
    )
    assert a == b != c


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, r"no JSON Schema: at \$.type: 'objekt'"),
        ("{type: object}", "no JSON: Expecting property name"),
        ("missing.json", "no such file"),
        ("list.json", "expected an object"),
        (5, "valid string"),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path: Path, schema: Any, said: str) -> None:
    """Before anything is spent."""
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(ValidationError, match=said):
        make("metric", {"use": "is_json", "schema": schema}, str(tmp_path))


def test_a_draft_is_told_by_the_schema() -> None:
    """`$schema` names it: a list of `items` is a tuple in draft 7, and no schema in the newest draft."""
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}]}
    assert [found(answer, schema=old) for answer in ("[1]", '["x"]')] == [1, 0]
    with pytest.raises(ValidationError, match="no JSON Schema"):
        make("metric", {"use": "is_json", "schema": {"items": [{"type": "integer"}]}})


def test_references_lead_within_the_schema_and_nothing_is_fetched() -> None:
    """A `$ref` to another place fails the score; the place is never asked."""
    inside = {"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}
    assert [found(answer, schema=inside) for answer in ("[1]", '["x"]')] == [1, 0]
    asked: list[str] = []

    class Keeper(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    with ThreadingHTTPServer(("127.0.0.1", 0), Keeper) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}/schema.json"
        with pytest.raises(ValueError, match=f"schema: nothing is found at {place}"):
            make("metric", {"use": "is_json", "schema": {"$ref": place}}).score(Case(example(), "{}"))
        server.shutdown()
    assert asked == []
