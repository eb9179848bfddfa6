import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from command_line import Run
from research_watches import cwa_blocks, cwa_header

NEVER_RESTS = "The wearer never rests, so the unit of acceleration is uncertain"
START_MS = 1_519_170_400_000  # 2018-02-20 23:46:40 UTC


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A minute of walking and sitting in the notebook's format, with one wild value and a gap."""
    return write_recording(tmp_path / "anna.csv")


def write_recording(path: Path, *, label: str = "walking") -> Path:
    noise = np.random.default_rng(0).normal((0, 0, 9.81), 0.5, (1500, 3))
    labels = [label] * 700 + ["sitting"] * 700 + [""] * 100
    times = [START_MS + 40 * i + 60_000 * (i >= 1000) for i in range(1500)]
    rows = [
        [str(time), *(f"{value:.4f}" for value in values), "3", label]
        for time, values, label in zip(times, noise, labels, strict=True)
    ]
    rows[100][1] = "156.86"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Timestamp,X,Y,Z,P,Label\n" + "\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    return path


def test_json_is_ascii_and_keeps_labels_of_any_script(run_harken: Run, tmp_path: Path) -> None:
    finished = run_harken("inspect", "--json", write_recording(tmp_path / "a.csv", label='στέκεται "[x]"'))
    assert finished.stdout.isascii()
    assert 'στέκεται "[x]"' in json.loads(finished.stdout)[0]["labels"]


def test_the_page_is_plain_text_of_80_columns_in_a_pipe(run_harken: Run, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.csv", label="a whole sentence [/bold]")
    lines = run_harken("inspect", path).stdout.splitlines()
    assert lines[0] == str(path)
    assert max(map(len, lines[1:])) <= 80
    assert not any("\x1b" in line for line in lines)
    assert any("[/bold]" in line for line in lines)


def write_times(path: Path, time_pattern: str, *, start: datetime = datetime(2026, 11, 20, 14)) -> Path:
    """Write 20 seconds at 25 Hz as a German spreadsheet does. In the pattern, ``%f`` is a number of milliseconds."""
    lines = ["time;x;y;z"]
    for row in range(500):
        time = start + timedelta(milliseconds=40 * row)
        milliseconds = f"{time.microsecond // 1000:03}"
        lines.append(f"{time.strftime(time_pattern.replace('%f', milliseconds))};0,01;0,00{row % 7};1,0")
    path.write_text("\n".join([*lines, ""]))
    return path


@pytest.mark.parametrize(
    ("written", "time_format"),
    [
        ("%d.%m.%Y %H:%M:%S,%f", None),
        ("%d.%m.%Y %H:%M:%S,%f", "%d.%m.%Y %H:%M:%S,%f"),
        ("%d.%m.%Y %H:%M:%S,%f", "%d.%m.%Y %H:%M:%S%.f"),
        ("%d.%m.%Y %H:%M:%S,%f", "%d.%m.%Y %H:%M:%S,%3f"),
        ("%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f"),
        ("%Y.%m.%d %H:%M:%S.%f UTC", None),
        ("%d.%m.%Y %H.%M.%S,%f Uhr", None),
        ("%d %b %Y %H:%M:%S.%f", None),
        ("%m/%d/%Y %I:%M:%S.%f %p", None),
        ("%d/%m/%Y, %H:%M:%S.%f", None),
        ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S%.f"),
        ("%d.%m.%y %H:%M:%S,%f", "%d.%m.%y %H:%M:%S%.f"),
    ],
)
def test_times_are_read_as_spreadsheets_write_them(
    run_harken: Run, tmp_path: Path, written: str, time_format: str | None
) -> None:
    path = write_times(tmp_path / "anna.csv", written)
    option = ["--time-format", time_format] if time_format else []
    facts = json.loads(run_harken("inspect", path, "--json", *option).stdout)[0]
    assert facts["start"].startswith("2026-11-20T14:00:00")
    assert facts["sample_rate_hz"] == pytest.approx(25)


@pytest.mark.parametrize("option", [[], ["--time-format", "%d.%m.%Y %H:%M:%S%.f"]])
def test_whole_seconds_may_have_no_fraction(run_harken: Run, tmp_path: Path, option: list[str]) -> None:
    path = write_times(tmp_path / "anna.csv", "%d.%m.%Y %H:%M:%S,%f")
    path.write_text(path.read_text().replace(",000;", ";"))
    facts = json.loads(run_harken("inspect", path, "--json", *option).stdout)[0]
    assert facts["sample_rate_hz"] == pytest.approx(25)


@pytest.mark.parametrize(
    ("written", "time_format", "says"),
    [
        (
            "%d/%m/%Y %H:%M:%S,%f",
            None,
            "line 2: '05/11/2026 14:00:00,000' may begin with the day or with the month; give "
            "--time-format '%d/%m/%Y %H:%M:%S%.f' if the day is first, or '%m/%d/%Y %H:%M:%S%.f' if the month is",
        ),
        (
            "%d.%m.%Y %H:%M:%S,%f",
            "%d.%m.%Y %H:%M:%S%f",
            "--time-format '%d.%m.%Y %H:%M:%S%f': %f alone is not a fraction of a second; write %.f for a fraction "
            "with its point or comma, as in '%H:%M:%S%.f', or %3f for one of three digits",
        ),
        (
            "%d.%m.%Y %H:%M:%S,%f",
            "%d.%m.%Y %H:%M:%S",
            "line 2: '05.11.2026 14:00:00,000' is not a time in the form '%d.%m.%Y %H:%M:%S'; "
            "it is read without --time-format",
        ),
        (
            "%d.%m.%Y %H:%M",
            None,
            "line 2: '05.11.2026 14:00' has no seconds; save the table with times such as '05.11.2026 14:00:00.000', "
            "or number the rows with --rate HZ",
        ),
        (
            "%d.%m.%y %H:%M:%S,%f",
            None,
            "line 2: '05.11.26 14:00:00,000' has a year of two digits; give --time-format '%d.%m.%y %H:%M:%S%.f'",
        ),
        ("%H:%M:%S,%f", "%H:%M:%S%.f", "line 2: '14:00:00,000' has no date; add the date, or number the rows"),
    ],
)
def test_times_that_cannot_be_read_are_quoted_as_they_stand(
    run_harken: Run, tmp_path: Path, written: str, time_format: str | None, says: str
) -> None:
    path = write_times(tmp_path / "anna.csv", written, start=datetime(2026, 11, 5, 14))
    ended = run_harken("inspect", path, *(["--time-format", time_format] if time_format else []))
    assert (ended.exit_code, says in ended.stderr) == (2, True), ended.stderr
    assert "Warning" not in ended.stderr


def write_running(path: Path, *, per_g: float, gravity: float = 1.0) -> Path:
    """Write a minute of arms that swing in running, without any rest, with so many units per g."""
    seconds = np.arange(1500) / 25
    swing = 2.5 * np.sin(2 * np.pi * 2.7 * seconds)
    noise = np.random.default_rng(0).normal(0, 0.2, (1500, 3))
    g = noise + np.stack([gravity + swing, 0.3 * swing, 0 * swing], axis=1)
    rows = [f"{time:.2f},{x:.4f},{y:.4f},{z:.4f}" for time, (x, y, z) in zip(seconds, g * per_g, strict=True)]
    path.write_text("\n".join(["time,x,y,z", *rows, ""]))
    return path


@pytest.mark.parametrize(("unit", "per_g"), [("g", 1), ("m/s2", 9.80665), ("g/64", 64), ("mg", 1000)])
def test_the_unit_of_a_recording_without_rest_is_that_of_its_steady_part(
    run_harken: Run, tmp_path: Path, unit: str, per_g: float
) -> None:
    facts = json.loads(run_harken("inspect", write_running(tmp_path / "a.csv", per_g=per_g), "--json").stdout)[0]
    assert facts["file_acceleration_unit"] == unit
    assert any(f"{NEVER_RESTS}: it was read in {unit}, which gives 1." in note for note in facts["notes"])
    ended = run_harken("inspect", write_running(tmp_path / "b.csv", per_g=per_g, gravity=0))
    assert (ended.exit_code, "not gravity in any known unit" in ended.stderr) == (2, True), ended.stderr


def test_running_of_real_people_is_read_in_its_unit(run_harken: Run, data_dir: Path, tmp_path: Path) -> None:
    lines = (data_dir / "wisdm/raw/watch/accel/data_1603_accel_watch.txt").read_text().splitlines()
    in_metres = tmp_path / "1603.csv"
    in_metres.write_text("\n".join([*(line for line in lines if line.split(",")[1] == "B"), ""]))
    for path, unit in ((in_metres, "m/s2"), (data_dir / "selfback/raw_published/w/jogging/030.csv", "g")):
        facts = json.loads(run_harken("inspect", path, "--json").stdout)[0]
        assert facts["file_acceleration_unit"] == unit
        assert any(NEVER_RESTS in note for note in facts["notes"])


def test_a_table_of_several_people_is_a_row_for_each(run_harken: Run, recording: Path, tmp_path: Path) -> None:
    table, (header, *rows) = tmp_path / "study.csv", recording.read_text(encoding="utf-8").splitlines()
    wearers = [f"{row},{name}" for name, own in (("bob", rows), ("ann", rows[:750])) for row in own]
    table.write_text("\n".join([f"{header},subject", *wearers]) + "\n", encoding="utf-8")
    shown = run_harken("inspect", table)
    assert shown.stdout.splitlines()[0] == f"{table}: 2 recordings"
    assert re.search(r"^ann +30 s +25 +walking 93 %, sitting 7 % *$", shown.stdout, re.MULTILINE)
    assert re.search(r"^bob +1 min +25 +.* 47 %, unlabelled 7 % *$", shown.stdout, re.MULTILINE)
    assert re.search(r"^together +1 min 30 s ", shown.stdout, re.MULTILINE)
    assert [facts["rows"] for facts in json.loads(run_harken("inspect", "--json", table).stdout)] == [750, 1500]
    assert run_harken("inspect", table, "--subject", "ann").stdout.splitlines()[1].split() == ["subject", "ann"]
    drawn = run_harken("inspect", table, "--plot", tmp_path / "a.png")
    assert (drawn.exit_code, (tmp_path / "a.png").exists()) == (2, False)
    assert "contains 2 recordings; choose one to draw with --subject NAME" in drawn.stderr


def test_a_folder_is_all_recordings_in_it(run_harken: Run, tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        write_recording(tmp_path / "drawer" / name / "wrist.csv")
    (tmp_path / "drawer" / "notes.md").write_text("who wore which")
    ended = run_harken("inspect", "--json", tmp_path / "drawer", "--plot", tmp_path / "out")
    assert ended.exit_code == 0
    assert [facts["file"] for facts in json.loads(ended.stdout)] == [
        str(tmp_path / "drawer" / name / "wrist.csv") for name in ("p1", "p2")
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["p1_wrist.png", "p2_wrist.png"]
    assert "skipped, not a recording" in ended.stderr
    assert "notes.md" in ended.stderr


def test_what_a_watch_writes_beside_a_recording_is_left_out_unless_it_is_named(run_harken: Run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    recordings = [write_recording(study / name) for name in ("ACC.csv", "walk_tags.csv")]
    (study / "tags.csv").write_text("1644830599\n1644830945\n")
    (study / "S05-HR.csv").write_text("1644830599.0\n1.0\n71.5\n")
    (study / "S05_info.txt").write_text("The first row is the initial time, the second, the rate, in Hz.\nACC.csv\n")
    (study / "IBI.csv").touch()
    ended = run_harken("inspect", "--json", study)
    assert [facts["file"] for facts in json.loads(ended.stdout)] == list(map(str, recordings))
    assert ended.exit_code == 0
    assert ended.stderr.count("skipped, not a recording") == 1
    assert "IBI.csv and 3 more (beside a recording, without samples of x, y and z)" in ended.stderr
    named = run_harken("inspect", study / "tags.csv")
    assert named.exit_code == 2
    assert "tags.csv: it has no header and 1 column" in named.stderr


def test_a_drawer_with_a_file_of_sensor_loggers_is_no_export(run_harken: Run, data_dir: Path, tmp_path: Path) -> None:
    names = ["actfast_ax3.cwa", "sensorlogger_WristMotion.csv"]
    for name in names:
        shutil.copy(data_dir / "devices" / name, tmp_path)
    ended = run_harken("inspect", "--json", tmp_path)
    assert ended.exit_code == 0
    assert [Path(facts["file"]).name for facts in json.loads(ended.stdout)] == names


def test_plot_of_two_files_that_differ_in_their_ending(run_harken: Run, tmp_path: Path) -> None:
    files = [write_recording(tmp_path / name) for name in ("a.csv", "a.txt")]
    assert run_harken("inspect", *files, "--plot", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.csv.png", "a.txt.png"]


def test_a_picture_that_cannot_be_written_leaves_the_facts(run_harken: Run, recording: Path) -> None:
    folder = recording.parent / "pictures"
    (folder / f"{recording.stem}.png").mkdir(parents=True)
    finished = run_harken("inspect", "--json", recording, "--plot", folder)
    assert finished.exit_code == 2
    assert "cannot be written" in finished.stderr
    assert json.loads(finished.stdout)[0]["picture"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory of a shell is Linux's")
@pytest.mark.parametrize(
    ("blocks", "refusal"),
    [
        (150_000, r"must all be in memory, need about 0.\d GB of memory, and 0.\d GB are free; divide the file into"),
        (
            300_000,
            r"[\d,]+ bytes cannot hold 36,000,000 samples of a wearer, so it is damaged or repeats itself; copy it",
        ),
    ],
)
def test_a_recording_that_must_be_collected_is_refused_before_it_fills_the_memory(
    tmp_path: Path, blocks: int, refusal: str
) -> None:
    """One block of a watch again and again: 2 MB gzipped, and a gigabyte of samples out of order."""
    path = tmp_path / "repeated.cwa.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(cwa_header())
        for _ in range(blocks // 1000):
            file.write(1000 * cwa_blocks(1)[0])
    limited = "ulimit -v 900000; exec " + shlex.join([sys.executable, "-m", "harken", "inspect", str(path)])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    ended = subprocess.run(["sh", "-c", limited], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert re.search(f"repeated.cwa.gz: .*{refusal}", ended.stderr), ended.stderr
