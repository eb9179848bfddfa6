"""The clock of a ``.gt3x``: the zone that it was set to, in the file's words and the user's."""

from pathlib import Path

import numpy as np
import pytest
from harken.readers.actigraph import gt3x

from actigraph_files import ACTIVITY, ACTIVITY_2, NS_PER_S, RATE, START_S, activity, info, metadata, steps, write_gt3x
from harken.recordings.mending import mend
from reader_checks import as_found, collected, notes, refusals

read = as_found(collected(gt3x))
refusal = refusals(read)


CLOCKS = {
    "the file's offset": (
        info(),
        [],
        {},
        4,
        "Etc/GMT+4",
        "set to UTC-04:00; give the wearer's time zone with --timezone",
    ),
    "the log's before info.txt's": (
        info(TimeZone="01:00:00"),
        [metadata(MetadataType="LocalTimeLog", UtcOffset="-04:00:00")],
        {},
        4,
        "Etc/GMT+4",
        "UTC-04:00",
    ),
    "the user's zone, which agrees": (info(), [], {"timezone": "America/New_York"}, 4, "America/New_York", "UTC-04:00"),
    "the user's zone, which does not": (
        info(),
        [],
        {"timezone": "Europe/Athens"},
        -3,
        "Europe/Athens",
        "It was read as UTC+03:00, the offset of Europe/Athens, as requested.",
    ),
    "nothing known": (info(TimeZone=None), [], {}, 0, "UTC", "Times have no time zone and were read as UTC"),
    "an offset without a zone of its own": (info(TimeZone="05:30:00"), [], {}, 0, "UTC", "set to UTC+05:30"),
    "set to UTC": (
        info(),
        [metadata(MetadataType="LocalTimeLog", UsedUtc=True, UtcOffset="-05:00:00")],
        {},
        0,
        "Etc/GMT+5",
        "According to the file, the watch's clock was set to UTC.",
    ),
    "set to UTC, and a zone": (
        info(),
        [metadata(MetadataType="LocalTimeLog", UsedUtc=True, UtcOffset="-05:00:00")],
        {"timezone": "Asia/Tokyo"},
        0,
        "Asia/Tokyo",
        "The file gives the wearer's zone as UTC-05:00; times are shown in Asia/Tokyo, as requested.",
    ),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_clock(case: str, tmp_path: Path) -> None:
    about, first, options, hours, zone, note = CLOCKS[case]
    path = write_gt3x(tmp_path, [*first, *activity(ACTIVITY, steps(60), RATE)], about)
    recording = read(path, **options)
    assert recording.time_ns[0] == (START_S + 3600 * hours) * NS_PER_S
    assert recording.timezone == zone
    assert note in notes(recording)


def test_the_clock_knows_of_no_daylight_saving(tmp_path: Path) -> None:
    start = int(
        np.datetime64("2019-03-31T02:59:58", "s").astype(np.int64)
    )  # at 03:00 the clocks in Athens went to 04:00
    seconds = [start - START_S + second for second in range(4)]
    path = write_gt3x(tmp_path, activity(ACTIVITY_2, steps(4 * RATE), RATE, seconds), info(TimeZone="02:00:00"))
    recording = mend(read(path, timezone="Europe/Athens"))
    assert len(recording.gap_rows) == 0
    assert recording.time_ns[0] == (start - 2 * 3600) * NS_PER_S
    assert "Clocks in Europe/Athens changed during the recording" in notes(recording)


def test_wrong_zone(tmp_path: Path) -> None:
    log = [metadata(MetadataType="LocalTimeLog", UsedUtc=True), *activity(ACTIVITY, steps(60), RATE)]
    assert "no time zone 'Athens'" in refusal(write_gt3x(tmp_path, log), timezone="Athens")


def test_a_clock_that_was_reset_is_named(tmp_path: Path) -> None:
    log = activity(ACTIVITY, steps(3 * RATE), RATE, [0, 1, 100 * 86_400])
    assert "1 s are more than a day before the start or after the end" in notes(read(write_gt3x(tmp_path, log)))


def test_numbered_as_asked(tmp_path: Path) -> None:
    path = write_gt3x(tmp_path, activity(ACTIVITY, steps(60), RATE, [0, 9]))
    recording = mend(read(path, sample_rate_hz=25))
    assert len(recording.gap_rows) == 0
    assert recording.sample_rate_hz == pytest.approx(25)
