"""The CI kit end to end: scratch repositories, pushed to a bare remote, in which the workflows' own commands run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.ci_repository import ROOT, Done, Repository, bash, repository, run_job
from tests.workspaces import write

BOT = '''
def answer(request):
    """Right, but for refunds that the prompt does not tell it to look up."""
    prompt = request.messages[0].content
    topic, number = request.messages[-1].content.split()[-2:]
    if topic == "refund" and "look it up" not in prompt:
        return "I would guess so."
    return f"the answer {number}"
'''
CONFIG = """
name: desk
dataset: datasets/questions.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: {file: prompts/desk.md}, user_prompt: "{{ question }}"}
metrics: [answer_match]
objective: {maximize: answer_match}
gate:
  margins: {answer_match: 0.05}
  slices: [refund, delivery]
"""
GOOD, BAD = "Answer kindly, and look it up.\n", "Answer kindly.\n"
ALL_THE_SAME = {"hashFiles('.harness/work.sqlite') != ''": True, "secrets.HARNESS_WEBHOOK_URL": ""}
NIGHT = {
    **ALL_THE_SAME,
    "inputs.promote != ''": False,
    "inputs.promote == ''": True,
}
PROMOTION = {
    **ALL_THE_SAME,
    "inputs.promote != ''": True,
    "inputs.promote == ''": False,
    "inputs.promote": "the first; it's what we run",
    "inputs.run": "",
    "github.actor": "ada",
}


def team(folder: Path, questions: int = 90) -> Repository:
    """A team's repository with a chatbot that heeds its prompt; a third of the questions is about refunds."""
    found = repository(folder)
    topics = ("refund", "delivery", "opening")
    lines = [
        {"id": f"{topic}-{i}", "question": f"About {topic} {i}", "references": [f"the answer {i}"], "tags": [topic]}
        for i in range(questions)
        for topic in [topics[i % 3]]
    ]
    write(found.work / "bot.py", BOT)
    write(found.work / "configs/nightly.yaml", CONFIG)
    write(found.work / "prompts/desk.md", GOOD)
    write(found.work / "datasets/questions.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    found.commit("a desk")
    return found


def desk(folder: Path) -> Repository:
    """A repository with the shipped desk and its configuration."""
    found = repository(folder)
    shutil.copytree(ROOT / "datasets/helpdesk", found.work / "datasets/helpdesk")
    write(found.work / "configs/nightly.yaml", (ROOT / "configs/nightly.yaml").read_text(encoding="utf-8"))
    found.commit("the shipped desk")
    return found


def pull_request(clone: Path, **environment: str) -> Done:
    """The pull request's job."""
    return run_job("pull-request.yml", "gate", clone, {}, **environment)


def night(clone: Path) -> Done:
    """The nightly job, as the schedule starts it."""
    return run_job("nightly.yml", "nightly", clone, NIGHT)


def failures(clone: Path) -> list[str]:
    """The test cases of the report that are failures, as metric and slice."""
    root = ElementTree.parse(clone / "gate-report/junit.xml").getroot()
    return [
        f"{c.attrib['classname']}/{c.attrib['name']}" for c in root.iter("testcase") if c.find("failure") is not None
    ]


def changed(file: Path, old: str, new: str) -> None:
    """Replace what stands in a file once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    write(file, text.replace(old, new))


def test_a_worse_prompt_stops_a_pull_request_and_its_revert_lets_it_pass(tmp_path: Path) -> None:
    """The workflow exits 1 and names metric, slice and worst examples in log, summary and JUnit; after a revert, 0."""
    repo = team(tmp_path)
    write(repo.work / "prompts/desk.md", BAD)
    repo.commit("a shorter prompt", "shorter")
    clone = repo.pull_request("shorter", "clone")
    done = pull_request(clone)
    assert done.code == 1, done.output
    assert "::error title=Regression%3A answer_match::answer_match on refund 1 -> 0 (30 examples)" in done.output
    assert "[refund-0] About refund 0  (answer_match -1.000)" in done.output
    assert failures(clone) == ["gate.answer_match/all", "gate.answer_match/refund"]
    assert done.summary.startswith("## Gate: regression") and "system_prompt" in done.summary
    assert "`refund-0`" in done.summary and "I would guess so." in done.summary
    assert "worktree" not in done.output and not bash("git worktree list | sed 1d", clone).stdout
    repo.revert()
    again = repo.pull_request("shorter", "clone")
    done = pull_request(again)
    assert done.code == 0, done.output
    assert failures(again) == [] and done.summary.startswith("## Gate: pass")


def test_what_a_pull_request_leaves_alone_is_asked_once(tmp_path: Path) -> None:
    """Base and change share one cache: of equal answers the second comes out of it. Changed questions go to both."""
    repo = team(tmp_path)
    file = repo.work / "datasets/questions.jsonl"
    write(file, file.read_text(encoding="utf-8").replace("About refund 0", "More about refund 0"))
    repo.commit("a better question", "better")
    clone = repo.pull_request("better", "clone")
    assert pull_request(clone).code == 0
    totals = [json.loads(bash(f"harness show {sweep.name} --json", clone).stdout) for sweep in sweeps(clone)]
    assert [(found["calls"]["made"], found["calls"]["cached"]) for found in totals] == [(90, 0), (0, 90)]


def sweeps(clone: Path) -> list[Path]:
    """The sweeps of a clone, oldest first."""
    return sorted(path for path in (clone / "runs").iterdir() if (path / "sweep.json").exists())


def test_too_few_questions_fail_unless_the_workflow_says_otherwise(tmp_path: Path) -> None:
    """Twelve questions: exit 4, with the number needed; with ON_CANNOT_TELL=warn exit 0 and a warning, never unsaid."""
    repo = team(tmp_path, 12)
    write(repo.work / "prompts/desk.md", GOOD + "Be brief.\n")
    repo.commit("brief", "brief")
    clone = repo.pull_request("brief", "clone")
    done = pull_request(clone)
    assert done.code == 4 and "about 60 examples would settle it" in done.summary, done.output
    done = pull_request(clone, ON_CANNOT_TELL="warn")
    assert done.code == 0 and "::warning title=Gate::Cannot tell" in done.output
    assert done.summary.startswith("## Gate: cannot tell")
    done = pull_request(clone, ON_CANNOT_TELL="pass")
    assert done.code == 2 and "must be fail or warn, found 'pass'" in done.summary


def test_a_pull_request_without_a_base_to_compare_with_is_no_pass(tmp_path: Path) -> None:
    """The base has no such configuration, or is not fetched: exit 2, and what to do, in the summary and the report."""
    repo = team(tmp_path, 12)
    command = 'examples/ci/gate-pull-request.sh "$BASE" "$CONFIG"'
    write(repo.work / "configs/other.yaml", CONFIG)
    repo.commit("one more", "more")
    clone = repo.pull_request("more", "clone")
    told = {
        "HEAD^1": "has no configs/other.yaml: nothing to compare with",
        "HEAD~5": "fetch it (GitHub: fetch-depth: 2",
    }
    for base, sentence in told.items():
        done = bash(command, clone, BASE=base, CONFIG="configs/other.yaml")
        assert done.returncode == 2 and sentence in done.stderr
        assert sentence in (clone / "gate-report/gate.md").read_text(encoding="utf-8")


def test_a_provider_that_is_down_fails_the_job_and_says_so_everywhere(tmp_path: Path) -> None:
    """Nothing listens at the model's address: exit 3, in the log, the summary and as an error of JUnit."""
    repo = team(tmp_path, 12)
    down = '{use: openai/any, base_url: "http://127.0.0.1:1/v1"}'
    changed(repo.work / "configs/nightly.yaml", '"python:bot.py:answer"', down)
    changed(repo.work / "configs/nightly.yaml", "name: desk", "name: desk\ncell_timeout_s: 1")
    repo.commit("another model", "other")
    clone = repo.pull_request("other", "clone")
    done = pull_request(clone, OPENAI_API_KEY="sk-none-that-counts")
    assert done.code == 3 and "sk-none" not in done.output, done.output
    assert "::error title=Gate%3A incomplete::" in done.output and done.summary.startswith("## Gate: incomplete")
    root = ElementTree.parse(clone / "gate-report/junit.xml").getroot()
    assert root.attrib["errors"] == "1" and root.attrib["failures"] == "0"


def test_nights_begin_with_nothing_and_go_on(tmp_path: Path) -> None:
    """The first night makes a run and exits 2; a person promotes; nights pass; a worse one is found, by cron, too."""
    repo = desk(tmp_path)
    clone = tmp_path / "clone"
    bash(f"git clone -q {repo.remote} {clone}", tmp_path)
    done = night(clone)
    [first] = sweeps(clone)
    assert done.code == 2 and done.ran == ["Night", "Shrink the cache of answers"], done.output
    assert "nothing is called production yet" in done.summary and f"RUN={first.name}" in done.summary
    done = run_job("nightly.yml", "nightly", clone, {**PROMOTION, "inputs.run": first.name})
    assert done.code == 0 and "production is version 1 (entry 1, by ada)" in done.summary, done.output
    done = night(clone)
    assert done.code == 0 and "night 1 of 90" in done.summary, done.output
    quiet = bash("examples/ci/cron.sh", clone)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    changed(repo.work / "configs/nightly.yaml", "sentences: 3", "sentences: 1")
    repo.commit("shorter answers")
    loud = bash("examples/ci/cron.sh", clone)
    assert loud.returncode == 1 and loud.stdout.endswith("The night ended with exit code 1.\n"), loud.stdout
    assert "correct on billing" in loud.stdout and "is of the candidate" in loud.stdout
    assert "gate.correct/all" in failures(clone) and "gate.rules/floor of correct" in failures(clone)
    assert not (clone / ".control.yaml").exists() and not bash("git status --porcelain", clone).stdout


def test_a_promotion_asks_afresh_and_needs_a_reason(tmp_path: Path) -> None:
    """The run that is promoted holds no answer from the cache; without a reason nothing is run."""
    repo = team(tmp_path)
    bash("harness sweep configs/nightly.yaml --quiet", repo.work)
    assert bash("examples/ci/promote.sh", repo.work).returncode == 2
    assert len(sweeps(repo.work)) == 1
    done = run_job("nightly.yml", "nightly", repo.work, PROMOTION)
    assert done.code == 0 and "the first; it's what we run" in bash("harness registry list", repo.work).stdout
    shown = json.loads(bash(f"harness show {sweeps(repo.work)[-1].name} --json", repo.work).stdout)
    assert (shown["calls"]["made"], shown["calls"]["cached"]) == (900, 0)


def test_a_registry_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """A changed entry: exit 2 and its name; no new baseline is made."""
    repo = team(tmp_path, 12)
    assert bash("examples/ci/promote.sh", repo.work, REASON="first").returncode == 0
    entry = repo.work / "runs/_registry/000001.json"
    write(entry, entry.read_text(encoding="utf-8").replace("first", "other"))
    done = night(repo.work)
    assert done.code == 2 and "000001.json" in done.output and len(sweeps(repo.work)) == 1


@pytest.mark.parametrize(("worse", "code"), [(True, 1), (False, 0)])
def test_the_gitlab_job_ends_like_the_workflow(tmp_path: Path, worse: bool, code: int) -> None:
    """Its script, with GitLab's variables, in a checkout of the branch: the shipped desk, no longer handing over."""
    repo = desk(tmp_path)
    file = repo.work / "configs/nightly.yaml"
    if worse:
        text = file.read_text(encoding="utf-8")
        cues = text[text.index(", handoff_cues") : text.index("}", text.index(", handoff_cues"))]
        write(file, text.replace(cues, ""))
    else:
        changed(file, "name: nightly", "name: renamed")
    repo.commit("a change", "change")
    base = bash("git merge-base origin/main HEAD", repo.work).stdout.strip()
    jobs = yaml.safe_load((ROOT / "examples/ci/gitlab-ci.yml").read_text(encoding="utf-8"))
    script = "\n".join(jobs["gate"]["script"])
    config = jobs["variables"]["CONFIG"]
    done = bash(script, repo.work, CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CONFIG=config)
    assert done.returncode == code, done.stdout + done.stderr
    assert failures(repo.work) == (["gate.correct/human", "gate.rules/must pass handoff"] if worse else [])
    report = repo.work / jobs[".report"]["artifacts"]["reports"]["junit"]
    assert report.exists() and report.parent == repo.work / jobs[".report"]["artifacts"]["paths"][0].rstrip("/")
