"""Names that cannot be printed or stored as they are: bytes that are not UTF-8, commands to a terminal, line ends."""

import os
import pickle

import pytest

from harken.support.errors import HarkenError
from harken.support.printable import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"anna.csv", "anna.csv"),
        ("Björn 子 👩‍🔬.csv".encode(), "Björn 子 👩‍🔬.csv"),
        (b"b\xf6rn.csv", r"b\xf6rn.csv"),
        (b"red\x1b[31m\nnew\rback\ttab\x07\x7f.csv", r"red\x1b[31m\nnew\rback\ttab\x07\x7f.csv"),
        ("csi\x9b, line\u2028end, ra\u202etxt.csv".encode(), r"csi\x9b, line\u2028end, ra\u202etxt.csv"),
    ],
)
def test_what_cannot_be_printed_is_escaped_and_the_rest_stays(raw: bytes, shown: str) -> None:
    name = raw.decode("utf-8", "surrogateescape")  # as Python reads names of files
    assert printable(name) == shown
    assert printable(printable(name)) == shown
    shown.encode()


def test_halves_of_characters_and_names_that_were_decoded_as_ascii() -> None:
    assert printable("half \ud800") == r"half \ud800"
    # What Python makes of a UTF-8 name where the locale has only ASCII.
    assert printable("Björn".encode().decode("ascii", "surrogateescape")) == "Björn"


def test_an_error_prints_what_stands_in_it_and_survives_the_way_between_processes() -> None:
    name = os.fsdecode(b"b\xf6")
    error = HarkenError(f"{name}: bad", "second\x1b[2J line")
    assert str(error) == "b\\xf6: bad\n  second\\x1b[2J line"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
