"""What is read from many files is what it was: ``python -m goldens`` writes the records anew."""

import difflib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from goldens.real_files import real_inputs
from goldens.records import as_text, made_up_inputs, record_of, stored

RECORDS = stored()
REAL = "real/"
LONG = "longer than a "
"""Of the made-up files, the long ones are read in the second stage."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.second_stage] * (LONG in name)) for name in RECORDS]
)
def test_what_is_read_is_what_it_was(name: str, request: pytest.FixtureRequest) -> None:
    real = request.getfixturevalue("data_dir") if name.startswith(REAL) else None
    given = real_inputs(real)[name] if real is not None else made_up_inputs()[name]
    with TemporaryDirectory() as made_up:
        record = record_of(given, real or Path(made_up))
    if record != RECORDS[name]:
        before, after = (as_text(each).splitlines() for each in (RECORDS[name], record))
        changes = difflib.unified_diff(before, after, "goldens.json", "as read now", n=1, lineterm="")
        pytest.fail("\n".join([f"{name} is read differently:", *changes]), pytrace=False)


def test_every_input_has_a_record(request: pytest.FixtureRequest) -> None:
    assert set(made_up_inputs()) == {name for name in RECORDS if not name.startswith(REAL)}
    data_dir = request.getfixturevalue("data_dir")
    assert set(real_inputs(data_dir)) == {name for name in RECORDS if name.startswith(REAL)}
