"""The message of an error, its path and its reason."""

import os
import pickle
from pathlib import Path

from harken.support.errors import HarkenError


def test_a_message_begins_with_the_path_and_the_place() -> None:
    assert str(HarkenError("give a rate")) == "give a rate"
    assert str(HarkenError("the file is empty", path=Path("a.csv"))) == "a.csv: the file is empty"
    assert str(HarkenError("the time is missing", path="a.csv", place="line 5")) == "a.csv, line 5: the time is missing"
    assert str(HarkenError("is a folder", "\x1b[2J", path="out", colon=False)) == "out is a folder\n  \\x1b[2J"


def test_a_list_of_files_does_not_repeat_their_paths() -> None:
    of_file = HarkenError("the time is missing", path="a.csv", place="line 5")
    assert of_file.message_within("a.csv") == "line 5: the time is missing"
    of_person = HarkenError("no row has a label", path="a.csv, anna")
    assert of_person.message_within(Path("a.csv")) == "anna: no row has a label"
    in_folder = HarkenError("is missing", path=Path("out", "a", "days.parquet"), colon=False)
    assert in_folder.message_within(Path("out", "a")) == "days.parquet is missing"
    of_another = HarkenError("the file is empty", path="a.csv.gz")
    assert of_another.message_within("a.csv") == "a.csv.gz: the file is empty"


def test_a_file_and_what_is_in_it_get_another_name() -> None:
    for path, named in {
        "/tmp/a.csv": "anna.csv: is empty",
        "/tmp/a.csv, bob": "anna.csv, bob: is empty",
        f"/tmp/a.csv{os.sep}b.csv": f"anna.csv{os.sep}b.csv: is empty",
        "/tmp/a.csv.gz": "/tmp/a.csv.gz: is empty",
    }.items():
        assert str(HarkenError("is empty", path=path).with_name("anna.csv", of="/tmp/a.csv")) == named
    other = HarkenError("is missing", path=Path("out", "b.csv"), place="row 2", colon=False)
    assert str(other.with_name("the server", of="out")) == f"the server{os.sep}b.csv, row 2 is missing"
    assert str(HarkenError("give a rate").with_name("anna.csv", of="a.csv")) == "give a rate"


def test_an_error_of_another_process_has_its_facts() -> None:
    error = HarkenError("is missing", path="a.csv", place="row 2", colon=False)
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.path, copied.place, copied.reason) == (
        "a.csv, row 2 is missing",
        "a.csv",
        "row 2",
        "is missing",
    )
