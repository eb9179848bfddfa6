"""Named segments: what a table may say, what is refused with its line, and clocks that change."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from harken.outcomes.segments import Segment, read_segments
from harken.outcomes.tables import segment_stretches
from harken.support.errors import HarkenError


def shown(time_ns: int, zone: str) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


def write(folder: Path, text: str) -> Path:
    path = folder / "segments.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_weekdays_dates_and_ranges() -> None:
    every = [date(2024, 3, 1) + timedelta(days=k) for k in range(31)]  # a Friday

    def numbers(days: str) -> list[int]:
        return [day.day for day in every if Segment("one", days, "08:00", "09:00").falls_on(day)]

    assert numbers("mon") == [4, 11, 18, 25]
    assert numbers("Mon-Wed sun") == sorted([3, 10, 17, 24, 31, *(k for k in range(1, 32) if (k - 4) % 7 < 3)])
    assert numbers("sat-mon") == [k for k in range(1, 32) if (k - 2) % 7 < 3]
    assert numbers("2024-03-09 2024-03-12/2024-03-14") == [9, 12, 13, 14]
    assert numbers("") == list(range(1, 32))


@pytest.mark.parametrize(
    ("days", "start", "end", "expected"),
    [
        ("2024-03-31", "01:00", "05:00", ("2024-03-31T01:00+02:00", "2024-03-31T05:00+03:00")),
        ("2024-03-31", "03:30", "05:00", ("2024-03-31T04:00+03:00", "2024-03-31T05:00+03:00")),  # 3:30 is skipped
        ("2024-03-31", "01:00", "03:30", ("2024-03-31T01:00+02:00", "2024-03-31T04:00+03:00")),
        ("2024-10-27", "03:30", "05:00", ("2024-10-27T03:30+03:00", "2024-10-27T05:00+02:00")),
        ("2024-10-27", "01:00", "03:30", ("2024-10-27T01:00+03:00", "2024-10-27T03:30+02:00")),
        ("2024-12-31", "22:00", "06:00", ("2024-12-31T22:00+02:00", "2025-01-01T06:00+02:00")),
        ("2024-07-01", "00:00", "24:00", ("2024-07-01T00:00+03:00", "2024-07-02T00:00+03:00")),
    ],
)
def test_edges_by_the_clock(days: str, start: str, end: str, expected: tuple[str, str]) -> None:
    segment = Segment("one", days, start, end)
    found = segment_stretches([segment], [date.fromisoformat(days)], subject="anna", timezone="Europe/Athens")
    assert tuple(shown(edge, "Europe/Athens") for edge in found.edges_ns[-1]) == expected


def test_a_table_with_people_and_a_night_that_began_before_the_recording(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "Segment, days, start, end, subject, remark\nwork,mon-fri,08:30,17:00,,long\nnight,,22:00,06:00,anna,\n"
        'school,2024-03-05,08:00,13:00,"bob",\n',
    )
    segments = read_segments(path)
    assert [segment.subject for segment in segments] == [None, "anna", "bob"]
    found = segment_stretches(segments, [date(2024, 3, 5)], subject="anna", timezone="UTC")
    assert found.frame["segment"].to_list() == ["work", "night", "work", "night"]
    assert found.frame["date"].to_list() == [date(2024, 3, day) for day in (4, 4, 5, 5)]
    assert found.frame["end"][1] == datetime(2024, 3, 5, 6, tzinfo=UTC)
    assert (found.edges_ns[:, 1] > found.edges_ns[:, 0]).all()
    nobody = segment_stretches(segments[2:], [date(2024, 3, 5)], subject="anna", timezone="UTC")
    assert (len(nobody.frame), nobody.frame.columns) == (0, ["segment", "date", "start", "end"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("segment,days,start\nwork,mon,08:00\n", "line 1: there is no column end"),
        ("segment,days,start,end\nwork,mon,08:00,17:00\nwork,funday,08:00,17:00\n", "line 3: 'funday' is no day"),
        ("segment,days,start,end\nwork,mon-x,08:00,17:00\n", "line 2: 'mon-x' is no day"),
        ("segment,days,start,end\nwork,2024-02-30,08:00,17:00\n", "line 2: '2024-02-30' is no day"),
        ("segment,days,start,end\nwork,2024-03-02/2024-03-01,08:00,17:00\n", "ends before it begins"),
        ("segment,days,start,end\nwork,mon,8 o'clock,17:00\n", "is no time of the clock"),
        ("segment,days,start,end\nwork,mon,08:00,25:00\n", "'25:00' is no time of the clock"),
        ("segment,days,start,end\nwork,mon,08:00,08:00\n", "from 08:00 to 08:00 has no length"),
        ("segment,days,start,end\nwork,mon,24:00,08:00\n", "from 24:00 to 08:00 has no length"),
        ("segment,days,start,end\n,mon,08:00,17:00\n", "needs a name"),
        ("segment,days,start,end\nwork,mon,08:00,17:00,x\n", "line 2: 5 fields instead of 4"),
        ("segment,days,start,end\n", "there is no segment in it"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(HarkenError) as refused:
        read_segments(path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)
