"""Which models refuse which sampling settings: the one table. A refusal is known before anything is spent.

As of November 2026, from the providers' reference pages and litellm's table of models (a test compares the two).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DEFAULTS = {"temperature": 1, "top_p": 1}
"""Values that say nothing: a model that refuses a setting still takes it at its default."""


_THOUGHTS = "max_completion_tokens"


@dataclass(frozen=True)
class Rule:
    """What holds for the models whose name matches `names` from its start.

    `refuses` are settings that may only have their default; of `one_of` only one may be given; `limit` is the name
    under which max_tokens is sent.
    """

    names: str
    refuses: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    limit: str = "max_tokens"

    @property
    def thinks(self) -> bool:
        """Whether these models think before they answer, which the name of their limit tells."""
        return self.limit == _THOUGHTS


_BOTH = ("temperature", "top_p")

OPENAI = (
    Rule(r"gpt-5-chat"),
    Rule(r"gpt-[\w.]+-search", refuses=_BOTH),
    # These think only when told to, and else sample as older models do.
    Rule(r"(?:ft:)?gpt-5\.[124](?!.*(?:pro|codex|chat))", refuses=("stop",), limit=_THOUGHTS),
    Rule(r"(?:ft:)?o1", refuses=_BOTH, limit=_THOUGHTS),
    Rule(r"(?:ft:)?(?:o[3-9]|gpt-[5-9])", refuses=(*_BOTH, "stop"), limit=_THOUGHTS),
    Rule(r""),
)
ANTHROPIC = (
    Rule(r"claude-(?:opus-4-(?:[7-9]|1\d)(?!\d)|[a-z]+-[5-9](?!\d)|mythos-)", refuses=_BOTH),
    Rule(r"claude-(?:opus-4-[1-6]|sonnet-4-[1-6]|haiku-4-[1-6])(?!\d)", one_of=_BOTH),
    Rule(r""),
)


def rule_of(name: str, rules: Sequence[Rule]) -> Rule:
    """The first rule that matches the model's name."""
    return next(rule for rule in rules if re.match(rule.names, name))


def checked(model: str, rule: Rule, sampling: Mapping[str, Any], allowed: Sequence[str]) -> dict[str, Any]:
    """The settings to send, `max_tokens` under its right name; None means not given.

    Raises ValueError, naming the setting, for one that the model refuses or that its API does not have.
    """
    given = {name: value for name, value in sampling.items() if value is not None}
    for name, value in given.items():
        if name not in allowed:
            raise ValueError(f"{model} does not have the setting {name}; it has {', '.join(allowed)}")
        if name in rule.refuses and value != _DEFAULTS.get(name):
            raise ValueError(f"{model} does not take {name} (found {value!r}); leave it out, or set it to null")
    together = [name for name in rule.one_of if name in given]
    if len(together) > 1:
        raise ValueError(f"{model} takes only one of {' and '.join(together)}; set the other to null")
    if "max_tokens" in given:
        given[rule.limit] = given.pop("max_tokens")
    return given
