"""Names that cannot be printed or stored: bytes that are not UTF-8, commands to a terminal, line ends. And shares: what
is not quite nothing or everything never reads as if it were."""

import os
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.support.errors import HarkenError
from harken.support.printable import listed, percent, percent_number, printable, share_notes


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
    ("share", "text", "whole"),
    [
        (0, "0 %", "0"),
        (0.0001, "<0.1 %", "<1"),
        (0.006, "0.6 %", "1"),
        (0.6355, "63.5 %", "64"),
        (0.994, "99.4 %", "99"),
        (0.99996, ">99.9 %", ">99"),
        (1, "100 %", "100"),
    ],
)
def test_per_cent_never_rounds_to_none_or_all(share: float, text: str, whole: str) -> None:
    assert (percent(share), percent_number(share, decimals=0)) == (text, whole)


def test_words_in_a_list() -> None:
    assert [listed(("a", "b", 3)[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and 3"]


@pytest.mark.parametrize(
    ("notes", "shared"),
    [
        (
            [["(at rest 9.81), in g."], ["(at rest 9.7), in g.", "No zone."], ["in 64 g/64 (at rest 64), in g."]],
            [
                ("(at rest 9.7 to 9.81), in g.", (0, 1)),
                ("No zone.", (1,)),
                ("in 64 g/64 (at rest 64), in g.", (2,)),
            ],
        ),
        (
            [["p_01.csv: 3 on 2020-01-01"], ["p_02.csv: 3 on 2020-01-01"]],
            [("p_01.csv: 3 on 2020-01-01", (0,)), ("p_02.csv: 3 on 2020-01-01", (1,))],
        ),
        ([["5 rows", "7 rows"], ["6 rows"]], [("5 to 6 rows", (0, 1)), ("7 rows", (0,))]),
        ([["6 h 5 min"], ["7 h 5 min"], ["6 h 8 min"]], [("6 h 5 to 8 min", (0, 2)), ("7 h 5 min", (1,))]),
        ([["1"], ["", ""]], [("1", (0,)), ("", (1,)), ("", (1,))]),
    ],
    ids=[
        "numbers become a range",
        "names of files are no numbers",
        "twice stays twice",
        "durations",
        "nothing is no number",
    ],
)
def test_notes_that_differ_in_numbers_are_joined(notes: list[list[str]], shared: list[tuple[str, Any]]) -> None:
    assert share_notes(notes) == shared


@given(st.lists(st.lists(st.text(alphabet="ab 1.,/-", max_size=8), max_size=4), max_size=5))
def test_every_recording_keeps_as_many_notes(notes: list[list[str]]) -> None:
    shared = share_notes(notes)
    for position, own in enumerate(notes):
        assert sum(position in note.recordings for note in shared) == len(own)
    assert all(note.text in notes[note.recordings[0]] for note in shared if len(note.recordings) == 1)
