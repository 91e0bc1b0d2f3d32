"""Rules that no answer may break."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, numbered, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part, setting
from harness.records import Case, Verdict


class _Finding(BaseModel):
    rule: int
    reason: str
    broken: bool


class _Form(BaseModel):
    findings: list[_Finding]


@part("metric", "policy")
@dataclass(frozen=True)
class Policy(Judge):
    """1 when a model finds none of `rules` broken, else 0; the reason names those that are.

    The prompt may also name `rules`, a list of texts. To an empty answer it does not apply: a bot that says nothing
    keeps every rule that forbids.
    """

    form: ClassVar[type[BaseModel]] = _Form
    added: ClassVar[Mapping[str, Any]] = {**Judge.added, "rules": ["no promises"]}
    prompt: str = shipped("policy")
    rules: tuple[str, ...] = setting(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rules or any(not rule.strip() for rule in self.rules):
            raise ValueError(f"rules: expected one text or more, none of them empty, found {list(self.rules)}")

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0 or 1; None for an empty answer."""
        return await super().assess(case, asker) if case.answer.strip() else None

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion:
        """Whether no rule is broken, and which is."""

        def check(found: _Form) -> None:
            numbered([entry.rule for entry in found.findings], len(self.rules), "rule")

        found: _Form = await self.verdict(case, asker, model, draw, check=check, rules=list(self.rules))
        findings = sorted(found.findings, key=lambda entry: entry.rule)
        broken = [f"breaks: {self.rules[entry.rule - 1]} ({entry.reason})" for entry in findings if entry.broken]
        details = [{"rule": self.rules[e.rule - 1], "broken": e.broken, "reason": e.reason} for e in findings]
        reason = "; ".join(broken) or f"breaks none of {len(self.rules)}"
        return Opinion(float(not broken), reason, {"rules": details})
