"""From a file to its folder of results: a simulated day and its truth, days on which clocks change, a real sensor."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken
import people
from harken import read, sliding_windows
from harken.datasets.simulated import Simulation, truth_path, write_simulation
from harken.labelling.file import Stage, label_file
from harken.labelling.settings import LabelSettings
from harken.labelling.stored import read_summary
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import Fingerprints
from harken.signals import resample
from harken.support.errors import HarkenError

FILES = [
    *("averages.csv", "bouts.csv", "days.csv", "days_all.parquet", "hours.csv", "movement.parquet", "nights.csv"),
    *("nights.parquet", "quality.json", "report.html", "rhythm.csv", "rhythm.parquet", "summary.json"),
    "timeline.parquet",
]


@pytest.fixture(scope="session")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    """A small network that has learned one invented person, with windows of 10 s at 20 Hz."""
    path = people.write_person(tmp_path_factory.mktemp("model") / "alice.csv", 1, seconds=60)
    alice = resample(read(path), sample_rate_hz=20).select_channels(("x", "y", "z"))
    recipe = replace(people.SMALL_EVERYDAY, window_length=200)
    return Recogniser(recipe, epochs=2).fit(sliding_windows(alice, length_s=10, hop_s=1))


def test_a_simulated_day_against_its_truth(recogniser: Recogniser, tmp_path: Path) -> None:
    path = tmp_path / "sim.parquet"
    write_simulation(Simulation(days=1, sample_rate_hz=25, seed=4), path)
    stages: list[Stage] = []
    summary = label_file(path, model=recogniser, out=tmp_path / "out", on_stage=stages.append).summary
    assert stages == ["read", "movement", "label", "smooth", "outcomes", "write", "done"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == FILES
    assert read_summary(tmp_path / "out") == summary
    quality = json.loads((tmp_path / "out" / "quality.json").read_text())
    truth = pl.read_parquet(truth_path(path))
    seconds = (pl.col("end") - pl.col("start")).dt.total_nanoseconds() / 1e9

    wear_hours = truth.filter("wear", "recorded").select(seconds.sum()).item() / 3600
    days = pl.read_csv(tmp_path / "out" / "days.csv")
    assert days["date"].to_list() == ["2024-01-01"]
    assert days["wear_hours"][0] == pytest.approx(wear_hours, abs=0.25)
    assert quality["wear_hours"] == pytest.approx(wear_hours, abs=0.25)

    gaps = truth.with_columns(run=(pl.col("recorded") != pl.col("recorded").shift()).fill_null(True).cum_sum())
    gaps = (
        gaps.filter(~pl.col("recorded"))
        .group_by("run", maintain_order=True)
        .agg(pl.col("start").first(), pl.col("end").last())
    )
    assert quality["gaps"]["count"] == len(gaps) > 0
    for found, (start, end) in zip(quality["gaps"]["list"], gaps.select("start", "end").rows(), strict=True):
        assert abs((datetime.fromisoformat(found["start"]) - start).total_seconds()) < 1
        assert abs((datetime.fromisoformat(found["end"]) - end).total_seconds()) < 1
    assert quality["gaps"]["total"] == pytest.approx(gaps.select(seconds.sum()).item(), abs=len(gaps))

    frame = pl.read_parquet(tmp_path / "out" / "timeline.parquet")
    assert {"smoothed_lying", "probability_lying", "wear", "activity_mg"} <= set(frame.columns)
    movement = pl.read_parquet(tmp_path / "out" / "movement.parquet")
    assert movement.filter("wear")["valid_s"].sum() / 3600 == pytest.approx(quality["wear_hours"], abs=0.01)
    assert frame.filter(~pl.col("wear"))["label"].null_count() == len(frame.filter(~pl.col("wear"))) > 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "simulated-4-1" in page
    assert quality["made_up"]
    assert quality["placement"] == "unknown"
    assert summary["warnings"] == [
        "This wearer was simulated by harken simulate; nothing found here says anything about real people."
    ]
    assert summary["warnings"][0] in page[: page.index("Day by day")]
    assert len(page) < 3_000_000


@pytest.mark.second_stage
def test_every_complete_night_of_a_simulated_wearer_is_found(recogniser: Recogniser, tmp_path: Path) -> None:
    simulation = Simulation(days=4, sample_rate_hz=10, seed=6)
    write_simulation(simulation, tmp_path / "sim.parquet")
    label_file(tmp_path / "sim.parquet", model=recogniser, out=tmp_path / "out")
    truth = simulation.nights().filter("complete")
    nights = pl.read_csv(tmp_path / "out" / "nights.csv", try_parse_dates=True)
    found = nights.filter("complete")
    assert len(found) == len(truth) == 3
    for name in ("onset", "wake"):
        assert ((found[name] - truth[name]).dt.total_seconds().abs() <= 600).all()
    first = nights.row(0, named=True)  # the recording begins in this night
    assert (str(first["date"]), first["complete"]) == ("2023-12-31", False)


def test_a_diary_of_somebody_else_is_noted(recogniser: Recogniser, tmp_path: Path) -> None:
    diary = tmp_path / "diary.csv"
    diary.write_text("subject,date,onset,wake\nsomebody,2024-01-02,23:45,06:10\n")
    anna = people.write_person(tmp_path / "anna.csv", 1, seconds=60)
    labelled = label_file(anna, model=recogniser, settings=LabelSettings(diary=diary))
    note = f"the diary {diary} has no night of this recording of anna; it has nights of somebody"
    assert note in labelled.notes


@pytest.mark.second_stage
@pytest.mark.parametrize(
    ("day", "hours", "offsets"), [("2024-03-31", 23, ("+02:00", "+03:00")), ("2024-10-27", 25, ("+03:00", "+02:00"))]
)
def test_days_on_which_clocks_change(
    recogniser: Recogniser, tmp_path: Path, day: str, hours: int, offsets: tuple[str, str]
) -> None:
    rate_hz = 12
    start = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() - 4 * 3600
    rows = 34 * 3600 * rate_hz
    random = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "Timestamp": np.rint(1000 * (start + np.arange(rows) / rate_hz)).astype(np.int64),
            "X": random.normal(0, 0.3, rows).astype(np.float32),
            "Y": random.normal(0, 0.3, rows).astype(np.float32),
            "Z": random.normal(9.81, 0.3, rows).astype(np.float32),
        }
    )
    path = tmp_path / "anna.parquet"
    frame.write_parquet(path)
    settings = LabelSettings(csv=True, reading=TableOptions(timezone="Europe/Athens"))
    summary = label_file(path, model=recogniser, out=tmp_path / "out", settings=settings).summary
    days = pl.read_parquet(tmp_path / "out" / "days_all.parquet")
    assert str(days["date"][1]) == day
    assert days["seconds_in_day"][1] == 3600 * hours
    assert days["recorded_hours"][1] == pytest.approx(hours, abs=0.01)
    assert (summary["start"][-6:], summary["end"][-6:]) == offsets
    starts = pl.read_csv(tmp_path / "out" / "timeline.csv", columns=["start"])["start"]
    assert (starts[0][-6:], starts[-1][-6:]) == offsets


def test_a_sensor_at_the_end_of_its_range_is_marked_and_counted(recogniser: Recogniser, tmp_path: Path) -> None:
    path = people.write_person(tmp_path / "anna.csv", 1, seconds=120, bouts=("lying",))
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    column = next(position for position, name in enumerate(header) if name.lower() == "x")
    for first, count in ((600, 3), (1500, 200)):  # a peak cut off, and a stay
        for row in range(first, first + count):
            fields = lines[row].split(",")
            fields[column] = "19.6133"
            lines[row] = ",".join(fields)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    label_file(path, model=recogniser, out=tmp_path / "out")
    quality = json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))
    assert (quality["sensor_range_g"], quality["out_of_range"]) == (2, 0)
    assert (quality["at_range_end"], quality["clipped"]) == (203, 200)
    assert (quality["stated_rate_hz"], quality["clock_drift"]) == (None, None)
    frame = pl.read_parquet(tmp_path / "out" / "timeline.parquet")
    unsaid = frame.filter(pl.col("recorded") & pl.col("label").is_null())
    assert len(unsaid) == 1
    assert "3 samples in cut-off peaks, used" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_labelled_leaves_nothing_behind(recogniser: Recogniser, tmp_path: Path) -> None:
    path = people.write_person(tmp_path / "short.csv", 3, seconds=5, bouts=("lying",))
    with pytest.raises(HarkenError, match="it cannot be labelled"):
        label_file(path, model=recogniser, out=tmp_path / "out")
    path = people.write_person(tmp_path / "alice.csv", 2, seconds=60)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "timeline.parquet").write_text("half of one, of a run that was killed")

    def interrupt(stage: Stage) -> None:
        if stage == "write":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label_file(path, model=recogniser, out=tmp_path / "out", on_stage=interrupt)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["timeline.parquet"]
    label_file(path, model=recogniser, out=tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == FILES
    assert sorted(file.name for file in tmp_path.iterdir()) == ["alice.csv", "out", "short.csv"]


@pytest.mark.second_stage
@pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")
def test_a_real_sensor_worn_for_49_hours(recogniser: Recogniser, tmp_path: Path) -> None:
    path = Path(os.environ["HARKEN_DATA"]) / "devices" / "labda_ax3_49h.cwa"
    summary = label_file(path, model=recogniser, out=tmp_path / "out", cores=2).summary
    assert summary["sample_rate_hz"] == pytest.approx(24.42, abs=0.01)
    quality = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert quality["placement"] == "unknown"  # a thigh, in truth; its header says nothing
    assert quality["wrist_check"]["answer"] == "elsewhere"
    assert [warning for warning in summary["warnings"] if "not worn on a wrist" in warning] == summary["warnings"]
    warning = summary["warnings"][0].replace("--placement", '<span class="whole">--placement</span>')
    assert warning in (tmp_path / "out" / "report.html").read_text()
    insists = label_file(path, model=recogniser, settings=LabelSettings(placement="wrist"), cores=2)
    assert (insists.warnings, insists.quality.wrist_check, insists.quality.placement) == ((), None, "wrist")
    assert {"kind": "few_valid_days", "of_hours": 16.0, "days": 1} in quality["limits"]
    assert (quality["rows"], quality["stated_rate_hz"], quality["gaps"]["count"]) == (4_307_160, 25, 0)
    assert quality["calibration"]["applied"]
    assert quality["calibration"]["error_after_mg"] < 10 < quality["calibration"]["error_before_mg"]
    days = pl.read_parquet(tmp_path / "out" / "days_all.parquet")
    assert days["recorded_hours"].to_list() == pytest.approx([11.5, 24, 13.5], abs=0.02)


def test_the_share_that_was_used_for_training_is_that_of_the_whole_recording(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    alice, bob = ((people.write_person(tmp_path / f"{seed}.csv", seed)).read_text().splitlines() for seed in (1, 2))
    known = recogniser.with_fingerprints(Fingerprints.of([read(tmp_path / "1.csv")]))
    later = [f"{int(time) + 900_000},{rest}" for time, _, rest in (line.partition(",") for line in bob[1:])]
    path = tmp_path / "both.csv"
    path.write_text("\n".join([*alice[:1600], *later]) + "\n")
    share = label_file(path, model=known).quality.training_share
    assert share == known.trained_samples(read(path)).mean()
    assert share == pytest.approx(1600 / 4600, abs=0.1)
    assert label_file(path, model=recogniser).quality.training_share is None


@pytest.mark.parametrize("name", ["read", "inspect", "label_file", "evaluate"])
def test_a_table_in_place_of_a_path_is_refused_with_what_to_pass(name: str) -> None:
    table = pl.DataFrame({"x": [0.0]})
    arguments = ("packaged", table) if name == "evaluate" else (table,)
    with pytest.raises(TypeError, match=r"must be the path of a file, but got (DataFrame|Series); write a table"):
        getattr(harken, name)(*arguments)
