"""Intervals laid over recordings: gaps, ends, order, zones and daylight saving, beside a loop over samples."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.annotations.bouts import Intervals, laid_over, without_bout_ends
from harken.annotations.formats import read_annotations
from harken.annotations.labelled_files import label_recordings, renamed, with_labels
from harken.annotations.options import LabelOptions
from harken.annotations.store import table_of
from harken.annotations.times import Kind, Moment, Span, text_moment
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError

SECOND = 10**9
START = 1_709_978_400 * SECOND  # 2024-03-09 10:00:00 UTC
ZONES = ("UTC", "Europe/Athens", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def recording(time_ns: NDArray[np.int64], *, as_found: bool = False, timezone: str = "UTC") -> Recording:
    return Recording(
        time_ns=time_ns,
        signals=np.zeros((len(time_ns), 3), np.float32),
        channels=("x", "y", "z"),
        label_codes=np.full(len(time_ns), UNLABELLED, np.int16),
        label_names=(),
        subject="anna",
        source="anna.csv",
        timezone=timezone,
        as_found=as_found,
    )


class Drawn(NamedTuple):
    """Steps between samples (some of them gaps) and disjoint intervals, both in tenths of a second."""

    steps: list[int]
    edges: list[int]
    labels: list[str]


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    steps = draw(st.lists(st.one_of(st.integers(1, 3), st.integers(20, 60)), min_size=1, max_size=60))
    edges = sorted(draw(st.sets(st.integers(0, sum(steps) + 1), max_size=12)))
    edges = edges[: len(edges) // 2 * 2]
    labels = draw(st.lists(st.sampled_from(("lying", "sitting", "walking")), min_size=6, max_size=6))
    return Drawn(steps, edges, labels[: len(edges) // 2])


def intervals_of(case: Drawn) -> Intervals:
    tenth = SECOND // 10
    edges = [START + edge * tenth for edge in case.edges]
    rows = zip(edges[::2], edges[1::2], case.labels, range(1, 100), strict=False)
    return Intervals.of(list(rows), Path("notes.csv"))


def times_of(case: Drawn) -> NDArray[np.int64]:
    return START + np.concatenate([[0], np.cumsum(case.steps)]) * (SECOND // 10)


def names(one: Recording) -> list[str | None]:
    return [None if code == UNLABELLED else one.label_names[code] for code in one.label_codes.tolist()]


def by_loop(time_ns: NDArray[np.int64], intervals: Intervals) -> list[str | None]:
    rows = list(zip(intervals.start_ns.tolist(), intervals.end_ns.tolist(), intervals.labels, strict=True))
    return [next((label for start, end, label in rows if start <= t < end), None) for t in time_ns.tolist()]


@given(drawn(), st.integers(0, 99))
def test_each_sample_has_the_label_of_the_interval_around_it(case: Drawn, seed: int) -> None:
    time_ns, intervals = times_of(case), intervals_of(case)
    order = np.random.default_rng(seed).permutation(len(time_ns))
    mixed = laid_over(recording(time_ns[order], as_found=True), intervals)
    assert names(mixed) == by_loop(time_ns[order], intervals)
    laid = laid_over(recording(time_ns), intervals)
    assert names(laid) == by_loop(time_ns, intervals)
    assert laid.label_names == tuple(sorted(set(intervals.labels)))
    edges = zip(intervals.start_ns, intervals.end_ns, strict=True)
    empty = sum(not ((time_ns >= start) & (time_ns < end)).any() for start, end in edges)
    expected = (f"Intervals in notes.csv without a sample: {empty}.",) if empty else ()
    assert laid.quality.notes == expected


@given(drawn(), st.integers(0, 30))
def test_trimming_drops_both_ends_of_each_bout_and_nothing_else(case: Drawn, tenths: int) -> None:
    time_ns, intervals = times_of(case), intervals_of(case)
    tenth = SECOND // 10
    bouts: list[list[object]] = []
    for start, end, label in zip(case.edges[::2], case.edges[1::2], case.labels, strict=True):
        if bouts and bouts[-1][1] == start and bouts[-1][2] == label:
            bouts[-1][1] = end
        else:
            bouts.append([start, end, label])
    kept = [(s + tenths, e - tenths, n) for s, e, n in bouts if e - s > 2 * tenths]  # type: ignore[operator]
    expected = [
        next((label for start, end, label in kept if START + start * tenth <= t < START + end * tenth), None)
        for t in time_ns.tolist()
    ]
    assert names(laid_over(recording(time_ns), intervals.trimmed(tenths / 10))) == expected


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from(("lying", "sitting", "walking", "strolling"))), min_size=1),
    st.integers(0, 30),
)
def test_bouts_are_trimmed_by_their_new_names(
    tmp_path_factory: pytest.TempPathFactory, bouts: list[tuple[int, str]], tenths: int
) -> None:
    """As if they had been noted with these names, in a file of labels and in a label column."""
    rename = {"strolling": "walking", "walking": "going", "sitting": "going"}
    edges = START + np.concatenate([[0], np.cumsum([length for length, _ in bouts])]) * (SECOND // 10)
    rows = [(start, end, label, 0) for (start, end), (_, label) in zip(pairwise(edges.tolist()), bouts, strict=True)]
    one = recording(np.arange(edges[0], edges[-1], SECOND // 10))
    both: list[list[Recording]] = []
    for words, options in ((rename, {}), ({}, rename)):
        intervals = Intervals.of(rows).renamed(words)
        path = tmp_path_factory.mktemp("labels") / "notes.csv"
        path.write_text(table_of(intervals))
        trimming = LabelOptions.of(None, trim_s=tenths / 10, rename=options)
        (column,) = label_recordings([laid_over(one, intervals)], path.with_name("anna.csv"), trimming)
        both.append([with_labels(one, path, trim_s=tenths / 10, rename=options), renamed(column, options)])
    for noted, later in zip(*both, strict=True):
        assert names(noted) == names(later)
        assert noted.quality.notes == later.quality.notes


@given(drawn(), st.integers(0, 30), st.integers(0, 99))
def test_trimming_a_label_column_is_the_same_for_rows_in_any_order(case: Drawn, tenths: int, seed: int) -> None:
    one = laid_over(recording(times_of(case), as_found=True), intervals_of(case))
    order = np.random.default_rng(seed).permutation(len(one))
    mixed = replace(one, time_ns=one.time_ns[order], label_codes=one.label_codes[order])
    trimmed = without_bout_ends(one, tenths / 10)
    assert (without_bout_ends(mixed, tenths / 10).label_codes == trimmed.label_codes[order]).all()


@given(st.integers(0, 4_102_444_798), st.integers(0, 999_999_999), st.sampled_from(ZONES))
def test_an_instant_is_written_and_read_to_the_nanosecond(seconds: int, ns: int, zone: str) -> None:
    """The offset tells apart the times that clocks show twice."""
    start_ns = seconds * SECOND + ns
    with TemporaryDirectory() as folder:
        path = Path(folder) / "anna.labels.csv"
        path.write_text(table_of(Intervals.of([(start_ns, start_ns + 1, "lying", 2)]), timezone=zone), encoding="utf-8")
        (entry,) = read_annotations(path).entries
    assert (entry.start, entry.end) == (Moment(Kind.INSTANT, start_ns), Moment(Kind.INSTANT, start_ns + 1))


@given(st.one_of(st.binary(max_size=200), st.text("0159:.-,;\t\n\"'#\\aTZ+n/", max_size=200).map(str.encode)))
def test_any_content_is_read_or_refused_with_a_sentence(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "notes.csv"
        path.write_bytes(content)
        reason = ""
        try:
            found = read_annotations(path).intervals(Span(START, START + 86_000 * SECOND, "Europe/Athens"))
            assert (found.end_ns > found.start_ns).all()
        except HarkenError as refused:
            reason = str(refused)
        assert not reason or str(path) in reason


@given(st.dates(), st.times(), st.times(), st.sampled_from(ZONES), st.integers(-3000, 3000))
def test_a_date_of_any_year_is_read_or_refused_with_its_line(day: date, on: time, off: time, zone: str, h: int) -> None:
    """A mistyped year must not end the program: what annotate and the live server read may change at any time."""
    later = Span(4_500_000_000 * SECOND, 4_500_000_300 * SECOND, zone)  # in 2112, so that every row is refused
    with TemporaryDirectory() as folder:
        path = Path(folder) / "notes.csv"
        path.write_text(f"date,start,end,label\n{day},{on:%H:%M:%S},{off:%H:%M:%S},lying\n")
        with pytest.raises(HarkenError, match=rf"{path}, line 2: ") as refused:
            read_annotations(path).intervals(later, offset_s=h * 3600)
    known = date(1969, 12, 31) <= day < date(2100, 1, 1)
    assert (f"'{day}' is not a date such as 2024-03-09; years go from 1970 to 2099" in str(refused.value)) is not known


@given(st.integers(1_600_000_000, 1_800_000_000), st.sampled_from(ZONES))
def test_a_local_time_is_that_of_the_zone_or_is_refused(seconds: int, zone: str) -> None:
    """Against zoneinfo: the time is refused exactly if not one instant of UTC, but two, show it."""
    wall = datetime.fromtimestamp(seconds, ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    moment = text_moment(f"{wall:%Y-%m-%d %H:%M:%S}")
    assert moment is not None
    span = Span(seconds * SECOND, (seconds + 60) * SECOND, zone)
    minutes = (seconds + 60 * minute for minute in range(-120, 121, 30))
    shown = [s for s in minutes if datetime.fromtimestamp(s, ZoneInfo(zone)).replace(tzinfo=None, fold=0) == wall]
    if len(shown) == 1:
        assert moment.instant_ns(span) == seconds * SECOND
    else:
        with pytest.raises(HarkenError, match=r"twice on .*; write the time with its zone: "):
            moment.instant_ns(span)


def notes(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text("\n".join(["start,end,label", *lines]) + "\n")
    return path


def night(zone: str, start: datetime, hours: int) -> Recording:
    """A recording with a sample each second."""
    begin = int(start.replace(tzinfo=UTC).timestamp())
    return recording((begin + np.arange(hours * 3600)) * SECOND, timezone=zone)


def test_the_night_in_which_clocks_go_back(tmp_path: Path) -> None:
    """Athens, 27 October 2024: at 4:00 clocks go back to 3:00, which is 1:00 UTC."""
    one = night("Europe/Athens", datetime(2024, 10, 26, 21), 8)  # 0:00 to 7:00 by the clock
    laid = with_labels(one, notes(tmp_path, "2024-10-27 02:00,2024-10-27 02:30,lying", "02:30,04:00,sitting"))
    labelled = np.bincount(laid.label_codes + 1)
    assert labelled.tolist() == [8 * 3600 - 1800 - 9000, 1800, 9000]  # 2:30 to 4:00 lasted two hours and a half
    for line in ("2024-10-27 03:30,2024-10-27 05:00,lying", "02:00,03:30,lying"):
        with pytest.raises(HarkenError, match=r"line 2: clocks in Europe/Athens showed 03:30:00 twice") as refused:
            with_labels(one, notes(tmp_path, line))
        assert "2024-10-27T03:30:00+03:00 for the first, 2024-10-27T03:30:00+02:00 for" in str(refused.value)
    laid = with_labels(one, notes(tmp_path, "2024-10-27T03:30:00+03:00,2024-10-27T03:30:00+02:00,lying"))
    assert np.count_nonzero(laid.label_codes == 0) == 3600


def test_the_night_in_which_clocks_go_forward(tmp_path: Path) -> None:
    """Athens, 31 March 2024: at 3:00 clocks go forward to 4:00, which is 1:00 UTC."""
    one = night("Europe/Athens", datetime(2024, 3, 30, 22), 6)  # 0:00 to 7:00 by the clock
    laid = with_labels(one, notes(tmp_path, "02:30,04:30,lying"))
    assert np.count_nonzero(laid.label_codes == 0) == 3600
    assert laid.label_codes[2 * 3600 + 1800] == 0
    with pytest.raises(HarkenError, match="line 2: 03:30:00 on 2024-03-31 does not exist in Europe/Athens: clocks"):
        with_labels(one, notes(tmp_path, "03:30,04:30,lying"))


def test_an_offset_shifts_every_time_and_the_day_is_found_after_it(tmp_path: Path) -> None:
    one = night("Europe/Athens", datetime(2024, 5, 1, 21, 59), 1)  # 0:59 to 1:59 by the clock, on 2 May
    for line in ("2024-05-01 23:59:30,2024-05-02 00:30,lying", "23:59:30,00:30,lying", "-3570,-1740,lying"):
        laid = with_labels(one, notes(tmp_path, line), offset_s=3600)  # the clock of the notes was an hour behind
        assert np.flatnonzero(laid.label_codes == 0)[[0, -1]].tolist() == [30, 31 * 60 - 1]


def test_a_long_recording_needs_dates(tmp_path: Path) -> None:
    one = recording(START + np.arange(2000) * 60 * SECOND)
    with pytest.raises(HarkenError, match="line 2: the recording is a day long or longer, so times need a date"):
        with_labels(one, notes(tmp_path, "10:00,10:05,lying"))
    begin = int(datetime(2024, 3, 30, 8, tzinfo=UTC).timestamp())  # 10:00 by the clock, to 10:30 on the next day
    spring = recording((begin + np.arange(0, 23 * 3600 + 1800, 10)) * SECOND, timezone="Europe/Athens")
    with pytest.raises(
        HarkenError, match="clocks went forward, and by them the recording is a day long or longer, so times"
    ):
        with_labels(spring, notes(tmp_path, "10:15,10:25,running"))


def test_the_file_the_zone_and_the_trimmed_bouts_are_noted(tmp_path: Path) -> None:
    one = recording(START + np.arange(600) * SECOND)
    path = notes(tmp_path, "10:00,10:05,lying", "10:05,10:05:08,sitting")
    laid = with_labels(one, path, trim_s=5, rename={"lying": "resting"})
    assert laid.label_names == ("resting",)
    assert laid.label_source == f"{path} (plain table)"
    zone, bouts = laid.quality.notes
    assert "notes.csv have no time zone and were read as UTC" in zone
    assert "Bouts in notes.csv not longer than the 10 s that --trim drops: 1." in bouts
    timed = notes(tmp_path, "2024-03-09T10:00Z,2024-03-09T10:05Z,lying")
    assert not with_labels(one, timed).quality.notes


def test_labels_with_a_new_name_in_common_become_one(tmp_path: Path) -> None:
    one = recording(START + np.arange(100) * SECOND)
    path = notes(tmp_path, "0,10,a", "10,20,b", "20,30,c")
    laid = with_labels(one, path, rename={"a": "c", "c": "a", "b": "a"})
    assert laid.label_names == ("a", "c")
    assert names(laid)[:30:10] == ["c", "a", "a"]


def test_times_of_the_whole_range_are_read() -> None:
    assert text_moment("2099-12-31T23:59:59.999999999Z") == Moment(Kind.INSTANT, 4_102_444_800 * SECOND - 1)
    assert text_moment("1970-01-01 00:00Z") == Moment(Kind.INSTANT, 0)
    for none in ("2100-01-01 00:00Z", "1969-12-01 00:00Z", "2024-01-01", "24:00", "9" * 70, "5e18", "", "\u0663"):
        assert text_moment(none) is None, none
    assert text_moment("-0.5") == Moment(Kind.ELAPSED, -SECOND // 2)
