"""Notes that say the same of several recordings are joined, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from harken.reports.run.notes import share_notes


def test_numbers_become_a_range() -> None:
    notes = [["Acceleration is in m/s2 (at rest 9.81), converted to g."]] * 2
    notes.append(["Acceleration is in m/s2 (at rest 9.7), converted to g.", "Times carry no zone."])
    notes.append(["Acceleration is in 64 g/64 (at rest 64), converted to g."])
    assert share_notes(notes) == [
        ("Acceleration is in m/s2 (at rest 9.7 to 9.81), converted to g.", (0, 1, 2)),
        ("Times carry no zone.", (2,)),
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
