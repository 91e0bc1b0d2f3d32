"""Sweeps that reports are made of: bots that answer what no page should believe, and bots that fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.config import load
from harness.errors import HarnessError
from harness.store import Folder, StoredSweep
from harness.sweeps.progress import Progress
from harness.sweeps.session import Options, run_sweep
from tests.workspaces import make_workspace, write

HOSTILE = (
    "<script>document.title = 'ran'; fetch('https://evil.example/')</script>"
    "<img src=x onerror=\"document.title='ran'\"></div></details></article>\n```\n````\n# A heading\n"
    "[a link](https://evil.example/) ![p](https://evil.example/p.png) | a | b |\n"
    "<!-- @everyone --> {{ 7 * 7 }} {% raw %} &lt; ${x} javascript:alert(1) "
    "\x00\x1b[31m\u202edesrever\u2066\u2028end"
)
LONG = 1_000_000
"""Characters of the long answer's tail."""
BOT = '''
HOSTILE = {hostile!r}


def answer(request):
    """Says what is right, what is hostile, or nothing, by the question and the prompt."""
    style = request.messages[0].content
    question = request.messages[-1].content
    if "fails" in style and "Saturdays" in question or "dead" in style:
        raise ValueError("<b>no answer</b> " + HOSTILE)
    if "hostile" in style and "Saturdays" not in question:
        return HOSTILE + " x" * ({long} // 2 if "Sundays" in question or "closed" in question else 3)
    return "from 10 to 14, on Sundays and on public holidays, 30 days, can only be exchanged, 50 EUR, 5 to 8 days"
'''
CONFIG = """
name: "<i>hostile</i> `sweep`"
dataset: datasets/questions.jsonl
chatbot: {model: "python:bot.py:answer", system_prompt: plain, user_prompt: "{{ question }}"}
sweep:
  axes:
    system_prompt: {PROMPTS}
metrics: [correct, answer_match, token_f1]
objective: {maximize: answer_match}
max_failures: 1000
"""
PROMPTS = '"plain": plain, "<script>document.title=\'ran\'</script>|`a`": hostile, broken: fails'


def reported(folder: Path, prompts: str = PROMPTS, config: str = CONFIG, limit: int | None = None) -> StoredSweep:
    """Run a sweep of the bot with some prompts; what a sweep that ends early left behind counts, too."""
    write(folder / "bot.py", BOT.format(hostile=HOSTILE, long=LONG))
    path = make_workspace(folder, config.replace("PROMPTS", prompts))
    progress = Progress()
    try:
        return run_sweep(load(path), Options(limit), progress)
    except HarnessError:
        return StoredSweep(Folder(folder / "runs") / progress.sweep)


Run = Callable[..., StoredSweep]
