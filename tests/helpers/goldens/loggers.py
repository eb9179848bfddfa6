"""Frozen inputs that are exports of loggers: Empatica, phyphox, Physics Toolbox, Sensor Logger and SensorLog."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exports import written
from goldens.files import Input, content, gzipped, same, table, zipped
from harken.recordings.recording import STANDARD_GRAVITY
from tables import HEADER, acceleration, notebook_lines

G = acceleration(300)
MS2 = G * STANDARD_GRAVITY
SLOW = np.repeat(MS2[150:151], 300, axis=0)
"""Gravity that stays, for the files that have it apart."""


def logger_inputs() -> dict[str, Input]:
    """By what is special about each."""
    groups = {
        "empatica": _empatica(),
        "phyphox": _phyphox() | _phyphox_archives(),
        "physics toolbox": _physics_toolbox(),
        "sensor logger": _sensor_logger() | _sensor_logger_signs() | _sensor_logger_at_fault(),
        "sensorlog": _sensorlog(),
    }
    return {f"{group}: {name}": given for group, inputs in groups.items() for name, given in inputs.items()}


def _empatica() -> dict[str, Input]:
    counts = [f"{x},{y},{z}" for x, y, z in np.rint(G * 64).astype(int)]

    def lines(start: str = "1495437325.000000", rate: str = "32.000000", rows: Sequence[str] = counts) -> list[str]:
        return [", ".join([start] * 3), ", ".join([rate] * 3), *rows]

    plain = table(lines(), "ACC.csv")
    return {
        "ordinary": table(lines(), "1495437325_A01F11/ACC.csv"),
        "renamed, in Dublin": table(lines(), "ann.csv", timezone="Europe/Dublin"),
        "numbered, named": same(plain, sample_rate_hz=31.5, subject="ann"),
        "a range that is said": same(plain, subject="ann", sensor_range_g=0.8),
        "as a plain table": same(
            plain, subject="ann", skip_rows=2, x_column="1", y_column="2", z_column="3", sample_rate_hz=32
        ),
        "a start with a fraction": table(lines("1495437325.250000", "31.960000"), "ann.csv"),
        "gzipped": content(gzipped("\n".join([*lines(), ""]).encode()), "ann.csv.gz"),
        "no newline at the end": content("\n".join(lines()).encode(), "ann.csv"),
        "a row cut short": table(lines(rows=[*counts[:99], "1,2", *counts[99:]]), "ann.csv"),
        "text": table(lines(rows=[*counts[:99], "1,x,2", *counts[99:]]), "ann.csv"),
        "no samples": table(lines(rows=[]), "ann.csv"),
        "a rate that cannot be": table(lines(rate="0.0"), "ann.csv"),
        "another signal": table(["1495437325.000000", "4.000000", "0.5", "0.6"], "TEMP.csv"),
    }


TOTAL = tuple(f"Acceleration {axis} (m/s^2)" for axis in "xyz")
LINEAR = tuple(f"Linear Acceleration {axis} (m/s^2)" for axis in "xyz")
SECONDS = np.arange(300) * 0.00997


def java_number(value: float, point: str) -> str:
    """As Java's pattern 0.000000000E0."""
    mantissa, exponent = f"{value:.9e}".split("e")
    return f"{mantissa}E{int(exponent)}".replace(".", point)


def phyphox_table(
    samples: NDArray[np.float64], names: Sequence[str] = TOTAL, separator: str = ",", point: str = "."
) -> bytes:
    """A table as phyphox writes it."""
    header = separator.join(f'"{name}"' for name in ("Time (s)", *names, "Absolute acceleration (m/s^2)"))
    rows = np.column_stack([SECONDS[: len(samples)], samples, np.linalg.norm(samples, axis=1)])
    return "\n".join(
        [header, *(separator.join(java_number(value, point) for value in row) for row in rows), ""]
    ).encode()


def phyphox_times(events: Sequence[tuple[str, float, float]], separator: str = ",", point: str = ".") -> bytes:
    """The table of starts and pauses in an archive of phyphox's."""
    lines = [separator.join(f'"{name}"' for name in ("event", "experiment time", "system time", "system time text"))]
    for event, experiment, system in events:
        shown = f"{datetime.fromtimestamp(system, UTC):%Y-%m-%d %H:%M:%S}.000 UTC+01:00"
        cells = [f'"{event}"', java_number(experiment, point), f"{system:.3f}".replace(".", point), f'"{shown}"']
        lines.append(separator.join(cells))
    return "\n".join([*lines, ""]).encode()


def _phyphox() -> dict[str, Input]:
    holes = phyphox_table(MS2).decode().split("\n")
    for line, empty in ((5, '""'), (6, "NaN")):
        holes[line] = ",".join([holes[line].split(",")[0], *[empty] * 4])
    plain = content(phyphox_table(MS2), "Acceleration 2024-05-01 10-00-00.csv")
    return {
        "ordinary": plain,
        "in Athens, named": same(plain, timezone="Europe/Athens", subject="ann"),
        "numbered": same(plain, sample_rate_hz=50),
        "another unit is said": same(plain, acceleration_unit="g"),
        "tabs and decimal commas": content(phyphox_table(MS2, TOTAL, "\t", ","), "ann.csv"),
        "semicolons": content(phyphox_table(MS2, TOTAL, ";"), "ann.csv"),
        "cells left empty": table(holes[:-1]),
        "linear acceleration": content(phyphox_table(MS2 - SLOW, LINEAR), "ann.csv"),
        "gzipped": content(gzipped(phyphox_table(MS2)), "ann.csv.gz"),
        "a row cut short": content(phyphox_table(MS2)[:-70], "ann.csv"),
    }


def _phyphox_archives() -> dict[str, Input]:
    start = ("START", 0.0, 1_714_550_400.123)
    pauses = [start, ("PAUSE", 1.0, 1_714_550_401.123), ("START", 1.0, 1_714_550_460.5)]
    short = ("X (m/s^2)", "Y (m/s^2)", "Z (m/s^2)")
    apart = {
        "Gravity.csv": phyphox_table(SLOW, TOTAL),
        "Linear Accelerometer.csv": phyphox_table(MS2 - SLOW, short),
        "Gyroscope.csv": phyphox_table(MS2, [f"{axis} (rad/s)" for axis in "XYZ"]),
    }
    raw = {"Raw Data.csv": phyphox_table(MS2)}
    dated = raw | {"meta/time.csv": phyphox_times(pauses), "meta/device.csv": b'"property","value"\n"version","1.1"\n'}
    whole = zipped(dated)
    return {
        "an archive with pauses": content(whole, "monday.zip"),
        "an archive with pauses, in Athens": content(whole, "monday.zip", timezone="Europe/Athens"),
        "an archive with decimal commas": content(
            zipped(
                {"Raw Data.csv": phyphox_table(MS2, TOTAL, ";", ","), "meta/time.csv": phyphox_times(pauses, ";", ",")}
            ),
            "monday.zip",
        ),
        "an archive without a date": content(zipped(raw), "monday.zip"),
        "an archive whose starts are out of order": content(
            zipped(raw | {"meta/time.csv": phyphox_times([("START", 9.0, 1.7e9), ("START", 1.0, 1.7e9)])}), "monday.zip"
        ),
        "an archive of gravity and movement": content(zipped(apart), "apart.zip"),
        "an archive of everything": content(
            zipped(apart | {"Accelerometer.csv": phyphox_table(1.01 * MS2, short)}), "all.zip"
        ),
        "an archive of gravity alone": content(zipped({"Gravity.csv": apart["Gravity.csv"]}), "gravity.zip"),
        "an archive cut short": content(whole[:-60], "monday.zip"),
        "an archive with a flipped byte": content(whole[:90] + bytes([whole[90] ^ 1]) + whole[91:], "monday.zip"),
        "an archive packed with LZMA": content(zipped(dated, zipfile.ZIP_LZMA), "monday.zip"),
        "an archive of something else": content(zipped({"a.csv": b"a,b\n1,2\n"}), "monday.zip"),
    }


def _physics_toolbox() -> dict[str, Input]:
    def lines(samples: NDArray[np.float64], header: str = "time,gFx,gFy,gFz,TgF", *, dated: bool = False) -> list[str]:
        form = "2018-10-03 17:23:{second:02d}.{hundredth:02d}00" if dated else "{whole}.{hundredth:02d}00"
        return [
            header,
            *(
                form.format(second=50 + row // 100, whole=row // 100, hundredth=row % 100)
                + f",{x:.5f},{y:.5f},{z:.5f},{np.linalg.norm([x, y, z]):.3f}"
                for row, (x, y, z) in enumerate(samples)
            ),
        ]

    both = [f"{line},{'ax,ay,az,aT' if row == 0 else '0,0,0,0'}," for row, line in enumerate(lines(G))]
    plain = table(lines(G))
    return {
        "g-force": plain,
        "g-force, numbered": same(plain, sample_rate_hz=50),
        "g-force, m/s2 is said": same(plain, acceleration_unit="m/s2"),
        "semicolons and decimal commas": table([line.replace(",", ";").replace(".", ",") for line in lines(G)]),
        "dated, in Athens": table(lines(G, dated=True), timezone="Europe/Athens", subject="bob"),
        "linear acceleration": table(lines(G * [1, 1, 0.9], "time,ax,ay,az,aT")),
        "g-force and linear acceleration": table(both),
        "a row cut short": table([*lines(G)[:50], "0.4900,0.1", *lines(G)[50:]]),
    }


LOGGED_NS = 1_719_102_681_279_387_400
LOGGER_TIMES = LOGGED_NS + 10_054_500 * np.arange(300)


def logger_table(columns: Mapping[str, NDArray[np.float64]], times: NDArray[np.int64] = LOGGER_TIMES) -> bytes:
    """A file as Sensor Logger writes it."""
    rows = zip(times.tolist(), *columns.values(), strict=True)
    lines = [f"{time},{(time - LOGGED_NS) / 1e9},{','.join(map(written, values))}" for time, *values in rows]
    return "\n".join([f"time,seconds_elapsed,{','.join(columns)}", *lines, ""]).encode()


def logger_axes(samples: NDArray[np.float64], times: NDArray[np.int64] = LOGGER_TIMES) -> bytes:
    """A phone's file, whose axes stand the other way round."""
    return logger_table({axis: samples[:, "xyz".index(axis)] for axis in "zyx"}, times)


def logger_wrist(gravity: NDArray[np.float64], movement: NDArray[np.float64]) -> bytes:
    """A watch's file of motion."""
    groups = {"rotationRate": 0.1 * MS2, "gravity": gravity, "acceleration": movement}
    columns = {f"{name}{axis}": values[:, i] for name, values in groups.items() for i, axis in enumerate("XYZ")}
    return logger_table(columns | {f"quaternion{axis}": np.zeros(300) for axis in "WXYZ"})


def logger_metadata(platform: str = "ios", standardisation: str = "false", version: str = "1.64") -> bytes:
    """The file that says which device wrote the others."""
    names = "version,device name,recording epoch time,recording time,recording timezone,platform,appVersion,"
    values = f"3,Ann's phone,1719102681200,2024-06-23_00-31-21,Europe/Zurich,{platform},{version},"
    more = "device id,sensors,sampleRateMs,standardisation,platform version"
    return f"{names}{more}\n{values}abc,Accelerometer|Gravity,10|10,{standardisation},17.5".encode()


def _folder(files: Mapping[str, bytes], name: str = "2024-06-23_00-31-21", file: str = "", **options: Any) -> Input:
    """A folder of files, or one of the files in it."""

    def write(folder: Path) -> Path:
        (folder / name).mkdir()
        for each, data in files.items():
            (folder / name / each).write_bytes(data)
        return folder / name / file if file else folder / name

    return Input(write, options)


PHONE = {
    "Accelerometer.csv": logger_axes(MS2 - SLOW),
    "Gravity.csv": logger_axes(SLOW),
    "Gyroscope.csv": logger_axes(SLOW),
    "Metadata.csv": logger_metadata(),
    "Location.csv": b"time,seconds_elapsed,latitude\n",
}


def _sensor_logger() -> dict[str, Input]:
    watch = {"WristMotion.csv": logger_wrist(np.repeat([[0.0, 0.0, -1.0]], 300, axis=0), 0.01 * G)}
    gravity_ns = LOGGED_NS - 200_000_000 + 37_000_000 * np.arange(120)
    turning = np.array([0.3, -0.2, 9.8]) + np.arange(120)[:, None] * [0.001, 0.002, -0.001]
    order = np.random.default_rng(3).permutation(120)
    shuffled = np.random.default_rng(4).permutation(300)
    pauses = LOGGER_TIMES + 12_000_000_000 * (np.arange(300) // 200)
    return {
        "a phone's folder": _folder(PHONE),
        "a phone's folder, in Tokyo, named": _folder(PHONE, timezone="Asia/Tokyo", subject="cid"),
        "a phone's folder, numbered": _folder(PHONE, sample_rate_hz=50),
        "a phone's archive": content(zipped(PHONE), "ann.zip"),
        "a phone's archive with a folder in it": content(
            zipped({f"a day/{name}": data for name, data in PHONE.items()}), "bob.zip"
        ),
        "a phone's file": _folder(PHONE, file="Accelerometer.csv"),
        "gravity at times of its own": _folder(
            PHONE | {"Gravity.csv": logger_axes(turning[order], gravity_ns[order])}, "own"
        ),
        "gravity that ends early": _folder(
            PHONE | {"Gravity.csv": logger_axes(SLOW[:100], LOGGER_TIMES[:100])}, "short"
        ),
        "no gravity": content(PHONE["Accelerometer.csv"], "ann_Accelerometer.csv"),
        "a watch's file": content(watch["WristMotion.csv"], "WristMotion.csv", subject="ann"),
        "a watch's renamed file": content(watch["WristMotion.csv"], "monday.csv"),
        "a renamed file in m/s2": content(logger_axes(MS2), "tuesday.csv"),
        "a watch and its phone": _folder(watch | PHONE, "both"),
        "a watch without samples and its phone": _folder(
            PHONE | {"WristMotion.csv": watch["WristMotion.csv"].splitlines()[0] + b"\n"}, "both"
        ),
        "unordered": content(
            logger_axes(MS2[shuffled], LOGGER_TIMES[shuffled]), "TotalAcceleration.csv", subject="ann"
        ),
        "a gap": content(logger_axes(MS2, pauses), "TotalAcceleration.csv", subject="ann"),
        "gzipped": content(gzipped(logger_axes(MS2)), "wednesday.csv.gz"),
        "metadata that says nothing": _folder(PHONE | {"Metadata.csv": b"\xff\x00,\n"}, "silent"),
        "no such zone in the metadata": _folder(
            PHONE | {"Metadata.csv": logger_metadata().replace(b"Europe/Zurich", b"Europe/Nowhere")}, "nowhere"
        ),
    }


def _sensor_logger_signs() -> dict[str, Input]:
    cases: dict[str, tuple[str, NDArray[np.float64], tuple[str, ...] | None]] = {
        "iPhone, standardised": ("Accelerometer", MS2, ("ios", "true")),
        "Android": ("Accelerometer", MS2, ("android", "false")),
        "who knows": ("Accelerometer", MS2, None),
        "Android's total": ("TotalAcceleration", MS2, None),
        "iPhone, raw": ("AccelerometerUncalibrated", G, ("ios", "false")),
        "raw, m/s2": ("AccelerometerUncalibrated", MS2, None),
        "Apple Watch, raw": ("WatchAccelerometerUncalibrated", G, None),
        "Apple Watch, by an old app": ("WatchAccelerometerUncalibrated", G, ("ios", "true", "1.62")),
        "Wear OS": ("WatchAccelerometerUncalibrated", G, ("android", "true", "1.62")),
    }
    inputs = {}
    for name, (sensor, samples, about) in cases.items():
        files = {f"{sensor}.csv": logger_axes(samples)}
        if sensor == "Accelerometer":
            files = {"Accelerometer.csv": logger_axes(samples - SLOW), "Gravity.csv": logger_axes(SLOW)}
        if about:
            files["Metadata.csv"] = logger_metadata(*about)
        inputs[name] = _folder(files, "export")
    return inputs


def _sensor_logger_at_fault() -> dict[str, Input]:
    total = logger_axes(MS2)
    archive = bytearray(zipped({"TotalAcceleration.csv": total}))
    archive[6] |= 1  # the flag in front of the file, and the one in the table of contents
    archive[archive.rindex(b"PK\x01\x02") + 8] |= 1
    return {
        "gravity": content(logger_axes(SLOW), "Gravity.csv"),
        "rotation": content(logger_axes(SLOW), "ann_Gyroscope.csv"),
        "two recordings in an archive": content(
            zipped({f"{day}/TotalAcceleration.csv": total for day in ("mon", "tue")}), "week.zip"
        ),
        "two recordings in a folder": _folder(
            {"a_TotalAcceleration.csv": total, "b_TotalAcceleration.csv": total}, "both"
        ),
        "an empty folder": _folder({}, "empty"),
        "the notebook's format": table([HEADER, *notebook_lines(100)], "Accelerometer.csv"),
        "an archive that unpacks too well": content(
            zipped({"TotalAcceleration.csv": b"time,seconds_elapsed,z,y,x\n" + b"0" * (1 << 24)}), "bomb.zip"
        ),
        "an encrypted archive": content(bytes(archive), "secret.zip"),
        "an archive cut short": content(zipped(PHONE)[:-40], "ann.zip"),
        "a row cut short": content(total[:-20], "TotalAcceleration.csv", subject="ann"),
    }


BOOTED_S = 62_608.25
STEPS_S = np.arange(300) * 0.02
CLOCK = "accelerometerTimestamp_sinceReboot(s)"
LOGGED = "loggingTime(txt)"


def _logged(offsets_s: NDArray[np.floating], form: str = "%Y-%m-%dT%H:%M:%S.FFFZ") -> list[str]:
    start = datetime(2024, 8, 22, 12, 12, 7, 869_000, tzinfo=UTC)
    instants = [start + timedelta(milliseconds=round(1000 * offset)) for offset in offsets_s.tolist()]
    return [time.strftime(form).replace("FFF", f"{time.microsecond // 1000:03}") for time in instants]


def uptimes(offsets_s: NDArray[np.floating]) -> list[str]:
    """Seconds since the device was started."""
    return [f"{BOOTED_S + offset:.6f}" for offset in offsets_s]


def three(name: str, samples: NDArray[np.float64], unit: str = "G") -> dict[str, list[str]]:
    """The columns of the three axes of a sensor."""
    return {f"{name}{axis}({unit})": [written(value) for value in samples[:, i]] for i, axis in enumerate("XYZ")}


def _sensorlog() -> dict[str, Input]:
    def file(columns: Mapping[str, Sequence[str]], **options: Any) -> Input:
        return table([",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))], **options)

    time, uptime, total = {LOGGED: _logged(STEPS_S)}, {CLOCK: uptimes(STEPS_S)}, three("accelerometerAcceleration", G)
    still = np.repeat(G[100:101], 300, axis=0)
    apart = three("motionUserAcceleration", G - still) | three("motionGravity", still)
    motion = {"motionTimestamp_sinceReboot(s)": uptimes(STEPS_S)} | apart | three("motionRotationRate", G, "rad/s")
    slept = np.where(STEPS_S < 2, STEPS_S, STEPS_S + 60)
    holes = {name: [*values[:50], "null", *values[51:]] for name, values in (uptime | total).items()}
    local = {LOGGED: _logged(STEPS_S, "%Y-%m-%d %H:%M:%S.FFF")}
    return {
        "two clocks": file(time | uptime | total),
        "two clocks, named": file(time | uptime | total, subject="bob", timezone="Europe/Berlin"),
        "rotation": file(time | uptime | total | three("gyroRotation", G, "rad/s")),
        "local times, in Berlin": file(local | total, timezone="Europe/Berlin"),
        "local times": file(local | total),
        "gravity and movement": file(time | motion),
        "a total that is empty": file(time | {name: ["null"] * 300 for name in total} | motion),
        "the logger's clock alone": file(time | total),
        "the sensor's clock alone": file(uptime | total),
        "no clock": file(total),
        "no clock, numbered": file(total, sample_rate_hz=50),
        "clocks that part": file({LOGGED: _logged(slept)} | uptime | total),
        "a logger faster than its sensor": file(time | {CLOCK: uptimes(np.floor(STEPS_S / 0.1) * 0.1)} | total),
        "rows without a measurement": file(time | holes),
        "labels": file(time | total | {"label(N)": ["0"] * 120 + ["2"] * 180}),
        "movement alone": file(time | three("motionUserAcceleration", G)),
        "text in a row": file(time | {name: [*values[:9], "x", *values[10:]] for name, values in total.items()}),
    }
