"""A run that never happened, for the tests of reports."""

from functools import partial
from pathlib import Path

import pytest

from run_outcomes import MakeOutcome, outcome_in


@pytest.fixture
def make_outcome(tmp_path: Path) -> MakeOutcome:
    """A function that makes an outcome: one person learned from, the named unseen people, the shares that are right."""
    return partial(outcome_in, tmp_path)
