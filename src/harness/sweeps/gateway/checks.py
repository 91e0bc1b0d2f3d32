"""What must hold before the first call: prices that a budget needs, keys that a provider needs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from harness.config import Budget
from harness.errors import Mistake, Place, UserError
from harness.plugins import name
from harness.sweeps.gateway.prices import Prices


def check_prices(parts: Iterable[Any], prices: Prices, budget: Budget) -> None:
    """Raise UserError when a budget of money cannot be kept, a price being unknown."""
    if budget.usd is None:
        return
    unknown = [name(part) for part in parts if prices.per_token(part.price_name) is None]
    if unknown:
        raise UserError(
            f"budget.usd cannot be kept: no price is known for {', '.join(unknown)}; "
            "give it under `prices:`, or limit `budget.calls` or `budget.tokens` instead"
        )


def check_environment(parts: Iterable[Any]) -> None:
    """Raise UserError naming every environment variable that a model or embedder needs and that is not set."""
    missing: dict[str, str] = {}
    for part in parts:
        for variable in part.environment:
            if not os.environ.get(variable):
                missing.setdefault(variable, name(part))
    if missing:
        raise UserError(
            Mistake(
                Place(f"environment variable {variable}"),
                f"is not set, and {part} needs it",
                f"set it in the environment (export {variable}=…); it is never written anywhere",
            )
            for variable, part in missing.items()
        )
