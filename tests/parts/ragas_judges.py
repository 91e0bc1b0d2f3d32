"""Judges that read the prompts of ragas: replies that fit, decided by the prompt and by how often it was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from harness.records import Case, Example, Message, Passage
from harness.testing.judges import Asked

WORDS = "seat price month plan invoice refund tax euro team admin export backup key region trial card".split()
DRAWS = {n * (n + 3) // 2: n for n in range(64)}
"""The number of a repetition by the number that the first draw gives it."""
Given = dict[str, Any]


def sentence(chance: Random) -> str:
    """Some words."""
    return " ".join(chance.choices(WORDS, k=chance.randint(3, 8))) + "."


def _several(chance: Random, least: int = 1) -> list[str]:
    return [sentence(chance) for _ in range(chance.randint(least, 4))]


def _verdicts(chance: Random, given: Given) -> Given:
    judged = [{"statement": s, "reason": "so", "verdict": chance.randint(0, 1)} for s in given["statements"]]
    return {"statements": judged}


def _classified(chance: Random, given: Given) -> Given:
    found: dict[str, list[dict[str, str]]] = {"TP": [], "FP": [], "FN": []}
    for statement in given["answer"]:
        found[chance.choice(("TP", "FP"))].append({"statement": statement, "reason": "so"})
    for statement in given["ground_truth"]:
        if chance.random() < 0.5:
            found["FN"].append({"statement": statement, "reason": "so"})
    return found


def _attributed(chance: Random, given: Given) -> Given:
    said = _several(chance)
    return {"classifications": [{"statement": s, "reason": "so", "attributed": chance.randint(0, 1)} for s in said]}


def _scored(chance: Random, given: Given) -> Given:
    return {"feedback": sentence(chance), "score": chance.randint(1, 5)}


FORMS: dict[str, Callable[[Random, Given], Given]] = {
    "StatementGeneratorOutput": lambda chance, given: {"statements": _several(chance)},
    "NLIStatementOutput": _verdicts,
    "ClassificationWithReason": _classified,
    "ClaimDecompositionOutput": lambda chance, given: {"claims": _several(chance)},
    "AnswerRelevanceOutput": lambda chance, given: {
        "question": sentence(chance),
        "noncommittal": int(chance.random() < 0.3),
    },
    "ContextPrecisionOutput": lambda chance, given: {"reason": "so", "verdict": chance.randint(0, 1)},
    "ContextRecallOutput": _attributed,
    "EntitiesList": lambda chance, given: {"entities": chance.sample(WORDS, chance.randint(1, 12))},
    "ContextRelevanceOutput": lambda chance, given: {"rating": chance.randint(0, 2)},
    "ResponseGroundednessOutput": lambda chance, given: {"rating": chance.randint(0, 2)},
    "AnswerAccuracyOutput": lambda chance, given: {"rating": 2 * chance.randint(0, 2)},
    "RubricScoreOutput": _scored,
    "InstanceRubricScoreOutput": _scored,
    "ExtractedKeyphrases": lambda chance, given: {"keyphrases": _several(chance)},
    "QuestionsGenerated": lambda chance, given: {"questions": _several(chance)},
    "AnswersGenerated": lambda chance, given: {"answers": [chance.choice("01") for _ in given["questions"]]},
}


def form_of(prompt: str) -> str:
    """The name of the form that a prompt asks for."""
    found = re.search(r'"title": "(\w+)", "type": "object"\}Do not use single quotes', prompt)
    assert found
    return found.group(1)


def reply(prompt: str, nth: int) -> str:
    """JSON that fits the prompt's form; the nth repetition is another reply."""
    given = json.loads(prompt.rsplit("\ninput: ", 1)[1].removesuffix("\nOutput: "))
    return json.dumps(FORMS[form_of(prompt)](Random(f"{prompt}|{nth}"), given))


def scripted(asked: Asked) -> str:
    """The same for a ScriptedAsker, of the first draw."""
    return reply(asked.messages[-1].content, DRAWS[asked.draw])


def case_of(seed: int) -> Case:
    """A case with an answer, one to four passages, one reference, a text to summarise, and a rubric."""
    chance = Random(seed)
    rubric = [f"{sentence(chance)} {n}" for n in range(1, 6)]
    text = " ".join(sentence(chance) for _ in range(6))
    example = Example(
        f"e{seed}",
        (Message("user", f"Which {sentence(chance)[:-1]}?"),),
        (sentence(chance),),
        metadata={"reference_contexts": [text], "rubric": rubric},
    )
    passages = tuple(Passage(f"d{n}", 0, 9, sentence(chance), 0.5) for n in range(chance.randint(1, 4)))
    return Case(example, f'{sentence(chance)} "{passages[0].text[:-1]}"', passages)
