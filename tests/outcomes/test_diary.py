"""What a sleep diary says, and how a broken one is refused with its line."""

import time
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from harken.outcomes.diary import read_diary
from harken.support.errors import HarkenError

HEADER = "subject,date,onset,wake"


def diary(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "diary.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def test_clock_times_become_times_of_that_night(tmp_path: Path) -> None:
    lines = [
        "7,2024-12-31,23:50,7:05",
        "7,2025-01-01,00.30.15,6 am",
        "7,2025-01-02,09:15,16:40",
        "8,2024-12-31,12:00,12:01",
    ]
    found = read_diary(diary(tmp_path, *lines))
    assert [(night.onset, night.wake, night.line) for night in found.nights["7"]] == [
        (datetime(2024, 12, 31, 23, 50), datetime(2025, 1, 1, 7, 5), 2),
        (datetime(2025, 1, 2, 0, 30, 15), datetime(2025, 1, 2, 6, 0), 3),
        (datetime(2025, 1, 3, 9, 15), datetime(2025, 1, 3, 16, 40), 4),
    ]
    assert [night.onset for night in found.nights["8"]] == [datetime(2024, 12, 31, 12)]


def test_a_diary_with_many_columns_is_read_at_once(tmp_path: Path) -> None:
    """If each name is looked for among all names, it takes 30 s."""
    names = ",".join(f"answer {number}" for number in range(20_000))
    path = tmp_path / "diary.csv"
    path.write_text(f"{HEADER},{names}\na,2024-05-06,23:00,07:00{',' * 20_000}\n")
    began_s = time.process_time()
    assert [night.date for night in read_diary(path).nights["a"]] == [date(2024, 5, 6)]
    assert time.process_time() - began_s < 2


def test_missing_nights_are_left_out(tmp_path: Path) -> None:
    found = read_diary(diary(tmp_path, "a,2024-05-06,,", "", "a,2024-05-07,23:00,", "a,2024-05-09,23:00,07:00", ",,,"))
    assert [night.date for night in found.nights["a"]] == [date(2024, 5, 9)]
    assert found.nights_ns("somebody else", "UTC") == {}


@pytest.mark.parametrize(
    "text",
    [
        '\ufeffSubject;Date;Onset;Wake;Note\r\nanna; 2024-05-06 ;23:00;07:00;"slept; well"\r\n',
        "wake\tonset\tdate\tsubject\n07:00\t23:00\t2024-05-06\tanna",
        'subject,date,onset,wake,note\nanna,2024-05-06,23:00,07:00,"two\nlines"\n',
    ],
    ids=["a spreadsheet in German", "tabs in another order", "a field of two lines"],
)
def test_spreadsheets_write_it_in_several_ways(tmp_path: Path, text: str) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(text.encode())
    (night,) = read_diary(path).nights["anna"]
    assert (night.onset, night.wake) == (datetime(2024, 5, 6, 23), datetime(2024, 5, 7, 7))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["a,6.5.2024,23:00,07:00"], "line 2: '6.5.2024' is not a date such as 2024-03-30"),
        (["a,2024-02-30,23:00,07:00"], "line 2: '2024-02-30' is not a date"),
        (["a,2424-05-06,23:00,07:00"], "line 2: '2424-05-06' is not a date such as 2024-03-30; years go from 1970 to"),
        (
            ["a,2024-05-06,23:00,07:00", "", "a,2024-05-07,23 pm,07:00"],
            "line 4: the onset '23 pm' is not a time such as 23:40",
        ),
        (["a,2024-05-06,23:00,24:00"], "line 2: the wake '24:00' is not a time"),
        ([",2024-05-06,23:00,07:00"], "line 2: the subject is missing"),
        (["a,2024-05-06,23:00"], "line 2: 3 fields instead of 4"),
        (["a,2024-05-06,07:00,23:00"], "line 2: from 07:00 to 23:00 are 16.0 hours; are onset and wake in the wrong"),
        (["a,2024-05-06,23:00,23:00"], "line 2: from 23:00 to 23:00 are 24.0 hours"),
        (
            ["a,2024-05-06,23:00,07:00", "b,2024-05-06,23:00,07:00", "a,2024-05-06,22:00,07:00"],
            "line 4: the night of 2024-05-06 of a is also in line 2",
        ),
        (
            ["a,2024-05-07,12:30,19:00", "a,2024-05-06,11:00,13:00"],
            "line 2: the night begins before that of line 3 has ended",
        ),
        (["a,2024-05-06,23:00,07:00\0"], "line 2: "),
    ],
)
def test_a_broken_diary_is_refused_with_its_line(tmp_path: Path, lines: list[str], reason: str) -> None:
    with pytest.raises(HarkenError) as refused:
        read_diary(diary(tmp_path, *lines))
    assert f"{tmp_path / 'diary.csv'}, {reason}" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"subject,onset\na,23:00\n",
            "line 1: there are no columns date, wake; a diary needs subject, date, onset, wake",
        ),
        (b"", "line 1: there are no columns subject, date, onset, wake"),
        (
            f"{HEADER}\nJ\u00f6rg,2024-05-06,23:00,07:00\n".encode("latin-1"),
            "line 2: 'Jörg' is not in UTF-8, but probably in Windows-1252 .*; save the diary as CSV in UTF-8",
        ),
        (None, "the diary cannot be read"),
    ],
)
def test_what_is_no_diary_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "diary.csv").write_bytes(content)
    with pytest.raises(HarkenError, match=reason):
        read_diary(tmp_path / "diary.csv")


def test_times_are_those_of_the_wearers_zone(tmp_path: Path) -> None:
    found = read_diary(
        diary(tmp_path, "a,2024-03-30,23:00,07:00", "a,2024-10-26,23:00,07:00", "a,2024-10-27,23:00,07:00")
    )
    hours = {day: np.diff(span)[0] / 3.6e12 for day, span in found.nights_ns("a", "Europe/Athens").items()}
    assert hours == {date(2024, 3, 30): 7, date(2024, 10, 26): 9, date(2024, 10, 27): 8}
    onset = found.nights_ns("a", "Europe/Athens")[date(2024, 3, 30)][0]
    assert onset == datetime.fromisoformat("2024-03-30T23:00+02:00").timestamp() * 10**9


def test_a_time_that_clocks_skip_is_refused_and_one_that_they_repeat_is_the_first(tmp_path: Path) -> None:
    skipped = read_diary(diary(tmp_path, "a,2024-03-30,23:00,03:30"))
    with pytest.raises(HarkenError, match="line 2: 03:30 on 2024-03-31 does not exist in Europe/Athens"):
        skipped.nights_ns("a", "Europe/Athens")
    repeated = read_diary(diary(tmp_path, "a,2024-10-26,23:00,03:30"))
    (span,) = repeated.nights_ns("a", "Europe/Athens").values()
    assert np.diff(span)[0] == 4.5 * 3600 * 10**9


def test_a_diary_that_changed_is_read_again(tmp_path: Path) -> None:
    assert set(read_diary(diary(tmp_path, "a,2024-03-30,23:00,07:00")).nights) == {"a"}
    assert set(read_diary(diary(tmp_path, "b,2024-03-30,23:00,07:00")).nights) == {"b"}
