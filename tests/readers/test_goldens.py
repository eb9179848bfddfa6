"""What is read from many files is what it was: ``python -m goldens`` writes the records anew."""

import difflib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from goldens.records import REAL, archive, as_text, inputs, record_of, stored

RECORDS = stored()
LONG = "longer than a "
"""Of the made-up files, the long ones are read in the second stage."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.second_stage] * (LONG in name)) for name in RECORDS]
)
def test_what_is_read_is_what_it_was(name: str, request: pytest.FixtureRequest) -> None:
    real = request.getfixturevalue("data_dir") if name.startswith(REAL) else None
    with TemporaryDirectory() as made_up:
        record = record_of(inputs(real=real is not None)[name], real or Path(made_up))
    if record != RECORDS[name]:
        before, after = (as_text(each).splitlines() for each in (RECORDS[name], record))
        changes = difflib.unified_diff(before, after, "goldens.json", "as read now", n=1, lineterm="")
        pytest.fail("\n".join([f"{name} is read differently:", *changes]), pytrace=False)


def test_every_made_up_file_has_a_record() -> None:
    cases = {member.name.removeprefix("./").partition("/")[0] for member in archive().getmembers()}
    assert cases - {"."} <= {given.path.partition("/")[0] for given in inputs(real=False).values()}


def test_every_file_of_a_research_watch_has_a_record(data_dir: Path) -> None:
    files = {f"devices/{path.name}" for path in (data_dir / "devices").iterdir()}
    assert files <= {given.path for given in inputs(real=True).values()}
