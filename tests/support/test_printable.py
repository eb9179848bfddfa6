"""Names that cannot be printed or stored: bytes that are not UTF-8, commands to a terminal, line ends. And shares: what
is not quite nothing or everything never reads as if it were."""

import os
import pickle

import pytest

from harken.support.errors import HarkenError
from harken.support.printable import listed, percent, percent_number, printable


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


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.0001, "<0.1%"),
        (0.001, "0.1%"),
        (0.6355, "63.5%"),
        (0.999, "99.9%"),
        (0.99996, ">99.9%"),
        (1, "100%"),
    ],
)
def test_per_cent_never_rounds_to_none_or_all(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0"), (0.004, "<1"), (0.006, "1"), (0.635, "64"), (0.994, "99"), (0.996, ">99"), (1.0, "100")],
)
def test_whole_numbers(share: float, text: str) -> None:
    assert percent_number(share, decimals=0) == text


def test_words_in_a_list() -> None:
    assert [listed(("a", "b", 3)[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and 3"]
