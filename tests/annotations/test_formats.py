"""Each format of labels: a sample made from its documentation, its intervals, and its way into the plain table."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.annotations.bouts import Annotations, Intervals
from harken.annotations.formats import read_annotations
from harken.annotations.store import is_own, table_of
from harken.annotations.table import plain_note, why_not_kept
from harken.annotations.times import Span
from harken.support.errors import HarkenError

SECOND = 10**9
START = 1_709_978_400 * SECOND  # 2024-03-09 10:00:00 UTC
SPAN = Span(START, START + 300 * SECOND, "UTC")
ATHENS = Span(START, START + 300 * SECOND, "Europe/Athens")
BOUTS = [(0.0, 60.0, "lying"), (60.0, 120.5, "walking"), (130.0, 300.0, "sitting")]


class Sample(NamedTuple):
    """The content of a file, the name of its format, the recording, and the expected bouts, in seconds from its
    start."""

    content: str
    name: str
    span: Span = SPAN
    bouts: list[tuple[float, float, str]] = BOUTS


SAMPLES = {
    "seconds from the start": Sample("start,end,label\n0,60,lying\n60,120.5,walking\n130,300,sitting\n", "plain table"),
    "a duration": Sample("label,start,duration_s\nlying,0,60\nwalking,60,60.5\nsitting,130,170\n", "plain table"),
    "milliseconds since 1970": Sample(
        "Start;End;Activity;Note\n1709978400000;1709978460000;lying;\n1709978460000;1709978520500;walking;fast\n"
        "1709978530000;1709978700000;sitting;\n",
        "plain table",
    ),
    "clock times with a zone": Sample(
        "start\tend\tlabel\n2024-03-09T10:00:00Z\t2024-03-09T11:01:00+01:00\tlying\n"
        "2024-03-09 10:01:00 UTC\t2024-03-09 02:02:00.5-0800\twalking\n"
        "2024/03/09 10:02:10Z\t2024-03-09T10:05Z\tsitting\n",
        "plain table",
    ),
    "clock times of the wearer": Sample(
        "begin,end,label\n2024-03-09 12:00,2024-03-09 12:01,lying\n9.3.2024 12:01,09.03.2024 12:02:00.5,walking\n"
        "2024-03-09 12:02:10,2024-03-09 12:05,sitting\n",
        "plain table",
        ATHENS,
    ),
    "a date and two times": Sample(
        "date,start,end,label\n2024-03-09,12:00,12:01,lying\n2024-03-09,12:01,12:02:00.5,walking\n"
        "2024-03-09,12:02:10,12:05,sitting\n",
        "plain table",
        ATHENS,
    ),
    "times without a date, in another order": Sample(
        "label,to,from\nsitting,12:05,12:02:10\nlying,12:01,12:00\nwalking,12:02:00.5,12:01\n", "plain table", ATHENS
    ),
    "no header": Sample("0,60,lying\n60,120.5,walking\n# a remark\n\n130,300,sitting\n", "plain table"),
    "points without a header": Sample("0,lying\n60,walking\n120.5,\n130,sitting\n", "plain table"),
    "times with points, with one digit, and with an h": Sample(
        "10.00.00,10h01,lying\n10:01:0,10.02.00.5,walking\n10:02:10,10.05 Uhr,sitting\n",
        "plain table",
    ),
    "am and pm as a phone types them": Sample(
        "start\tend\tlabel\n10 am\t10.01 AM\tlying\n10:01 a.m.\t10:02:00.5\u202fAM\twalking\n"
        "10:02:10\u00a0am\t10:05am\tsitting\n",
        "plain table",
    ),
    "seconds that look like times of the clock": Sample(
        "start_s,end_s,label\n1.30,1.45,lying\n", "plain table", bouts=[(1.3, 1.45, "lying")]
    ),
    "notes": Sample(
        "# Saturday\n10:00 10:01 lying\n10:01 – 10:02:00.5 walking\n10:02:10 to 10:05: sitting\n", "plain table"
    ),
    "notes on tests whose names begin with a number": Sample(
        "10:00-10:01 6MWT\n10:01-10:02: 2-minute walk\n",
        "plain table",
        bouts=[(0, 60, "6MWT"), (60, 120, "2-minute walk")],
    ),
    "notes with columns": Sample(
        "10:00 till 10:01\tlying\n10h01—10:02:00.5\twalking\n10:02:10 until 10:05\tsitting\n", "plain table"
    ),
    "notes of a date": Sample(
        "2024-03-09,10:00-10:01 lying\n2024-03-09,10:01-10:02:00.5 walking\n2024-03-09,10:02:10-10:05,sitting\n",
        "plain table",
    ),
    "notes with dates": Sample(
        "2024-03-09 10:00-10:01 lying\n9.3.2024 10:01-10:02:00.5 walking\n2024/3/9 10:02:10-10:05 sitting\n",
        "plain table",
    ),
    "a column of ranges": Sample(
        "activity,time\nlying,10:00-10:01\nwalking,10:01-10:02:00.5\nsitting,10:02:10 - 10:05\n", "plain table"
    ),
    "notes without ends": Sample("10:00 lying\n10:01 - walking\n10:02:00.5 end\n10:02:10: sitting\n", "plain table"),
    "Sensor Logger": Sample(
        "time,seconds_elapsed,text,millisecond_press_duration\n1709978399500000000,-0.5,lying,80\n"
        "1709978460000000000,60,walking,101\n1709978520500000000,120.5,,95\n1709978530000000000,130,sitting,88\n",
        "annotations of Sensor Logger",
    ),
    "Audacity": Sample(
        "0.000000\t60.000000\tlying\n\\\t100.5\t2000.25\n60.000000\t120.500000\twalking\n"
        "130.000000\t300.000000\tsitting\n",
        "label track of Audacity",
    ),
    "points of Audacity": Sample(
        "0.000000\t0.000000\tlying\n60.000000\t60.000000\twalking\n120.500000\t120.500000\tstop\n"
        "130.000000\t130.000000\tsitting\n",
        "label track of Audacity",
    ),
    "ELAN with all forms": Sample(
        "activity\t\t00:00:00.000\t0.0\t0\t00:01:00.000\t60.0\t60000\t00:01:00.000\t60.0\t60000\tlying\n"
        "activity\t\t00:01:00.000\t60.0\t60000\t00:02:00.500\t120.5\t120500\t00:01:00.500\t60.5\t60500\twalking\n"
        "activity\t\t00:02:10.000\t130.0\t130000\t00:05:00.000\t300.0\t300000\t00:02:50.000\t170.0\t170000\tsitting\n",
        "tab-delimited export of ELAN",
    ),
    "ELAN in milliseconds, without tiers": Sample(
        "0\t60000\t60000\tlying\n60000\t120500\t60500\twalking\n130000\t300000\t170000\tsitting\n",
        "tab-delimited export of ELAN",
    ),
    "ELAN with a column for each tier": Sample(
        '"#file:///video.mp4 -- offset: 0"\n'
        "Begin Time - hh:mm:ss.ms\tBegin Time - ss.msec\tEnd Time - hh:mm:ss.ms\tEnd Time - ss.msec\tactivity\n"
        "00:00:00.000\t0.0\t00:01:00.000\t60.0\tlying\n00:01:00.000\t60.0\t00:02:00.500\t120.5\twalking\n"
        "00:02:10.000\t130.0\t00:05:00.000\t300.0\tsitting\n",
        "tab-delimited export of ELAN",
    ),
    "ELAN in French, with SMPTE": Sample(
        "Temps de départ - ss.msec\tTemps de départ - PAL\tTemps de fin - ss.msec\tTemps de fin - PAL\t"
        "Durée - ss.msec\tDurée - PAL\tactivité\n"
        "0.0\t00:00:00:00\t60.0\t00:01:00:00\t60.0\t00:01:00:00\tlying\n"
        "60.0\t00:01:00:00\t120.5\t00:02:00:12\t60.5\t00:01:00:12\twalking\n"
        "130.0\t00:02:10:00\t300.0\t00:05:00:00\t170.0\t00:02:50:00\tsitting\n",
        "tab-delimited export of ELAN",
    ),
    "BIDS": Sample(
        "onset\tduration\ttrial_type\tresponse_time\n0\t60\tlying\t1.4\n60\t60.5\twalking\tn/a\n120.5\t9\tn/a\tn/a\n"
        "130\t170\tsitting\tn/a\n",
        "events of BIDS",
    ),
    "points of BIDS": Sample(
        "onset\tduration\ttrial_type\n0\tn/a\tlying\n60\t0\twalking\n120.5\tn/a\tn/a\n130\tn/a\tsitting\n",
        "events of BIDS",
    ),
}


def written(tmp_path: Path, content: str, name: str = "notes.csv") -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def bouts(intervals: Intervals, start_ns: int = START) -> list[tuple[float, float, str]]:
    """Start and end in seconds, to the microsecond, and the label."""
    starts, ends = (intervals.start_ns - start_ns).tolist(), (intervals.end_ns - start_ns).tolist()
    rows = zip(starts, ends, intervals.labels, strict=True)
    return [(round(start / 1e9, 6), round(end / 1e9, 6), label) for start, end, label in rows]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_format_is_recognised_and_makes_the_round_trip_to_the_plain_table(tmp_path: Path, sample: Sample) -> None:
    found = read_annotations(written(tmp_path, sample.content))
    assert found.format == sample.name
    intervals = found.intervals(sample.span)
    assert bouts(intervals) == sample.bouts
    again = written(tmp_path, table_of(intervals, timezone=sample.span.timezone), "again.labels.csv")
    plain = read_annotations(again)
    assert plain.format == "plain table"
    read_again = plain.intervals(sample.span)
    assert (read_again.start_ns == intervals.start_ns).all()
    assert (read_again.end_ns == intervals.end_ns).all()
    assert read_again.labels == intervals.labels
    again.write_bytes(b"\xef\xbb\xbf" + sample.content.replace("\n", "\r\n").encode())  # as Windows may write it
    assert bouts(read_annotations(again).intervals(sample.span)) == sample.bouts


def refusal(tmp_path: Path, content: str, span: Span = SPAN) -> str:
    path = written(tmp_path, content)
    with pytest.raises(HarkenError) as refused:
        read_annotations(path).intervals(span)
    return str(refused.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("0,60,lying\n50,70,sitting\n", ", line 2: the interval overlaps that of line 1"),
        ("50,70,sitting\n0,60,lying\n", ", line 2: the interval overlaps that of line 1"),
        ("0,60,lying\n80,70,sitting\n", ", line 2: the interval ends before it begins"),
        ("0,60,lying\n80,80,sitting\n", ", line 2: the interval has no length"),
        ("0,60,lying\n400,410,sitting\n", ", line 2: the interval from 400 to 410 (2024-03-09 10:06:40 to"),
        ("-70,20,lying\n", ", line 1: the interval from -70 to 20 (2024-03-09 09:58:50 to 2024"),
        ("0,361,lying\n", ", line 1: the interval from 0 to 361 (2024-03-09 10:00:00 to 2024"),
        ("-50,-10,lying\n", ", line 1: the interval from -50 to -10 (2024-03-09 09:59:10"),
        ("start,end,label\n09:58,10:03,a\n", ", line 2: the interval from 09:58 to 10:03 (2024-03-09 09:58:00 to 2024"),
        ("start,label\n09:58,a\n10:03,b\n", ", line 2: the interval from 09:58 (2024-03-09 09:58:00 to 2024"),
        ("start,end,label\n10:04,10:20,a\n", ", line 2: the interval from 10:04 to 10:20 (2024-03-09 10:04:00 to 2024"),
        (
            "date,start,end,label\n2024-03-09,10:04,10:20,a\n",
            ", line 2: the interval from 2024-03-09 10:04 to 2024-03-09 10:20 lies outside the recording",
        ),
        ("0\t9\t9\tx\n400000\t400001\t1\ty\n", ", line 2: the interval from 400000 to 400001 (2024-03-09 10:06:40"),
        ("start,duration,label\n290,100,a\n", ", line 2: the interval from 290 for 100 s (2024-03-09 10:04:50 to 2024"),
        ("start,end,label,offset_s\n0,9,a,x\n", ", line 2: the offset_s 'x' is not a number of seconds"),
        ("start,end,label\n10:04,09:58,a\n", ", line 2: the interval ends before it begins"),
        ("date,start,end,label\n2024-03-09,10:05,10:00,a\n", ", line 2: the interval ends before it begins"),
        ("start,end,label\n10:00,quarter past,lying\n", ", line 2: the end 'quarter past' is not a time such as"),
        ("9.30,9.32,sitting\n", ", line 1: the start '9.30' may be a time of the clock, or seconds from the"),
        ("9,30;9,32;sitting\n", ", line 1: the start '9,30' may be a time of the clock, or seconds from the"),
        ("9\t9.32\ta\n9.4\t10\tb\n", ", line 1: the end '9.32' may be a time of the clock, or seconds from the"),
        ("start,label\n0930,sitting\n", ", line 2: the start '0930' may be a time of the clock, or seconds from the"),
        ("9.30 - 9.32 sitting\n", ", line 1: a note needs times of the clock, and '9.30' is a number; write 9:30"),
        ("9:30-10 sitting\n", ", line 1: a note needs times of the clock, and '10' is a number; write 10:00"),
        ("9:30-05 sitting\n", ", line 1: a note needs times of the clock, and '05' is a number; write 05:00"),
        ("9:30-45 a\n", ", line 1: a note needs times of the clock, and '45' is a number; write a time such as 10:05"),
        ("9:30-9:32 sitting\nhello\n", ", line 2: 'hello' is not a note such as 09:30-09:32 sitting or 2024-"),
        ("Sunday\n9:30-9:32 sitting\n", ", line 1: 'Sunday' is not a note such as 09:30-09:32 sitting or 2024-"),
        ("Sun 10 Mar 9:30-9:32 sitting\n", ", line 1: 'Sun 10 Mar 9:30-9:32 sitting' is not a note such as 09:30"),
        ("9:30 sitting until 9:32\n", ", line 1: the label 'sitting until 9:32' contains a time; write both times"),
        ("9:30-9:31: a; 9:31-9:32: b\n", ", line 1: '9:31-9:32: b' is a second note; write it on a line of its own"),
        ("9:30 a, 9:31 b\n", ", line 1: '9:31 b' is a second note; write it on a line of its own"),
        ("9:30-9:32\n", ", line 1: '9:30-9:32' has no label; write it as in 09:30-09:32 sitting"),
        ("9:30-9:32 a\n9:34 b\n", ", line 2: this note has no end, but others have one; write both times, as in 09:"),
        ("time,label\n9:30-9:32,a\n9:34,b\n", ", line 3: this note has no end, but others have one; write both times"),
        ("1:30,1:45 pm,a\n", ", line 1: the start '1:30' has neither am nor pm, but other times have; write it with"),
        ("9:5,9:10,a\n9:10,9:20,b\n", ", line 1: the start '9:5' is not a time such as 2024-03-09 10:05, 2024-03-09T1"),
        ("start,end,label\n9,30,9,32,a\n", ", line 2: 5 fields instead of 3; write times as 9:30 and numbers as 9.5, "),
        ("start,end,label\n03/09/2024 10:00,10:05,lying\n", ", line 2: the start '03/09/2024 10:00' may be of"),
        ("start,end,label\n2024-02-30 10:00,10:05,lying\n", ", line 2: the start '2024-02-30 10:00' is not a time"),
        ("start,end,label\n1e18,1e19,lying\n", ", line 2: the end '1e19' is not a time"),
        ("start,end,label\n0,60\n", ", line 2: 2 fields instead of 3"),
        ("start,duration,label\n0,-5,a\n", ", line 2: the duration '-5' is not a number of seconds"),
        ("start,duration,label\n0,nan,a\n", ", line 2: the duration 'nan' is not a number of seconds"),
        ("start,duration,label\n0,1e99999999,a\n", ", line 2: the duration '1e99999999' is not"),
        ("date,start,end,label\nmonday,10:00,10:05,a\n", ", line 2: 'monday' is not a date such as 2024-03-09"),
        ("subject,start,end,label\n,0,5,a\n", ", line 2: the subject is missing"),
        ("when,what\nnow,lying\n", ", line 1: this is no table of labels. Its columns are when, what; it"),
        ("1,2,3,4,lying\n", ", line 1: it has no header and 5 columns"),
        (f"0,60,{'x' * 201}\n", ", line 1: the label has 201 characters; the most are 200"),
        ('0,60,"a\nb"\n', ", line 2: the label 'a\\nb' contains a line end"),
        ('0,60,"lying\n', ", line 1: unexpected end of data"),
        ("", ": the file of labels is empty"),
        ("# nothing\n", ": the file of labels is empty"),
        ("0.0\t60.0\tlying\n70.0\t70.0\tsitting\n", ", line 2: this is a point among labels with a length"),
        ("onset\tduration\ttrial_type\n0\t60\tlying\n70\tn/a\twalking\n", ", line 3: this is a point among labels"),
        ("onset\tduration\tresponse\n0\t60\tlying\n", ", line 1: these events of BIDS have no column trial_type"),
        ("onset\tduration\ttrial_type\n", ": it contains no label"),
        ("hand\t\t0\t10\t10\tup\nfoot\t\t10\t20\t10\tdown\n", ", line 2: the export has several tiers, 'hand' and"),
        (
            "Begin Time - msec\tDuration - msec\ta\n0\t10\tx\n",
            ", line 1: export the begin time and the end time from ELAN, in the same form",
        ),
        ("a\t\t0\t10\t10\tx\na\t\tten\t20\t10\ty\n", ", line 2: 'ten' is not a time of ELAN such as 00:01:02.345"),
        ("0,lying\n400,sitting\n", ", line 2: the interval from 400 (2024-03-09 10:06:40"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, content: str, reason: str) -> None:
    assert refusal(tmp_path, content).startswith(reason)


def test_intervals_that_reach_over_an_end_by_a_minute_are_cut(tmp_path: Path) -> None:
    found = read_annotations(written(tmp_path, "-60,60,lying\n60,360,sitting\n")).intervals(SPAN)
    assert bouts(found) == [(0.0, 60.0, "lying"), (60.0, 300.0, "sitting")]


@pytest.mark.parametrize("header", ["start,end,label", "time,label", "time,seconds_elapsed,text"])
def test_a_table_without_rows_has_no_labels(tmp_path: Path, header: str) -> None:
    assert bouts(read_annotations(written(tmp_path, header + "\n")).intervals(SPAN)) == []


def test_notes_are_read_and_survive_the_round_trip(tmp_path: Path) -> None:
    content = 'start,end,label,Remarks\n0,60,lying,"slept,\n perhaps"\n60,120.5,walking\n130,300,sitting, '
    intervals = read_annotations(written(tmp_path, content + "x" * 1200 + "\n")).intervals(SPAN)
    assert bouts(intervals) == BOUTS
    assert [intervals.notes.get(line, "") for line in intervals.lines] == ["slept, perhaps", "", "x" * 1000]
    again = written(tmp_path, table_of(intervals), "again.csv")
    assert again.read_text().splitlines()[:2] == [
        "start,end,label,note",
        '2024-03-09T10:00:00+00:00,2024-03-09T10:01:00+00:00,lying,"slept, perhaps"',
    ]
    found = read_annotations(again)
    assert found.format == "plain table"
    assert [entry.note for entry in found.entries] == ["slept, perhaps", "", "x" * 1000]
    assert found.intervals(SPAN).trimmed(5).notes == found.intervals(SPAN).notes


@given(
    rows=st.lists(st.tuples(st.text(min_size=1, max_size=9), st.text(max_size=9)), max_size=4),
    place=st.integers(0, 300),
    typed=st.sampled_from(["", "#", ",", ";", "\t", "\n", '"', " ", "+", "x", "1", "\0", "note"]),
    removed=st.integers(0, 3),
)
def test_what_is_taken_as_written_by_harken_loses_nothing_when_it_is_replaced(
    rows: list[tuple[str, str]], place: int, typed: str, removed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A table that somebody has edited at one place."""
    path = tmp_path_factory.mktemp("labels") / "anna.labels.csv"
    rows = [(label.strip(), plain_note(note)) for label, note in rows]
    rows = [row for row in rows if why_not_kept(row[0]) is None and "".join(row).isprintable()]
    bouts = [(START + n * SECOND, START + (n + 1) * SECOND, label, n) for n, (label, _) in enumerate(rows)]
    notes = {n: note for n, (_, note) in enumerate(rows) if note}
    path.write_text(table_of(Intervals.of(bouts, notes=notes), timezone="Europe/Athens"), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    assert is_own(text.encode())
    place %= len(text) + 1
    edited = text[:place] + typed + text[place + removed :]
    path.write_text(edited, encoding="utf-8", newline="")
    if not is_own(edited.encode()):
        return
    with suppress(HarkenError):  # such a file is not replaced
        found = read_annotations(path)
        intervals = found.intervals(Span(0, 1 << 62, "Europe/Athens"))
        path.write_text(table_of(intervals, timezone="Europe/Athens"), encoding="utf-8")
        again = read_annotations(path)
        assert sorted((one.label, one.note) for one in found.entries) == sorted(
            (one.label, one.note) for one in again.entries
        )
        assert intervals.start_ns.tolist() == again.intervals(Span(0, 1 << 62, "Europe/Athens")).start_ns.tolist()


def test_what_follows_the_label_of_a_note_is_its_remark(tmp_path: Path) -> None:
    content = "10:00-10:01 lying\n10:01-10:02:00.5 walking, with dog\n10:02:10-10:05, sitting, at the desk, alone\n"
    for text in (content, content.replace(",", "\t"), content.partition("\n")[2]):
        intervals = read_annotations(written(tmp_path, text)).intervals(SPAN)
        assert bouts(intervals) == BOUTS[-len(intervals) :]
        notes = [intervals.notes.get(line, "") for line in intervals.lines]
        assert notes[-2:] == ["with dog", "at the desk, alone"]


def test_limits_hold_before_anything_is_read(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"0,1,a\n" * 3_000_000)
    with pytest.raises(HarkenError, match="at most 16 MiB; is this a recording"):
        read_annotations(large)
    large.write_bytes(b"0,1,a\n" * 100_001)
    with pytest.raises(HarkenError, match="at most 100,000 rows; is this a recording"):
        read_annotations(large)
    large.write_bytes("".join(f"{n},{n + 1},label {n}\n" for n in range(1001)).encode())
    with pytest.raises(HarkenError, match="1,001 different labels"):
        read_annotations(large).intervals(Span(START, START + 2000 * SECOND, "UTC"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_excel_saved_with_a_mark_is_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes("start\tend\tlabel\r\n0\t60\tLäufer\r\n".encode(encoding))
    assert [entry.label for entry in read_annotations(path).entries] == ["Läufer"]


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    with pytest.raises(HarkenError, match="there is no such file of labels"):
        read_annotations(path)
    path.write_bytes("start,end,label\n0,60,gehen\n60,70,L\u00e4ufer\n".encode("latin-1"))
    with pytest.raises(HarkenError, match=r"line 3: 'Läufer' is not in UTF-8, but probably in Windows-1252") as refused:
        read_annotations(path)
    assert str(refused.value).endswith('; save the file of labels as CSV in UTF-8 (in Excel: "CSV UTF-8")')
    path.write_bytes("start,end,label\n0,60,Läufer\n".encode("utf-16")[:-1])
    with pytest.raises(HarkenError, match="its text in UTF-16 is damaged; save the file of labels as CSV in UTF-8"):
        read_annotations(path)
    path.write_bytes(b"start,end,label\n0,60,\0\n")
    with pytest.raises(HarkenError, match="zero bytes"):
        read_annotations(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarkenError, match="the labels cannot be read"):
        read_annotations(tmp_path / "empty")


def test_the_rows_of_a_recording_are_found_by_file_or_subject(tmp_path: Path) -> None:
    content = (
        "file,subject,start,end,label\nanna.csv,anna,0,60,lying\ndata/ben,ben,0,30,sitting\nben.csv,anna,5,9,walking\n"
    )
    found = read_annotations(written(tmp_path, content))

    def labels(annotations: Annotations) -> list[str]:
        return [entry.label for entry in annotations.entries]

    assert found.names == ("file", "subject")
    assert labels(found.of_recording(("/data/anna.csv", "/data/anna"), "anna")) == ["lying"]
    assert labels(found.of_recording(("/data/ben.csv", "/data/ben"), "ben")) == ["sitting"]
    assert labels(found.of_recording(("/data/ben.csv", "/data/ben"), "anna")) == ["walking"]
    with pytest.raises(
        HarkenError,
        match=r"no row is for the recording carl.csv, whose wearer is carl: its files are anna.csv, ",
    ):
        found.of_recording(("carl.csv", "carl"), "carl")
    nowhere = read_annotations(written(tmp_path, "../,0,60,lying\nben,0,30,sitting\n"))
    assert labels(nowhere.of_recording(("ben.csv", "ben"), "someone")) == ["sitting"]
    by_order = read_annotations(written(tmp_path, "anna,0,60,lying\nben,0,30,sitting\n"))
    assert labels(by_order.of_recording(("ben.csv", "ben"), "someone")) == ["sitting"]
