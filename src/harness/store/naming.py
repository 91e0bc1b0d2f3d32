"""The names of sweeps, which are those of their folders."""

from __future__ import annotations

import secrets
from datetime import datetime


def sweep_id(name: str, began: datetime, otherwise: str = "sweep") -> str:
    """Time, name, and five hex digits: three of the millisecond, so that sweeps of one name sort as they began.

    `began` is in UTC; `otherwise` stands for a name without a letter or digit.
    """
    kept = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")[:40]
    return f"{began:%Y%m%d-%H%M%S}-{kept or otherwise}-{began.microsecond // 1000:03x}{secrets.token_hex(1)}"
