"""Routines: those of harken, those of a user, and tables of who began one when."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.annotations.formats import read_annotations
from harken.annotations.routine import Routine, find_routine, parse_routine, read_routine, routine_names
from harken.annotations.times import Span
from harken.support.errors import HarkenError

SECOND = 10**9
START = 1_709_978_400 * SECOND  # 2024-03-09 10:00:00 UTC
SPAN = Span(START, START + 900 * SECOND, "UTC")
OWN = """title = "Ward"
cut_s = 2

[[step]]
do = "Lie in bed."
label = "in bed"
kind = "on the back"
seconds = 30

[[step]]
do = "Sit in the wheelchair."
label = "wheelchair"
kind = "still"
seconds = 20
"""
PATH = Path("ward.toml")


def labels_of(table: str, folder: Path) -> list[tuple[float, float, str]]:
    """The labels of a table of starts, in seconds after 10:00."""
    path = folder / "starts.csv"
    path.write_text(table)
    found = read_annotations(path).intervals(SPAN)
    times = zip(found.start_ns.tolist(), found.end_ns.tolist(), found.labels, strict=True)
    return [((start - START) / SECOND, (end - START) / SECOND, label) for start, end, label in times]


def test_the_five_minutes_have_several_kinds_of_each_posture() -> None:
    assert routine_names() == ["five-minutes"]
    routine = find_routine("five-minutes")
    kinds: dict[str, int] = {}
    for step in routine.steps:
        kinds[step.label] = kinds.get(step.label, 0) + 1
    assert kinds == {"lying": 2, "sitting": 3, "standing": 2, "walking": 1, "stairs": 1}
    seconds = [step.seconds for step in routine.steps]
    assert sum(seconds) == 40 * len(seconds)
    assert all(step.seconds >= 40 for step in routine.steps if kinds[step.label] == 1)


@pytest.mark.parametrize("shift_s", [shift_s for shift_s in range(-60, 61) if abs(shift_s) > 8])
def test_a_shift_of_the_five_minutes_lays_few_borders_on_others(shift_s: int) -> None:
    steps = find_routine("five-minutes").steps
    borders = [0.0, *(step.start_s + step.seconds for step in steps)]
    alike = sum(min(abs(border + shift_s - other) for other in borders) < 3 for border in borders)
    assert alike <= len(borders) / 2


def test_steps_follow_one_another() -> None:
    routine = parse_routine(OWN.encode(), path=PATH)
    assert (routine.name, routine.title, routine.cut_s, routine.seconds) == ("ward.toml", "Ward", 2.0, 50.0)
    assert [(step.start_s, step.seconds, step.label) for step in routine.steps] == [
        (0.0, 30.0, "in bed"),
        (30.0, 20.0, "wheelchair"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ('title = "Ward"', "title = Ward", 1, "this is no TOML"),
        ("seconds = 20", "seconds = ", 14, "this is no TOML"),
        ('title = "Ward"', "", 1, "title is missing"),
        ("cut_s = 2", "cut_s = -1", 2, "cut_s must be a number of seconds, 0 to 1799.5"),
        ("seconds = 20", "seconds = 4", 14, "seconds must be a number of seconds, 5 to 3600"),
        ("seconds = 20", "seconds = true", 14, "seconds must be a number"),
        ("seconds = 20", "seconds = 4000", 14, "5 to 3600"),
        ('label = "wheelchair"', 'label = "none"', 12, "cannot be a label"),
        ('label = "wheelchair"', "", 10, "label is missing"),
        ('kind = "still"', 'kind = "a\\nb"', 13, "kind must be one line"),
        ('kind = "still"', 'sort = "still"', 13, "there is no 'sort' here; choose from do, kind, label and seconds"),
        ("cut_s = 2", "cut_s = 2\nrest = 1", 3, "there is no 'rest' here; choose from cut_s, step and title"),
    ],
)
def test_a_damaged_routine_is_refused_with_its_line(before: str, after: str, line: int, words: str) -> None:
    assert before in OWN
    with pytest.raises(HarkenError, match=words) as caught:
        parse_routine(OWN.replace(before, after).encode(), path=PATH)
    assert (caught.value.path, caught.value.place) == (str(PATH), f"line {line}")


def test_a_routine_without_steps_or_with_too_many_is_refused() -> None:
    head, step = OWN.split("\n\n")[0], OWN.split("\n\n")[1]
    for text in (head, head + "\nstep = 3", "\n\n".join([head, *[step] * 101])):
        with pytest.raises(HarkenError, match="1 to 100 steps"):
            parse_routine(text.encode(), path=PATH)


def test_what_is_no_routine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="there is no routine “six-minutes”; choose five-minutes, or name a file"):
        find_routine("six-minutes")
    with pytest.raises(HarkenError, match="there is no such routine"):
        find_routine("mine.toml", folder=tmp_path)
    (tmp_path / "large.toml").write_bytes(b"#" * 70_000)
    with pytest.raises(HarkenError, match="at most 64 KiB"):
        read_routine(tmp_path / "large.toml")
    with pytest.raises(HarkenError, match="this is no TOML"):
        parse_routine(OWN.replace("seconds = 20", "seconds = " + "1" * 5000).encode(), path=PATH)
    with pytest.raises(HarkenError, match="UTF-8"):
        parse_routine(b'title = "\xff"', path=PATH)


@given(st.one_of(st.binary(max_size=200), st.text(alphabet=OWN + '"[]{}=\\\n', max_size=200).map(str.encode)))
def test_any_content_is_a_routine_or_refused(content: bytes) -> None:
    with suppress(HarkenError):
        assert isinstance(parse_routine(content, path=PATH), Routine)


def test_a_start_becomes_a_label_for_each_step(tmp_path: Path) -> None:
    (tmp_path / "ward.toml").write_text(OWN)
    assert labels_of("person,routine,start\nanna,ward.toml,2024-03-09 10:01:00\n", tmp_path) == [
        (62.0, 88.0, "in bed"),
        (92.0, 108.0, "wheelchair"),
    ]


@pytest.mark.parametrize("start", ["10:01", "60", "2024-03-09T10:01:00Z", "1709978460"])
def test_a_start_may_be_any_time_of_a_file_of_labels(start: str, tmp_path: Path) -> None:
    found = labels_of(f"person;routine;start\nanna;five-minutes;{start}\n", tmp_path)
    assert [label for _, _, label in found] == [step.label for step in find_routine("five-minutes").steps]
    assert found[0] == (65.0, 89.0, "lying")
    assert found[-1] == (384.0, 415.0, "stairs")


def test_a_skipped_step_leaves_no_label(tmp_path: Path) -> None:
    table = "person,routine,start,skipped\nanna,five-minutes,10:01,9\nanna,five-minutes,10:08,1 2 3\n"
    found = labels_of(table, tmp_path)
    assert [label for _, _, label in found] == [
        *("lying", "lying", "sitting", "sitting", "sitting", "standing", "standing", "walking"),
        *("sitting", "sitting", "standing", "standing", "walking", "stairs"),
    ]
    assert found[8][0] == 480.0 + 34 + 43 + 35 + 5


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("anna,,10:01,", "the routine is missing"),
        ("anna,six-minutes,10:01,", "there is no routine “six-minutes”"),
        ("anna,../ward.toml,10:01,", "must be a file beside the table, without a folder"),
        ("anna,five-minutes,early,", "the start 'early' is not a time"),
        ("anna,five-minutes,10:01,7,9", "5 fields instead of 4; write the numbers of several skipped steps as 7 9"),
        ("anna,mine.toml,10:01,", "there is no such routine"),
        ("anna,five-minutes,10:01,10", "'10' is no step of this routine; its steps are 1 to 9"),
        (",five-minutes,10:01,", "the subject is missing"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(row: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match=words) as caught:
        labels_of(f"person,routine,start,skipped\nberta,five-minutes,10:00,\n{row}\n", tmp_path)
    assert caught.value.place == "line 3"


def test_whether_a_start_is_exact_is_yes_or_no(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="'nearly' is neither yes nor no; is the start exact") as caught:
        labels_of("person,routine,start,exact\nanna,five-minutes,10:01,nearly\n", tmp_path)
    assert caught.value.place == "line 2"


def test_a_column_that_was_meant_as_skipped_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="the column 'skipped steps' is not read; call it skipped"):
        labels_of("person,routine,start,skipped steps\nanna,five-minutes,10:01,9\n", tmp_path)


def test_a_note_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "ward.toml").write_text(OWN)
    table = "person,routine,start,skipped,note\nanna,ward.toml,10:01,2\n"
    assert labels_of(table, tmp_path) == [(62.0, 88.0, "in bed")]


def test_a_changed_routine_is_read_again(tmp_path: Path) -> None:
    table = "person,routine,start\nanna,ward.toml,10:01\n"
    (tmp_path / "ward.toml").write_text(OWN)
    assert labels_of(table, tmp_path)[-1] == (92.0, 108.0, "wheelchair")
    (tmp_path / "ward.toml").write_text(OWN.replace("seconds = 20", "seconds = 120"))
    assert labels_of(table, tmp_path)[-1] == (92.0, 208.0, "wheelchair")


def test_steps_are_counted_in_elapsed_time_while_clocks_change(tmp_path: Path) -> None:
    """In Berlin clocks went back at 3:00 on 27 October 2024."""
    (tmp_path / "ward.toml").write_text(OWN.replace("seconds = 30", "seconds = 300"))
    (tmp_path / "starts.csv").write_text("person,routine,start\nanna,ward.toml,2024-10-27 01:58\n")
    begun = 1_729_987_080 * SECOND
    span = Span(begun - 60 * SECOND, begun + 900 * SECOND, "Europe/Berlin")
    found = read_annotations(tmp_path / "starts.csv").intervals(span)
    assert ((found.start_ns - begun) // SECOND).tolist() == [2, 302]


def test_a_step_outside_the_recording_is_named_by_its_own_times(tmp_path: Path) -> None:
    (tmp_path / "ward.toml").write_text(OWN.replace("seconds = 30", "seconds = 600"))
    with pytest.raises(HarkenError, match=r"10:10:00 \(2024-03-09 10:10:02 to 2024-03-09 10:19:58\) lies outside"):
        labels_of("person,routine,start\nanna,ward.toml,2024-03-09 10:10:00\n", tmp_path)


def test_a_routine_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "ward.toml").write_text(OWN.replace("seconds = 20", "seconds = 2"))
    with pytest.raises(HarkenError, match="seconds must be") as caught:
        labels_of("person,routine,start\nanna,ward.toml,10:01\n", tmp_path)
    assert (caught.value.path, caught.value.place) == (str(tmp_path / "ward.toml"), "line 14")
