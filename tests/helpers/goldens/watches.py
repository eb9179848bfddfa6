"""Frozen inputs that are research watches' own files, and ActiLife's and OMGUI's exports of them."""

import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actigraph_files import (
    ACTIVITY,
    ACTIVITY_2,
    EVENT,
    RATE,
    START_S,
    activity,
    export_header,
    info,
    metadata,
    neo,
    packed,
    packet,
    parameters,
    steps,
)
from goldens.files import Input, content, gzipped, same, table, zipped
from research_watches import AX6, CWA_BLOCK_BYTES, SUMMER, checked, cwa_blocks, cwa_header, geneactiv
from tables import acceleration

LONDON: dict[str, Any] = {"timezone": "Europe/London"}
ATHENS: dict[str, Any] = {"timezone": "Europe/Athens"}


def watch_inputs() -> dict[str, Input]:
    """By what is special about each."""
    groups = {
        "axivity": _axivity() | _axivity_at_fault(),
        "geneactiv": _geneactiv() | _geneactiv_at_fault(),
        "actigraph": _actigraph() | _actigraph_says() | _actigraph_at_fault(),
        "actigraph of old": _actigraph_of_old(),
        "actilife": _actilife() | _actilife_at_fault(),
        "omgui": _omgui(),
        "others": _others(),
    }
    return {f"{group}: {name}": given for group, inputs in groups.items() for name, given in inputs.items()}


def cwa(blocks: Iterable[bytes], header: bytes | None = None, name: str = "watch.cwa", **options: Any) -> Input:
    """A ``.cwa`` file."""
    return content((cwa_header() if header is None else header) + b"".join(blocks), name, **options)


def _axivity() -> dict[str, Input]:
    ax6 = cwa_header(model=AX6)
    slow = [cwa_blocks(1, start=SUMMER + timedelta(seconds=1.224 * i))[0] for i in range(40)]
    numbered = [checked(block[:10] + i.to_bytes(4, "little") + block[14:]) for i, block in enumerate(slow)]
    later = cwa_blocks(10, start=SUMMER + timedelta(hours=3), session=10, seed=1)
    earlier = cwa_blocks(10, start=SUMMER - timedelta(days=2), session=10, seed=1)
    again = cwa_blocks(10, start=SUMMER + timedelta(seconds=4), session=10, seed=1)
    spring = datetime(2021, 3, 28, 0, 59, 55, tzinfo=UTC)  # clocks in London went from 1:00 to 2:00
    mixed = cwa_blocks(50, axes=6)
    ax3, whole = cwa(cwa_blocks(50)), cwa_header() + b"".join(cwa_blocks(10))
    return {
        "AX3": ax3,
        "AX3 in London": same(ax3, **LONDON),
        "AX6": cwa(cwa_blocks(50, axes=6), ax6),
        "12.5 Hz": cwa(cwa_blocks(20, rate=7), cwa_header(rate=7)),
        "200 Hz": cwa(cwa_blocks(20, rate=11), cwa_header(rate=11)),
        "a slow clock": cwa(numbered),
        "two sessions": cwa([*cwa_blocks(10), *later]),
        "two sessions, the second earlier": cwa([*cwa_blocks(10), *earlier]),
        "two sessions that overlap": cwa([*cwa_blocks(10), *again]),
        "two sessions that overlap, numbered": cwa([*cwa_blocks(10), *again], sample_rate_hz=100),
        "rotation in some blocks": cwa(
            [*cwa_blocks(10, axes=6), *cwa_blocks(10, start=SUMMER + timedelta(hours=3), session=10)], ax6
        ),
        "sensors in one another's places": cwa([*_interchanged(mixed[:5]), *mixed[5:]], ax6),
        "sensors in one another's places throughout": cwa(_interchanged(mixed), ax6),
        "gzipped": content(gzipped(whole), "other.cwa.gz"),
        "no subject in the header": cwa(cwa_blocks(10), cwa_header(annotation=b""), "dan.cwa"),
        "gzipped, no subject in the header": content(
            gzipped(cwa_header(annotation=b"") + b"".join(cwa_blocks(10))), "dan.cwa.gz"
        ),
        "a zone whose clocks changed": cwa(cwa_blocks(10, start=spring), **LONDON),
        "an hour that does not exist": cwa(cwa_blocks(2, start=spring + timedelta(hours=1)), **LONDON),
        "all options": cwa(
            cwa_blocks(10), subject="ann", sensor_range_g=1.1, sample_rate_hz=50, acceleration_unit="g", skip_rows=2
        ),
        "a range that is said": cwa(cwa_blocks(10), sensor_range_g=0.5),
        "worn on a thigh": cwa(cwa_blocks(4), cwa_header(annotation=b"_sc=17&_p=right+thigh")),
        "worn on a wrist": cwa(cwa_blocks(4), cwa_header(annotation=b"_p=left+wrist&_sc=17")),
        "another ending": cwa(cwa_blocks(4), name="watch.dat"),
        "stuck for a minute": cwa([*cwa_blocks(10), *_held(60), *cwa_blocks(5, start=SUMMER + timedelta(seconds=84))]),
    }


def _interchanged(blocks: list[bytes]) -> list[bytes]:
    samples = [np.frombuffer(block[30:510], "<i2").reshape(40, 2, 3)[:, ::-1].tobytes() for block in blocks]
    return [checked(block[:30] + values + block[510:]) for block, values in zip(blocks, samples, strict=True)]


def _held(blocks: int) -> list[bytes]:
    """Blocks that follow ten others, of one and the same sample; temperature too is one."""
    following = cwa_blocks(10 + blocks)[10:]
    return [checked(block[:30] + following[0][30:34] * 120 + block[510:]) for block in following]


def _axivity_at_fault() -> dict[str, Input]:
    blocks = cwa_blocks(30)
    header = cwa_header()
    zeros = [b"\0" * CWA_BLOCK_BYTES if i in (3, 4, 17) else block for i, block in enumerate(blocks)]
    flipped = [block[:40] + bytes([block[40] ^ 1]) + block[41:] if i == 11 else block for i, block in enumerate(blocks)]
    whole = header + b"".join(blocks)
    packed_whole = gzipped(whole)
    return {
        "damaged blocks": cwa(zeros),
        "a flipped bit": cwa(flipped),
        "blocks that are not there": cwa([block for i, block in enumerate(blocks) if i not in (3, 4, 17)]),
        "cut inside a block": content(whole[:-100], "watch.cwa"),
        "cut before the first block": content(whole[:1200], "watch.cwa"),
        "header only": content(header, "watch.cwa"),
        "cut inside the header": content(header[:500], "watch.cwa"),
        "no block whole": cwa([b"\0" * CWA_BLOCK_BYTES] * 3),
        "empty": content(b"", "watch.cwa"),
        "text": content(b"time,x,y,z\n1,2,3,4\n", "watch.cwa"),
        "gzip cut short": content(packed_whole[:-20], "cut.cwa.gz"),
        "gzip of a table": content(gzipped(b"time,x,y,z\n" * 10_000), "table.cwa.gz"),
        "a very old firmware": cwa([checked(block[:24] + b"\0" + block[25:]) for block in blocks[:5]]),
        "no such zone": cwa(blocks[:2], timezone="London"),
    }


def bin_file(header: bytes, pages: Iterable[bytes], name: str = "watch.bin", **options: Any) -> Input:
    """GENEActiv's ``.bin`` file."""
    return content(header + b"".join(pages), name, **options)


def _geneactiv() -> dict[str, Input]:
    header, pages = geneactiv(10)
    _, again = geneactiv(10, start=SUMMER + timedelta(seconds=10))
    _, later = geneactiv(5, start=SUMMER + timedelta(hours=1))
    ordinary = bin_file(header, pages)
    spring = datetime(2021, 3, 28, 0, 59, 55, tzinfo=UTC)
    return {
        "ordinary": ordinary,
        "in Paris, named": same(ordinary, subject="ann", timezone="Europe/Paris"),
        "numbered": same(ordinary, sample_rate_hz=50),
        "all options": same(ordinary, sensor_range_g=1.0, acceleration_unit="g", skip_rows=1, time_column="1"),
        "DOS line ends": bin_file(*geneactiv(10, line_end="\r\n")),
        "a slow clock": bin_file(*geneactiv(10, step_s=3.03)),
        "longer than a piece": bin_file(*geneactiv(520, last_samples=100)),
        "dates without zeros": bin_file(header, [page.replace(b":2021-06-01", b":2021-6-1") for page in pages]),
        "pages that come early": bin_file(*geneactiv(4, step_s=2.5)),
        "a gap": bin_file(header, [*pages, *later]),
        "a clock that was set back": bin_file(header, [*pages, *again]),
        "a clock that was set back, numbered": bin_file(header, [*pages, *again], sample_rate_hz=100),
        "clocks put forward": bin_file(*geneactiv(10, start=spring), **LONDON),
        "a short last page": bin_file(*geneactiv(5, last_samples=17)),
        "more pages than any": bin_file(*geneactiv(5, said_pages=999_999_999_999)),
        "letters of other languages": bin_file(header.replace(b"P17", "Zoë".encode("latin-1")), pages),
        "no subject": bin_file(*geneactiv(3, subject=""), name="dan.bin"),
        "worn on an ankle": bin_file(header.replace(b"Code:left wrist", b"Code:left ankle"), pages),
        "worn who knows where": bin_file(header.replace(b"Code:left wrist", b"Code:linker pols"), pages),
        "gzipped": content(gzipped(header + b"".join(pages)), "other.bin.gz"),
    }


def _geneactiv_at_fault() -> dict[str, Input]:
    header, pages = geneactiv(12)
    whole = header + b"".join(pages)
    broken = [
        page.replace(b"Temperature:", b"Temp\x00rature:") if i in (2, 7) else page for i, page in enumerate(pages)
    ]
    misdated = [page.replace(b":00:15:", b":40:15:") for page in pages]
    shorter = [page[:-13] + b"\n" if i == 2 else page for i, page in enumerate(pages)]
    other_rate = [page.replace(b"Frequency:100.0", b"Frequency:0.0") for page in pages]
    return {
        "damaged pages": bin_file(header, broken),
        "pages that are not there": bin_file(header, [page for i, page in enumerate(pages) if i not in (2, 7)]),
        "a page whose time is damaged": bin_file(header, misdated),
        "a page that is shorter": bin_file(header, shorter),
        "a rate of nothing": bin_file(header, other_rate),
        "cut inside a page": content(whole[:-1000], "watch.bin"),
        "cut inside the first page": content(whole[: len(header) + 400], "watch.bin"),
        "header only": bin_file(header, []),
        "no page whole": bin_file(header, [page.replace(b"Temperature:", b"Temp\x00rature:") for page in pages]),
        "cut inside the header": content(header[:300], "watch.bin"),
        "an absurd gain": bin_file(header.replace(b"x gain:25600", b"x gain:95600"), pages),
        "no gain": bin_file(header.replace(b"z gain:", b"z goin:"), pages),
        "gzip cut short": content(gzipped(whole)[:-9], "cut.bin.gz"),
        "no such zone": bin_file(header, pages, timezone="Paris"),
    }


def gt3x(
    log: Iterable[bytes],
    about: str | None = None,
    *,
    log_name: str = "log.bin",
    others: Mapping[str, bytes] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
    **options: Any,
) -> Input:
    """A ``.gt3x`` file."""
    information = info() if about is None else about
    files = {log_name: b"".join(log), "info.txt": information.encode(), **(others or {})}
    return content(zipped(files, method), "watch.gt3x", **options)


def _actigraph() -> dict[str, Input]:
    values = steps(6 * RATE)
    old, new = activity(ACTIVITY, values, RATE), activity(ACTIVITY_2, values, RATE)
    apart = activity(ACTIVITY_2, values, RATE, [0, 1, 12, 13, 20, 30])
    asleep, awake = packet(EVENT, START_S + 2, b"\x08"), packet(EVENT, START_S + 12, b"\x09")
    docked, end = packet(ACTIVITY_2, START_S + 14, b"\x5a"), packet(EVENT, START_S + 31, b"\x08")
    short = activity(ACTIVITY, steps(4 * RATE + 7), RATE)
    damaged = [new[0], new[1][:50] + bytes([new[1][50] ^ 1]) + new[1][51:], *new[2:5], new[5][:-20]]
    spring = int(np.datetime64("2019-03-31T02:59:58", "s").astype(np.int64)) - START_S
    zone = metadata(MetadataType="LocalTimeLog", UsedUtc=True, UtcOffset="-05:00:00")
    return {
        "packets of 12 bits": gt3x(old),
        "packets of 16 bits": gt3x(new),
        "100 Hz": gt3x(activity(ACTIVITY_2, steps(500), 100), info(Sample_Rate=100)),
        "both kinds of packets": gt3x([old[0], new[1], packet(5, START_S, b"\x01\x02"), *old[2:4], *new[4:]]),
        "a second that is not full": gt3x(short),
        "gaps of three kinds": gt3x([*apart[:2], asleep, awake, *apart[2:4], docked, *apart[4:], end]),
        "seconds that come twice": gt3x(activity(ACTIVITY, values, RATE, [0, 1, 1, 2, 3, 4])),
        "seconds in another order": gt3x([*new[3:], *new[:3]]),
        "a clock that was reset": gt3x(activity(ACTIVITY, values, RATE, [0, 1, 2, 3, 4, 100 * 86_400])),
        "zeros between packets": gt3x([new[0], b"\0" * 5, *new[1:], b"\0\0\0"]),
        "damaged packets": gt3x(damaged),
        "another rate than the file says": gt3x(activity(ACTIVITY, steps(300), 100), info(Sample_Rate=30)),
        "numbered": gt3x(activity(ACTIVITY, values, RATE, [0, 1, 2, 3, 4, 9]), sample_rate_hz=25),
        "in New York": gt3x(new, timezone="America/New_York"),
        "in Athens": gt3x(new, **ATHENS),
        "no zone": gt3x(new, info(TimeZone=None)),
        "an offset without a zone of its own": gt3x(new, info(TimeZone="05:30:00")),
        "set to UTC": gt3x([zone, *new]),
        "set to UTC, in Tokyo": gt3x([zone, *new], timezone="Asia/Tokyo"),
        "clocks put forward": gt3x(
            activity(ACTIVITY_2, values, RATE, [spring + second for second in range(6)]),
            info(TimeZone="02:00:00"),
            **ATHENS,
        ),
        "no such zone": gt3x([zone, *new], timezone="Athens"),
        "stuck for a minute": gt3x(
            activity(ACTIVITY_2, np.vstack([steps(300), np.repeat(steps(9)[8:], 1860, axis=0), steps(90)]), RATE)
        ),
        "a range that is said": gt3x(new, sensor_range_g=1.05),
    }


def _actigraph_says() -> dict[str, Input]:
    new = activity(ACTIVITY_2, steps(2 * RATE), RATE)
    bio = metadata(MetadataType="Bio", SubjectName="cid", Limb="Waist")
    return {
        "a scale in the log": gt3x([parameters(accel_scale=0x09400000), *new], info(Acceleration_Scale="341")),
        "a scale with a decimal comma": gt3x(new, info(Acceleration_Scale="341,0")),
        "a scale of the kind of device": gt3x(new, info(Acceleration_Scale=None, Serial_Number="CLE2A14151617")),
        "no scale": gt3x(new, info(Acceleration_Scale="0", Serial_Number="XYZ1")),
        "axes that are turned": gt3x(new, info(Serial_Number="MOS2D16160581", Firmware="1.6.0")),
        "a subject in the log": gt3x([bio, *new], info(Subject_Name=None)),
        "a serial number for a subject": gt3x(new, info(Subject_Name="TAS1H30182785")),
        "a subject that is said": gt3x(new, subject="bob"),
        "worn on an ankle": gt3x(new, info(Limb="Ankle", Side="Left")),
        "calibrated": gt3x(new, others={"calibration.json": b'{"isCalibrated": true}'}),
        "not calibrated": gt3x(new, others={"calibration.json": b'{"isCalibrated": false, "calibrationMethod": 2}'}),
    }


def _actigraph_at_fault() -> dict[str, Input]:
    new = activity(ACTIVITY_2, steps(4 * RATE), RATE)
    log = b"".join(new)
    whole = zipped({"log.bin": log, "info.txt": info().encode()})
    place = whole.index(b"log.bin") + 60
    insight = [packet(27, START_S + second, b"\x01" * 60) for second in range(2)]
    return {
        "no log": gt3x(new, log_name="data.bin"),
        "no info.txt": content(zipped({"log.bin": log}), "watch.gt3x"),
        "no acceleration": gt3x([metadata(MetadataType="Bio")]),
        "an Insight Watch": gt3x(insight),
        "stored": gt3x(new, method=zipfile.ZIP_STORED),
        "packed with bzip2": gt3x(new, method=zipfile.ZIP_BZIP2),
        "cut short": content(whole[:-50], "watch.gt3x"),
        "a flipped byte": content(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :], "watch.gt3x"),
        "text": content(b"Timestamp,X,Y,Z\n1,2,3,4\n", "watch.gt3x"),
        "empty": content(b"", "watch.gt3x"),
        "unpacks too well": gt3x([b"\0" * (50 << 20)]),
        "an endless info.txt": gt3x(new, "x" * (20 << 20)),
        "renamed": content(whole, "watch.zip"),
    }


def _actigraph_of_old() -> dict[str, Input]:
    values = steps(4 * RATE)
    values[40:75] = values[40]
    log = [packed(ACTIVITY, values)]
    name: dict[str, Any] = {"log_name": "activity.bin"}
    return {
        "ordinary": gt3x(log, neo(), **name),
        "in New York": gt3x(log, neo(), timezone="America/New_York", **name),
        "numbered": gt3x(log, neo(), sample_rate_hz=25, **name),
        "long": gt3x([packed(ACTIVITY, steps(3_000)) * 30], neo(), **name),
        "no rate": gt3x(log, neo(Sample_Rate="?"), **name),
        "no start": gt3x(log, neo(Start_Date=0), **name),
        "another serial number": gt3x(log, neo(Serial_Number="XYZ"), **name),
        "no samples": gt3x([b"\0\0\0"], neo(), **name),
    }


AXES = "Accelerometer X,Accelerometer Y,Accelerometer Z"
LINES = [f"{x:g},{y:g},{z:g}" for x, y, z in acceleration(300).round(3)]


def clocked(pattern: str, first: str = "2019-09-17T18:40:00") -> list[str]:
    """``LINES`` with times before them; FFF stands for milliseconds."""
    start = np.datetime64(first, "ms")
    times = [(start + np.timedelta64(round(1000 * row / RATE), "ms")).item() for row in range(len(LINES))]
    return [
        f"{time.strftime(pattern).replace('FFF', f'{time.microsecond // 1000:03d}')},{line}"
        for time, line in zip(times, LINES, strict=True)
    ]


def german(lines: Iterable[str]) -> list[str]:
    """Numbers with commas between semicolons; a time before them stays as it is."""
    rows = [line.rsplit(",", 3) for line in lines]
    return [";".join([*row[:-3], *(value.replace(".", ",") for value in row[-3:])]) for row in rows]


def _actilife() -> dict[str, Input]:
    head, columns = export_header(), f"Timestamp,{AXES}"
    imu = ["Temperature", *(f"{sensor} {axis}" for sensor in ("Gyroscope", "Magnetometer") for axis in "XYZ")]
    filled = [LINES[29] if 30 <= row < 90 else "0,0,0" if 120 <= row < 150 else line for row, line in enumerate(LINES)]
    german_head = export_header(
        first="date format dd.MM.yyyy at 30 Hz", start=("18:40:00", "17.09.2019"), download=("19:20:00", "18.09.2019")
    )
    spring = export_header(start=("02:59:59", "3/31/2019"), download=("", ""))
    no_rate = table([*export_header(first="date format M/d/yyyy"), AXES, *LINES])
    plain = table([*head, AXES, *LINES])
    return {
        "columns named": plain,
        "columns named, in New York": same(plain, timezone="America/New_York", subject="bob"),
        "as a plain table": same(plain, skip_rows=10, sample_rate_hz=30),
        "no columns named": table([*head, *LINES]),
        "commas to fill the lines": table([*(f"{line},," for line in head), AXES, *LINES]),
        "DOS line ends": content("\r\n".join([*head, AXES, *LINES, ""]).encode(), "ann.csv"),
        "no newline at the end": content("\n".join([*head, AXES, *LINES]).encode(), "ann.csv"),
        "gzipped": content(gzipped("\n".join([*head, AXES, *LINES, ""]).encode()), "ann.csv.gz"),
        "American times": table([*head, columns, *clocked("%m/%d/%Y %H:%M:%S.FFF")]),
        "times of twelve hours": table([*head, columns, *clocked("%m/%d/%y %I:%M:%S.FFF %p")]),
        "ISO times": table([*head, columns, *clocked("%Y-%m-%dT%H:%M:%S.FFF")], **ATHENS),
        "ISO times with a Z": table([*head, columns, *clocked("%Y-%m-%dT%H:%M:%S.FFFZ")]),
        "times without columns named": table([*head, *clocked("%m/%d/%Y %H:%M:%S.FFF")]),
        "German": table([*german_head, AXES.replace(",", ";"), *german(LINES)]),
        "German times": table([*german_head, columns.replace(",", ";"), *german(clocked("%d.%m.%Y %H:%M:%S.FFF"))]),
        "the IMU's": table(
            [
                *head,
                ",".join([columns, *imu]),
                *(f"{row},25.5,90,0,-180,1,2,3" for row in clocked("%Y-%m-%dT%H:%M:%S.FFF")),
            ]
        ),
        "filled by ActiLife": table([*head, AXES, *filled]),
        "clocks put forward": table(
            [*spring, columns, *clocked("%m/%d/%Y %H:%M:%S.FFF", "2019-03-31T02:59:59")], **ATHENS
        ),
        "times that are not the header's": table(
            [*head, columns, *clocked("%m/%d/%Y %H:%M:%S.FFF", "2019-09-17T20:00:00")]
        ),
        "a missing value": table([*head, AXES, *LINES[:200], "0.1,,0.9", *LINES[200:]]),
        "a missing value in words": table([*head, AXES, *LINES[:200], "0.1,null,0.9", *LINES[200:]]),
        "dates in another order than it says": table(
            [*export_header(first="date format M/d/yyyy at 30 Hz", start=("18:40:00", "13/4/2019")), AXES, *LINES]
        ),
        "longer than a block": _long_actilife(),
        "columns described": same(plain, skip_rows=11, x_column="1", y_column="2", z_column="3", sample_rate_hz=30),
        "times and no rate": table(
            [*export_header(first="date format M/d/yyyy"), columns, *clocked("%m/%d/%Y %H:%M:%S.FFF")]
        ),
        "no rate": no_rate,
        "no rate, numbered": same(no_rate, sample_rate_hz=50),
        "worn on a waist": table(
            [*export_header(first="date format M/d/yyyy at 30 Hz  Filter Normal Limb: Waist"), AXES, *LINES]
        ),
    }


def _long_actilife() -> Input:
    """With a second in which nothing was measured every 300 rows, and two minutes of that at the end of a block."""

    def write(folder: Path) -> Path:
        lines = LINES[:-RATE] + ["0,0,0"] * RATE
        many = lines * 3_000 + ["0,0,0"] * 3_600
        return table([*export_header(), AXES, *many, *lines * 300]).locate(folder)

    return Input(write)


def _actilife_at_fault() -> dict[str, Input]:
    head, columns = export_header(), f"Timestamp,{AXES}"
    times = clocked("%m/%d/%Y %H:%M:%S.FFF")
    return {
        "counts": table([*export_header(period="00:00:10"), "Axis1,Axis2,Axis3,Steps", "1,2,3,4"]),
        "counts without columns named": table([*export_header(period="00:00:10"), "325,85,176", "181,116,91"]),
        "no start": table([*export_header(start=("18:40:00", "")), AXES, *LINES]),
        "no such date": table([*export_header(start=("18:40:00", "31/31/2019")), AXES, *LINES]),
        "no end of the header": table([*head[:-1], AXES, *LINES]),
        "header only": table(head),
        "header and columns only": table([*head, AXES]),
        "other columns": table([*head, "Axis1,Axis2,Axis3,Steps", "1,2,3,4"]),
        "a row cut short": table([*head, AXES, *LINES[:5], "0.1,0.2", *LINES[5:]]),
        "text": table([*head, AXES, *LINES[:5], "0.1,x,0.2", *LINES[5:]]),
        "text for a time": table([*head, columns, *times[:5], "tomorrow,0,0,1", *times[5:]]),
        "no time": table([*head, columns, *times[:5], ",0,0,1", *times[5:]]),
        "gzip cut short": content(gzipped("\n".join([*head, AXES, *LINES, ""]).encode())[:-30], "ann.csv.gz"),
    }


def _unix(second: int, hundredth: int) -> str:
    return f"{second + hundredth // 100}.{hundredth % 100:02d}00"


def exported(
    samples: NDArray[np.float64], *, text: bool = False, start_s: int = 1_551_178_506, end: str = ""
) -> list[str]:
    """Lines of an export of OMGUI's at 100 Hz."""
    lines = []
    for row, values in enumerate(samples):
        time = _unix(start_s, row)
        if text:
            second = datetime.fromtimestamp(start_s + row // 100, UTC)
            time = f"{second:%Y-%m-%d %H:%M:%S}.{row % 100 * 10:03d}"
        lines.append(",".join([time, *(f"{value:.6f}" for value in values)]) + end)
    return lines


def _omgui() -> dict[str, Input]:
    g, rotation = acceleration(400), np.full((400, 3), 0.5)
    mixed = np.hstack([rotation * 16.384 / 2048, g * 2048 / 16.384])
    partly = np.vstack([mixed[:160], np.hstack([g, rotation])[160:]])
    wild = exported(np.hstack([g, rotation]))
    wild[100] = wild[100].split(",")[0] + ",1" + "0" * 39 + ".000000" + ",0.000000" * 5
    spring = int(datetime(2019, 3, 31, 2, 59, 59, tzinfo=UTC).timestamp())
    plain = table(exported(g))
    gap = [*exported(g[:200]), *exported(g[200:], start_s=1_551_179_506)]
    holes = exported(g)
    holes[50] = holes[50].rsplit(",", 1)[0] + ","
    return {
        "AX3": plain,
        "AX3 in Athens": same(plain, **ATHENS),
        "AX3, numbered": same(plain, sample_rate_hz=50),
        "AX3, subject and range": same(plain, subject="bob", sensor_range_g=1.0),
        "12.5 ms apart": table(
            [f"{1_551_178_506 + row / 80:.4f},{line.split(',', 1)[1]}" for row, line in enumerate(exported(g))]
        ),
        "text times": table(exported(g, text=True)),
        "a header": table(["Time,Accel-X (g), Accel-Y (g), Accel-Z (g)", *exported(g, text=True)]),
        "AX6": table(exported(np.hstack([g, rotation]))),
        "AX6 with temperature": table(exported(np.hstack([g, rotation]), end=",23.45"), **ATHENS),
        "more columns behind": table(exported(g, end=",117,201")),
        "sensors in one another's places": table(exported(mixed)),
        "sensors in one another's places at first": table(exported(partly)),
        "gravity that is nowhere": table(exported(g * 0.2)),
        "clocks put forward": table(exported(g, start_s=spring), **ATHENS),
        "a value beyond 32 bits": table(wild),
        "a gap": table(gap),
        "longer than a block": _long_omgui(),
        "unordered": table([*exported(g)[200:], *exported(g)[:200]]),
        "a missing value": table(holes),
        "gzipped": content(gzipped("\n".join([*exported(g), ""]).encode()), "ann.csv.gz"),
        "no newline at the end": content("\n".join(exported(g)).encode(), "ann.csv"),
        "text in a row": table([*exported(g)[:300], exported(g)[300].replace(",", ",a", 1), *exported(g)[301:]]),
        "no whole row": table([f"{line.rsplit(',', 1)[0]}," if row else line for row, line in enumerate(exported(g))]),
    }


def _long_omgui() -> Input:
    """Rotation in the place of acceleration at first, and at the end a missing value and a gap."""
    rows = 240_000

    def write(folder: Path) -> Path:
        g, rotation = acceleration(rows), np.full((rows, 3), 0.5)
        samples = np.hstack([g, rotation])
        samples[:160] = np.hstack([rotation * 16.384 / 2048, g * 2048 / 16.384])[:160]
        lines = exported(samples[: rows - 500], end=",23.45")
        lines[-300] = lines[-300].replace(",23.45", ",")
        return table([*lines, *exported(samples[rows - 500 :], start_s=1_551_182_506, end=",23.50")]).locate(folder)

    return Input(write)


def _others() -> dict[str, Input]:
    matrix = bytes(512) + b"MDTC\x01\0\0\0\x08\0\xd0\x07MDTCPACK" + bytes(28) + bytes(range(256)) * 4
    return {
        "a Matrix": content(matrix, "night.BIN"),
        "a Matrix, gzipped": content(gzipped(matrix), "night.BIN.gz"),
        "bytes called .bin": content(bytes(range(256)) * 9, "night.bin"),
    }
