"""What reading a dataset complains about."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import read_dataset
from harness.errors import Mistake, UserError
from harness.records import Corpus


def mistakes(path: Path, corpus: Corpus | None = None) -> tuple[Mistake, ...]:
    """Every mistake that reading the dataset finds; fails where it finds none."""
    with pytest.raises(UserError) as caught:
        read_dataset(path, corpus)
    return caught.value.mistakes
