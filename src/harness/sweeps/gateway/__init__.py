"""The one way to any model: limits, retries, money, trace; for answers, embeddings and judges alike."""

from harness.sweeps.gateway.answers import Answer
from harness.sweeps.gateway.batches import Batches
from harness.sweeps.gateway.checks import check_environment, check_prices
from harness.sweeps.gateway.gateway import Gateway, Spending
from harness.sweeps.gateway.prices import Prices
from harness.sweeps.gateway.purse import Spent
from harness.sweeps.gateway.trace import trace_of

__all__ = [
    "Answer",
    "Batches",
    "Gateway",
    "Prices",
    "Spending",
    "Spent",
    "check_environment",
    "check_prices",
    "trace_of",
]
