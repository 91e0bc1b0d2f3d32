"""Do the passages bear out what the answer says, claim by claim?

Source: S. Es et al., "Ragas: Automated Evaluation of Retrieval Augmented Generation" (2023), faithfulness; here claims
and verdicts come in one reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from harness.parts.metrics.judges.judge import Judge, shipped
from harness.parts.metrics.panel import Opinion
from harness.plugins import Asker, part
from harness.records import Case, Verdict


class _Claim(BaseModel):
    claim: str
    reason: str
    supported: bool
    passage: int | None = None


class _Form(BaseModel):
    claims: list[_Claim]


@part("metric", "groundedness")
@dataclass(frozen=True)
class Groundedness(Judge):
    """The share of the answer's claims that a model finds supported by the passages.

    Where nothing was retrieved, no claim is supported. An answer without a claim (it abstains, or asks back) and an
    empty one are no matter of groundedness: the metric does not apply.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer", "passages")
    form: ClassVar[type[BaseModel]] = _Form
    prompt: str = shipped("groundedness")

    def schema(self, case: Case | None = None) -> dict[str, Any]:
        """With the numbers that passages have."""
        found = super().schema(case)
        number, _null = found["$defs"]["_Claim"]["properties"]["passage"]["anyOf"]
        number.update({"minimum": 1} if case is None else {"minimum": 1, "maximum": max(1, len(case.passages))})
        return found

    async def assess(self, case: Case, asker: Asker) -> Verdict | None:
        """0 to 1; None for an answer without a claim."""
        return await super().assess(case, asker) if case.answer.strip() else None

    async def opinion(self, case: Case, asker: Asker, model: Any, draw: int) -> Opinion | None:
        """The share of claims that are supported, and which are not; None where there is no claim."""
        count = len(case.passages)

        def check(found: _Form) -> None:
            for number, claim in enumerate(found.claims, 1):
                wrong = claim.passage is not None and not 1 <= claim.passage <= count
                if claim.supported and count and wrong:
                    raise ValueError(f"claim {number}: no passage {claim.passage}; they are 1 to {count}, or null")

        found: _Form = await self.verdict(case, asker, model, draw, check=check)
        if not found.claims:
            return None
        claims = [claim.model_dump() for claim in found.claims]
        for claim in claims:
            claim["supported"] = claim["supported"] and count > 0
            claim["passage"] = claim["passage"] if claim["supported"] else None
        lacking = [claim["claim"] for claim in claims if not claim["supported"]]
        reason = f"{len(claims) - len(lacking)} of {len(claims)} claims supported"
        reason += "" if count else ", for there are no passages"
        reason += f"; not: {'; '.join(lacking)}" if lacking else ""
        return Opinion(1 - len(lacking) / len(claims), reason, {"claims": claims})
