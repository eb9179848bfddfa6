"""What is read from many files is what it was: see ``goldens.py``, which writes the records anew."""

import difflib
from pathlib import Path

import pytest

from archives import found
from readers.goldens import as_text, made_up_inputs, real_inputs, record_of, stored

RECORDS = stored()
MADE_UP = made_up_inputs()
REAL = "real/"


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_read_is_what_it_was(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if name.startswith(REAL):
        folder = request.getfixturevalue("data_dir")
        given = real_inputs(folder)[name]
    else:
        folder, given = tmp_path, MADE_UP[name]
    if given.needs:
        pytest.importorskip(given.needs)
    record = record_of(given, folder)
    if record != RECORDS[name]:
        lines = [as_text(each).splitlines() for each in (RECORDS[name], record)]
        changes = difflib.unified_diff(*lines, "goldens.json", "as read now", n=1, lineterm="")
        pytest.fail("\n".join([f"{name} is read differently:", *changes]), pytrace=False)


def test_every_input_has_a_record(request: pytest.FixtureRequest) -> None:
    assert set(MADE_UP) == {name for name in RECORDS if not name.startswith(REAL)}
    data_dir = request.getfixturevalue("data_dir")
    assert set(real_inputs(data_dir)) == {name for name in RECORDS if name.startswith(REAL)}


def test_made_up_files_are_the_same_every_time(tmp_path: Path) -> None:
    for number, given in enumerate(MADE_UP.values()):
        for attempt in ("first", "second"):
            folder = tmp_path / attempt / str(number)
            folder.mkdir(parents=True)
            given.locate(folder)
    first, second = found(tmp_path / "first"), found(tmp_path / "second")
    assert first.keys() == second.keys()
    names = list(MADE_UP)
    assert [names[int(file.split("/")[0])] for file in first if first[file] != second[file]] == []
