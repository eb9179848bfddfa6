"""Warnings and limits are those of the run; notes that say the same of several recordings are joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.reports.run import caveats
from harken.reports.run.caveats import share_notes
from run_outcomes import MakeOutcome


def test_numbers_become_a_range() -> None:
    notes = [["Acceleration is in m/s2 (at rest 9.81), converted to g."]] * 2
    notes.append(["Acceleration is in m/s2 (at rest 9.7), converted to g.", "Times have no time zone."])
    notes.append(["Acceleration is in 64 g/64 (at rest 64), converted to g."])
    assert share_notes(notes) == [
        ("Acceleration is in m/s2 (at rest 9.7 to 9.81), converted to g.", (0, 1, 2)),
        ("Times have no time zone.", (2,)),
        ("Acceleration is in 64 g/64 (at rest 64), converted to g.", (3,)),
    ]


def test_names_of_files_are_not_numbers() -> None:
    notes = [["person_01.csv: 3 rows on 2020-01-01 at 1.5 Hz"], ["person_02.csv: 3 rows on 2020-01-01 at 1.5 Hz"]]
    assert [note.recordings for note in share_notes(notes)] == [(0,), (1,)]


def test_a_note_that_a_recording_has_twice_stays_twice() -> None:
    assert share_notes([["5 rows", "7 rows"], ["6 rows"]]) == [("5 to 6 rows", (0, 1)), ("7 rows", (0,))]


def test_a_number_and_nothing_are_not_alike() -> None:
    assert share_notes([["1"], ["", ""]]) == [("1", (0,)), ("", (1,)), ("", (1,))]


@given(st.lists(st.lists(st.text(alphabet="ab 1.,/-", max_size=8), max_size=4), max_size=5))
def test_every_recording_keeps_as_many_notes(notes: list[list[str]]) -> None:
    shared = share_notes(notes)
    for position, own in enumerate(notes):
        assert sum(position in note.recordings for note in shared) == len(own)
    for note in shared:
        if len(note.recordings) == 1:
            assert note.text in notes[note.recordings[0]]


def test_a_short_training_is_called_short(make_outcome: MakeOutcome) -> None:
    assert caveats.warnings(make_outcome(epochs=100)) == []
    assert caveats.warnings(make_outcome(preset="everyday")) == []
    (text,) = caveats.warnings(make_outcome(epochs=1))
    assert text.startswith("This was a short training: 1 epoch over the training windows, while the recipe")


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "is based on one person"), (3, "is based on 3 people, too few"), (7, "The interval shows")],
)
def test_few_unseen_are_a_limit(make_outcome: MakeOutcome, count: int, text: str) -> None:
    first = caveats.limits(make_outcome(unseen=tuple(f"p{i}" for i in range(count))))[0]
    assert text in first


def test_without_unseen_no_limit_speaks_of_them(make_outcome: MakeOutcome) -> None:
    assert not any("unseen people's score" in text for text in caveats.limits(make_outcome(unseen=())))


@pytest.mark.parametrize("preset", ["notebook", "everyday"])
def test_limits_are_those_of_the_recipe(make_outcome: MakeOutcome, preset: str) -> None:
    text = " ".join(caveats.limits(make_outcome(preset=preset)))
    everyday = preset == "everyday"
    assert ("drawn at random" in text) is not everyday
    assert ("are drawn from the rows of the file as they are" in text) is not everyday
    assert ("A window lasts 10 s and the next one begins 2 s later" in text) is everyday
    assert ("mended recordings, resampled to 30 samples per second" in text) is everyday
    assert ("at 30 samples per second; a recording at another rate is resampled" in text) is everyday
    assert ("at 25 samples per second; a recording at a rate more than 5% off is resampled" in text) is not everyday
