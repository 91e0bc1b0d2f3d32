"""Files as other tools write them, small."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any) -> Path:
    """Write a JSON file as Python's tools do: NaN stays NaN."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def promptfoo(rows: list[dict[str, Any]], version: Any = 3) -> dict[str, Any]:
    """A results file with two prompts."""
    prompts = [
        {"raw": "Answer: {{question}}", "label": "short", "provider": "openai:gpt-4o-mini"},
        {"raw": "Be kind.\n\n{{question}}\n" + "x" * 80, "label": "Be kind.\n\n{{question}}\n" + "x" * 80},
    ]
    results = {"version": version, "timestamp": "2026-10-04T00:00:00.000Z", "prompts": prompts, "results": rows}
    return {
        "evalId": "eval-abc-2026-10-04T00:00:00",
        "results": {**results, "stats": {"successes": 1, "failures": 1, "errors": 1}},
        "config": {"description": "desk"},
        "shareableUrl": None,
        "metadata": {"promptfooVersion": "0.121.3"},
    }


def foo_row(test: int, prompt: int, **changes: Any) -> dict[str, Any]:
    """One result: a test on a prompt."""
    variables = {"question": f"Question {test}?", "place": "Berlin", "expected": f"answer {test}"}
    row: dict[str, Any] = {
        "promptIdx": prompt,
        "testIdx": test,
        "testCase": {"vars": variables, "assert": [{"type": "icontains", "value": "answer"}]},
        "provider": {"id": "openai:gpt-4o-mini", "label": ""},
        "prompt": {"raw": f"Answer: Question {test}?", "label": "short"},
        "vars": variables,
        "response": {"output": f"answer {test}", "cached": False, "cost": 0.002},
        "error": None,
        "failureReason": 0,
        "success": True,
        "score": 1,
        "latencyMs": 120,
        "cost": 0.002,
        "namedScores": {},
        "tokenUsage": {"prompt": 20, "completion": 5, "total": 25, "cached": 0, "numRequests": 1},
        "gradingResult": {
            "pass": True,
            "score": 1,
            "reason": "All assertions passed",
            "componentResults": [component("icontains", 1), component("llm-rubric", 0.8, metric="tone")],
        },
    }
    return {**row, **changes}


def component(kind: str, score: float, reason: str = "Assertion passed", **assertion: Any) -> dict[str, Any]:
    """The result of one assertion."""
    return {"pass": score >= 0.5, "score": score, "reason": reason, "assertion": {"type": kind, **assertion}}


def inspect_log(model: str, samples: list[dict[str, Any]] | None, **changes: Any) -> dict[str, Any]:
    """A log of an evaluation."""
    log: dict[str, Any] = {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": "VnKtvCqGnnegLQ7qSBFDzx",
            "run_id": "7KyCuAQSqp76qKQZEKmG6M",
            "created": "2026-05-12T20:28:13-04:00",
            "task": "desk",
            "task_args": {"shots": 2},
            "dataset": {"name": "desk", "samples": 2},
            "model": model,
            "model_generate_config": {"temperature": 0.5},
            "config": {"epochs": 2},
            "packages": {"inspect_ai": "0.3.95"},
            "scorers": [{"name": "match"}, {"name": "model_graded_qa"}],
        },
        "plan": {"name": "plan", "steps": []},
        "samples": samples,
    }
    return {**log, **changes}


def sample(name: int, epoch: int, model: str, scores: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One sample of a log."""
    usage = {"input_tokens": 64, "output_tokens": 2, "total_tokens": 66}
    return {
        "id": name,
        "epoch": epoch,
        "input": f"Is {name} a number?",
        "target": "Yes",
        "output": {
            "model": model,
            "choices": [{"message": {"role": "assistant", "content": "Yes"}, "stop_reason": "stop"}],
            "usage": usage,
            "time": 0.5,
        },
        "scores": {key: {"value": value, "explanation": "said so"} for key, value in scores.items()},
        "metadata": {"confidence": 0.9},
        "model_usage": {model: usage},
        **changes,
    }


def archive(path: Path, log: dict[str, Any]) -> Path:
    """A log as an .eval archive."""
    samples = log.pop("samples") or []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("_journal/start.json", json.dumps({name: log[name] for name in ("version", "eval", "plan")}))
        for each in samples:
            file.writestr(f"samples/{each['id']}_epoch_{each['epoch']}.json", json.dumps(each))
        file.writestr("header.json", json.dumps(log))
    return path


def case_of(name: int, metrics: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A test case of deepeval."""
    return {
        "name": f"test_case_{name}",
        "input": f"Question {name}?",
        "actualOutput": f"Answer {name}",
        "expectedOutput": f"Answer {name}",
        "retrievalContext": ["The shop opens at 9.", "It closes at 18."],
        "success": True,
        "metricsData": metrics,
        "runDuration": 2.0,
        "completionTime": 0.25,
        "tokenCost": 0.001,
        "order": name,
        **changes,
    }


def metric(name: str, score: float | None, success: bool, **changes: Any) -> dict[str, Any]:
    """What a metric of deepeval found."""
    found = {"name": name, "threshold": 0.5, "score": score, "success": success, "reason": "so it is", "error": None}
    return {**found, "strictMode": False, "evaluationModel": "gpt-4o-mini", **changes}
