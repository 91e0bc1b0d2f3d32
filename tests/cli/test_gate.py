"""`harness gate`: verdicts, exit codes, what is refused, and the pages it writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from harness.cli.main import command
from harness.errors import HarnessError
from tests.cli.test_cli import harness as process
from tests.workspaces import write

BOT = '''
def answer(request):
    """Right, wrong for a share of the questions, or nothing, as the prompt says."""
    style = request.messages[0].content
    number = int(request.messages[-1].content.split()[-1])
    if "dead" in style:
        raise ValueError("no answer")
    if "broken" in style and number % 3 == 0:
        return "nonsense <script>]]> | `a`"
    return f"the answer {number}"
'''
CONFIG = """
name: gated
dataset: datasets/questions.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: %s, user_prompt: "{{ question }}"}
metrics: [answer_match, token_f1]
objective: {maximize: answer_match}
%s
"""
RULES = """
gate:
  margins: {answer_match: 0.03}
  slices: [odd]
"""


def make(folder: Path, examples: int = 400, prompt: str = "good", rules: str = RULES, name: str = "gate") -> str:
    """A workspace with a bot of that prompt; the path of its sweep file."""
    write(folder / "bot.py", BOT)
    lines = [
        {"id": f"q{i}", "question": f"What is {i}", "references": [f"the answer {i}"], "tags": ["odd"] if i % 2 else []}
        for i in range(examples)
    ]
    write(folder / "datasets/questions.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return str(write(folder / f"configs/{name}.yaml", CONFIG % (prompt, rules)))


def harness(*arguments: str) -> Result:
    """What a command does; errors meant for users are in `exception`."""
    return CliRunner().invoke(command, [*arguments, "--quiet"])


def sweep(config: str) -> str:
    """Run a sweep; its only run."""
    done = harness("sweep", config, "--json")
    assert done.exit_code == 0, done.output
    return str(json.loads(done.stdout)["runs"][0]["run"])


def refused(done: Result) -> tuple[int, str]:
    """The exit code and the sentence of an error."""
    assert isinstance(done.exception, HarnessError), done.output
    return done.exception.exit_code, str(done.exception)


def test_the_same_configuration_passes(tmp_path: Path) -> None:
    """400 examples of which none changed: exit 0, in words and in JSON."""
    config = make(tmp_path)
    base = sweep(config)
    done = harness("gate", config, "--baseline", base, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["exit_code"], found["verdict"]) == (0, 0, "pass")
    assert found["baseline"] == base
    assert [(row["slice"], row["verdict"]) for row in found["rows"]] == [("all", "pass"), ("odd", "pass")]
    assert "pass: answer_match" in harness("gate", config, "--baseline", base).stdout


def test_the_run_of_a_candidate_is_listed_with_its_score(tmp_path: Path) -> None:
    """As one of `harness sweep`: its folder has a summary."""
    config = make(tmp_path)
    done = harness("gate", config, "--baseline", sweep(config), "--json")
    name = json.loads(done.stdout)["candidate"].partition("/")[0]
    summary = json.loads((tmp_path / "runs" / name / "summary.json").read_text(encoding="utf-8"))
    assert summary["best"]["score"] == 1.0


def test_a_worse_prompt_is_a_regression_and_named_in_every_form(tmp_path: Path) -> None:
    """Exit 1; JUnit, Markdown, annotations and OpenMetrics name the metric, the slice and the worst examples."""
    base = sweep(make(tmp_path))
    bad = make(tmp_path, prompt="broken", name="bad")
    files = {form: tmp_path / "out" / f"gate.{form}" for form in ("junit", "markdown", "openmetrics")}
    given = [part for form, file in files.items() for part in (f"--{form}", str(file))]
    done = harness("gate", bad, "--baseline", base, "--github", *given)
    assert done.exit_code == 1, done.output
    assert "::error title=Regression%3A answer_match::answer_match on odd" in done.stdout
    root = ElementTree.fromstring(files["junit"].read_text(encoding="utf-8"))
    assert root.attrib["failures"] == "2" and root.attrib["errors"] == "0"
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["all", "odd"]
    page = files["markdown"].read_text(encoding="utf-8")
    assert page.startswith("## Gate: regression") and "**REGRESSION**" in page and "`q0`" in page
    assert "nonsense" in page and "system_prompt" in page
    text = files["openmetrics"].read_text(encoding="utf-8")
    assert 'harness_gate_row_verdict{metric="answer_match",slice="odd"} 1' in text and text.endswith("# EOF\n")


def test_a_dozen_examples_cannot_tell(tmp_path: Path) -> None:
    """Exit 4 with the number that would settle it, from the sweep file and for the finished run alike."""
    config = make(tmp_path, 12)
    base, again = sweep(config), sweep(config)
    for target in (config, again):
        done = harness("gate", target, "--baseline", base, "--json", *(["--runs", str(tmp_path / "runs")]))
        [row, _] = json.loads(done.stdout)["rows"]
        assert (done.exit_code, row["verdict"], row["needed"]) == (4, "cannot tell", 100)
        assert "each independent of the others, about 100 examples would settle it" in row["sentence"]


def test_a_run_is_no_baseline_of_its_own(tmp_path: Path) -> None:
    """It would pass whatever it is: exit 2."""
    base = sweep(make(tmp_path))
    code, said = refused(harness("gate", base, "--baseline", base, "--runs", str(tmp_path / "runs")))
    assert code == 2 and f"are the same run, {base}" in said


def test_the_examples_shown_are_first_of_the_slice_that_lost_most(tmp_path: Path) -> None:
    """Among those that lost alike."""
    config = make(tmp_path)
    file = tmp_path / "datasets/questions.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["tags"] += ["rare"] if int(line["id"][1:]) % 30 == 27 else []
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    base = sweep(config)
    bad = write(tmp_path / "configs/bad.yaml", CONFIG % ("broken", RULES.replace("[odd]", "[odd, rare]")))
    found = json.loads(harness("gate", str(bad), "--baseline", base, "--json").stdout)
    assert [each["example"] for each in found["worst"]] == ["q27", "q57", "q87", "q117", "q147"]


def test_the_process_ends_with_the_exit_code(tmp_path: Path) -> None:
    """What a CI sees of the real command: 0, 1, 2 and 4."""
    config = make(tmp_path)
    base = sweep(config)
    bad = make(tmp_path, prompt="broken", name="bad")
    few = make(tmp_path, rules=RULES.replace("0.03", "0.001"), name="few")
    targets = ((config, base, 0), (bad, base, 1), (config, "nobody", 2), (few, base, 4))
    codes = [
        process("gate", target, "--baseline", name, "--quiet", cwd=tmp_path).returncode for target, name, _ in targets
    ]
    assert codes == [code for *_, code in targets]


def test_without_a_baseline_nothing_is_run(tmp_path: Path) -> None:
    """None given, or one that there is not: exit 2, what to do, and no sweep."""
    config = make(tmp_path, 12)
    assert refused(harness("gate", config)) == (2, refused(harness("gate", config))[1])
    assert "no baseline; name one with --baseline" in refused(harness("gate", config))[1]
    code, said = refused(harness("gate", config, "--baseline", "production"))
    assert code == 2 and "the baseline 'production'" in said and "no sweep called" in said
    assert not (tmp_path / "runs").exists()


def test_a_baseline_on_other_data_is_refused(tmp_path: Path) -> None:
    """One changed question is enough: exit 2, and which it is."""
    base = sweep(make(tmp_path, 20))
    config = make(tmp_path, 20)
    file = tmp_path / "datasets/questions.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("What is 7", "What was 7"), encoding="utf-8")
    code, said = refused(harness("gate", config, "--baseline", base))
    assert code == 2 and "other data: 1 of the candidate's 20 examples" in said and "q7" in said


def test_a_provider_that_fails_is_no_pass(tmp_path: Path) -> None:
    """All answers fail: exit 3, whether the sweep stops at that or lets failures be."""
    base = sweep(make(tmp_path, 20))
    dead = make(tmp_path, 20, prompt="dead", name="dead")
    for allowed in ("max_failures=0.1", "max_failures=1000"):
        assert refused(harness("gate", dead, "--baseline", base, "--set", allowed))[0] == 3


def test_rules_need_no_noise(tmp_path: Path) -> None:
    """A floor that is missed, a limit that is passed and an example that fails are regressions, each named."""
    rules = """
gate:
  margins: {answer_match: 0.5}
  floors: {answer_match: 0.9}
  limits: {failed_share: 0.5, latency_ms: 0}
  must_pass: {examples: [q1, q3], metric: answer_match}
"""
    base = sweep(make(tmp_path, 60))
    done = harness("gate", make(tmp_path, 60, "broken", rules, "bad"), "--baseline", base, "--json")
    found = {rule["name"]: rule for rule in json.loads(done.stdout)["rules"]}
    assert done.exit_code == 1
    assert not found["floor of answer_match"]["holds"] and found["limit of failed_share"]["holds"]
    assert not found["limit of latency_ms"]["holds"]
    assert "1 of 2 examples that must pass answer_match do not: q3" in found["must pass answer_match"]["told"]


def test_a_file_with_several_variants_needs_a_name(tmp_path: Path) -> None:
    """A gate takes one candidate; only that one is run."""
    config = make(tmp_path, 12)
    base = sweep(config)
    axes = 'sweep.axes={system_prompt: {a: "good", b: "broken"}}'
    code, said = refused(harness("gate", config, "--baseline", base, "--set", axes))
    assert code == 2 and "describes 2 variants" in said and "system_prompt=a" in said
    done = harness("gate", config, "--baseline", base, "--set", axes, "--variant", "system_prompt=b", "--json")
    assert json.loads(done.stdout)["label"] == "system_prompt=b"


def test_the_baseline_may_be_an_alias_or_a_sweep_file(tmp_path: Path) -> None:
    """An alias of the registry means its run; a sweep file is run. The rules may name it, too."""
    config = make(tmp_path)
    base = sweep(config)
    runs = str(tmp_path / "runs")
    done = CliRunner().invoke(
        command, ["promote", base, "--as", "production", "--reason", "a test", "--by", "me", "--runs", runs]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(harness("gate", config, "--baseline", "production", "--json").stdout)
    assert (found["baseline"], found["verdict"]) == (base, "pass")
    named = make(tmp_path, prompt="broken", rules=RULES + "  baseline: production\n", name="bad")
    assert harness("gate", named, "--json").exit_code == 1
    assert harness("gate", named, "--baseline", config, "--json").exit_code == 1


def test_a_bad_night_of_luck_is_asked_more_often(tmp_path: Path) -> None:
    """What cannot be told is asked again with the repeats allowed; the verdict says so."""
    config = make(tmp_path, 40)
    base = sweep(config)
    found = json.loads(harness("gate", config, "--baseline", base, "--repeats-within-budget", "3", "--json").stdout)
    assert found["verdict"] == "cannot tell" and "asked 3 times" in found["notes"][-1]
    over = ("--set", "budget.calls=40", "--repeats-within-budget", "5", "--fresh")
    found = json.loads(harness("gate", config, "--baseline", base, *over, "--json").stdout)
    assert found["exit_code"] == 4 and "5 repeats were not reached" in found["notes"][-1]


def test_questions_cannot_command_the_log(tmp_path: Path) -> None:
    """A question with a line that begins like a workflow command stays within its line."""
    config = make(tmp_path)
    file = tmp_path / "datasets/questions.jsonl"
    hostile = file.read_text(encoding="utf-8").replace("What is ", "\\n::add-mask::x\\u001b[2J ")
    file.write_text(hostile, encoding="utf-8")
    base = sweep(config)
    lines = hostile.count("add-mask")
    bad = str(write(tmp_path / "configs/bad.yaml", CONFIG % ("broken", RULES)))
    done = harness("gate", bad, "--baseline", base, "--github")
    assert done.exit_code == 1 and lines == 400 and "add-mask" in done.stdout
    assert not any(line.startswith("::add-mask") for line in done.stdout.splitlines())
    assert "\x1b" not in done.stdout


@pytest.fixture
def room() -> Iterator[tuple[str, list[Any]]]:
    """A chat room's address, and what it was told."""
    told: list[Any] = []

    class Room(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Room)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret-hook", told
    server.shutdown()


def test_a_room_is_told_of_regressions_alone(
    tmp_path: Path, room: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metric and the examples, no answer; an address that does not answer changes nothing and is not shown."""
    url, told = room
    monkeypatch.setenv("HARNESS_WEBHOOK_URL", url)
    good = make(tmp_path)
    base = sweep(good)
    assert harness("gate", good, "--baseline", base).exit_code == 0 and told == []
    bad = make(tmp_path, prompt="broken", name="bad")
    assert harness("gate", bad, "--baseline", base).exit_code == 1
    [message] = told
    assert "regression: answer_match" in message["text"] and "q0" in message["text"] and "nonsense" not in str(message)
    monkeypatch.setenv("HARNESS_WEBHOOK_URL", "http://127.0.0.1:1/secret-hook")
    done = harness("gate", bad, "--baseline", base)
    assert done.exit_code == 1 and "was not told" in done.output and "secret-hook" not in done.output
