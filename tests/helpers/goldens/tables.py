"""Frozen inputs that are plain tables: CSV and Parquet in every way of writing, times, units, zones, and mistakes."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from goldens.files import Input, content, gzipped, same, table, zipped
from tables import HEADER, START_MS, acceleration, notebook_lines

G = acceleration(400)
TIMES = [str(START_MS + 20 * row) for row in range(400)]
START = datetime(2018, 2, 20, 23, 46, 40, tzinfo=UTC)
NOTEBOOK = [HEADER, *notebook_lines(400)]
SHORT = [HEADER, *notebook_lines()]
ATHENS: dict[str, Any] = {"timezone": "Europe/Athens"}


def table_inputs() -> dict[str, Input]:
    """By what is special about each."""
    groups = {
        "csv written": _written(),
        "csv samples": _samples(),
        "csv labels": _labels(),
        "csv people": _people(),
        "csv columns": _columns(),
        "csv longer than a block": _long(),
        "csv rows at fault": _rows_at_fault(),
        "csv files at fault": _files_at_fault(),
        "csv times": _numeric_times() | _text_times(),
        "csv zones": _zones(),
        "csv units": _units(),
        "parquet": _parquet() | _parquet_at_fault(),
        "options": _options(),
    }
    return {f"{group}: {name}": given for group, inputs in groups.items() for name, given in inputs.items()}


def rows(times: Sequence[object], samples: NDArray[np.float64], *more: Sequence[str]) -> list[str]:
    """Rows of a table with a time, three axes and more columns."""
    axes = ([f"{value:.9g}" for value in row] for row in samples)
    return [",".join([str(time), *row, *rest]) for time, row, *rest in zip(times, axes, *more, strict=True)]


def timed(times: Sequence[object], **options: Any) -> Input:
    """A table with these times of a turning wrist in g."""
    return table(["time,x,y,z", *rows(times, acceleration(len(times)))], **options)


def sampled(samples: NDArray[np.float64], **options: Any) -> Input:
    """A table at 50 Hz with these samples in g."""
    times = [20 * row for row in range(len(samples))]
    return table(["time,x,y,z", *rows(times, samples)], time_unit="ms", **options)


def edited(line: int, old: str, new: str, lines: Sequence[str] = SHORT) -> list[str]:
    """Lines, of which one (from 1) is changed."""
    return [text.replace(old, new, 1) if number == line else text for number, text in enumerate(lines, 1)]


def _written() -> dict[str, Input]:
    lines = NOTEBOOK[1:]
    return {
        "notebook's format": table(lines),
        "notebook's format with a header": table(NOTEBOOK),
        "columns in another order": table([",".join(reversed(line.split(","))) for line in NOTEBOOK]),
        "no P": table([",".join((*line.split(",")[:4], line.split(",")[5])) for line in NOTEBOOK]),
        "no label, no header": table([line.rsplit(",", 1)[0] for line in lines]),
        "DOS line ends": content("\r\n".join([*NOTEBOOK, ""]).encode(), "ann.csv"),
        "no newline at the end": content("\n".join(NOTEBOOK).encode(), "ann.csv"),
        "blank lines": content(("\n" + "\n\n".join(NOTEBOOK) + "\n \n\t\n\r\n").encode(), "ann.csv"),
        "a mark at the beginning": content(b"\xef\xbb\xbf" + "\n".join(NOTEBOOK).encode(), "ann.csv"),
        "spaces": table([line.replace(",", " , ") for line in NOTEBOOK]),
        "everything quoted": table([",".join(f'"{field}"' for field in line.split(",")) for line in NOTEBOOK]),
        "semicolons and decimal commas": table([line.replace(",", ";").replace(".", ",") for line in NOTEBOOK]),
        "tabs": table([line.replace(",", "\t") for line in NOTEBOOK], "ann.txt"),
        "semicolons at line ends": table([f"{line};" for line in lines]),
        "a decimal comma that comes late": table(
            [*(f"{time};0;0;1;still" for time in TIMES[:60]), f"{TIMES[60]};0,5;0;1;still"]
        ),
        "quoted fields with commas and newlines": table(
            [f"{HEADER},Remark", *(f'{line},"a remark,\nover two lines, ""quoted"""' for line in lines)]
        ),
        "other columns": table([f"{HEADER},Battery,Note", *(f"{line},87 %,öh" for line in lines)]),
        "gzipped": content(gzipped("\n".join([*NOTEBOOK, ""]).encode()), "ben.csv.gz"),
        "gzipped in two pieces": content(
            gzipped("\n".join([*NOTEBOOK[:99], ""]).encode()) + gzipped("\n".join([*NOTEBOOK[99:], ""]).encode()),
            "ben.csv.gz",
        ),
        "an ending of no format": table(NOTEBOOK, "ann.export"),
        "a name with dots": table(NOTEBOOK, "study.1.cy.csv"),
        "WISDM's layout": table(
            [
                f"1600,{'AB'[row // 200]},{90_426_708_196_641 + 50_000_000 * row},{x:.6f},{y:.6f},{z:.6f};"
                for row, (x, y, z) in enumerate(G * 9.80665)
            ],
            "data_1600_accel_watch.txt",
        ),
    }


def _samples() -> dict[str, Input]:
    order = np.random.default_rng(1).permutation(400)
    repeated = [TIMES[row - row % 20 // 19] for row in range(400)]  # every twentieth time twice
    gaps = [START_MS + 20 * row + 90_000 * (row // 150) for row in range(400)]
    jumps = [START_MS + 20 * row + row // 80 * 100 * 86_400_000 for row in range(400)]
    back = [START_MS + 20 * row - 900_000 * (row // 200) for row in range(400)]
    missing, wild, stuck, still = G.copy(), acceleration(5000), acceleration(5000), acceleration(5000)
    missing[7, 0], missing[90:93], missing[200, 2] = np.nan, np.inf, 1e99
    wild[17, 0], wild[300:310, 1] = -15.995, 2.5
    stuck[1000:4001] = stuck[1000]
    still[1000:4000] = still[1000]
    held = [20 * row + 600_000 * (row >= 2500) for row in range(5000)]
    return {
        "unordered": timed([TIMES[row] for row in order]),
        "last half first": timed([*TIMES[200:], *TIMES[:200]]),
        "times set back": timed(back),
        "repeated times": timed(repeated),
        "repeated times, unordered": timed([repeated[row] for row in order]),
        "gaps": timed(gaps),
        "jumps of months": timed(jumps, **ATHENS),
        "a clock that was reset": timed([*TIMES[:200], *(946_684_800_000 + 20 * row for row in range(200))]),
        "missing values": sampled(missing),
        "missing values in words": table(
            edited(9, TIMES[7], "NaN", edited(20, ",3,", ",null,", edited(30, ",3,", ",NA,", NOTEBOOK)))
        ),
        "rows without a time": table(edited(5, TIMES[3], "", edited(8, TIMES[6], "nan", NOTEBOOK))),
        "out of the sensor's range": sampled(wild),
        "a range that is said": sampled(wild, sensor_range_g=2),
        "stuck for a minute": sampled(stuck),
        "stuck for less than a minute": sampled(still),
        "stuck over a gap": table(["time,x,y,z", *rows(held, stuck)], time_unit="ms"),
        "stuck at the end": sampled(np.vstack([stuck[:1000], np.repeat(stuck[:1], 3500, axis=0)])),
        "slow": timed([START_MS + 200 * row for row in range(400)]),
        "fast": timed([START_MS + 2 * row for row in range(400)]),
        "a single row": timed(TIMES[:1], acceleration_unit="g"),
        "too coarse a clock": timed([1_519_170_400 + row // 50 for row in range(200)]),
        "too coarse a clock, numbered": timed([1_519_170_400 + row // 50 for row in range(200)], sample_rate_hz=50),
        "too fast to be worn": timed([START_MS * 10**6 + row for row in range(400)], time_unit="ns"),
        "too slow to be worn": timed([START_MS + 61_000 * row for row in range(400)], time_unit="ms"),
        "83 Hz on a clock of milliseconds": timed([START_MS + int(1000 * row / 83) for row in range(400)]),
    }


LONG = 125_000
"""Rows that take more than a block of 16 MiB, in which a table is read, and more than are looked at in advance."""
FILLING = "n" * 100


def long(
    times: Sequence[object], samples: NDArray[np.float64], columns: dict[str, Sequence[str]], **options: Any
) -> Input:
    """A table of long rows; it is only made when it is written."""

    def write(folder: Path) -> Path:
        lines = rows(times, samples, *columns.values(), [FILLING] * len(times))
        return table([",".join(["time", "x", "y", "z", *columns, "note"]), *lines]).locate(folder)

    return Input(write, options)


def _long() -> dict[str, Input]:
    """Tables of which something is only known in their second block."""
    g = acceleration(LONG)
    ms = [START_MS + 20 * row for row in range(LONG)]
    texts = [f"{START + timedelta(milliseconds=20 * row):%Y-%m-%d %H:%M:%S.%f}" for row in range(LONG)]
    marked, steps = g.copy(), np.full(LONG, 20)
    marked[90_000:LONG] = marked[90_000]
    marked[[50, 80_000], 0], marked[[60, 85_000], 1] = np.nan, 15.9
    steps[[40, 70_000, 109_000]], steps[[50, 60_000]] = 60_000, 0
    labels = [["walking", "", "lying", "sitting"][row // 15_000 % 4] for row in range(LONG)]
    people = ["cid"] * (LONG - 500) + ["dan"] * 500
    wrong = ["3"] * (LONG - 500) + ["high"] + ["3"] * 499
    nobody = ["cid"] * (LONG - 500) + [""] * 500
    return {
        "gaps, repeated times, marks and labels": long(
            (START_MS + np.cumsum(steps)).tolist(), marked, {"label": labels}, **ATHENS
        ),
        "unordered at the end": long([*ms[:-500], *reversed(ms[-500:])], g, {"label": labels}),
        "text times that change their form at the end": long([*texts[:-500], *texts[-500:-1], f"{texts[-1]}Z"], g, {}),
        "text times with nine digits at the end": long(
            [*texts[:-500], *(f"{t}000" for t in texts[-500:])], g, {}, **ATHENS
        ),
        "a missing value in words at the end": long(ms, g, {"P": ["3"] * (LONG - 500) + ["null"] * 500}),
        "a second person at the end": long(ms, g, {"subject": people}),
        "a second person at the end, the first chosen": long(ms, g, {"subject": people}, subject="cid"),
        "nobody at the end": long(ms, g, {"subject": nobody}),
        "an error at the end": long(ms, g, {"P": wrong}),
        "no time at the end": long([*ms[:-3], "", "nan", ms[-1]], g, {}),
        "another unit from the second block on": long(
            [START_MS + 20 * row for row in range(2 * LONG)], np.vstack([g * 9.80665, g]), {}
        ),
    }


def _labels() -> dict[str, Input]:
    lines = NOTEBOOK[1:]
    names = ["walking", "", "lying", "null", "sitting"]

    def labelled(labels: Sequence[str]) -> Input:
        return table([HEADER, *(line.replace("sitting", label) for line, label in zip(lines, labels, strict=True))])

    unordered = [
        lines[row].replace("sitting", names[row // 50 % 5]) for row in np.random.default_rng(2).permutation(400)
    ]
    return {
        "several, and stretches without": labelled([names[row // 50 % 5] for row in range(400)]),
        "several, unordered": table([HEADER, *unordered]),
        "none": labelled([""] * 400),
        "numbers": labelled([str(10 - row // 50 % 3) for row in range(400)]),
        "too many": table([line.replace("sitting", f"name {row:04}") for row, line in enumerate(notebook_lines(1001))]),
        "by its number": table([HEADER, *lines], label_column="6"),
        "cut short": content("\n".join(NOTEBOOK).removesuffix("ing").encode(), "ann.csv"),
        "over two lines": table(edited(4, "sitting", '"sit\nting"')),
    }


def _people() -> dict[str, Input]:
    lines = NOTEBOOK[1:]
    one = table([f"{HEADER},Subject", *(f"{line},cid" for line in lines)])
    two = table([f"{HEADER},Subject", *(f"{line},{('cid', 'dan')[row % 2]}" for row, line in enumerate(lines))])
    partly = table([f"{HEADER},Subject", *(f"{line},{'cid' if row < 300 else ''}" for row, line in enumerate(lines))])
    many = table([f"{HEADER},Subject", *(f"{line},p{row % 15}" for row, line in enumerate(lines))])
    tidy = table(
        [f"{HEADER},Session", *(f"{line},{row // 200}" for row, line in enumerate([*lines[200:], *lines[:200]]))]
    )
    made_up = table([f"{HEADER},Subject", *(f"{line},simulated-3-1" for line in lines)])
    return {
        "one": one,
        "one, named": same(one, subject="cid"),
        "one, misnamed": same(one, subject="dan"),
        "two": two,
        "two, one chosen": same(two, subject="dan"),
        "two, one chosen, numbered": same(two, subject="dan", sample_rate_hz=25),
        "rows of nobody": partly,
        "rows of nobody, one chosen": same(partly, subject="cid"),
        "many": many,
        "no column, named": table(NOTEBOOK, subject="eve"),
        "made up": made_up,
        "sessions whose times begin anew": tidy,
    }


def _columns() -> dict[str, Input]:
    general = [
        "Exported by AnyLogger",
        "ward 7",
        "who;when (s);forward;sideways;up;doing;heart",
        *(f"p{row % 2};{row / 50:.2f};{x:.5f};{y:.5f};{z:.5f};lie;60" for row, (x, y, z) in enumerate(G)),
    ]
    option_values: dict[str, Any] = {
        "skip_rows": 2, "time_column": "when (s)", "time_unit": "s", "x_column": "forward", "y_column": "4",
        "z_column": "up", "label_column": "doing", "subject_column": "who",
    }  # fmt: skip
    plain = table(["a,b,c,d", *rows(TIMES, G)])
    wide = table([",".join([*line.split(","), "7"]) for line in NOTEBOOK[1:]])
    return {
        "a general table": table(general, subject="p1", **option_values),
        "a general table of two": table(general, **option_values),
        "an error among two people": table(edited(19, "0.30;", "half past;", general), subject="p1", **option_values),
        "by name and number": same(plain, time_column="a", x_column="2", y_column=" C", z_column="D"),
        "unknown names": plain,
        "one unknown name": table(["time,x,y,height", *rows(TIMES, G)]),
        "no header and seven columns": wide,
        "no header, some by number": same(wide, time_column="1", x_column="2"),
        "no header, all by number": same(wide, time_column="1", x_column="2", y_column="3", z_column="4"),
        "an option that names no column": table(NOTEBOOK, label_column="what"),
        "a number beyond the last column": table(NOTEBOOK[1:], label_column="9"),
        "two that could be it": table(["time,timestamp,x,y,z", *(f"1,{row}" for row in rows(TIMES, G))]),
        "two of one name": table(["time,a,a,y,z", *(f"1,{row}" for row in rows(TIMES, G))], x_column="a"),
        "one named twice": same(plain, time_column="a", x_column="2", y_column="b", z_column="4"),
        "P that is no number": table(["time,x,y,z,p", *rows(TIMES, G, ["high"] * 400)]),
        "units in the header": table(["Time [ms],X [m/s²],Y [m/s^2],Z [m/s2]", *rows(TIMES, G * 9.80665)]),
        "no times": table([line.split(",", 1)[1] for line in ["time,x,y,z", *rows(TIMES, G)]]),
        "no times, numbered": table(
            [line.split(",", 1)[1] for line in ["time,x,y,z", *rows(TIMES, G)]], sample_rate_hz=40
        ),
    }


def _rows_at_fault() -> dict[str, Input]:
    cut = edited(5, ",sitting", "")
    return {
        "the last cut short": content(("\n".join(SHORT[:-1]) + "\n15191704").encode(), "ann.csv"),
        "a middle one cut short": table(cut),
        "cut short after blank lines": table([cut[0], "", "  ", *cut[1:]]),
        "too long": table(edited(6, "sitting", "sitting,oh")),
        "short and long": table([*cut[:-1], cut[-1] + ","]),
        "text in x": table(edited(4, ",", ",a")),
        "text in P": table(edited(4, ",3,", ",high,")),
        "a number for Python alone": table(edited(4, ",3,", ",1_0,")),
        "text in a time": table(edited(4, "1", "o1")),
        "a quotation mark never closed": table(edited(4, "sitting", '"sitting')),
        "a quotation mark closed lines later": table(
            edited(9, "sitting", '"sitting', edited(4, "sitting", '"sitting'))
        ),
        "far down the file": table(edited(390, ",3,", ",high,", NOTEBOOK)),
        "a line without end": content(("\n".join(SHORT) + "\n").encode() + b"1" * (2 << 20), "ann.csv"),
        "a quotation without end": content(("\n".join(SHORT) + '\n"').encode() + b"a\n" * (1 << 20), "ann.csv"),
    }


def _files_at_fault() -> dict[str, Input]:
    text = "\n".join(SHORT)
    packed = gzipped(text.encode())
    return {
        "missing": Input(lambda folder: folder / "no.csv"),
        "a folder": Input(lambda folder: folder),
        "a name with a zero byte": Input(lambda folder: folder / "a\0b.csv"),
        "empty": content(b"", "ann.csv"),
        "blank": content(b"\n \n\r\n", "ann.csv"),
        "header only": content(HEADER.encode(), "ann.csv"),
        "header and newline only": table([HEADER]),
        "UTF-16": content(text.encode("utf-16"), "ann.csv"),
        "UTF-16 without a mark": content(text.encode("utf-16-le"), "ann.csv"),
        "not UTF-8": content(
            text.replace("sitting", "walking", 3).replace("sitting", "öffne", 1).encode("latin-1"), "ann.csv"
        ),
        "binary": content(bytes(range(256)) * 9, "ann.csv"),
        "a spreadsheet": content(zipped({"xl/workbook.xml": b"<a/>"}), "ann.csv"),
        "old Macintosh line ends": content("\r".join(SHORT).encode(), "ann.csv"),
        "gzip cut short": content(packed[:-9], "ann.csv.gz"),
        "gzip damaged": content(packed[:30] + bytes([packed[30] ^ 0xFF]) + packed[31:], "ann.csv.gz"),
        "gzip of nothing": content(gzipped(b""), "ann.csv.gz"),
        "gzip without its ending": content(packed, "ann.csv"),
        "not gzip in spite of its ending": content(text.encode(), "ann.csv.gz"),
    }


def _numeric_times() -> dict[str, Input]:
    ms = [START_MS + 20 * row for row in range(400)]
    return {
        "seconds": timed([f"{time // 1000}.{time % 1000:03}" for time in ms]),
        "microseconds": timed([time * 1000 for time in ms]),
        "nanoseconds": timed([time * 10**6 for time in ms]),
        "fractions of milliseconds": timed([f"{time}.25" for time in ms]),
        "seconds from a start": timed([f"{row / 50:.2f}" for row in range(400)]),
        "milliseconds from a start": timed([20 * row for row in range(400)]),
        "nanoseconds since the watch was on": timed([1_896_411_611_733_301 + 50_000_000 * row for row in range(400)]),
        "a unit that cannot be told": timed(range(40)),
        "a unit that is said": timed(range(40), time_unit="ms"),
        "seconds that are said": timed([20 * row for row in range(40)], time_unit="s"),
        "integers that turn into fractions": timed([*range(300), "299.5"], time_unit="s"),
        "beyond 64 bits": timed([1_519_000_000_000_000_000 + row for row in range(40)], time_unit="s"),
        "years that cannot be": timed([*ms[:40], -8_520_336_000_000, 9_151_488_000_000]),
        "none at all": timed([""] * 40),
        "none at all, numbered": timed([""] * 40, sample_rate_hz=50),
        "numbered": timed(ms, sample_rate_hz=80),
        "nonsense, numbered": timed([f"sample {row}" for row in range(40)], sample_rate_hz=80),
    }


def _text_times() -> dict[str, Input]:
    instants = [START + timedelta(milliseconds=20 * row) for row in range(400)]

    def form(pattern: str) -> list[str]:
        return [f"{time.strftime(pattern)}".replace("FFF", f"{time.microsecond // 1000:03}") for time in instants]

    iso = form("%Y-%m-%dT%H:%M:%S.FFF")
    day_first = timed(form("%d/%m/%Y %H:%M:%S.FFF"))
    return {
        "ISO": timed(iso),
        "ISO in UTC": timed([f"{time}Z" for time in iso]),
        **{
            f"ISO with {zone.strip()}": timed([f"{time}{zone}" for time in iso])
            for zone in (" UTC", "GMT", "+0000", "+00")
        },
        "with an offset": timed([f"{time}+05:30" for time in iso], **ATHENS),
        "a blank and slashes": timed(form("%Y/%m/%d %H:%M:%S.FFF")),
        "commas": timed(form('"%Y-%m-%d %H:%M:%S,FFF"')),
        "no fraction where it is 0": timed([time.removesuffix(".000") for time in iso]),
        "nine digits": timed([f"2018-02-20 23:46:{40 + row // 50}.{row % 50 * 20_000_001:09}" for row in range(400)]),
        "quoted": timed([f'"{time}"' for time in iso]),
        "missing here and there": timed([*iso[:2], "", "NaN", "null", *iso[5:]]),
        "day first": day_first,
        "day first, as said": same(day_first, time_format="%d/%m/%Y %H:%M:%S.%f"),
        "day first, said in polars' way": same(day_first, time_format="%d/%m/%Y %H:%M:%S%.f"),
        "a form that does not fit": same(day_first, time_format="%d.%m.%Y"),
        "a form that is none": same(day_first, time_format="now"),
        "one in another form": timed([*iso[:7], "2018-02-20 23.46", *iso[8:]]),
        "a year that cannot be": timed([*iso[:30], "1700-02-20T23:46:40.600", *iso[31:]]),
        "dates alone": timed(form("%Y-%m-%d")),
        "numbered": timed(iso, sample_rate_hz=50),
    }


def _local(zone: str, first: datetime, minutes: int) -> list[str]:
    """What a watch on local time writes every minute."""
    return [
        (first + timedelta(minutes=minute)).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
        for minute in range(minutes)
    ]


def _zones() -> dict[str, Input]:
    spring, autumn = datetime(2018, 3, 25, tzinfo=UTC), datetime(2018, 10, 28, 1, tzinfo=UTC)
    skipped = [f"2018-03-25 02:59:{row:02}" for row in range(40)] + ["2018-03-25 03:00:00"]
    twice = _local("Europe/Athens", autumn - timedelta(minutes=90), 180)
    swapped = [*twice[:40], twice[41], twice[40], *twice[42:95], "", *twice[96:]]
    every_second = [f"{datetime(2018, 10, 28, 3, 58) + timedelta(milliseconds=20 * row)}" for row in range(400)]
    lord_howe = _local("Australia/Lord_Howe", datetime(2018, 3, 31, 14, tzinfo=UTC), 120)
    return {
        "clocks put forward": timed(_local("Europe/Athens", spring, 120), **ATHENS),
        "an hour that does not exist": timed(skipped, **ATHENS),
        "a fixed zone": timed(skipped, timezone="Etc/GMT-2"),
        "an hour that happens twice": timed(twice, **ATHENS),
        "an hour that happens twice, from its middle": timed(twice[60:150], **ATHENS),
        "an hour that happens twice, unordered": timed(swapped, **ATHENS),
        "an hour that happens twice, at 50 Hz": timed(every_second, **ATHENS),
        "half an hour that happens twice": timed(lord_howe, timezone="Australia/Lord_Howe"),
        "numbers in a zone": timed(TIMES, **ATHENS),
        "no such zone": timed(TIMES, timezone="Mars/Olympus"),
        "text, no such zone": timed(twice, timezone="Athens"),
    }


def _units() -> dict[str, Input]:
    moved = G.copy()
    moved[:150] += np.random.default_rng(1).normal(0, 1, (150, 3))
    holes = G * 1000
    holes[::10, 1] = np.nan
    no_y = G.copy()
    no_y[:, 1] = np.nan
    without = sampled(G - G.mean(axis=0))
    late = np.vstack([acceleration(3000), acceleration(6000) * 9.80665])
    return {
        "m/s2": sampled(G * 9.80665),
        "mg": sampled(G * 1000),
        "64ths of g": sampled(G * 64),
        "in movement": sampled(moved * 9.80665),
        "holes": sampled(holes),
        "said and right": sampled(G * 9.80665, acceleration_unit="m/s2"),
        "said and wrong": sampled(G * 9.80665, acceleration_unit="g"),
        "gravity removed": without,
        "gravity removed, unit said": same(without, time_unit="ms", acceleration_unit="g"),
        "another unit from some row on": sampled(late),
        "no whole row": sampled(no_y),
        "three rows": sampled(G[:3] * 9.81),
        "zeros": sampled(np.zeros((400, 3))),
    }


def parquet(frame: pl.DataFrame, name: str = "ann.parquet", row_group_size: int | None = None, **options: Any) -> Input:
    """A Parquet file."""

    def write(folder: Path) -> Path:
        frame.write_parquet(folder / name, row_group_size=row_group_size)
        return folder / name

    return Input(write, options)


def frame_of(**columns: object) -> pl.DataFrame:
    """The notebook's columns, of which some are changed, or added."""
    x, y, z = G.T
    plain = {
        "Timestamp": START_MS + 20 * np.arange(400),
        "X": x,
        "Y": y,
        "Z": z,
        "Label": ["sitting", "walking", None, "lying"] * 100,
    }
    return pl.DataFrame({**plain, **columns})


def _parquet() -> dict[str, Input]:
    ms = START_MS + 20 * np.arange(400)
    naive = [START.replace(tzinfo=None) + timedelta(milliseconds=20 * row) for row in range(400)]
    order = np.random.default_rng(1).permutation(400)
    thousandths = {name: (axis * 1000).round() for name, axis in zip("XYZ", G.T, strict=True)}
    wild = G[:, 2].astype(np.float32)
    wild[[3, 90, 200]] = [np.nan, 15.9, np.inf]
    stuck = acceleration(5000)
    stuck[1000:4001] = stuck[1000]
    people = frame_of(Subject=["cid", "dan"] * 200)
    minutes = [datetime(2018, 10, 28, 2, 30) + timedelta(minutes=row) for row in range(60)] * 2
    autumn = pl.DataFrame({"time": minutes, "x": G[:120, 0], "y": G[:120, 1], "z": G[:120, 2]})
    return {
        "notebook's columns": parquet(frame_of()),
        "small row groups": parquet(frame_of(P=[3] * 400), row_group_size=7),
        "an ending of no format": parquet(frame_of(), "ann.dat"),
        "lists beside": parquet(frame_of(Extra=[[1, 2]] * 400)),
        "32-bit floats": parquet(frame_of().with_columns(pl.col("X", "Y", "Z").cast(pl.Float32))),
        "decimals": parquet(
            frame_of().with_columns(pl.col("X", "Y", "Z").round(4).cast(pl.String).cast(pl.Decimal(12, 4)))
        ),
        "integers in mg": parquet(frame_of(**thousandths).with_columns(pl.col("X", "Y", "Z").cast(pl.Int16))),
        "unsigned times": parquet(frame_of(Timestamp=pl.Series(ms).cast(pl.UInt64))),
        "times in seconds": parquet(frame_of(Timestamp=ms / 1000)),
        "datetimes": parquet(frame_of(Timestamp=naive)),
        "datetimes in a zone that is said": parquet(frame_of(Timestamp=naive), **ATHENS),
        "datetimes with a zone": parquet(frame_of(Timestamp=pl.Series(ms).cast(pl.Datetime("ms", "Asia/Tokyo")))),
        "datetimes of an hour that happens twice": parquet(autumn, **ATHENS),
        "text times": parquet(frame_of(Timestamp=[str(time) for time in ms])),
        "text dates": parquet(frame_of(Timestamp=[f"{time.isoformat(' ', 'milliseconds')}" for time in naive])),
        "no time here and there": parquet(
            frame_of(Timestamp=[None if row == 7 else int(ms[row]) for row in range(400)])
        ),
        "unordered": parquet(frame_of(Timestamp=ms[order])),
        "repeated times": parquet(frame_of(Timestamp=ms - ms % 400 // 380 * 20)),
        "gaps": parquet(frame_of(Timestamp=ms + 90_000 * (np.arange(400) // 150))),
        "missing and wild values": parquet(frame_of(Z=wild)),
        "longer than a piece": _long_parquet(),
        "stuck for a minute": parquet(
            pl.DataFrame({"t": 0.02 * np.arange(5000), **dict(zip("xyz", stuck.T, strict=True))})
        ),
        "slow": parquet(frame_of(Timestamp=START_MS + 200 * np.arange(400))),
        "numbered": parquet(frame_of(), sample_rate_hz=25),
        "m/s2": parquet(frame_of(**{name: axis * 9.80665 for name, axis in zip("XYZ", G.T, strict=True)})),
        "categorical labels": parquet(frame_of(Label=pl.Series(["sitting", "walking"] * 200, dtype=pl.Categorical))),
        "labels that are numbers": parquet(frame_of(Label=[7, 8] * 200)),
        "labels that are truths": parquet(frame_of(Label=[False, True] * 200)),
        "no label": parquet(frame_of(Label=[None] * 400)),
        "two people": parquet(people),
        "two people, one chosen": parquet(people, subject="dan"),
        "one person, misnamed": parquet(frame_of(Subject=["cid"] * 400), subject="dan"),
        "tidy": parquet(frame_of(session=["a"] * 200 + ["b"] * 200, placement=["wrist"] * 400)),
        "tidy, times begin anew": parquet(frame_of(Timestamp=np.tile(ms[:200], 2), session=["a"] * 200 + ["b"] * 200)),
    }


def _long_parquet() -> Input:
    rows = (1 << 20) + 10_000

    def write(folder: Path) -> Path:
        steps = np.full(rows, 20)
        steps[[40, rows - 5_000]], steps[[50, rows - 6_000]] = 60_000, 0
        g = acceleration(rows).astype(np.float32)
        g[rows - 12_000 : rows - 7_000] = g[rows - 12_000]
        g[[50, rows - 300], 0], g[[60, rows - 200], 1] = np.nan, 15.9
        frame = pl.DataFrame({"time": START_MS + np.cumsum(steps), **dict(zip("xyz", g.T, strict=True))})
        return parquet(frame).locate(folder)

    return Input(write)


def _parquet_at_fault() -> dict[str, Input]:
    buffer = io.BytesIO()
    frame_of().write_parquet(buffer)
    whole = buffer.getvalue()
    return {
        "text in x": parquet(frame_of(X=["0.5"] * 400)),
        "no times": parquet(frame_of(Timestamp=[[1]] * 400)),
        "dates for times": parquet(frame_of(Timestamp=[START.date()] * 400)),
        "bytes for labels": parquet(frame_of(Label=[b"sit"] * 400)),
        "times beyond 64 bits": parquet(
            frame_of(Timestamp=pl.Series([2**64 - 1 - row for row in range(400)], dtype=pl.UInt64)), time_unit="ns"
        ),
        "a bad time": parquet(frame_of(Timestamp=[f"2018-02-20 23:46:40.{row:03}" for row in range(399)] + ["later"])),
        "P that is no number": parquet(frame_of(P=["high"] * 400)),
        "no rows": parquet(frame_of().clear()),
        "no column z": parquet(frame_of().drop("Z")),
        "gravity removed": parquet(frame_of(**dict.fromkeys("XYZ", np.zeros(400)))),
        "cut short": content(whole[:-20], "ann.parquet"),
        "a beginning alone": content(b"PAR1" + b"\0" * 40, "ann.parquet"),
        "not one in spite of its ending": table(SHORT, "ann.parquet"),
        "empty": content(b"", "ann.parquet"),
    }


def _options() -> dict[str, Input]:
    plain = table(SHORT)
    option_values: dict[str, dict[str, Any]] = {
        "no such option": {"unit": "g"},
        "a time unit": {"time_unit": "min"},
        "a unit": {"acceleration_unit": "N"},
        "a rate of 0": {"sample_rate_hz": 0.0},
        "a rate beyond any": {"sample_rate_hz": 20_000.0},
        "a range below 0": {"sensor_range_g": -8},
        "skipped rows below 0": {"skip_rows": -1},
        "too many skipped rows": {"skip_rows": 10},
        "a zone that is a folder": {"timezone": "Europe"},
        "a subject": {"subject": "ann", "subject_column": "P"},
    }
    return {name: same(plain, **options) for name, options in option_values.items()}
